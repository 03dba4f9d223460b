"""
The one composition root: what it refuses, and how it says the ways out.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import attrs
import pytest

from uness_auth import (
    ConfigurationError,
    HashingPolicy,
    Policy,
    SessionPolicy,
    Site,
    UnessAuth,
)
from uness_auth.model import Account, Client, MailOrder
from uness_auth.outcomes import AccountAdded, CodeSent, NotSignedIn, SignedIn
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import (
    EventLog,
    FastHashing,
    FixedClock,
    Outbox,
    policy_without_waits,
)
from uness_auth.wiring import anyone_may, utc_now


HTTPS = Site(base_url="https://portail.example.fr")
LOCAL = Site(base_url="http://localhost:8000")
KEY = "first-key-of-the-tests-0123456789abcdef"
CAMILLE = "camille@univ-exemple.fr"
HERE = Client(network="192.0.2.7", browser_digest="b" * 64)


class RealMailer:
    """
    A mailer that is no door for development.
    """

    def send(self, message: object, to: str, /) -> None:
        """
        Send nothing.
        """


class Queue:
    """
    A queue that is told who delivers.
    """

    def __init__(self) -> None:
        self.deliver: Callable[[MailOrder], None] | None = None

    def start(self, deliver: Callable[[MailOrder], None], /) -> None:
        """
        Note who delivers.
        """
        self.deliver = deliver

    def put(self, order: MailOrder, /) -> None:
        """
        Deliver at once.
        """
        assert self.deliver is not None
        self.deliver(order)


@attrs.define
class Reads:
    """
    A store that is no door for development, over one that is.
    """

    real: Any

    def __getattr__(self, name: str) -> Any:
        """
        Do as the real one does, but say nothing of doors.
        """
        if name in {"for_development_only", "joins"}:
            raise AttributeError(name)
        return getattr(self.real, name)


def real_stores(storage: MemoryStorage) -> Any:
    """
    Return stores that may serve on https.
    """
    return attrs.evolve(
        storage.stores,
        **{
            field.name: Reads(getattr(storage.stores, field.name))
            for field in attrs.fields(type(storage.stores))
        },
    )


def wired(**given: Any) -> UnessAuth:
    """
    Wire a site on https that is right, but for what is *given*.
    """
    usual: dict[str, Any] = {
        "site": HTTPS,
        "stores": real_stores(MemoryStorage()),
        "mailer": RealMailer(),
        "keys": [KEY],
        "trusted_proxies": 0,
    }
    return UnessAuth(**usual | given)


def local(**given: Any) -> UnessAuth:
    """
    Wire a site on this machine, with every door open.
    """
    usual: dict[str, Any] = {
        "site": LOCAL,
        "stores": MemoryStorage().stores,
        "mailer": Outbox(),
    }
    return UnessAuth(**usual | given)


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"keys": None}, ["keys is missing", HTTPS.base_url, "secrets.token"]),
            ({"keys": []}, ["keys is empty"]),
            ({"keys": ["short"]}, ["keys[0] is 5 bytes"]),
            (
                {"trusted_proxies": None},
                ["trusted_proxies is missing", "0 is an answer"],
            ),
            ({"trusted_proxies": -1}, ["trusted_proxies=-1", "0 or more"]),
            ({"trusted_proxies": "10.0.0.1"}, ["trusted_proxies=['10.0.0.1']"]),
            ({"trusted_proxies": ["proxy"]}, ["trusted_proxies", "192.0.2.0/24"]),
            ({"trusted_networks": "10.0.0.0/8"}, ["trusted_networks=['10.0.0.0/8']"]),
            ({"trusted_networks": ["10.0.0.1/8"]}, ["trusted_networks", "host bits"]),
            ({"processes": 0}, ["processes=0", "1 or more"]),
            ({"mailer": Outbox()}, ["Outbox for development only", "localhost"]),
            ({"hashing": FastHashing()}, ["FastHashing for development only"]),
            (
                {"stores": MemoryStorage().stores},
                ["MemoryAccounts, MemoryCodeChallenges, MemoryCounters", "real store"],
            ),
            ({"policy": Policy.strict()}, ["without a queue", "BackgroundQueue"]),
            (
                {"processes": 9},
                ["processes=9", "HashingPolicy.small()", "memory_budget"],
            ),
        ],
        ids=range(15),
    )
    def test_says_the_ways_out(self, given: dict[str, Any], said: list[str]) -> None:
        """
        Each fault of the set-up is refused at start, with every way out of it.
        """
        with pytest.raises(ConfigurationError) as caught:
            wired(**given)

        for word in said:
            assert word in str(caught.value)
        assert KEY not in str(caught.value)

    def test_nothing_given_is_wrong_by_itself(self) -> None:
        """
        What the refusals start from is accepted.
        """
        assert HTTPS is wired().site

    @pytest.mark.parametrize("door", ["stores", "mailer", "queue", "hashing"])
    def test_doors_want_one_process(self, door: str) -> None:
        """
        A door for development stays shut where several processes serve.
        """

        class Door(RealMailer):
            for_development_only = True

        given: dict[str, Any] = {
            "stores": real_stores(MemoryStorage()),
            "mailer": RealMailer(),
            door: MemoryStorage().stores if door == "stores" else Door(),
        }

        assert local(**given).site.is_loopback
        with pytest.raises(ConfigurationError, match="2 process"):
            local(processes=2, **given)

    def test_each_process_would_make_its_own_keys(self) -> None:
        """
        Keys are made at start only where one process signs and reads.
        """
        given = {"stores": real_stores(MemoryStorage()), "mailer": RealMailer()}

        assert local(keys=None, **given).keys.signing_id
        with pytest.raises(ConfigurationError, match="2 processes would each"):
            local(keys=None, processes=2, **given)

    def test_a_policy_for_tests_stays_there(self) -> None:
        """
        Budgets that a test does not reach protect nobody: refused on a real site.
        """
        with pytest.raises(ConfigurationError, match="ThrottlePolicy for development"):
            wired(policy=policy_without_waits())

    @pytest.mark.parametrize(
        "name", ["accounts", "code_challenges", "counters", "sessions"]
    )
    def test_no_store_is_silently_absent(self, name: str) -> None:
        """
        P30: a sign-in whose counters, or any other store, are None does not start.
        """
        lacking: dict[str, Any] = {name: None}
        stores = attrs.evolve(MemoryStorage().stores, **lacking)

        with pytest.raises(ConfigurationError, match=rf"{name}=\) is None: give"):
            UnessAuth(site=LOCAL, stores=stores, mailer=Outbox())

    def test_no_registry(self) -> None:
        """
        Without a registry one may sign in, and provision nobody.
        """
        auth = local(stores=attrs.evolve(MemoryStorage().stores, registry=None))

        with pytest.raises(ConfigurationError, match="registry"):
            _ = auth.provisioning


class TestAccepted:
    def test_local_makes_its_key(self) -> None:
        """
        On this machine each start makes a key of its own.
        """
        assert local().keys.signing_id != local().keys.signing_id

    def test_strict_with_a_queue(self) -> None:
        """
        The strict policy is content with a queue.
        """
        assert not wired(
            policy=Policy.strict(), queue=Queue()
        ).policy.throttle.tells_unknown

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (0, 0),
            (2, 2),
            (["10.0.0.0/8", "2001:db8::/32"], ("10.0.0.0/8", "2001:db8::/32")),
            ([], ()),
        ],
        ids=range(4),
    )
    def test_proxies(self, given: object, kept: object) -> None:
        """
        A count stays a count, networks become networks.
        """
        expected = kept if isinstance(kept, int) else tuple(map(ip_network, kept))  # type: ignore[call-overload]

        assert expected == wired(trusted_proxies=given).trusted_proxies

    def test_local_has_no_proxy(self) -> None:
        """
        On this machine nothing need be said of proxies.
        """
        assert 0 == local().trusted_proxies
        assert (ip_network("192.0.2.0/24"),) == local(
            trusted_networks=["192.0.2.0/24"]
        ).trusted_networks

    def test_argon2_by_default(self) -> None:
        """
        Who gives no hasher gets argon2, as the policy says.
        """
        auth = local(policy=Policy.uness(hashing=HashingPolicy.small()))
        hashed = auth.password_link.hashing.hash("Velo-Tandem-2026")

        assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    def test_queue_is_started(self) -> None:
        """
        A queue that wants to know who delivers is told.
        """
        outbox = Outbox()
        auth = local(queue=Queue(), mailer=outbox)
        assert isinstance(auth.provisioning.add(CAMILLE), AccountAdded)

        assert isinstance(auth.code_sign_in.begin(CAMILLE, HERE), CodeSent)
        assert [CAMILLE] == [to for to, _ in outbox.messages]

    def test_subscribers(self) -> None:
        """
        Who subscribes, at the start or later, hears of everything.
        """
        early, late = EventLog(), EventLog()
        auth = local(subscribers=[early])
        auth.subscribe(late)
        auth.provisioning.add(CAMILLE)

        assert early.kinds() == late.kinds() != []

    @pytest.mark.parametrize("is_joined", [True, False])
    def test_session_request(self, *, is_joined: bool) -> None:
        """
        One read where the stores join, two where they do not: the same answer.
        """
        storage = MemoryStorage()
        accounts = storage.accounts if is_joined else Reads(storage.accounts)
        stores = attrs.evolve(storage.stores, accounts=accounts)
        outbox = Outbox()
        auth = local(stores=stores, mailer=outbox)
        auth.provisioning.add(CAMILLE)
        sent = auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(sent, CodeSent)
        code = outbox.code(CAMILLE)
        answer = auth.code_sign_in.confirm(sent.challenge_id, code, HERE)
        assert isinstance(answer, SignedIn)
        auth.sessions.close(answer.session_token, HERE)

        assert NotSignedIn() == auth.sessions.resume(answer.session_token)
        assert is_joined is (auth.sessions.joined is not None)


class TestPurge:
    def test_removes_what_is_long_over(self) -> None:
        """
        Challenges go after a day, sessions a week after their end, counters when due.
        """
        clock, storage, outbox = FixedClock(), MemoryStorage(), Outbox()
        auth = local(stores=storage.stores, mailer=outbox, clock=clock)
        auth.provisioning.add(CAMILLE)
        sent = auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(sent, CodeSent)
        again = auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(again, CodeSent)
        code = outbox.code(CAMILLE)
        answer = auth.code_sign_in.confirm(again.challenge_id, code, HERE)
        assert isinstance(answer, SignedIn)
        assert 0 == auth.purge()
        clock.tick(timedelta(days=1, minutes=16))
        assert auth.purge() > 1
        assert storage.code_challenges.spend_attempt(sent.challenge_id) is None
        clock.tick(SessionPolicy().remembered_idle + timedelta(days=6))

        assert 1 == auth.purge()
        assert 0 == auth.purge()

    def test_without_a_store_of_events(self) -> None:
        """
        Where no events are kept, none are removed, and the rest is.
        """
        clock, storage = FixedClock(), MemoryStorage()
        stores = attrs.evolve(storage.stores, events=None)
        auth = local(stores=stores, mailer=Outbox(), clock=clock)
        auth.provisioning.add(CAMILLE)
        assert isinstance(auth.code_sign_in.begin(CAMILLE, HERE), CodeSent)
        clock.tick(timedelta(days=2))

        assert auth.purge() > 0
        assert 0 == auth.purge()

    def test_events_go_when_their_time_is_over(self) -> None:
        """
        What may have been anybody's goes after six months, the rest after a year.
        """
        clock, storage = FixedClock(), MemoryStorage()
        auth = local(stores=storage.stores, clock=clock)
        added = auth.provisioning.add(CAMILLE)
        assert isinstance(added, AccountAdded)
        auth.code_sign_in.confirm("no such challenge", "123456", HERE)
        told = storage.events.of_account(added.account.id, 10)
        clock.tick(timedelta(days=183))
        # Of the counters, which are long over.
        _ = auth.purge()
        clock.tick()

        assert 1 == auth.purge()
        assert told == storage.events.of_account(added.account.id, 10)
        clock.tick(timedelta(days=182))
        assert len(told) == auth.purge()
        assert [] == storage.events.of_account(added.account.id, 10)

    def test_keeps_what_may_still_be_used(self) -> None:
        """
        A remembered session outlives every purge within its idle limit.
        """
        clock, storage = FixedClock(), MemoryStorage()
        auth = local(stores=storage.stores, clock=clock, hashing=FastHashing())
        added = auth.provisioning.add(CAMILLE, account_id="42")
        assert isinstance(added, AccountAdded)
        version = added.account.credential_version
        assert storage.accounts.set_password("42", "clear:x", version)
        answer = auth.password_sign_in.sign_in(CAMILLE, "x", HERE, is_remembered=True)
        assert isinstance(answer, SignedIn)
        clock.tick(timedelta(days=13))
        auth.purge()

        assert not isinstance(auth.sessions.resume(answer.session_token), NotSignedIn)


class TestDefaults:
    def test_utc_now(self) -> None:
        """
        Time is aware UTC in whole seconds.
        """
        now = utc_now()

        assert (UTC, 0) == (now.tzinfo, now.microsecond)
        assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)

    def test_anyone_may(self) -> None:
        """
        Without a veto of the host's everybody may sign in.
        """
        account = Account(
            id="42", address=CAMILLE, credential_version=1, created_at=utc_now()
        )

        assert anyone_may(account)


def test_core_imports_no_framework() -> None:
    """
    A fresh interpreter that wires the core loads no framework, store or engine.
    """
    script = (
        "import sys, uness_auth;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run(  # noqa: S603 - this interpreter, and our own words
        [sys.executable, "-I", "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()

    assert "uness_auth" in loaded
    assert not {
        *("flask", "django", "starlette", "sqlalchemy", "jinja2", "redis", "click"),
        *("werkzeug", "blinker", "markupsafe", "dns", "email_validator", "smtplib"),
    } & set(loaded)
