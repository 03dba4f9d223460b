"""
First and last day: outside them an account is nobody's, at every step and at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from uness_auth import AddressPolicy, Policy, UnessAuth
from uness_auth.errors import MailError
from uness_auth.events import EventKind, closed_because
from uness_auth.model import Account, Client, MailOrder, OrderKind
from uness_auth.outcomes import (
    AddressUnknown,
    AskPassword,
    ChallengeGone,
    CodeSent,
    LinkOpened,
    LinkSent,
    LinkUsed,
    NotSignedIn,
    PasswordSet,
    Resumed,
    SignedIn,
    WrongCode,
    WrongPassword,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
RIGHT, NEW = "Sport-2026", "Velo-Tandem-2027"
PARIS = ZoneInfo("Europe/Paris")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

SetDays = Callable[..., None]


@pytest.fixture(name="set_days")
def _set_days(storage: MemoryStorage) -> SetDays:
    """
    Give an account its days, as a host may that moves no version.
    """

    def set_days(name: str = "dominique", **days: Any) -> None:
        account = storage.accounts.by_id(name)
        assert account is not None
        changed = attrs.evolve(account, **days)
        assert storage.registry.replace(changed, account.credential_version)

    return set_days


@pytest.fixture(name="end")
def _end(set_days: SetDays, clock: FixedClock) -> Callable[[], datetime]:
    """
    Let Dominique's and Camille's last day end in a second, and say when.
    """

    def end() -> datetime:
        at = clock() + SECOND
        for name in ("camille", "dominique"):
            set_days(name, valid_until=at)
        return at

    return end


def sign_in(auth: UnessAuth) -> object:
    """
    Sign Dominique in with the password.
    """
    return auth.password_sign_in.sign_in(DOMINIQUE, RIGHT, HERE, is_remembered=False)


def token(auth: UnessAuth, outbox: Outbox) -> str:
    """
    Have Camille mailed the first link, and return its token.
    """
    assert isinstance(auth.identify.begin(CAMILLE, HERE), LinkSent)
    return outbox.link(CAMILLE).rpartition("/")[2]


class TestBounds:
    @pytest.mark.parametrize(
        ("at", "is_open"), [(-SECOND, False), (0 * SECOND, True), (SECOND, True)]
    )
    def test_first_instant(
        self,
        auth: UnessAuth,
        set_days: SetDays,
        clock: FixedClock,
        at: timedelta,
        is_open: bool,
    ) -> None:
        """
        It opens at the first instant of its first day, by itself.
        """
        set_days(valid_from=clock() - at)

        identified = auth.identify.begin(DOMINIQUE, HERE)
        assert (
            AskPassword(address=DOMINIQUE) if is_open else AddressUnknown()
        ) == identified
        assert is_open == isinstance(sign_in(auth), SignedIn)

    @pytest.mark.parametrize(
        ("at", "is_open"), [(-SECOND, True), (0 * SECOND, False), (SECOND, False)]
    )
    def test_last_instant(
        self,
        auth: UnessAuth,
        set_days: SetDays,
        clock: FixedClock,
        at: timedelta,
        is_open: bool,
    ) -> None:
        """
        It is open until its last day ends, and not at that instant.
        """
        set_days(valid_until=clock() - at)

        identified = auth.identify.begin(DOMINIQUE, HERE)
        assert (
            AskPassword(address=DOMINIQUE) if is_open else AddressUnknown()
        ) == identified
        assert is_open == isinstance(sign_in(auth), SignedIn)

    @pytest.mark.parametrize(
        "day",
        [
            # The clocks of Paris go forward, and back: 23 hours, and 25.
            datetime(2026, 3, 29, tzinfo=PARIS),
            datetime(2026, 10, 25, tzinfo=PARIS),
            datetime(2026, 8, 31, tzinfo=PARIS),
        ],
    )
    def test_whole_days_of_paris(
        self, auth: UnessAuth, set_days: SetDays, clock: FixedClock, day: datetime
    ) -> None:
        """
        An account of one day is open for all of it, however many hours it has.
        """
        midnight, next_midnight = (
            one.astimezone(UTC) for one in (day, day + timedelta(days=1))
        )
        set_days(valid_from=midnight, valid_until=next_midnight)
        told = {}
        for at in (
            midnight - SECOND,
            midnight,
            # Of the day on which it comes twice, both.
            day.replace(hour=2, minute=30, fold=0).astimezone(UTC),
            day.replace(hour=2, minute=30, fold=1).astimezone(UTC),
            next_midnight - SECOND,
            next_midnight,
        ):
            clock.now = at
            told[at] = isinstance(auth.identify.begin(DOMINIQUE, HERE), AskPassword)

        assert {at: midnight <= at < next_midnight for at in told} == told
        assert timedelta(hours=23) <= next_midnight - midnight <= timedelta(hours=25)

    @pytest.mark.parametrize(
        ("days", "reason"),
        [
            ({}, ""),
            (
                {"valid_from": datetime(2026, 8, 31, 22, tzinfo=UTC)},
                "not open before 2026-08-31T22:00:00+00:00",
            ),
            (
                {"valid_until": datetime(2025, 8, 31, 22, tzinfo=UTC)},
                "closed since 2025-08-31T22:00:00+00:00",
            ),
            (
                {
                    "is_disabled": True,
                    "valid_until": datetime(2025, 8, 31, 22, tzinfo=UTC),
                },
                "the account is disabled",
            ),
        ],
    )
    def test_reason(self, days: dict[str, Any], reason: str) -> None:
        """
        Why it is closed is said with the instant; of an open one nothing is.
        """
        now = datetime(2026, 1, 1, tzinfo=UTC)
        account = Account(
            id="42", address=CAMILLE, credential_version=7, created_at=now
        )
        account = attrs.evolve(account, **days)

        assert reason == closed_because(account, now)
        assert (reason != "") == account.is_closed(now)


class TestUnknown:
    def test_every_question(
        self,
        auth: UnessAuth,
        set_days: SetDays,
        clock: FixedClock,
        outbox: Outbox,
        log: EventLog,
    ) -> None:
        """
        Whoever asks is told "unknown" and gets no mail; the events say why.
        """
        set_days(valid_until=clock())
        asked = (
            auth.identify.begin,
            auth.password_link.request,
            auth.code_sign_in.begin,
        )

        assert [AddressUnknown()] * 3 == [ask(DOMINIQUE, HERE) for ask in asked]
        assert [] == outbox.messages
        assert [("dominique", f"closed since {clock().isoformat()}")] * 3 == [
            (event.account_id, event.reason) for event in log.events
        ]

    def test_right_password(
        self, auth: UnessAuth, set_days: SetDays, clock: FixedClock, log: EventLog
    ) -> None:
        """
        Its password is as wrong as anybody's, and costs a decoy's work.
        """
        set_days(valid_from=clock() + SECOND)

        assert WrongPassword() == sign_in(auth)
        refused = log.last(EventKind.PASSWORD_REFUSED)
        assert "no account, or a closed one" == refused.reason

    def test_suggestion_is_as_of_anybody(
        self,
        make_auth: Callable[..., UnessAuth],
        set_days: SetDays,
        clock: FixedClock,
    ) -> None:
        """
        A closed account near a known domain is asked about like an unknown address.
        """
        known = AddressPolicy(known_domains=("univ-exemples.fr",))
        auth = make_auth(policy=Policy.uness(address=known))
        set_days(valid_until=clock())

        assert [
            AddressUnknown(suggestion=f"{name}@univ-exemples.fr")
            for name in ("dominique", "nobody")
        ] == [
            auth.identify.begin(f"{name}@univ-exemple.fr", HERE)
            for name in ("dominique", "nobody")
        ]


class TestLastDay:
    def test_ends_a_session(
        self, auth: UnessAuth, end: Callable[[], datetime], clock: FixedClock
    ) -> None:
        """
        A session that is open when the last day ends is over, for all it may do.
        """
        signed_in = sign_in(auth)
        assert isinstance(signed_in, SignedIn)
        browser = attrs.evolve(HERE, session=signed_in.session_token)
        end()
        assert isinstance(auth.sessions.resume(browser.session), Resumed)
        clock.tick()

        assert NotSignedIn() == auth.sessions.resume(browser.session)
        assert NotSignedIn() == auth.open_sessions.show(browser)
        assert NotSignedIn() == auth.open_sessions.close_others(browser)
        assert NotSignedIn() == auth.password_change.begin(browser)
        assert NotSignedIn() == auth.password_change.change(RIGHT, NEW, NEW, browser)

    def test_put_off_lets_the_session_go_on(
        self,
        auth: UnessAuth,
        end: Callable[[], datetime],
        set_days: SetDays,
        clock: FixedClock,
    ) -> None:
        """
        A last day moves no version: put off in time, it ends nothing.
        """
        signed_in = sign_in(auth)
        assert isinstance(signed_in, SignedIn)
        end()
        clock.tick()
        set_days(valid_until=clock() + DAY)

        assert isinstance(auth.sessions.resume(signed_in.session_token), Resumed)

    def test_refuses_a_link_that_was_mailed_before(
        self,
        auth: UnessAuth,
        end: Callable[[], datetime],
        clock: FixedClock,
        outbox: Outbox,
        log: EventLog,
    ) -> None:
        """
        A link of the last day opens until it ends, and sets no password after it.
        """
        link = token(auth, outbox)
        at = end()
        assert isinstance(auth.password_link.open(link, HERE), LinkOpened)
        clock.tick()

        gone = LinkUsed(has_password=False)
        assert gone == auth.password_link.open(link, HERE)
        assert gone == auth.password_link.set_password(link, NEW, NEW, HERE)
        refused = log.last(EventKind.LINK_REFUSED)
        assert ("camille", f"closed since {at.isoformat()}") == (
            refused.account_id,
            refused.reason,
        )
        assert EventKind.PASSWORD_SET not in log.kinds()

    def test_a_password_set_as_it_ends_opens_nothing(
        self,
        auth: UnessAuth,
        end: Callable[[], datetime],
        clock: FixedClock,
        outbox: Outbox,
    ) -> None:
        """
        A day that ends while the hash is made lets the password be set, and nobody in.
        """
        link = token(auth, outbox)
        end()
        hash_ = auth.password_link.hashing.hash

        class Slow:
            """
            A hasher that takes a second.
            """

            def hash(self, password: str, /) -> str:
                """
                Hash while the last day ends.
                """
                clock.tick()
                return hash_(password)

        slow = attrs.evolve(auth.password_link, hashing=Slow())  # type: ignore[arg-type] # asked for nothing else
        assert isinstance(slow.set_password(link, NEW, NEW, HERE), PasswordSet)

        assert AddressUnknown() == auth.identify.begin(CAMILLE, HERE)
        assert WrongPassword() == auth.password_sign_in.sign_in(
            CAMILLE, NEW, HERE, is_remembered=False
        )

    def test_refuses_a_code_that_was_mailed_before(
        self,
        auth: UnessAuth,
        end: Callable[[], datetime],
        clock: FixedClock,
        outbox: Outbox,
        log: EventLog,
    ) -> None:
        """
        A right code of the last day is wrong after it, and is not sent again.
        """
        begun = auth.code_sign_in.begin(DOMINIQUE, HERE)
        assert isinstance(begun, CodeSent)
        at = end()
        clock.tick(timedelta(minutes=1))

        assert WrongCode(attempts_left=4) == auth.code_sign_in.confirm(
            begun.challenge_id, outbox.code(DOMINIQUE), HERE
        )
        refused = log.last(EventKind.CODE_REFUSED)
        assert ("dominique", f"closed since {at.isoformat()}") == (
            refused.account_id,
            refused.reason,
        )
        assert ChallengeGone() == auth.code_sign_in.resend(begun.challenge_id, HERE)
        assert 1 == outbox.count(DOMINIQUE)

    @pytest.mark.parametrize("kind", [OrderKind.FIRST_LINK, OrderKind.NEW_DEVICE])
    def test_drops_a_mail_that_waits(
        self,
        auth: UnessAuth,
        end: Callable[[], datetime],
        clock: FixedClock,
        log: EventLog,
        kind: OrderKind,
    ) -> None:
        """
        An order that a queue holds until the day is over yields an event, and no mail.
        """
        account = auth.identify.directory.active(CAMILLE)
        assert account is not None
        order = MailOrder(
            kind=kind,
            account_id=account.id,
            credential_version=account.credential_version,
            issued_at=clock(),
            expires_at=clock() + DAY,
        )
        at = end()
        auth.deliver(order)
        assert EventKind.MAIL_DROPPED not in log.kinds()
        clock.tick()
        auth.deliver(order)

        dropped = log.last(EventKind.MAIL_DROPPED)
        assert f"closed since {at.isoformat()}" == dropped.reason

    def test_that_ends_before_the_mail_is_composed(
        self,
        make_auth: Callable[..., UnessAuth],
        end: Callable[[], datetime],
        clock: FixedClock,
    ) -> None:
        """
        No page says that a mail left where the day ended before it was composed.
        """
        auth = make_auth()
        auth.subscribe(lambda _: clock.tick())
        end()

        with pytest.raises(MailError, match="changed"):
            auth.identify.begin(CAMILLE, HERE)


class TestAgain:
    def test_reopened(
        self, auth: UnessAuth, set_days: SetDays, clock: FixedClock
    ) -> None:
        """
        Where its days are another year's, the account is there again as it was.
        """
        set_days(valid_until=clock())
        assert AddressUnknown() == auth.identify.begin(DOMINIQUE, HERE)

        set_days(valid_from=clock(), valid_until=clock() + DAY)

        assert AskPassword(address=DOMINIQUE) == auth.identify.begin(DOMINIQUE, HERE)
        assert isinstance(sign_in(auth), SignedIn)
