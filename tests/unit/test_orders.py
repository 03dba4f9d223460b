"""
Mail orders: within a budget, without a secret, and honest about what left.
"""

from __future__ import annotations

import re
import traceback
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, ClassVar

import attrs
import pytest

from uness_auth import MailError, Site, StorageError, UnessAuth
from uness_auth.errors import RecipientError
from uness_auth.events import EventKind
from uness_auth.model import Account, Client, MailOrder, OrderKind
from uness_auth.outcomes import AccountAdded, LinkSent
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
CAMILLE = "camille@univ-exemple.fr"


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


class QuotingMailer:
    """
    A mailer that raises what it should not, with the mail in it.
    """

    for_development_only: ClassVar[bool] = True

    def __init__(self) -> None:
        self.quoted = ""

    def send(self, message: EmailMessage, _to: str, /) -> None:
        """
        Quote the link of the mail.
        """
        self.quoted = re.findall(r"/link/(\S{20,})", str(body_of(message)))[0]
        raise ValueError(body_of(message))


def body_of(message: EmailMessage) -> str:
    """
    Return the text of a mail.
    """
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@attrs.frozen
class Desk:
    """
    A site with a queue, and one account.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    outbox: Outbox = attrs.field(factory=Outbox)
    queue: Queue = attrs.field(factory=Queue)
    log: EventLog = attrs.field(factory=EventLog)

    def wired(self) -> UnessAuth:
        """
        Wire the site.
        """
        return UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=self.storage.stores,
            mailer=self.outbox,
            queue=self.queue,
            keys=["first-key-of-the-tests-0123456789abcdef"],
            hashing=FastHashing(),
            subscribers=[self.log],
            clock=self.clock,
        )


@pytest.fixture(name="desk")
def _desk(clock: FixedClock) -> Desk:
    """
    Everything at hand.
    """
    return Desk(clock)


@pytest.fixture(name="auth")
def _auth(desk: Desk) -> UnessAuth:
    """
    The site, and Camille.
    """
    auth = desk.wired()
    added = auth.provisioning.add(CAMILLE, account_id="camille")
    assert isinstance(added, AccountAdded)
    desk.log.events.clear()
    return auth


class TestDeliver:
    def test_later(self, auth: UnessAuth, desk: Desk) -> None:
        """
        With a queue the request only orders; the worker composes and sends.
        """
        answer = auth.password_link.request(CAMILLE, HERE)

        assert isinstance(answer, LinkSent)
        assert [] == desk.outbox.messages
        assert [EventKind.LINK_ORDERED] == desk.log.kinds()
        auth.deliver(desk.queue.orders[0])
        assert [CAMILLE] == [to for to, _ in desk.outbox.messages]
        assert EventKind.LINK_SENT is desk.log.kinds()[-1]

    def test_twice_is_the_same_mail(self, auth: UnessAuth, desk: Desk) -> None:
        """
        A retry sends the same mail, to the byte.
        """
        auth.code_sign_in.begin(CAMILLE, HERE)
        (order,) = desk.queue.orders
        auth.deliver(order)
        desk.clock.tick(timedelta(seconds=30))
        auth.deliver(order)
        (_, first), (_, second) = desk.outbox.messages

        assert first.as_bytes() == second.as_bytes()

    def test_order_holds_no_secret(self, auth: UnessAuth, desk: Desk) -> None:
        """
        Neither link nor code can be read from what a queue keeps.
        """
        auth.password_link.request(CAMILLE, HERE)
        auth.code_sign_in.begin(CAMILLE, HERE)
        for order in desk.queue.orders:
            auth.deliver(order)
        kept = str([attrs.asdict(order) for order in desk.queue.orders])

        assert desk.outbox.code(CAMILLE) not in kept
        assert desk.outbox.link(CAMILLE).rpartition("/")[2] not in kept
        assert CAMILLE not in kept

    @pytest.mark.parametrize("kind", list(OrderKind))
    def test_too_old(self, auth: UnessAuth, desk: Desk, kind: OrderKind) -> None:
        """
        What has expired yields an event and no mail.
        """
        order = MailOrder(
            kind=kind,
            account_id="camille",
            credential_version=0,
            issued_at=desk.clock(),
            expires_at=desk.clock(),
        )
        auth.deliver(order)

        assert [] == desk.outbox.messages
        assert [EventKind.MAIL_DROPPED] == desk.log.kinds()
        assert "the order is too old" == desk.log.events[0].reason

    def test_account_changed_meanwhile(self, auth: UnessAuth, desk: Desk) -> None:
        """
        Nothing is mailed that could not be used any more.
        """
        auth.password_link.request(CAMILLE, HERE)
        auth.provisioning.sign_out(CAMILLE)
        auth.deliver(desk.queue.orders[0])

        assert [] == desk.outbox.messages
        assert "changed" in desk.log.last(EventKind.MAIL_DROPPED).reason

    def test_account_gone(self, auth: UnessAuth, desk: Desk) -> None:
        """
        An account erased meanwhile is mailed nothing.
        """
        auth.password_link.request(CAMILLE, HERE)
        assert desk.storage.registry.erase("camille")
        auth.deliver(desk.queue.orders[0])

        assert [] == desk.outbox.messages
        assert (
            "there is no such account" == desk.log.last(EventKind.MAIL_DROPPED).reason
        )

    def test_mailer_that_fails(self, auth: UnessAuth, desk: Desk) -> None:
        """
        The worker hears of a failure, an event is written, and a retry sends.
        """
        auth.password_link.request(CAMILLE, HERE)
        desk.outbox.is_down = True
        with pytest.raises(MailError):
            auth.deliver(desk.queue.orders[0])
        assert "the outbox is down" == desk.log.last(EventKind.MAIL_FAILED).reason
        desk.outbox.is_down = False
        auth.deliver(desk.queue.orders[0])

        assert 1 == len(desk.outbox.messages)

    def test_mailer_that_breaks(self, auth: UnessAuth, desk: Desk) -> None:
        """
        What a mailer raises that is no `MailError` is told by its kind and place, not
        in its words, which may quote the mail; the mail may be asked for again.  P19.
        """
        mailer = QuotingMailer()
        now = UnessAuth(
            site=auth.site,
            stores=desk.storage.stores,
            mailer=mailer,
            subscribers=[desk.log],
            clock=desk.clock,
        )

        for _ in range(2):
            with pytest.raises(MailError) as caught:
                _ = now.password_link.request(CAMILLE, HERE)
            told = "".join(traceback.format_exception(caught.value))
            assert re.fullmatch(
                r"QuotingMailer raised ValueError in send\(\), line \d+ of "
                r"test_orders\.py: let it raise MailError",
                str(caught.value),
            )
            assert mailer.quoted
            assert mailer.quoted not in told
            reason = desk.log.last(EventKind.MAIL_FAILED).reason
            assert str(caught.value) == reason

    def test_store_that_fails(self, auth: UnessAuth, desk: Desk) -> None:
        """
        A store that cannot be read is the worker's to hear of.
        """

        class Down:
            def by_id(self, account_id: str, /) -> None:
                raise StorageError

        auth.password_link.request(CAMILLE, HERE)
        down: Any = Down()
        desk.storage.stores = attrs.evolve(desk.storage.stores, accounts=down)

        with pytest.raises(StorageError):
            desk.wired().deliver(desk.queue.orders[0])


class TestInvite:
    def account(self, desk: Desk) -> Account:
        """
        Return Camille's account.
        """
        account = desk.storage.accounts.by_id("camille")
        assert account is not None
        return account

    def test_is_mailed_at_once(self, auth: UnessAuth, desk: Desk) -> None:
        """
        Queue or not, and its owner may ask for a link all the same.
        """
        assert auth.sessions.orders.invite(self.account(desk))

        assert [CAMILLE] == [to for to, _ in desk.outbox.messages]
        assert [] == desk.queue.orders
        assert [
            (EventKind.LINK_ORDERED, "invitation"),
            (EventKind.LINK_SENT, "invitation"),
        ] == [(event.kind, event.method) for event in desk.log.events]
        assert isinstance(auth.password_link.request(CAMILLE, HERE), LinkSent)

    def test_spends_no_budget(self, auth: UnessAuth, desk: Desk) -> None:
        """
        However often somebody is invited.
        """
        for _ in range(20):
            assert auth.sessions.orders.invite(self.account(desk))

        assert 20 == len(desk.outbox.messages)

    def test_of_who_changed_meanwhile(self, auth: UnessAuth, desk: Desk) -> None:
        """
        Nothing is mailed that could not be used.
        """
        before = self.account(desk)
        auth.provisioning.sign_out(CAMILLE)

        assert not auth.sessions.orders.invite(before)
        assert [] == desk.outbox.messages

    @pytest.mark.parametrize(
        ("is_final", "reason"),
        [(True, "recipient refused: 550"), (False, "450")],
    )
    def test_refused(
        self, auth: UnessAuth, desk: Desk, *, is_final: bool, reason: str
    ) -> None:
        """
        A refusal for good is told apart, and names no whole address.
        """

        class Refusing:
            def send(self, _message: EmailMessage, to: str, /) -> None:
                code = "550" if is_final else "450"
                msg = f"{code} {to}"
                raise RecipientError(msg, is_final=is_final)

        orders = attrs.evolve(auth.sessions.orders, mailer=Refusing())
        with pytest.raises(RecipientError):
            orders.invite(self.account(desk))

        failed = desk.log.last(EventKind.MAIL_FAILED)
        assert f"{reason} c…@univ-exemple.fr" == failed.reason


class TestNotice:
    def account(self, desk: Desk) -> Account:
        """
        Return Camille's account.
        """
        account = desk.storage.accounts.by_id("camille")
        assert account is not None
        return account

    def test_is_ordered_without_a_budget(self, auth: UnessAuth, desk: Desk) -> None:
        """
        Each is put into the queue, with what it tells and nothing that opens anything.
        """
        here = attrs.evolve(HERE, browser="Firefox, Windows", session="s" * 43)
        orders = auth.sessions.orders
        for _ in range(20):
            orders.notice(OrderKind.NEW_DEVICE, self.account(desk), here)

        assert 20 == len(desk.queue.orders)
        order = desk.queue.orders[0]
        assert ("Firefox, Windows", "192.0.2.0/24") == (order.browser, order.network)
        assert "s" * 43 not in repr(attrs.asdict(order))
        auth.deliver(order)
        assert EventKind.NOTICE_SENT is desk.log.kinds()[-1]

    def test_of_yesterday_is_dropped(self, auth: UnessAuth, desk: Desk) -> None:
        """
        A queue that was stuck for a day does not tell of it as of now.
        """
        auth.sessions.orders.notice(OrderKind.NEW_DEVICE, self.account(desk), HERE)
        desk.clock.tick(timedelta(days=1))
        auth.deliver(desk.queue.orders[0])

        assert [] == desk.outbox.messages

    @pytest.mark.parametrize("fault", [MailError, StorageError])
    def test_never_raises(
        self, auth: UnessAuth, desk: Desk, fault: type[Exception]
    ) -> None:
        """
        What it tells is done already: a queue that is full is the operator's to hear of.
        """

        class Full:
            def put(self, _order: MailOrder, /) -> None:
                raise fault

        full: Any = Full()
        orders = attrs.evolve(auth.sessions.orders, queue=full)
        orders.notice(OrderKind.PASSWORD_CHANGED, self.account(desk), HERE)

        dropped = desk.log.last(EventKind.MAIL_DROPPED)
        assert ("password_changed", fault.__name__) == (dropped.method, dropped.reason)
