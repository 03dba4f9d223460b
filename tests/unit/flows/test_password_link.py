"""
S3 to S6: a link, asked for, opened, and used once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from uness_auth import HashingPolicy, MailError, Policy, UnessAuth
from uness_auth.addresses import AddressFault
from uness_auth.events import Event, EventKind
from uness_auth.model import Client, MailOrder, OrderKind
from uness_auth.outcomes import (
    AddressMalformed,
    AddressUnknown,
    Busy,
    LinkExpired,
    LinkInvalid,
    LinkOpened,
    LinkSent,
    LinkUsed,
    MailPaused,
    PasswordRefused,
    PasswordSet,
    SignedIn,
    Throttled,
    WrongPassword,
)
from uness_auth.policy import Budget, ThrottlePolicy
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
PHONE = Client(network="198.51.100.9")
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
EMMANUEL = "emmanuel@univ-exemple.fr"
NOBODY = "nobody@univ-exemple.fr"
FIRST, RESET = OrderKind.FIRST_LINK, OrderKind.RESET_LINK
GOOD = "Velo-Tandem-2026"
MINUTE = timedelta(minutes=1)


class Queue:
    """
    A queue that keeps orders, or is full.
    """

    def __init__(self, *, is_full: bool = False) -> None:
        self.orders: list[MailOrder] = []
        self.is_full = is_full

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*.
        """
        if self.is_full:
            msg = "the queue is full"
            raise MailError(msg)
        self.orders.append(order)


@attrs.frozen
class Desk:
    """
    A site, its mails and its events.
    """

    auth: UnessAuth
    outbox: Outbox
    log: EventLog


@pytest.fixture(name="desk")
def _desk(auth: UnessAuth, outbox: Outbox, log: EventLog) -> Desk:
    """
    The three together.
    """
    return Desk(auth, outbox, log)


def token_for(auth: UnessAuth, outbox: Outbox, address: str = CAMILLE) -> str:
    """
    Ask for a link and return its token, as mailed.
    """
    assert isinstance(auth.password_link.request(address, HERE), LinkSent)
    return outbox.link(address).rpartition("/")[2]


def use(auth: UnessAuth, token: str, password: str = GOOD) -> object:
    """
    Post one password twice.
    """
    return auth.password_link.set_password(token, password, password, PHONE)


def last_refusal(log: EventLog) -> tuple[str, str]:
    """
    Return account and private reason of the last link that was refused.
    """
    event: Event = log.last(EventKind.LINK_REFUSED)
    return event.account_id, event.reason


class TestRequest:
    def test_reset_link(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        An account with a password gets the link that replaces it.
        """
        answer = auth.password_link.request(DOMINIQUE, HERE)

        assert LinkSent(address=DOMINIQUE, kind=RESET) == answer
        assert "/link/r" in outbox.link(DOMINIQUE)

    def test_first_link(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        An account without one gets the link that creates it.
        """
        answer = auth.password_link.request(CAMILLE, HERE)

        assert LinkSent(address=CAMILLE, kind=FIRST) == answer
        assert "/link/f" in outbox.link(CAMILLE)

    def test_no_mail_to_unknown(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog
    ) -> None:
        """
        Unknown and disabled addresses are told so, and nobody is mailed.
        """
        assert AddressUnknown() == auth.password_link.request(NOBODY, HERE)
        assert AddressUnknown() == auth.password_link.request(EMMANUEL, HERE)
        assert AddressMalformed(fault=AddressFault.EMPTY) == auth.password_link.request(
            " ", HERE
        )
        assert [] == outbox.messages
        assert [EventKind.ADDRESS_UNKNOWN] * 2 == log.kinds()

    def test_paused(self, auth: UnessAuth, outbox: Outbox, clock: FixedClock) -> None:
        """
        Within a minute no second mail, and both times are told.
        """
        sent_at = clock()
        auth.password_link.request(DOMINIQUE, HERE)
        clock.tick(timedelta(seconds=5))

        assert MailPaused(
            sent_at=sent_at, until=sent_at + MINUTE, kind=RESET
        ) == auth.password_link.request(DOMINIQUE, PHONE)
        assert 1 == len(outbox.messages)

    def test_one_page_tells_nothing(
        self, make_auth: Callable[..., UnessAuth], outbox: Outbox
    ) -> None:
        """
        Where one page serves every address, all of them get one answer, twice.
        """
        queue = Queue()
        auth = make_auth(policy=Policy.strict(), queue=queue)
        for address in (CAMILLE, DOMINIQUE, EMMANUEL, NOBODY):
            first = auth.password_link.request(address, HERE)
            second = auth.password_link.request(address, HERE)

            assert LinkSent(address=address, kind=None) == first
            assert isinstance(second, MailPaused)
            assert second.kind is None
        assert [] == outbox.messages
        for order in queue.orders:
            auth.deliver(order)
        assert [CAMILLE, DOMINIQUE] == [to for to, _ in outbox.messages]

    def test_one_page_is_throttled(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        A network's budget of mails holds for every address alike.
        """
        policy = Policy.strict(
            throttle=ThrottlePolicy(
                tells_unknown=False, network_mails=Budget(1, timedelta(hours=1))
            )
        )
        auth = make_auth(policy=policy, queue=Queue())
        auth.password_link.request(NOBODY, HERE)

        for address in (CAMILLE, DOMINIQUE, EMMANUEL, NOBODY):
            assert isinstance(auth.password_link.request(address, HERE), Throttled)

    def test_failed_mail_costs_the_network_nothing(
        self, make_auth: Callable[..., UnessAuth], outbox: Outbox
    ) -> None:
        """
        A mail that did not leave is given back to account and network.
        """
        once = ThrottlePolicy(network_mails=Budget(1, timedelta(hours=1)))
        auth = make_auth(policy=Policy.uness(throttle=once))
        outbox.is_down = True
        with pytest.raises(MailError):
            auth.password_link.request(DOMINIQUE, HERE)
        outbox.is_down = False

        assert isinstance(auth.password_link.request(DOMINIQUE, HERE), LinkSent)

    def test_full_queue_gives_back(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        A queue that is full is an error, and spends nothing.
        """
        auth = make_auth(queue=Queue(is_full=True))

        for _ in range(20):
            with pytest.raises(MailError, match="full"):
                auth.password_link.request(DOMINIQUE, HERE)

    def test_failure_event_holds_no_address(
        self, make_auth: Callable[..., UnessAuth], log: EventLog
    ) -> None:
        """
        A mail server that repeats the address does not bring it into the events.
        """

        class Refusing(Outbox):
            def send(self, message: object, to: str, /) -> None:
                msg = f"550 <{to}>: no such mailbox"
                raise MailError(msg)

        with pytest.raises(MailError):
            make_auth(mailer=Refusing()).password_link.request(DOMINIQUE, HERE)
        reason = log.last(EventKind.MAIL_FAILED).reason

        assert "550 <d…@univ-exemple.fr>: no such mailbox" == reason


class TestOpen:
    def test_opens_and_opens_again(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog
    ) -> None:
        """
        Scanners may open a link as often as they like, from anywhere.
        """
        token = token_for(auth, outbox)
        opened = LinkOpened(address=CAMILLE, kind=FIRST)

        assert [opened] * 5 == [auth.password_link.open(token, PHONE) for _ in range(5)]
        assert PasswordSet() == use(auth, token)
        assert "first_link" == log.last(EventKind.LINK_OPENED).method

    def test_is_told_with_its_browser(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog
    ) -> None:
        """
        The helpdesk tells a person's browser from a scanner that names none.
        """
        token = token_for(auth, outbox)
        _ = auth.password_link.open(token, attrs.evolve(HERE, browser="Edge, Windows"))

        assert "Edge, Windows" == log.last(EventKind.LINK_OPENED).reason

    def test_speaks_the_accounts_language(
        self, auth: UnessAuth, outbox: Outbox, storage: MemoryStorage
    ) -> None:
        """
        Whoever opens the link, the page speaks the language the account chose.
        """
        account = storage.accounts.by_id("camille")
        assert account is not None
        english = attrs.evolve(account, language="en")
        assert storage.registry.replace(english, account.credential_version)
        token = token_for(auth, outbox)

        assert LinkOpened(
            address=CAMILLE, kind=FIRST, language="en"
        ) == auth.password_link.open(token, PHONE)
        assert PasswordSet(language="en") == use(auth, token)

    @given(st.text())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text_is_invalid(self, auth: UnessAuth, text: str) -> None:
        """
        P7: any other text is no link, to open or to use.
        """
        assert LinkInvalid() == auth.password_link.open(text, HERE)
        assert LinkInvalid() == use(auth, text)

    def test_expired(
        self, auth: UnessAuth, outbox: Outbox, clock: FixedClock, log: EventLog
    ) -> None:
        """
        A day, a minute of leeway, and the first link is told to be too old.
        """
        token = token_for(auth, outbox)
        clock.tick(timedelta(hours=24, minutes=1))

        assert LinkExpired(kind=FIRST) == auth.password_link.open(token, HERE)
        assert LinkExpired(kind=FIRST) == use(auth, token)
        assert ("camille", "LinkExpired") == last_refusal(log)

    def test_account_is_gone(
        self, auth: UnessAuth, outbox: Outbox, storage: MemoryStorage, log: EventLog
    ) -> None:
        """
        The link of an erased account says no more than that of a used one.
        """
        token = token_for(auth, outbox)
        assert storage.registry.erase("camille")

        assert LinkUsed(has_password=False) == auth.password_link.open(token, HERE)
        assert ("", "no such account") == last_refusal(log)


class TestSetPassword:
    def test_once(self, auth: UnessAuth, outbox: Outbox, log: EventLog) -> None:
        """
        P11: the link is used up by its password, and only by that.
        """
        token = token_for(auth, outbox)

        assert PasswordSet() == use(auth, token)
        assert LinkUsed(has_password=True) == use(auth, token, "Autre-2026-Mot")
        assert LinkUsed(has_password=True) == auth.password_link.open(token, HERE)
        assert ("camille", "credential version moved") == last_refusal(log)
        assert isinstance(sign_in(auth, CAMILLE, GOOD), SignedIn)
        assert [
            EventKind.LINK_ORDERED,
            EventKind.LINK_SENT,
            EventKind.LINK_USED,
            EventKind.PASSWORD_SET,
        ] == log.kinds()[:4]

    @pytest.mark.parametrize(
        ("password", "confirmation", "is_unmet"),
        [
            ("", "", True),
            ("", GOOD, True),
            (GOOD, "", False),
            (GOOD, GOOD.lower(), False),
            ("court", "court", True),
            ("a" * 100_000, "a" * 100_000, True),
            (GOOD + "\0", GOOD + "\0", True),
            (GOOD + "\ud800", GOOD + "\ud800", True),
            ("Camille-2026", "Camille-2026", True),
        ],
        ids=range(9),
    )
    def test_refused_keeps_the_link(
        self, desk: Desk, password: str, confirmation: str, *, is_unmet: bool
    ) -> None:
        """
        Empty, differing and weak passwords are refused, and the link still works.
        """
        token = token_for(desk.auth, desk.outbox)
        answer = desk.auth.password_link.set_password(
            token, password, confirmation, HERE
        )

        assert isinstance(answer, PasswordRefused)
        assert (is_unmet, password != confirmation) == (
            answer.unmet != (),
            answer.differs,
        )
        assert (CAMILLE, FIRST) == (answer.address, answer.kind)
        assert answer.differs is last_refusal(desk.log)[1].endswith("differs")
        assert PasswordSet() == use(desk.auth, token)

    def test_every_unmet_rule_is_named(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        All rules at once, so that nobody learns them one by one.
        """
        answer = use(auth, token_for(auth, outbox), "é")

        assert isinstance(answer, PasswordRefused)
        assert (
            "too_short",
            "no_uppercase",
            "no_lowercase",
            "no_digit",
            "no_special",
            "forbidden_character",
        ) == answer.unmet

    def test_older_links_live_until_one_is_used(
        self, auth: UnessAuth, outbox: Outbox, clock: FixedClock
    ) -> None:
        """
        Asking again voids nothing; the first link that is used voids the others.
        """
        older = token_for(auth, outbox)
        clock.tick(MINUTE)
        newer = token_for(auth, outbox)

        assert older != newer
        assert isinstance(auth.password_link.open(older, HERE), LinkOpened)
        assert PasswordSet() == use(auth, older)
        assert LinkUsed(has_password=True) == use(auth, newer)

    @pytest.mark.parametrize("how", ["sign_out", "disable"])
    def test_void_once_the_version_moved(
        self, auth: UnessAuth, outbox: Outbox, how: str
    ) -> None:
        """
        P17: what moves the version voids every link, and enabling again revives none.
        """
        token = token_for(auth, outbox)
        getattr(auth.provisioning, how)(CAMILLE)
        first = use(auth, token)
        auth.provisioning.enable(CAMILLE)

        assert LinkUsed(has_password=False) == first
        assert LinkUsed(has_password=False) == use(auth, token)

    def test_disabled_by_a_host_that_moves_no_version(
        self, auth: UnessAuth, outbox: Outbox, storage: MemoryStorage, log: EventLog
    ) -> None:
        """
        A disabled account's link opens nothing, whatever its version says.
        """
        token = token_for(auth, outbox)
        account = storage.accounts.by_id("camille")
        assert account is not None
        version = account.credential_version
        disabled = attrs.evolve(account, is_disabled=True)
        assert storage.registry.replace(disabled, version)

        assert LinkUsed(has_password=False) == auth.password_link.open(token, HERE)
        assert LinkUsed(has_password=False) == use(auth, token)
        assert ("camille", "the account is disabled") == last_refusal(log)

    def test_ends_sessions_and_the_wait(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        A new password ends open sessions, the wait, and the old password.
        """
        signed_in = sign_in(auth, DOMINIQUE, "Sport-2026")
        assert isinstance(signed_in, SignedIn)
        for _ in range(5):
            sign_in(auth, DOMINIQUE, "faux")
        assert isinstance(sign_in(auth, DOMINIQUE, "faux"), Throttled)

        assert PasswordSet() == use(auth, token_for(auth, outbox, DOMINIQUE))
        assert (
            "NotSignedIn"
            == type(auth.sessions.resume(signed_in.session_token)).__name__
        )
        assert WrongPassword() == sign_in(auth, DOMINIQUE, "Sport-2026")
        assert isinstance(sign_in(auth, DOMINIQUE, GOOD), SignedIn)

    def test_busy_keeps_the_link(
        self,
        make_auth: Callable[..., UnessAuth],
        outbox: Outbox,
        storage: MemoryStorage,
    ) -> None:
        """
        Where every slot is taken nothing is set, and the link works a moment later.
        """
        auth = make_auth(policy=one_slot())
        token = token_for(auth, outbox)
        with auth.password_link.slots.take() as is_taken:
            assert is_taken
            answer = use(auth, token)

        assert Busy(retry_after=timedelta(seconds=1)) == answer
        account = storage.accounts.by_id("camille")
        assert account is not None
        assert not account.has_password
        assert PasswordSet() == use(auth, token)

    def test_loser_of_a_race(
        self,
        make_auth: Callable[..., UnessAuth],
        outbox: Outbox,
        storage: MemoryStorage,
        log: EventLog,
    ) -> None:
        """
        P9: who hashes while another one's password is set is told that the link was
        used.
        """

        class Slow(FastHashing):
            def hash(self, password: str, /) -> str:
                account = storage.accounts.by_id("camille")
                assert account is not None
                assert storage.accounts.set_password(
                    "camille", "clear:first", account.credential_version
                )
                return super().hash(password)

        auth = make_auth(hashing=Slow())

        assert LinkUsed(has_password=True) == use(auth, token_for(auth, outbox))
        assert ("camille", "another one was first") == last_refusal(log)
        account = storage.accounts.by_id("camille")
        assert account is not None
        assert "clear:first" == account.password_hash


def one_slot() -> Policy:
    """
    Return a policy under which one hash runs and nobody waits.
    """
    return Policy.uness(
        hashing=HashingPolicy(
            memory_budget=64 * 1024 * 1024, queue_per_slot=0, longest_wait=timedelta(0)
        )
    )


def sign_in(auth: UnessAuth, address: str, password: str) -> object:
    """
    Sign in with a password.
    """
    return auth.password_sign_in.sign_in(address, password, PHONE, is_remembered=False)
