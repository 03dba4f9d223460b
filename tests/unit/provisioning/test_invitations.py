"""
The first-link campaign: paced, nobody twice, and honest about who was not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from threading import Barrier
from typing import Any, ClassVar

import attrs
import pytest

from uness_auth import Site, UnessAuth
from uness_auth.errors import (
    ConfigurationError,
    MailError,
    RecipientError,
    StorageError,
)
from uness_auth.events import EventKind
from uness_auth.model import Client
from uness_auth.outcomes import AccountAdded, LinkSent
from uness_auth.provisioning import Became, Campaign, InvitationReport, Invited
from uness_auth.provisioning.invitations import (
    CHANGED,
    HELD,
    MOST_REFUSED_IN_A_ROW,
    PAGE,
    WAITS,
    Pace,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


HERE = Client(network="192.0.2.7")
DAY = timedelta(days=1)


class Server:
    """
    A mail server that refuses, defers and goes away as it is told.
    """

    for_development_only: ClassVar[bool] = True

    def __init__(self) -> None:
        self.mailed: list[str] = []
        self.tried: list[str] = []
        self.faults: dict[str, list[Exception]] = {}
        self.meanwhile: Callable[[str], object] = lambda _: None

    def send(self, _message: EmailMessage, to: str, /) -> None:
        """
        Take the mail, or raise the next fault of this address.
        """
        self.tried.append(to)
        self.meanwhile(to)
        if self.faults.get(to):
            raise self.faults[to].pop(0)
        self.mailed.append(to)


class Waits:
    """
    A clock and a sleep that take no time.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """
        Return the seconds.
        """
        return self.now

    def sleep(self, seconds: float) -> None:
        """
        Let them pass.
        """
        self.slept.append(seconds)
        self.now += seconds


@attrs.define
class Desk:
    """
    A registrar with a mail server.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    server: Server = attrs.field(factory=Server)
    log: EventLog = attrs.field(factory=EventLog)
    waits: Waits = attrs.field(factory=Waits)

    def auth(self, **given: Any) -> UnessAuth:
        """
        Wire the site, as another process would.
        """
        usual: dict[str, Any] = {
            "site": Site(base_url="http://localhost"),
            "stores": self.storage.stores,
            "mailer": self.server,
            "keys": ["first-key-of-the-tests-0123456789abcdef"],
            "hashing": FastHashing(),
            "subscribers": [self.log],
            "clock": self.clock,
        }
        return UnessAuth(**(usual | given))

    def add(self, *names: str, **facts: Any) -> list[str]:
        """
        Add accounts; return their addresses.
        """
        auth = self.auth()
        addresses = [f"{name}@univ-exemple.fr" for name in names]
        for name, address in zip(names, addresses, strict=True):
            added = auth.provisioning.add(address, account_id=name)
            assert isinstance(added, AccountAdded)
            account = added.account
            changed = attrs.evolve(account, **facts)
            assert self.storage.registry.replace(changed, account.credential_version)
        return addresses

    def campaign(self, remind_after: timedelta | None = None, **given: Any) -> Campaign:
        """
        Return a campaign that takes no time.
        """
        return self.auth(**given).provisioning.campaign(
            remind_after=remind_after,
            monotonic=self.waits.monotonic,
            sleep=self.waits.sleep,
        )

    def invite(
        self,
        addresses: Iterable[str] | None = None,
        remind_after: timedelta | None = None,
    ) -> InvitationReport:
        """
        Run one.
        """
        campaign = self.campaign(remind_after)
        return campaign.run(campaign.plan(addresses))


@pytest.fixture(name="desk")
def _desk(clock: FixedClock) -> Desk:
    """
    Nobody yet.
    """
    return Desk(clock)


class TestWho:
    def test_everybody_without_a_password(self, desk: Desk) -> None:
        """
        Open accounts without a password are mailed; the others are counted.
        """
        addresses = desk.add("ada", "bea")
        desk.add("cleo", password_hash="clear:x")
        desk.add("dora", is_disabled=True)
        desk.add("edna", valid_from=desk.clock() + DAY)
        desk.add("fred", valid_until=desk.clock())
        report = desk.invite()

        assert addresses == desk.server.mailed
        assert {Became.MAILED: 2, Became.ACTED: 1, Became.CLOSED: 3} == report.figures
        assert report.is_complete

    def test_more_than_a_page(self, desk: Desk) -> None:
        """
        However many there are.
        """
        desk.add(*(f"a{number:04}" for number in range(PAGE + 1)))

        assert PAGE + 1 == len(desk.campaign().plan().invitees)
        assert [] == desk.server.tried

    def test_by_address(self, desk: Desk) -> None:
        """
        Only these, once each; who has no account is named.
        """
        ada, _ = desk.add("ada", "bea")
        report = desk.invite([ada.upper(), ada, "nobody@univ-exemple.fr", "ada@"])

        assert [ada] == desk.server.mailed
        assert {Became.MAILED: 1, Became.UNKNOWN: 2} == report.figures
        assert [
            Invited(address="nobody@univ-exemple.fr", became=Became.UNKNOWN),
            Invited(address="ada@", became=Became.UNKNOWN),
        ] == list(report.named)
        assert not report.is_complete

    def test_asked_for_it_themselves(self, desk: Desk) -> None:
        """
        Whoever has a link of their own asking is not mailed another.
        """
        (ada,) = desk.add("ada")
        assert isinstance(desk.auth().password_link.request(ada, HERE), LinkSent)

        assert {Became.INVITED: 1} == desk.invite().figures


class TestTwice:
    def test_nobody_is_mailed_twice(self, desk: Desk) -> None:
        """
        Run again, a campaign mails only who is new.
        """
        desk.add("ada")
        desk.invite()
        desk.clock.tick(30 * DAY)
        (bea,) = desk.add("bea")
        report = desk.invite()

        assert {Became.MAILED: 1, Became.INVITED: 1} == report.figures
        assert bea == desk.server.mailed[-1]

    def test_goes_on_after_a_kill(self, desk: Desk) -> None:
        """
        Killed between any two mails, it goes on with the next person.
        """
        addresses = desk.add("ada", "bea", "cleo")

        def killed(_: Invited) -> None:
            raise KeyboardInterrupt

        campaign = desk.campaign()
        with pytest.raises(KeyboardInterrupt):
            campaign.run(campaign.plan(), killed)
        desk.invite()

        assert addresses == desk.server.mailed

    def test_killed_within_a_mail(self, desk: Desk) -> None:
        """
        Whom it was mailing is held for some minutes, said so, and mailed after them.
        """
        ada, bea = desk.add("ada", "bea")
        desk.server.faults = {ada: [KeyboardInterrupt()]}  # type: ignore[list-item]  # no Exception, as a kill is none
        with pytest.raises(KeyboardInterrupt):
            desk.invite()
        again = desk.invite()

        assert {Became.HELD: 1, Became.MAILED: 1} == again.figures
        assert [bea] == desk.server.mailed
        desk.clock.tick(HELD)
        assert {Became.INVITED: 1, Became.MAILED: 1} == desk.invite().figures

    def test_two_at_once(self, desk: Desk) -> None:
        """
        Of campaigns that run at once each person is mailed by one.
        """
        addresses = desk.add(*(f"a{number:02}" for number in range(20)))
        campaigns = [desk.campaign() for _ in range(4)]
        plans = [one.plan() for one in campaigns]
        barrier = Barrier(4)

        def run(number: int) -> InvitationReport:
            barrier.wait()
            return campaigns[number].run(plans[number])

        with ThreadPoolExecutor(4) as pool:
            reports = list(pool.map(run, range(4)))

        assert addresses == sorted(desk.server.mailed)
        assert 20 == sum(one.figures.get(Became.MAILED, 0) for one in reports)

    def test_planned_before_another_ran(self, desk: Desk) -> None:
        """
        What was planned is looked at again before each mail.
        """
        ada, _bea, cleo = desk.add("ada", "bea", "cleo")
        late = desk.campaign()
        plan = late.plan()
        desk.invite([ada])
        desk.clock.tick(HELD)
        desk.auth().provisioning.disable("bea@univ-exemple.fr")
        desk.storage.registry.erase("cleo")
        report = late.run(plan)

        assert [ada] == desk.server.mailed
        assert {
            Became.INVITED: 1,
            Became.CLOSED: 1,
            Became.UNKNOWN: 1,
        } == report.figures
        assert [cleo] == [one.address for one in report.named]

    def test_mailed_by_another_a_moment_ago(self, desk: Desk) -> None:
        """
        Whom another campaign holds and has mailed is no one to come back for.
        """
        (ada,) = desk.add("ada")
        late = desk.campaign()
        plan = late.plan()
        desk.invite()
        report = late.run(plan)

        assert [ada] == desk.server.mailed
        assert {Became.INVITED: 1} == report.figures
        assert report.is_complete

    def test_changed_since_it_was_planned(self, desk: Desk) -> None:
        """
        Under another version another campaign may be at work: it is left to a later run.
        """
        (ada,) = desk.add("ada")
        campaign = desk.campaign()
        plan = campaign.plan()
        desk.auth().provisioning.sign_out(ada)
        report = campaign.run(plan)

        assert (Invited(address=ada, became=Became.DEFERRED, reason=CHANGED),) == (
            report.named
        )
        assert {Became.MAILED: 1} == desk.invite().figures


class TestReminders:
    def test_only_when_asked_for(self, desk: Desk) -> None:
        """
        Who has not acted since so long is reminded; who has is not.
        """
        ada, bea = desk.add("ada", "bea")
        desk.invite()
        desk.clock.tick(3 * DAY - timedelta(seconds=1))
        assert {Became.INVITED: 2} == desk.invite(remind_after=3 * DAY).figures
        account = desk.storage.accounts.by_address(bea)
        assert account is not None
        assert desk.storage.accounts.set_password(
            "bea", "clear:x", account.credential_version
        )
        desk.clock.tick()
        report = desk.invite(remind_after=3 * DAY)

        assert {Became.REMINDED: 1, Became.ACTED: 1} == report.figures
        assert [ada, bea, ada] == desk.server.mailed

    def test_by_name_once_the_link_is_over(self, desk: Desk) -> None:
        """
        Whoever is named gets a link that works: another one once the last is too old.
        """
        (ada,) = desk.add("ada")
        desk.invite()
        assert {Became.INVITED: 1} == desk.invite([ada]).figures
        desk.clock.tick(DAY)

        assert {Became.REMINDED: 1} == desk.invite([ada]).figures

    @pytest.mark.parametrize("change", ["readdress", "reopen"])
    def test_begins_anew(self, desk: Desk, change: str) -> None:
        """
        At another address, or opened again, somebody is invited as if for the first time.
        """
        (ada,) = desk.add("ada")
        desk.invite()
        provisioning = desk.auth(mailer=Outbox()).provisioning
        if change == "readdress":
            provisioning.readdress(ada, "ada.l@univ-exemple.fr")
        else:
            provisioning.disable(ada)
            provisioning.enable(ada)

        assert {Became.MAILED: 1} == desk.invite().figures

    def test_not_within_a_day(self, desk: Desk) -> None:
        """
        A link that still works is not followed by another.
        """
        with pytest.raises(ConfigurationError, match="a day or more"):
            desk.campaign(timedelta(hours=23))


class TestRefused:
    def test_one_address(self, desk: Desk) -> None:
        """
        It is named with the server's answer, kept with the account, and not tried again
        unless by name.
        """
        ada, bea = desk.add("ada", "bea")
        desk.server.faults = {ada: [RecipientError("refused: 550 5.1.1")]}
        report = desk.invite()

        assert [bea] == desk.server.mailed
        assert {Became.REFUSED: 1, Became.MAILED: 1} == report.figures
        assert (
            Invited(address=ada, became=Became.REFUSED, reason="refused: 550 5.1.1"),
        ) == report.named
        failed = desk.log.last(EventKind.MAIL_FAILED)
        assert ("ada", "recipient refused: refused: 550 5.1.1") == (
            failed.account_id,
            failed.reason,
        )
        again = desk.invite()
        assert {Became.REFUSED_BEFORE: 1, Became.INVITED: 1} == again.figures
        assert [ada] == [one.address for one in again.named]
        assert {Became.MAILED: 1} == desk.invite([ada]).figures

    def test_for_now(self, desk: Desk) -> None:
        """
        A full mailbox does not hold the others up, and is tried again by the next run.
        """
        ada, bea = desk.add("ada", "bea")
        desk.server.faults = {ada: [RecipientError("452", is_final=False)]}
        report = desk.invite()

        assert [bea] == desk.server.mailed
        assert {Became.DEFERRED: 1, Became.MAILED: 1} == report.figures
        assert {Became.MAILED: 1, Became.INVITED: 1} == desk.invite().figures

    def test_everybody(self, desk: Desk) -> None:
        """
        A server that takes mail for nobody is not asked ten thousand times.
        """
        addresses = desk.add(*(f"a{n:02}" for n in range(MOST_REFUSED_IN_A_ROW + 5)))
        desk.server.faults = {one: [RecipientError("550")] for one in addresses}
        report = desk.invite()

        assert MOST_REFUSED_IN_A_ROW == len(desk.server.tried)
        assert "one after the other" in report.stopped
        assert 5 == report.figures[Became.LEFT]

    def test_not_in_a_row(self, desk: Desk) -> None:
        """
        As many wrong addresses among right ones do not stop it.
        """
        addresses = desk.add(*(f"a{n:02}" for n in range(2 * MOST_REFUSED_IN_A_ROW)))
        desk.server.faults = {one: [RecipientError("550")] for one in addresses[::2]}

        assert "" == desk.invite().stopped


class TestServerThatFails:
    def test_is_tried_again(self, desk: Desk) -> None:
        """
        Ever later, and the campaign goes on where it was.
        """
        ada, bea = desk.add("ada", "bea")
        desk.server.faults = {ada: [MailError("421"), MailError("421")]}
        report = desk.invite()

        assert [ada, ada, ada, bea] == desk.server.tried
        assert [ada, bea] == desk.server.mailed
        assert {Became.MAILED: 2} == report.figures
        assert [one.total_seconds() for one in WAITS[:2]] == desk.waits.slept[:2]

    def test_ends_it(self, desk: Desk) -> None:
        """
        Then it stops, says why, and is run again.
        """
        ada, bea = desk.add("ada", "bea")
        desk.server.faults = {ada: [MailError("421")] * (len(WAITS) + 1)}
        report = desk.invite()

        assert "421" == report.stopped
        assert {Became.LEFT: 2} == report.figures
        assert not report.is_complete
        assert {Became.MAILED: 2} == desk.invite().figures
        assert [ada, bea] == desk.server.mailed


class TestEvents:
    def test_are_needed(self, desk: Desk) -> None:
        """
        Without a memory of who was mailed there is no campaign.
        """
        stores = attrs.evolve(desk.storage.stores, events=None)

        with pytest.raises(ConfigurationError, match=r"Stores\(events=\)"):
            desk.campaign(stores=stores)

    def test_that_are_lost_stop_it(self, desk: Desk) -> None:
        """
        It does not go on without its memory.
        """
        desk.add("ada", "bea")

        class Forgetful:
            def add(self, _events: object, /) -> None:
                """
                Forget.
                """

            def of_account(self, *_: object) -> list[Any]:
                return []

        forgetful: Any = Forgetful()
        stores = attrs.evolve(desk.storage.stores, events=forgetful)
        campaign = desk.campaign(stores=stores)

        with pytest.raises(StorageError, match="did not keep"):
            campaign.run(campaign.plan())
        assert 1 == len(desk.server.mailed)


class TestPace:
    def test_so_many_in_a_minute(self) -> None:
        """
        Evenly, and time that was not used is not saved up.
        """
        waits = Waits()
        pace = Pace(30, waits.monotonic, waits.sleep)
        for _ in range(3):
            pace.wait()
        assert [2.0, 2.0] == waits.slept
        waits.now += 60
        pace.wait()
        pace.wait()

        assert [2.0] * 3 == waits.slept

    def test_none_is_none(self) -> None:
        """
        A campaign that lets nobody pass is no campaign.
        """
        with pytest.raises(ConfigurationError, match="per_minute=0"):
            Pace(0, lambda: 0.0, lambda _: None)

    def test_in_one_call(self, desk: Desk) -> None:
        """
        `invite` is the whole of it.
        """
        (ada,) = desk.add("ada")
        report = desk.auth().provisioning.invite()

        assert [ada] == desk.server.mailed
        assert {Became.MAILED: 1} == report.figures
