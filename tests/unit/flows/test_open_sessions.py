"""
The signed-in person sees their sessions and closes them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import attrs
import pytest

from uness_auth import UnessAuth
from uness_auth.events import EventKind
from uness_auth.keys import token_digest
from uness_auth.model import Client
from uness_auth.outcomes import (
    NotRecent,
    NotSignedIn,
    Resumed,
    SessionsClosed,
    SessionsListed,
    SignedIn,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock


LAPTOP = Client(network="192.0.2.7", browser="Firefox, Windows")
PHONE = Client(network="2001:db8:1:2::/64", browser="Safari, iPhone")
WARD = Client(network="198.51.100.4")
DOMINIQUE = "dominique@univ-exemple.fr"


def signed_in(
    auth: UnessAuth, client: Client, *, is_remembered: bool = False
) -> Client:
    """
    Sign Dominique in, and return what the browser is then.
    """
    answer = auth.password_sign_in.sign_in(
        DOMINIQUE, "Sport-2026", client, is_remembered=is_remembered
    )
    assert isinstance(answer, SignedIn)
    return attrs.evolve(client, session=answer.session_token, device=answer.device)


def is_open(auth: UnessAuth, client: Client) -> bool:
    """
    Say whether the browser is signed in.
    """
    return isinstance(auth.sessions.resume(client.session), Resumed)


def shown(auth: UnessAuth, client: Client) -> SessionsListed:
    """
    Return the list as *client* sees it.
    """
    listed = auth.open_sessions.show(client)
    assert isinstance(listed, SessionsListed)
    return listed


class TestShow:
    def test_where_and_when(self, auth: UnessAuth, clock: FixedClock) -> None:
        """
        This one, then the others, the last used first, each recognisable.
        """
        laptop = signed_in(auth, LAPTOP)
        clock.tick(timedelta(minutes=5))
        signed_in(auth, WARD)
        clock.tick(timedelta(minutes=5))
        phone = signed_in(auth, PHONE)
        clock.tick(timedelta(minutes=5))
        assert is_open(auth, laptop)
        listed = shown(auth, phone)

        assert ("Safari, iPhone", "2001:db8:1::/48") == (
            listed.own.browser,
            listed.own.network,
        )
        assert [
            ("Firefox, Windows", "192.0.2.0/24"),
            ("", "198.51.100.0/24"),
        ] == [(one.browser, one.network) for one in listed.others]
        assert listed.others[0].last_seen_at > listed.others[1].last_seen_at
        assert listed.is_recent

    def test_only_open_ones(
        self, auth: UnessAuth, clock: FixedClock, storage: MemoryStorage
    ) -> None:
        """
        What is over or void opens nothing, and is not shown.
        """
        signed_in(auth, WARD)
        clock.tick(timedelta(hours=3))
        signed_in(auth, PHONE)
        account = storage.accounts.by_id("dominique")
        assert account is not None
        assert storage.accounts.set_password(
            "dominique", "clear:Sport-2026", account.credential_version
        )

        assert () == shown(auth, signed_in(auth, LAPTOP)).others

    def test_of_nobody_else(self, auth: UnessAuth, storage: MemoryStorage) -> None:
        """
        Sessions of other accounts are not listed.
        """
        laptop = signed_in(auth, LAPTOP)
        mine = storage.sessions.by_digest(token_digest(laptop.session))
        assert mine is not None
        storage.sessions.add(attrs.evolve(mine, digest="e" * 64, account_id="emmanuel"))

        assert () == shown(auth, laptop).others

    def test_not_recent(self, auth: UnessAuth, clock: FixedClock) -> None:
        """
        The list can be seen all day, and says that closing asks for a proof.
        """
        laptop = signed_in(auth, LAPTOP)
        clock.tick(timedelta(minutes=10))

        assert not shown(auth, laptop).is_recent
        assert not shown(auth, signed_in(auth, PHONE, is_remembered=True)).is_recent

    def test_nobody(self, auth: UnessAuth) -> None:
        """
        Who is not signed in has no list.
        """
        assert NotSignedIn() == auth.open_sessions.show(LAPTOP)

    def test_stores_that_cannot_list(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        Without the port nothing is offered; who asks all the same is told so.
        """
        auth = make_auth(stores=attrs.evolve(storage.stores, session_lists=None))
        laptop = signed_in(auth, LAPTOP)

        assert not auth.open_sessions.is_offered
        with pytest.raises(LookupError):
            auth.open_sessions.show(laptop)


class TestClose:
    def test_one(self, auth: UnessAuth, log: EventLog) -> None:
        """
        The one that was chosen, and no other.
        """
        laptop, phone, ward = (signed_in(auth, one) for one in (LAPTOP, PHONE, WARD))
        digest = token_digest(phone.session)

        assert SessionsClosed(number=1) == auth.open_sessions.close(digest, laptop)
        assert (True, False, True) == (
            is_open(auth, laptop),
            is_open(auth, phone),
            is_open(auth, ward),
        )
        assert EventKind.SESSIONS_REVOKED is log.kinds()[-1]
        assert SessionsClosed(number=0) == auth.open_sessions.close(digest, laptop)

    def test_not_its_own(self, auth: UnessAuth) -> None:
        """
        The session that asks is signed out elsewhere, by its own button.
        """
        laptop = signed_in(auth, LAPTOP)
        digest = token_digest(laptop.session)

        assert SessionsClosed(number=0) == auth.open_sessions.close(digest, laptop)
        assert is_open(auth, laptop)

    @pytest.mark.parametrize("digest", ["", "e" * 64, "É" * 10**5, "\x00"])
    def test_not_another_accounts(
        self, auth: UnessAuth, storage: MemoryStorage, digest: str
    ) -> None:
        """
        A digest of somebody else's session, or of none, closes nothing.
        """
        laptop = signed_in(auth, LAPTOP)
        mine = storage.sessions.by_digest(token_digest(laptop.session))
        assert mine is not None
        foreign = attrs.evolve(mine, digest="e" * 64, account_id="emmanuel")
        storage.sessions.add(foreign)

        assert SessionsClosed(number=0) == auth.open_sessions.close(digest, laptop)
        assert foreign == storage.sessions.by_digest("e" * 64)

    def test_all_others(self, auth: UnessAuth, log: EventLog) -> None:
        """
        Every other one, remembered ones too, at once; this one stays.
        """
        phone = signed_in(auth, PHONE, is_remembered=True)
        ward, laptop = signed_in(auth, WARD), signed_in(auth, LAPTOP)

        assert SessionsClosed(number=2) == auth.open_sessions.close_others(laptop)
        assert (True, False, False) == (
            is_open(auth, laptop),
            is_open(auth, phone),
            is_open(auth, ward),
        )
        assert "2 closed by their owner" == log.events[-1].reason
        assert SessionsClosed(number=0) == auth.open_sessions.close_others(laptop)

    def test_asks_for_a_proof(self, auth: UnessAuth, clock: FixedClock) -> None:
        """
        A laptop that was left open closes nothing.
        """
        phone, laptop = signed_in(auth, PHONE), signed_in(auth, LAPTOP)
        clock.tick(timedelta(minutes=10))
        digest = token_digest(phone.session)

        assert NotRecent() == auth.open_sessions.close(digest, laptop)
        assert NotRecent() == auth.open_sessions.close_others(laptop)
        assert is_open(auth, phone)

    def test_nobody(self, auth: UnessAuth) -> None:
        """
        Who is not signed in closes nothing.
        """
        phone = signed_in(auth, PHONE)
        digest = token_digest(phone.session)

        assert NotSignedIn() == auth.open_sessions.close(digest, LAPTOP)
        assert NotSignedIn() == auth.open_sessions.close_others(LAPTOP)
        assert is_open(auth, phone)

    def test_two_who_close_each_other(self, auth: UnessAuth) -> None:
        """
        Whoever was first stays; nobody is revived by a late look.
        """
        one, two = signed_in(auth, LAPTOP), signed_in(auth, PHONE)
        barrier = Barrier(2)

        def close(client: Client) -> object:
            barrier.wait()
            return auth.open_sessions.close_others(client)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(close, (one, two)))

        alive = [is_open(auth, client) for client in (one, two)]
        closed = [a.number for a in answers if isinstance(a, SessionsClosed)]
        assert 2 - sum(closed) == sum(alive)
