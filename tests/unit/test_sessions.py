"""
Sessions: opaque, digested, limited, and void when the version moves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uness_auth import Site, UnessAuth
from uness_auth.events import EventKind
from uness_auth.keys import token_digest
from uness_auth.model import Account, Client, Session
from uness_auth.outcomes import NotSignedIn, Resumed, SignedIn, SignInVetoed
from uness_auth.sessions import SessionKeeper
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@attrs.define
class Desk:
    """
    A keeper of sessions, and what it keeps.
    """

    clock: FixedClock
    is_joined: bool
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    log: EventLog = attrs.field(factory=EventLog)
    outbox: Outbox = attrs.field(factory=Outbox)
    may_sign_in: bool = True
    keeper: SessionKeeper = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """
        Wire the keeper, with an account.
        """
        self.storage.registry.apply([self.account()])
        auth = UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=self.storage.stores,
            mailer=self.outbox,
            may_sign_in=lambda _: self.may_sign_in,
            subscribers=[self.log],
            clock=self.clock,
        )
        joined = auth.sessions.joined if self.is_joined else None
        self.keeper = attrs.evolve(auth.sessions, joined=joined)

    def account(self) -> Account:
        """
        Return the account as it was made.
        """
        return Account(
            id="42",
            address="camille@example.fr",
            credential_version=7,
            created_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        )

    def open(self, client: Client = HERE, *, is_remembered: bool = False) -> str:
        """
        Open a session and return its token.
        """
        answer = self.keeper.open(
            self.account(), client, method="password", is_remembered=is_remembered
        )
        assert isinstance(answer, SignedIn)
        return answer.session_token

    def is_open(self, token: str) -> bool:
        """
        Say whether *token* opens something.
        """
        return isinstance(self.keeper.resume(token), Resumed)

    def subjects(self) -> list[str]:
        """
        Return the subjects of all that was mailed.
        """
        return [message["Subject"] for _, message in self.outbox.messages]

    def stored(self, token: str) -> Session:
        """
        Return what is stored of a session.
        """
        session = self.storage.sessions.by_digest(token_digest(token))
        assert session is not None
        return session


@pytest.fixture(name="desk", params=[True, False], ids=["joined", "two reads"])
def _desk(clock: FixedClock, request: pytest.FixtureRequest) -> Desk:
    """
    A keeper, over stores that join and over stores that do not.
    """
    return Desk(clock, request.param)


class TestOpen:
    def test_token_is_nowhere(self, desk: Desk) -> None:
        """
        The token has 256 bits, no two are equal, and only its digest is stored.
        """
        token, another = desk.open(), desk.open()

        assert 43 == len(token)
        assert token != another
        assert token not in str(attrs.asdict(desk.stored(token)))
        assert EventKind.SIGNED_IN is desk.log.kinds()[0]
        assert "password" == desk.log.events[0].method
        assert token not in str(desk.log.events)

    def test_under_the_version_that_was_checked(self, desk: Desk) -> None:
        """
        A version that moved after the check ends the session before it begins.
        """
        assert desk.storage.accounts.set_password("42", "clear:new", 7)

        assert not desk.is_open(desk.open())

    def test_veto(self, desk: Desk) -> None:
        """
        Where the host says no, nothing is stored.
        """
        desk.may_sign_in = False
        answer = desk.keeper.open(
            desk.account(), HERE, method="code", is_remembered=True
        )

        assert SignInVetoed() == answer
        assert [EventKind.SIGN_IN_VETOED] == desk.log.kinds()
        assert 0 == desk.storage.sessions.purge(desk.clock() + MINUTE, 9)


class TestResume:
    def test_who_and_what(self, desk: Desk) -> None:
        """
        An open session says whose it is.
        """
        token = desk.open()

        assert Resumed(
            account=desk.account(), session=desk.stored(token), is_recent=True
        ) == desk.keeper.resume(token)

    @given(st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text(self, desk: Desk, text: str) -> None:
        """
        P7: any other text opens nothing.
        """
        assert NotSignedIn() == desk.keeper.resume(text)

    def test_other_shapes_ask_no_store(self, desk: Desk) -> None:
        """
        What cannot be a token is refused before any read, to resume or to close.
        """
        unreadable: Any = None
        keeper = attrs.evolve(
            desk.keeper, accounts=unreadable, store=unreadable, joined=None
        )

        for text in ("", "A" * 42, "A" * 44, "é" * 43, "A" * 10**6):
            assert NotSignedIn() == keeper.resume(text)
            keeper.close(text, HERE)

    def test_look_alikes(self, desk: Desk) -> None:
        """
        The digest, the token and more, and a forged token open nothing.
        """
        token = desk.open()

        for other in (token_digest(token), token + "=", token + "\n", "A" * 43):
            assert NotSignedIn() == desk.keeper.resume(other)

    @pytest.mark.parametrize(
        ("is_remembered", "idle"), [(False, timedelta(hours=2)), (True, timedelta(14))]
    )
    def test_idle(self, desk: Desk, idle: timedelta, *, is_remembered: bool) -> None:
        """
        A session that is not used ends: after two hours, remembered after 14 days.
        """
        used = desk.open(is_remembered=is_remembered)
        unused = desk.open(is_remembered=is_remembered)
        desk.clock.tick(idle - SECOND)
        assert desk.is_open(used)
        desk.clock.tick(SECOND)

        assert desk.is_open(used)
        assert not desk.is_open(unused)

    @pytest.mark.parametrize(
        ("is_remembered", "absolute"),
        [(False, timedelta(hours=12)), (True, timedelta(30))],
    )
    def test_absolute(
        self, desk: Desk, absolute: timedelta, *, is_remembered: bool
    ) -> None:
        """
        P41: however much it is used it ends: after 12 hours, remembered after 30 days.
        """
        token, began = desk.open(is_remembered=is_remembered), desk.clock()
        while desk.clock() + timedelta(hours=1) < began + absolute:
            desk.clock.tick(timedelta(hours=1))
            assert desk.is_open(token)
        desk.clock.now = began + absolute - SECOND
        assert desk.is_open(token)
        desk.clock.tick()

        assert not desk.is_open(token)

    def test_touched_once_a_minute(self, desk: Desk) -> None:
        """
        Its use is written down once a minute, not at every request.
        """
        token, began = desk.open(), desk.clock()
        desk.clock.tick(MINUTE - SECOND)
        assert desk.is_open(token)
        assert began == desk.stored(token).last_seen_at
        desk.clock.tick(SECOND)
        assert desk.is_open(token)

        assert began + MINUTE == desk.stored(token).last_seen_at

    @pytest.mark.parametrize("how", ["password", "disabled", "erased"])
    def test_void(self, desk: Desk, how: str) -> None:
        """
        P38, P39: a new password, a disabled and an erased account end it at once.
        """
        token = desk.open()
        changes: dict[str, Callable[[], bool]] = {
            "password": lambda: desk.storage.accounts.set_password("42", "x", 7),
            # Even by a host that forgets to move the version.
            "disabled": lambda: desk.storage.registry.replace(
                attrs.evolve(desk.account(), is_disabled=True), 7
            ),
            "erased": lambda: desk.storage.registry.erase("42"),
        }

        assert changes[how]()
        assert NotSignedIn() == desk.keeper.resume(token)

    def test_closed_between_read_and_touch(self, desk: Desk) -> None:
        """
        A session closed while it was read stays closed.
        """
        token = desk.open()
        stale = desk.stored(token)
        desk.clock.tick(MINUTE)

        account = desk.account()
        desk.storage.sessions.close(stale.digest)
        late: Any = LateReads(desk.storage.sessions, stale, account)
        keeper = attrs.evolve(
            desk.keeper, store=late, joined=late if desk.is_joined else None
        )

        assert NotSignedIn() == keeper.resume(token)


@attrs.define
class LateReads:
    """
    A store whose reads are a moment old.
    """

    real: Any
    session: Session
    account: Account

    def by_digest(self, _: str, /) -> Session:
        """
        Return what was there.
        """
        return self.session

    def with_account(self, _: str, /) -> tuple[Session, Account]:
        """
        Return what was there.
        """
        return self.session, self.account

    def touch(self, digest: str, seen_at: datetime, /) -> bool:
        """
        Touch what is there now.
        """
        return bool(self.real.touch(digest, seen_at))


class TestClose:
    def test_once(self, desk: Desk) -> None:
        """
        Closed is closed, told once, and other sessions of the account go on.
        """
        token, other = desk.open(), desk.open()
        desk.keeper.close(token, HERE)
        desk.keeper.close(token, HERE)

        assert not desk.is_open(token)
        assert desk.is_open(other)
        assert 1 == desk.log.kinds().count(EventKind.SIGNED_OUT)
        assert "42" == desk.log.last(EventKind.SIGNED_OUT).account_id

    @given(st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text(self, desk: Desk, text: str) -> None:
        """
        To close what is no session does nothing.
        """
        desk.keeper.close(text, HERE)
        desk.keeper.close("A" * 43, HERE)

        assert EventKind.SIGNED_OUT not in desk.log.kinds()


class TestRecent:
    """
    Recent authentication: who it is was proven a moment ago, in this session.
    """

    def resumed(self, desk: Desk, token: str) -> Resumed:
        """
        Return what the token opens.
        """
        answer = desk.keeper.resume(token)
        assert isinstance(answer, Resumed)
        return answer

    def test_ten_minutes(self, desk: Desk) -> None:
        """
        A sign-in is recent for as long as the policy says, and then no more.
        """
        token = desk.open()
        desk.clock.tick(10 * MINUTE - SECOND)
        assert self.resumed(desk, token).is_recent
        desk.clock.tick(SECOND)
        assert not self.resumed(desk, token).is_recent

    def test_remembered_never_is(self, desk: Desk) -> None:
        """
        A remembered session never counts as recent, not even at once.
        """
        assert not self.resumed(desk, desk.open(is_remembered=True)).is_recent

    def test_asked_again(self, desk: Desk) -> None:
        """
        Whoever proves it again in their session stays remembered, and is recent.
        """
        first = desk.open(is_remembered=True)
        desk.clock.tick(5 * MINUTE)
        again = desk.open(client=attrs.evolve(HERE, session=first))
        resumed = self.resumed(desk, again)

        assert resumed.session.is_remembered
        assert resumed.is_recent
        assert not desk.is_open(first)

    def test_another_account_goes_on_with_nothing(self, desk: Desk) -> None:
        """
        Who signs in over somebody else's session inherits nothing, and ends it.
        """
        other = attrs.evolve(desk.account(), id="43", address="other@example.fr")
        desk.storage.registry.apply([other])
        answer = desk.keeper.open(other, HERE, method="code", is_remembered=True)
        assert isinstance(answer, SignedIn)
        mine = desk.open(client=attrs.evolve(HERE, session=answer.session_token))

        assert not self.resumed(desk, mine).session.is_remembered
        assert not desk.is_open(answer.session_token)

    def test_a_dead_session_proves_nothing(self, desk: Desk) -> None:
        """
        A remembered session that is over leaves nothing to go on with.
        """
        first = desk.open(is_remembered=True)
        desk.clock.tick(timedelta(days=31))
        again = desk.open(client=attrs.evolve(HERE, session=first))

        assert not self.resumed(desk, again).session.is_remembered


class TestNewDevice:
    def test_told_once(self, desk: Desk) -> None:
        """
        A browser that the account never used is told by mail; after that it is known.
        """
        first = desk.keeper.open(
            desk.account(), HERE, method="password", is_remembered=False
        )
        assert isinstance(first, SignedIn)
        assert ["Nouvelle connexion"] == desk.subjects()
        _ = desk.open(client=attrs.evolve(HERE, device=first.device))

        assert ["Nouvelle connexion"] == desk.subjects()
        assert 1 == desk.log.kinds().count(EventKind.NEW_DEVICE)

    def test_is_an_event_with_its_browser(self, desk: Desk) -> None:
        """
        The helpdesk reads in which browser somebody signed in.
        """
        _ = desk.open(client=attrs.evolve(HERE, browser="Firefox, Windows"))
        told = {event.kind: event.reason for event in desk.log.events}

        assert "Firefox, Windows" == told[EventKind.SIGNED_IN]
        assert "Firefox, Windows" == told[EventKind.NEW_DEVICE]

    def test_says_which_and_where(self, desk: Desk) -> None:
        """
        Time, browser family, rough place, and the way to close that session.
        """
        here = attrs.evolve(HERE, browser="Firefox, Windows")
        _ = desk.open(client=here)
        [(to, message)] = desk.outbox.messages
        part = message.get_body(("plain",))
        assert part is not None
        text = part.get_content().replace("\u00a0", " ")

        assert desk.account().address == to
        for fact in (
            "Quand : le 22 novembre 2026 à 14 h 32",
            "Navigateur : Firefox, Windows",
            "Réseau : 192.0.2.0/24",
            "http://localhost:8000/auth/account/sessions",
        ):
            assert fact in text
        assert "192.0.2.7" not in text

    def test_a_new_password_makes_no_stranger(self, desk: Desk) -> None:
        """
        Nothing is said that is not so: this browser was used before.
        """
        first = desk.keeper.open(
            desk.account(), HERE, method="password", is_remembered=False
        )
        assert isinstance(first, SignedIn)
        moved = attrs.evolve(desk.account(), credential_version=8)
        known = attrs.evolve(HERE, device=first.device)
        _ = desk.keeper.open(moved, known, method="password", is_remembered=False)

        assert 1 == len(desk.outbox.messages)

    def test_a_mail_server_that_is_down(self, desk: Desk) -> None:
        """
        Who has proven who they are is signed in, told or not; the operator learns it.
        """
        desk.outbox.is_down = True

        assert desk.is_open(desk.open())
        assert EventKind.MAIL_FAILED in desk.log.kinds()
        assert EventKind.MAIL_DROPPED in desk.log.kinds()

    def test_ends_the_wait(self, desk: Desk) -> None:
        """
        By whatever way: the host's own, too.
        """
        guard = desk.keeper.guard
        spender = guard.spender("42", desk.account(), HERE)
        for _ in range(5):
            _ = guard.take_password(spender)
        assert guard.look_password(spender) is not None
        _ = desk.open()

        assert guard.look_password(spender) is None
