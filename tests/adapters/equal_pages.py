"""
What can be seen from outside is the same, whatever an address stands for.

Subclass `EqualPages` in an adapter's test module, and say in `connect` how to reach it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import attrs
import pytest

from tests.adapters.hostile import BASE_URL, FORM, Host, Send, Sent
from uness_auth import (
    AddressPolicy,
    ConfigurationError,
    MailError,
    Policy,
    Site,
    UnessAuth,
)
from uness_auth.model import MailOrder
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import Reply


# Of one length, so that pages have one too.
WITH_PASSWORD: Final = "camille.a@univ-exemple.fr"
WITHOUT: Final = "camille.b@univ-exemple.fr"
DISABLED: Final = "camille.c@univ-exemple.fr"
UNKNOWN: Final = "camille.d@univ-exemple.fr"
ENDED: Final = "camille.e@univ-exemple.fr"
EVERYBODY: Final = (WITH_PASSWORD, WITHOUT, DISABLED, ENDED, UNKNOWN)
NOBODY: Final = (DISABLED, ENDED, UNKNOWN)
RIGHT: Final = "Cheval7+Agrafe"
LENGTHS: Final = (0, 1, 50, 51, 73, 1_024, 1_025)
MINUTE: Final = timedelta(minutes=1)
MASKS: Final = (
    (re.compile(r'(name="(?:csrf|challenge)" value=")[^"]+'), r"\1…"),
    (re.compile(r"^(uness-\w+=)[^;]+"), r"\1…"),
    # By the clock on the wall.
    (re.compile(r"(?i)expires=[^;]+"), "…"),
)

# Status, headers and body.
Seen: TypeAlias = tuple[int, tuple[str, ...], str]


class Queue:
    """
    A queue that keeps orders until it is told to deliver.
    """

    def __init__(self) -> None:
        self.orders: list[MailOrder] = []
        self.is_full = False

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*.
        """
        if self.is_full:
            msg = "the queue is full"
            raise MailError(msg)
        self.orders.append(order)


@attrs.define
class Stranger:
    """
    Somebody who knows an address and has no mailbox, in a browser of their own.
    """

    host: Host
    address: str
    csrf: str = ""
    browser: str = ""
    challenge: str = ""
    seen: list[Seen] = attrs.field(factory=list)

    def arrive(self) -> None:
        """
        Open S1.
        """
        self.csrf, self.browser = self.host.open()

    def ask(self, path: str, **fields: str) -> None:
        """
        Send a form, and note what comes back.
        """
        form = {"csrf": self.csrf, **fields}
        self.note(self.host.post(path, browser=self.browser, **form))

    def send(self, method: str, path: str, body: str) -> None:
        """
        Send anything, and note what comes back.
        """
        headers = {
            "content-type": FORM,
            "content-length": str(len(body)),
            "cookie": f"uness-browser={self.browser}",
        }
        sent = Sent(method=method, path=path, body=body.encode(), headers=headers)
        self.note(self.host.send(sent))

    def note(self, reply: Reply) -> None:
        """
        Keep what can be seen of *reply*, without what is random or the address.
        """
        found = re.findall('name="challenge" value="([^"]+)"', reply.body)
        self.challenge = (found or [self.challenge])[0]
        headers = sorted(
            f"{name.lower()}: {self._masked(value)}"
            for name, value in reply.headers
            if name.lower() != "date"
        )
        self.seen.append((reply.status, tuple(headers), self._masked(reply.body)))

    def _masked(self, text: str) -> str:
        for pattern, mask in MASKS:
            text = pattern.sub(mask, text)
        spellings = (self.address, quote(self.address))
        for spelling in spellings:
            text = text.replace(spelling, "ADDRESS")
        return text


def try_passwords(stranger: Stranger) -> None:
    """
    Try passwords of all lengths, and into the wait and out of it.
    """
    form = {"username": stranger.address, "any": "yes"}
    for length in LENGTHS:
        stranger.ask("/auth/password", password="a" * length, **form)
        stranger.host.clock.tick(timedelta(hours=25))
    for _ in range(6):
        stranger.ask("/auth/password", password="faux", **form)
        stranger.host.clock.tick(timedelta(seconds=20))


def send_what_is_wrong(stranger: Stranger) -> None:
    """
    Ask with something else wrong than the address.
    """
    name = stranger.address
    wrong: dict[str, str] = {"username": name, "password": "faux"}
    for path in ("/auth/password", "/auth/link", "/auth/code"):
        stranger.ask(path, **{**wrong, "csrf": "x"})
        stranger.ask(path, **wrong, next="//evil.example")
        stranger.ask(path, **wrong, next="/" + "a" * 2_000)
        stranger.send("PUT", path, f"username={quote(name)}")
        stranger.send("POST", path, f"username={quote(name)}&username={quote(name)}")
        stranger.send(
            "POST", path, f"username={quote(name)}&csrf={stranger.csrf}&a=%ff"
        )


def ask_for_mails(stranger: Stranger) -> None:
    """
    Ask for links and codes, and give wrong ones.
    """
    clock, name = stranger.host.clock, stranger.address
    stranger.ask("/auth/", email=name)
    for _ in range(2):
        stranger.ask("/auth/link", username=name)
    stranger.ask("/auth/code", username=name)
    for wait in (timedelta(0), 11 * MINUTE):
        clock.tick(wait)
        stranger.ask("/auth/code", username=name, challenge=stranger.challenge)
    stranger.ask("/auth/code", username=name)
    for code in ("", *["1"] * 6):
        stranger.ask(
            "/auth/code/confirm",
            username=name,
            challenge=stranger.challenge,
            code=code,
        )


class EqualPages(ABC):
    """
    Status, headers and body are the same for everybody.
    """

    @abstractmethod
    def connect(self, auth: UnessAuth) -> Send:
        """
        Return what sends requests to a host with the sign-in of *auth*.
        """

    @pytest.fixture(name="queue")
    def _queue(self) -> Queue:
        """
        An empty queue.
        """
        return Queue()

    @pytest.fixture(name="make_host")
    def _make_host(self, queue: Queue) -> Callable[[Policy], Host]:
        """
        Build a host with one account of each kind.
        """

        def make(policy: Policy) -> Host:
            clock, outbox, storage = FixedClock(), Outbox(), MemoryStorage()
            auth = UnessAuth(
                site=Site(base_url=BASE_URL),
                stores=storage.stores,
                mailer=outbox,
                hashing=FastHashing(),
                policy=policy,
                queue=queue,
                clock=clock,
            )
            for address in EVERYBODY[:-1]:
                auth.provisioning.add(address, account_id=address)
            for address in (WITH_PASSWORD, DISABLED, ENDED):
                account = storage.accounts.by_id(address)
                assert account is not None
                storage.accounts.set_password(
                    address, f"clear:{RIGHT}", account.credential_version
                )
            auth.provisioning.disable(DISABLED)
            ended = storage.accounts.by_id(ENDED)
            assert ended is not None
            ended = attrs.evolve(ended, valid_until=clock())
            storage.registry.replace(ended, ended.credential_version)
            return Host(self.connect(auth), auth, outbox, clock)

        return make

    def test_after_identification(self, make_host: Callable[[Policy], Host]) -> None:
        """
        Under the tutorial's policy no password of any length, and nothing else that is
        wrong with its form, tells accounts apart, with a password, without one, disabled
        or outside its days; not even from an unknown address (P33, P34, P36).
        """
        host = make_host(Policy.uness())
        told = self._told(host, [try_passwords])

        assert {422, 429} <= {status for status, _, _ in told}

    def test_closed_is_unknown(self, make_host: Callable[[Policy], Host]) -> None:
        """
        Where unknown addresses are told, a disabled account and one outside its days
        are unknown ones, to every question (P34).
        """
        host = make_host(Policy.uness())
        told = self._told(host, [ask_for_mails, try_passwords], NOBODY)

        assert "reconnue" in told[0][2]
        assert [] == host.outbox.messages

    def test_strict(self, make_host: Callable[[Policy], Host]) -> None:
        """
        Under the strict policy nothing at all does (P33, P34, P36, P37).
        """
        host = make_host(Policy.strict())
        told = self._told(host, [send_what_is_wrong, ask_for_mails, try_passwords])

        assert len({status for status, _, _ in told}) > 4

    @pytest.mark.parametrize("fault", ["the mail server is down", "the queue is full"])
    def test_no_mail_can_leave(
        self, make_host: Callable[[Policy], Host], queue: Queue, fault: str
    ) -> None:
        """
        Under the strict policy mails that fail are seen by nobody who asks, and a queue
        that takes no orders is everybody's (P35).
        """
        host = make_host(Policy.strict())
        working = self._told(host, [ask_for_mails])
        host = make_host(Policy.strict())
        host.outbox.is_down = True
        queue.is_full = fault == "the queue is full"
        failing = self._told(host, [ask_for_mails])

        assert queue.is_full == (working != failing)

    def test_the_same_walk_sees_a_difference(
        self, make_host: Callable[[Policy], Host]
    ) -> None:
        """
        Where unknown addresses are told, asking for mails tells them.
        """
        host = make_host(Policy.uness())

        with pytest.raises(AssertionError, match="told apart"):
            self._told(host, [ask_for_mails])

    def test_strict_asks_for_a_queue(self) -> None:
        """
        A strict site whose mails would leave inside the request does not start.
        """
        with pytest.raises(ConfigurationError, match="without a queue"):
            self.connect(strict_without_queue())

    def test_a_suggestion_tells_of_nobody(
        self, make_host: Callable[[Policy], Host]
    ) -> None:
        """
        What is suggested follows from what was typed, whoever has the address that was
        meant, and whoever has the one that was typed but may not sign in.
        """
        known = AddressPolicy(known_domains=("univ-exemple.fr",))
        host = make_host(Policy.uness(address=known))
        host.auth.provisioning.add("camille.c@univ-exemqle.fr")
        host.auth.provisioning.disable("camille.c@univ-exemqle.fr")
        seen = []
        for meant in EVERYBODY:
            stranger = Stranger(host, meant)
            stranger.arrive()
            typed = meant.replace("exemple", "exemqle")
            for path, field in (
                ("/auth/", "email"),
                ("/auth/link", "username"),
                ("/auth/code", "username"),
            ):
                stranger.ask(path, **{field: typed})
            seen.append(str(stranger.seen).replace(typed, "TYPED"))

        assert [seen[0]] * len(EVERYBODY) == seen
        assert 3 == seen[0].count("Vouliez-vous dire")

    @staticmethod
    def _told(
        host: Host,
        steps: list[Callable[[Stranger], None]],
        addresses: tuple[str, ...] = EVERYBODY,
    ) -> list[Seen]:
        start: datetime = host.clock.now
        told: dict[str, list[Any]] = {}
        for address in addresses:
            host.clock.now = start
            stranger = Stranger(host, address)
            stranger.arrive()
            for step in steps:
                step(stranger)
            told[address] = stranger.seen
        expected, *others = told.values()

        for number, one in enumerate(expected):
            assert [one] * len(others) == [other[number] for other in others], (
                "told apart"
            )
        return expected


def strict_without_queue() -> UnessAuth:
    """
    Wire a strict site without a queue.
    """
    return UnessAuth(
        site=Site(base_url=BASE_URL),
        stores=MemoryStorage().stores,
        mailer=Outbox(),
        hashing=FastHashing(),
        policy=Policy.strict(),
    )
