"""
Real threads, one winner: links, codes and guesses, all posted at once.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier, Event
from typing import TypeVar

import attrs
import pytest

from uness_auth import HashingPolicy, Policy, Site, StorageError, UnessAuth
from uness_auth.model import Client, MailOrder, OrderKind
from uness_auth.outcomes import (
    AccountAdded,
    ChallengeGone,
    CodeSent,
    LinkOpened,
    LinkSent,
    LinkUsed,
    PasswordSet,
    SignedIn,
    WrongCode,
    WrongPassword,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox
from uness_auth.throttle import History


T = TypeVar("T")
CAMILLE = "camille@univ-exemple.fr"
ELSEWHERE = "camille@chu-exemple.fr"
HERE = Client(network="192.0.2.7", browser_digest="b" * 64)


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """
    Make every call in a thread of its own, all started together.
    """
    barrier = Barrier(len(calls))

    def one(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def or_refused(call: Callable[[], T]) -> Callable[[], T | None]:
    """
    Return the call, with None where the store is too busy: nothing was decided.
    """

    def guarded() -> T | None:
        try:
            return call()
        except StorageError:
            return None

    return guarded


class SlowHashing(FastHashing):
    """
    A hasher that takes long enough for everybody to have read the account meanwhile.
    """

    def hash(self, password: str, /) -> str:
        """
        Wait, then hash.
        """
        time.sleep(0.02)
        return super().hash(password)


@attrs.frozen
class Desk:
    """
    A site with one account, patient enough for every thread to have its turn.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    outbox: Outbox = attrs.field(factory=Outbox)
    hashing: FastHashing = attrs.field(factory=FastHashing)
    log: EventLog = attrs.field(factory=EventLog)

    def wired(self) -> UnessAuth:
        """
        Wire the site and add Camille.
        """
        patient = HashingPolicy(queue_per_slot=500, longest_wait=timedelta(minutes=1))
        auth = UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=self.storage.stores,
            mailer=self.outbox,
            policy=Policy.uness(hashing=patient),
            keys=["first-key-of-the-tests-0123456789abcdef"],
            hashing=self.hashing,
            subscribers=[self.log],
            clock=self.clock,
        )
        added = auth.provisioning.add(CAMILLE, account_id="camille")
        assert isinstance(added, AccountAdded)
        return auth


@pytest.fixture(name="desk")
def _desk(clock: FixedClock) -> Desk:
    """
    Everything at hand.
    """
    return Desk(clock)


@pytest.fixture(name="auth")
def _auth(desk: Desk) -> UnessAuth:
    """
    The site.
    """
    return desk.wired()


def code_for(auth: UnessAuth, outbox: Outbox) -> tuple[str, str]:
    """
    Ask for a code; return challenge and code.
    """
    sent = auth.code_sign_in.begin(CAMILLE, HERE)
    assert isinstance(sent, CodeSent)
    return sent.challenge_id, outbox.code(CAMILLE)


def with_password(auth: UnessAuth, outbox: Outbox, password: str) -> None:
    """
    Give Camille a password, through the link.
    """
    assert isinstance(auth.password_link.request(CAMILLE, HERE), LinkSent)
    token = outbox.link(CAMILLE).rpartition("/")[2]
    answer = auth.password_link.set_password(token, password, password, HERE)
    assert isinstance(answer, PasswordSet)


def texts(desk: Desk) -> list[str]:
    """
    Return what is kept of accounts' budgets that somebody spent.
    """
    rows = desk.storage.accounts._rows  # noqa: SLF001 - stores have no way to dump
    found = [getattr(one, "text", "") for one in rows.counters.values()]
    return [text for text in found if text and History.from_text(text).entries]


def try_password(auth: UnessAuth, password: str, client: Client = HERE) -> object:
    """
    Try to sign in.
    """
    return auth.password_sign_in.sign_in(CAMILLE, password, client, is_remembered=False)


def test_one_link_has_one_winner(clock: FixedClock) -> None:
    """
    P9: of 50 parallel posts of one link exactly one sets its password.
    """
    desk = Desk(clock, hashing=SlowHashing())
    auth = desk.wired()
    before = desk.storage.accounts.by_id("camille")
    assert before is not None
    assert isinstance(auth.password_link.request(CAMILLE, HERE), LinkSent)
    token = desk.outbox.link(CAMILLE).rpartition("/")[2]
    passwords = [f"Velo-Tandem-{number:02d}x" for number in range(50)]

    def post(password: str) -> Callable[[], object]:
        return lambda: auth.password_link.set_password(token, password, password, HERE)

    answers = at_once([post(password) for password in passwords])
    (winner,) = (
        password
        for password, answer in zip(passwords, answers, strict=True)
        if answer == PasswordSet()
    )

    assert 49 == answers.count(LinkUsed(has_password=True))
    for password in passwords:
        desk.clock.tick(timedelta(hours=2))
        answer = try_password(auth, password)
        assert (password == winner) is isinstance(answer, SignedIn)
        assert password == winner or answer == WrongPassword()
    after = desk.storage.accounts.by_id("camille")
    assert after is not None
    assert before.credential_version + 1 == after.credential_version


def test_address_that_moves(auth: UnessAuth, desk: Desk) -> None:
    """
    P8: while two threads move an account to and fro, a link mailed to one of its
    addresses never opens for the other.
    """
    accounts, registry = auth.provisioning.accounts, auth.provisioning.registry
    opened: list[tuple[str, str]] = []
    done = Event()

    def move(address: str) -> None:
        for number in count():
            if done.is_set() and number >= 500:
                return
            account = accounts.by_id("camille")
            assert account is not None
            version = account.credential_version
            moved = attrs.evolve(
                account, address=address, credential_version=version + 1
            )
            _ = registry.replace(moved, version)

    def mail() -> None:
        for _ in range(80):
            account = accounts.by_id("camille")
            assert account is not None
            auth.deliver(
                MailOrder(
                    kind=OrderKind.FIRST_LINK,
                    account_id=account.id,
                    credential_version=account.credential_version,
                    issued_at=desk.clock(),
                    expires_at=desk.clock() + timedelta(hours=24),
                )
            )
            look()
        done.set()

    def look() -> None:
        for to, message in desk.outbox.messages[-1:]:
            body = str(message.get_body(("plain",)))
            token = re.findall(r"/link/(\S+)", body.replace("=\n", ""))[0]
            answer = auth.password_link.open(token, HERE)
            if isinstance(answer, LinkOpened):
                opened.append((to, answer.address))

    at_once([lambda: move(CAMILLE), lambda: move(ELSEWHERE), mail, mail])
    mail()
    look()

    assert opened
    assert [] == [pair for pair in opened if pair[0] != pair[1]]
    assert {to for to, _ in desk.outbox.messages} <= {CAMILLE, ELSEWHERE}


def test_one_code_opens_one_session(auth: UnessAuth, desk: Desk) -> None:
    """
    P25: one right code posted 50 times at once opens one session.
    """
    challenge_id, code = code_for(auth, desk.outbox)

    def post() -> object:
        return auth.code_sign_in.confirm(challenge_id, code, HERE)

    answers = at_once([or_refused(post)] * 50)

    assert 1 == sum(isinstance(answer, SignedIn) for answer in answers)
    assert 49 == answers.count(ChallengeGone()) + answers.count(None)


def test_guessed_passwords(auth: UnessAuth, desk: Desk) -> None:
    """
    P23: of 200 guesses at once, from 200 networks, at most five are compared.
    """
    with_password(auth, desk.outbox, "Velo-Tandem-2026")
    guesses = [
        or_refused(
            lambda number=number: try_password(  # type: ignore[misc]
                auth, f"Faux-{number}", Client(network=f"192.0.2.{number}")
            )
        )
        for number in range(200)
    ]
    answers = at_once(guesses)

    assert desk.hashing.verified <= 5
    assert desk.hashing.verified == answers.count(WrongPassword())
    # What is counted is what was compared.
    runs = [History.from_text(text).in_a_row for text in texts(desk)]
    assert [desk.hashing.verified] == [run for run in runs if run]


def test_right_password_among_guesses(auth: UnessAuth, desk: Desk) -> None:
    """
    Guesses at once never make more than five comparisons between two successes.
    """
    with_password(auth, desk.outbox, "Velo-Tandem-2026")
    words = ["Faux"] * 60 + ["Velo-Tandem-2026"] * 4
    answers = at_once(
        [or_refused(lambda word=word: try_password(auth, word)) for word in words]  # type: ignore[misc]
    )
    right = sum(isinstance(answer, SignedIn) for answer in answers)

    assert answers.count(WrongPassword()) <= 5 * (right + 1)
    # One network has half of the day.
    assert answers.count(WrongPassword()) <= 12


def test_guessed_codes(auth: UnessAuth, desk: Desk) -> None:
    """
    P23: of 200 guesses at one challenge at once, at most five are compared.
    """
    challenge_id, code = code_for(auth, desk.outbox)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    # The budget of mails, which stands beside.
    [mailed] = texts(desk)

    def guess() -> object:
        return auth.code_sign_in.confirm(challenge_id, wrong, HERE)

    answers = at_once([or_refused(guess)] * 200)
    reasons = Counter(event.reason for event in desk.log.events)

    assert 1 <= reasons["wrong code"] <= 5
    assert [reasons["wrong code"]] == [
        len(History.from_text(text).entries) for text in texts(desk) if text != mailed
    ]
    assert sum(isinstance(answer, WrongCode) for answer in answers) <= 4
    assert ChallengeGone() == auth.code_sign_in.confirm(challenge_id, code, HERE)


def test_asked_for_at_once(auth: UnessAuth, desk: Desk) -> None:
    """
    Of 32 who ask for a link at once, one is mailed.
    """
    at_once([or_refused(lambda: auth.password_link.request(CAMILLE, HERE))] * 32)

    assert 1 == len(desk.outbox.messages)


def test_asked_again_at_once(auth: UnessAuth, desk: Desk) -> None:
    """
    Of 32 who ask for one code again at once, one is mailed.
    """
    challenge_id, _ = code_for(auth, desk.outbox)
    desk.clock.tick(timedelta(minutes=1))
    at_once([lambda: auth.code_sign_in.resend(challenge_id, HERE)] * 32)

    assert 2 == len(desk.outbox.messages)
