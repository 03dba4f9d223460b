"""
S1: an address, and the way it leads to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from uness_auth import MailError, Policy, ThrottlePolicy, UnessAuth
from uness_auth.addresses import AddressFault
from uness_auth.events import Event, EventKind
from uness_auth.model import Client, MailOrder, OrderKind
from uness_auth.outcomes import (
    AddressMalformed,
    AddressUnknown,
    AskAnyWay,
    AskPassword,
    LinkSent,
    MailPaused,
    Scope,
    Throttled,
)
from uness_auth.policy import Budget
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
EMMANUEL = "emmanuel@univ-exemple.fr"
NOBODY = "nobody@univ-exemple.fr"


class Queue:
    """
    A queue that keeps orders.
    """

    def __init__(self) -> None:
        self.orders: list[MailOrder] = []

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*.
        """
        self.orders.append(order)


class TestBegin:
    def test_password_is_asked(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        An account with a password is asked for it, under its canonical address.
        """
        answer = auth.identify.begin(f"  {DOMINIQUE.upper()} ", HERE)

        assert AskPassword(address=DOMINIQUE) == answer
        assert [] == outbox.messages

    def test_first_link_is_sent(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog
    ) -> None:
        """
        An account without a password is mailed its first link, to the stored address.
        """
        answer = auth.identify.begin(CAMILLE.title(), HERE)

        assert LinkSent(address=CAMILLE, kind=OrderKind.FIRST_LINK) == answer
        assert [CAMILLE] == [to for to, _ in outbox.messages]
        assert [EventKind.LINK_ORDERED, EventKind.LINK_SENT] == log.kinds()

    def test_twice_within_a_minute(
        self, auth: UnessAuth, outbox: Outbox, clock: FixedClock
    ) -> None:
        """
        A second mail is not sent within a minute, and the answer has both times.
        """
        sent_at = clock()
        auth.identify.begin(CAMILLE, HERE)
        clock.tick(timedelta(seconds=59))

        assert MailPaused(
            sent_at=sent_at,
            until=sent_at + timedelta(minutes=1),
            kind=OrderKind.FIRST_LINK,
        ) == auth.identify.begin(CAMILLE, HERE)
        assert 1 == len(outbox.messages)

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            (NOBODY, ("", "n…@univ-exemple.fr", "no account")),
            (EMMANUEL, ("emmanuel", "e…@univ-exemple.fr", "the account is disabled")),
        ],
    )
    def test_unknown_and_disabled_are_one(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog, address: str, said: object
    ) -> None:
        """
        The visitor is told "unknown" and gets no mail; the event says which it is.
        """
        answer = auth.identify.begin(address, HERE)
        event = log.last(EventKind.ADDRESS_UNKNOWN)

        assert AddressUnknown() == answer
        assert [] == outbox.messages
        assert said == (event.account_id, event.address, event.reason)

    def test_malformed(self, auth: UnessAuth, log: EventLog) -> None:
        """
        What is no address is told with its fault, and spends nothing.
        """
        answer = auth.identify.begin("dominique", HERE)

        assert AddressMalformed(fault=AddressFault.INCOMPLETE) == answer
        assert [] == log.events

    def test_one_page_once_the_network_has_asked_enough(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog
    ) -> None:
        """
        After thirty unknown addresses that network is told of no address any more.
        """
        for number in range(30):
            unknown = auth.identify.begin(f"{number}@univ-exemple.fr", HERE)
            assert isinstance(unknown, AddressUnknown)

        for address in (CAMILLE, DOMINIQUE, EMMANUEL, NOBODY):
            assert AskAnyWay(address=address) == auth.identify.begin(address, HERE)
        assert [] == outbox.messages
        assert EventKind.THROTTLED is log.kinds()[-1]

    def test_known_addresses_spend_nothing(self, auth: UnessAuth) -> None:
        """
        A lecture hall may type known addresses all day.
        """
        for _ in range(100):
            answer = auth.identify.begin(DOMINIQUE, HERE)
            assert isinstance(answer, AskPassword)

    def test_strict_says_nothing(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        Under the strict policy every address leads to one page.
        """
        auth = make_auth(policy=Policy.strict(), queue=Queue())

        for address in (CAMILLE, DOMINIQUE, EMMANUEL, NOBODY):
            assert AskAnyWay(address=address) == auth.identify.begin(address, HERE)

    def test_network_that_asks_for_too_many_mails(
        self, make_auth: Callable[..., UnessAuth], outbox: Outbox
    ) -> None:
        """
        A network that spent its mails is throttled, and nothing is sent.
        """
        once = ThrottlePolicy(network_mails=Budget(1, timedelta(hours=1)))
        auth = make_auth(policy=Policy.uness(throttle=once))
        auth.password_link.request(DOMINIQUE, HERE)
        answer = auth.identify.begin(CAMILLE, HERE)

        assert isinstance(answer, Throttled)
        assert Scope.NETWORK_MAILS is answer.scope
        assert 1 == len(outbox.messages)

    def test_mailer_that_fails(
        self, auth: UnessAuth, outbox: Outbox, log: EventLog
    ) -> None:
        """
        A mail that does not leave is an error, and may be asked for again at once.
        """
        outbox.is_down = True
        with pytest.raises(MailError):
            auth.identify.begin(CAMILLE, HERE)
        outbox.is_down = False

        assert isinstance(auth.identify.begin(CAMILLE, HERE), LinkSent)
        assert [
            EventKind.LINK_ORDERED,
            EventKind.MAIL_FAILED,
            EventKind.LINK_ORDERED,
            EventKind.LINK_SENT,
        ] == log.kinds()

    def test_account_erased_before_it_is_mailed(
        self, make_auth: Callable[..., UnessAuth], storage: MemoryStorage
    ) -> None:
        """
        An account erased between look-up and mail leads to no page that says "sent".
        """

        def erase(_: Event) -> None:
            storage.registry.erase("camille")

        auth, log = make_auth(), EventLog()
        auth.subscribe(log)
        auth.subscribe(erase)

        with pytest.raises(MailError, match="changed"):
            auth.identify.begin(CAMILLE, HERE)
        assert EventKind.MAIL_DROPPED is log.kinds()[-1]
