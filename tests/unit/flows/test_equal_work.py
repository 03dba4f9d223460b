"""
Equal work: whatever an address stands for, the same ports are called in the same order.

Times are measured by ``bench/equal_work.py``; what can be counted is counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar

import attrs
import pytest

from uness_auth import CodePolicy, MailError, Policy, UnessAuth
from uness_auth.events import EventKind
from uness_auth.model import Client, MailOrder
from uness_auth.outcomes import (
    ChallengeGone,
    CodeSent,
    LinkSent,
    PasswordSuspended,
    Throttled,
    WrongPassword,
)
from uness_auth.policy import MINUTE, Budget, ThrottlePolicy
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


HERE: Final = Client(network="192.0.2.7", browser_digest="b" * 64)
CAMILLE: Final = "camille@univ-exemple.fr"
DOMINIQUE: Final = "dominique@univ-exemple.fr"
EMMANUEL: Final = "emmanuel@univ-exemple.fr"
NOBODY: Final = "nobody@univ-exemple.fr"
WRONG: Final = "Faux"
# Without a password, with one, disabled, and unknown.
EVERYBODY: Final = (CAMILLE, DOMINIQUE, EMMANUEL, NOBODY)
LENGTHS: Final = (0, 1, 50, 51, 73, 1_024, 1_025)

Calls: TypeAlias = list[str]
Answer = TypeVar("Answer")


@attrs.frozen
class Recorded:
    """
    A port, whose calls are written down before they are passed on.
    """

    name: str
    port: Any
    calls: Calls

    def __getattr__(self, method: str) -> Any:
        """
        Return the port's own, written down when it is called.
        """
        own = getattr(self.port, method)
        if not callable(own):
            return own

        def call(*given: object) -> Any:
            self.calls.append(f"{self.name}.{method}")
            return own(*given)

        return call


@attrs.frozen
class Hashing:
    """
    A hasher that writes down each hash, whatever it is compared with.
    """

    calls: Calls
    fake: FastHashing = attrs.field(factory=FastHashing)

    def hash(self, password: str, /) -> str:
        """
        Hash.
        """
        self.calls.append("hashing")
        return self.fake.hash(password)

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Compare.
        """
        self.calls.append("hashing")
        return self.fake.verify(password_hash, password)

    def needs_rehash(self, password_hash: str, /) -> bool:
        """
        Never.
        """
        return self.fake.needs_rehash(password_hash)

    def decoy(self, password: str, /) -> None:
        """
        Compare with nothing.
        """
        self.calls.append("hashing")
        self.fake.decoy(password)


class Queue:
    """
    A queue that keeps orders, as long as it is not full.
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


@attrs.frozen(kw_only=True)
class Desk:
    """
    A site whose ports are listened to.
    """

    auth: UnessAuth
    calls: Calls
    queue: Queue

    @contextmanager
    def listening(self) -> Iterator[Calls]:
        """
        Collect the calls made meanwhile.
        """
        self.calls.clear()
        heard: Calls = []
        yield heard
        heard += self.calls

    def try_password(self, address: str, password: str = WRONG) -> object:
        """
        Try a password.
        """
        return self.auth.password_sign_in.sign_in(
            address, password, HERE, is_remembered=False
        )


@pytest.fixture(name="make_desk")
def _make_desk(
    storage: MemoryStorage, make_auth: Callable[..., UnessAuth]
) -> Callable[[Policy], Desk]:
    """
    Wire a site with a queue, and listen.
    """

    def make(policy: Policy) -> Desk:
        calls: Calls = []
        queue = Queue()
        ports = attrs.asdict(storage.stores, recurse=False)
        heard: dict[str, Any] = {
            name: port if port is None else Recorded(name, port, calls)
            for name, port in ports.items()
        }
        auth = make_auth(
            policy=policy,
            stores=attrs.evolve(storage.stores, **heard),
            queue=Recorded("queue", queue, calls),
            hashing=Hashing(calls),
            subscribers=[lambda _: calls.append("subscriber")],
        )
        return Desk(auth=auth, calls=calls, queue=queue)

    return make


def strict(**throttle: Any) -> Policy:
    """
    Return the strict policy, with codes that may be asked for again: a decoy plays that
    too.
    """
    return Policy.strict(
        code=CodePolicy(),
        throttle=ThrottlePolicy(tells_unknown=False, **throttle),
    )


@pytest.fixture(name="desk")
def _desk(make_desk: Callable[[Policy], Desk]) -> Desk:
    """
    A strict site.
    """
    return make_desk(strict())


@pytest.fixture(name="plain")
def _plain(make_desk: Callable[[Policy], Desk]) -> Desk:
    """
    A site under the tutorial's policy.
    """
    return make_desk(Policy.uness())


def alike(told: dict[str, tuple[Answer, Calls]]) -> tuple[Answer, Calls]:
    """
    Assert that everybody was answered the same, by the same calls; return both.
    """
    first, *others = told.values()

    assert [first] * len(others) == others
    return first


class TestPassword:
    @pytest.mark.parametrize("policy", ["plain", "desk"])
    @pytest.mark.parametrize("length", LENGTHS)
    def test_any_length(
        self, policy: str, length: int, request: pytest.FixtureRequest
    ) -> None:
        """
        A wrong password of any length costs the same look-ups, budgets and one hash,
        whatever the address stands for; none is cheaper for being too long (P33, P34).
        """
        desk: Desk = request.getfixturevalue(policy)
        told = {}
        for address in EVERYBODY:
            with desk.listening() as calls:
                answer = desk.try_password(address, "a" * length)
            told[address] = (answer, calls)

        answer, calls = alike(told)
        assert (length > 0) == isinstance(answer, WrongPassword)
        assert (length > 0) == (1 == calls.count("hashing"))

    @pytest.mark.parametrize("policy", ["plain", "desk"])
    def test_any_history(
        self, policy: str, request: pytest.FixtureRequest, clock: FixedClock
    ) -> None:
        """
        One attempt after the other, into the wait and out of it, nothing tells (P33).
        """
        desk: Desk = request.getfixturevalue(policy)
        start = clock.now
        told = {}
        for address in EVERYBODY:
            clock.now = start
            answers = []
            with desk.listening() as calls:
                for _ in range(7):
                    answers.append(desk.try_password(address))
                    clock.tick(timedelta(seconds=20))
            told[address] = (answers, calls)

        answers, _ = alike(told)
        assert isinstance(answers, list)
        assert any(isinstance(one, Throttled) for one in answers)

    def test_the_last_of_the_run(
        self, make_desk: Callable[[Policy], Desk], storage: MemoryStorage
    ) -> None:
        """
        The attempt that suspends a password suspends a decoy's with the same calls, and
        afterwards both are refused alike.
        """
        desk = make_desk(strict(passwords_in_a_row=2))
        told = {}
        for address in EVERYBODY:
            answers = []
            with desk.listening() as calls:
                answers += [desk.try_password(address) for _ in range(4)]
            if address in {CAMILLE, DOMINIQUE}:
                # That somebody's password is suspended is told to the operator.
                told_at = calls.index("accounts.disable_password") + 1
                assert ["subscriber", "events.add"] == calls[told_at : told_at + 2]
                del calls[told_at : told_at + 2]
            told[address] = (answers, calls)

        answers, calls = alike(told)
        assert [WrongPassword(), *[PasswordSuspended()] * 3] == answers
        assert 1 == calls.count("accounts.disable_password")
        assert [True, True, False] == [
            account.is_password_suspended for account in storage.registry.page("", 10)
        ]

    def test_history_goes_on_when_an_account_is_closed(self, desk: Desk) -> None:
        """
        A wait does not end on the day that the account is disabled: that would tell.
        """
        for _ in range(5):
            desk.try_password(DOMINIQUE)
        waiting = desk.try_password(DOMINIQUE)
        desk.auth.provisioning.disable(DOMINIQUE)

        assert isinstance(waiting, Throttled)
        assert waiting == desk.try_password(DOMINIQUE)


QUESTIONS: Final[dict[str, Callable[[UnessAuth, str], object]]] = {
    "the address": lambda auth, address: auth.identify.begin(address, HERE),
    "a link": lambda auth, address: auth.password_link.request(address, HERE),
    "a code": lambda auth, address: auth.code_sign_in.begin(address, HERE),
}


def seen(answer: object, address: str) -> str:
    """
    Return what can be seen of an answer, without the address and what is random.
    """
    shown = repr(answer).replace(address, "ADDRESS")
    if isinstance(answer, CodeSent):
        return shown.replace(answer.challenge_id, "CHALLENGE")
    return shown


class TestOnePage:
    @pytest.fixture(name="desk", params=["strict", "past the network's budget"])
    def _any_desk(
        self, make_desk: Callable[[Policy], Desk], request: pytest.FixtureRequest
    ) -> Desk:
        """
        A site where one page serves every address.
        """
        if request.param == "strict":
            return make_desk(strict())
        once = ThrottlePolicy(network_unknown=Budget(1, timedelta(days=1)))
        desk = make_desk(Policy.uness(throttle=once))
        desk.auth.identify.begin("somebody@univ-exemple.fr", HERE)
        desk.auth.identify.begin("somebody@univ-exemple.fr", HERE)
        return desk

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_same_calls(self, desk: Desk, question: str) -> None:
        """
        Each question is answered alike by the same calls, asked once and asked again,
        an order included: a queue that is watched tells nothing (P33, P37).
        """
        told = {}
        for address in EVERYBODY:
            answers = []
            with desk.listening() as calls:
                for _ in range(2):
                    answer = QUESTIONS[question](desk.auth, address)
                    answers.append(seen(answer, address))
            told[address] = (answers, calls)

        _, calls = alike(told)
        assert (question != "the address") == ("queue.put" in calls)

    @pytest.mark.parametrize("question", ["a link", "a code"])
    def test_full_queue_tells_nothing(self, desk: Desk, question: str) -> None:
        """
        A queue that takes no orders takes none of anybody (P35).
        """
        desk.queue.is_full = True
        told = {}
        for address in EVERYBODY:
            with (
                desk.listening() as calls,
                pytest.raises(MailError, match="full"),
            ):
                QUESTIONS[question](desk.auth, address)
            told[address] = (None, calls)

        _, calls = alike(told)
        assert "queue.put" in calls

    def test_codes(self, desk: Desk, clock: FixedClock) -> None:
        """
        A code is confirmed and asked for again by the same calls, until the challenge
        is gone (P33).
        """
        start = clock.now
        told = {}
        for address in EVERYBODY:
            clock.now = start
            answers = []
            with desk.listening() as calls:
                begun = desk.auth.code_sign_in.begin(address, HERE)
                assert isinstance(begun, CodeSent)
                for _ in range(3):
                    answers.append(self._confirm(desk, begun))
                    clock.tick(MINUTE)
                    answer = desk.auth.code_sign_in.resend(begun.challenge_id, HERE)
                    answers.append(
                        repr(answer).replace(begun.challenge_id, "CHALLENGE")
                    )
                answers += [self._confirm(desk, begun) for _ in range(3)]
            told[address] = (answers, calls)

        answers, _ = alike(told)
        assert isinstance(answers, list)
        assert repr(ChallengeGone()) == answers[-1]

    def test_account_closed_meanwhile(self, desk: Desk, clock: FixedClock) -> None:
        """
        A code of an account that is disabled since goes on like a decoy's.
        """
        begun = desk.auth.code_sign_in.begin(DOMINIQUE, HERE)
        assert isinstance(begun, CodeSent)
        desk.auth.provisioning.disable(DOMINIQUE)
        clock.tick(MINUTE)

        answer = desk.auth.code_sign_in.resend(begun.challenge_id, HERE)
        assert begun == answer

    @staticmethod
    def _confirm(desk: Desk, begun: CodeSent) -> str:
        return repr(desk.auth.code_sign_in.confirm(begun.challenge_id, "x", HERE))


class TestDelivery:
    @pytest.mark.parametrize("question", ["a link", "a code"])
    def test_decoys_are_composed_and_dropped(
        self, desk: Desk, question: str, outbox: Outbox
    ) -> None:
        """
        The worker reads, composes and reports for everybody, and mails those who may
        sign in (P35).
        """
        told = {}
        for address in EVERYBODY:
            QUESTIONS[question](desk.auth, address)
            with desk.listening() as calls:
                desk.auth.deliver(desk.queue.orders[-1])
            told[address] = (None, calls)

        alike(told)
        assert [CAMILLE, DOMINIQUE] == [to for to, _ in outbox.messages]

    def test_failing_mailer_tells_nothing(self, desk: Desk, outbox: Outbox) -> None:
        """
        That the mail server refuses is seen by the worker, and by nobody who asks (P35).
        """
        outbox.is_down = True
        told: dict[str, tuple[str, Calls]] = {}
        for address in EVERYBODY:
            with desk.listening() as calls:
                answer = desk.auth.password_link.request(address, HERE)
            told[address] = (seen(answer, address), calls)

        said, _ = alike(told)
        assert repr(LinkSent(address="ADDRESS", kind=None)) == said

    def test_decoy_is_told_to_the_operator(
        self, make_auth: Callable[..., UnessAuth], log: EventLog
    ) -> None:
        """
        The events say which orders were decoys, and hold no address of theirs.
        """
        queue = Queue()
        auth = make_auth(policy=strict(), queue=queue)
        auth.password_link.request(NOBODY, HERE)
        auth.deliver(queue.orders[0])
        ordered = log.last(EventKind.LINK_ORDERED)
        dropped = log.last(EventKind.MAIL_DROPPED)

        assert ("no account, or a closed one", "") == (
            ordered.reason,
            ordered.address,
        )
        assert "there is no such account" == dropped.reason

    def test_without_a_queue_nobody_is_composed_for(
        self, make_auth: Callable[..., UnessAuth], outbox: Outbox
    ) -> None:
        """
        Where mails leave inside the request, past the network's budget an unknown
        address gets the words and no mail.
        """
        once = ThrottlePolicy(network_unknown=Budget(1, timedelta(days=1)))
        auth = make_auth(policy=Policy.uness(throttle=once))
        auth.identify.begin(NOBODY, HERE)

        assert LinkSent(address=NOBODY, kind=None) == auth.password_link.request(
            NOBODY, HERE
        )
        assert [] == outbox.messages
