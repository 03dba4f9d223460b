"""
Real threads on each database: one winner, and never more guesses than allowed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier, Event

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
    WrongPassword,
)
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


CAMILLE = "camille@univ-exemple.fr"
ELSEWHERE = "camille@chu-exemple.fr"
HERE = Client(network="192.0.2.7", browser_digest="b" * 64)


@attrs.frozen
class Desk:
    """
    A site with one account.
    """

    auth: UnessAuth
    outbox: Outbox
    hashing: FastHashing
    log: EventLog
    clock: FixedClock

    def token(self) -> str:
        """
        Ask for a link; return its token.
        """
        assert isinstance(self.auth.password_link.request(CAMILLE, HERE), LinkSent)
        return self.outbox.link(CAMILLE).rpartition("/")[2]

    def code(self) -> tuple[str, str]:
        """
        Ask for a code; return challenge and code.
        """
        sent = self.auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(sent, CodeSent)
        return sent.challenge_id, self.outbox.code(CAMILLE)

    def set_password(self, token: str, password: str) -> object:
        """
        Post one password twice.
        """
        return self.auth.password_link.set_password(token, password, password, HERE)

    def sign_in(self, password: str, client: Client = HERE) -> object:
        """
        Try a password.
        """
        return self.auth.password_sign_in.sign_in(
            CAMILLE, password, client, is_remembered=False
        )


@pytest.fixture(name="desk")
def _desk(url: str, clock: FixedClock) -> Iterator[Desk]:
    """
    A site with a database of its own.
    """
    storage = SQLStorage(url, longest_wait=timedelta(minutes=1))
    storage.create_schema()
    outbox, hashing, log = Outbox(), FastHashing(), EventLog()
    patient = HashingPolicy(queue_per_slot=500, longest_wait=timedelta(minutes=1))
    auth = UnessAuth(
        site=Site(base_url="http://localhost:8000"),
        stores=storage.stores,
        mailer=outbox,
        policy=Policy.uness(hashing=patient),
        keys=["first-key-of-the-tests-0123456789abcdef"],
        hashing=hashing,
        subscribers=[log],
        clock=clock,
    )
    added = auth.provisioning.add(CAMILLE, account_id="camille")
    assert isinstance(added, AccountAdded)
    yield Desk(auth, outbox, hashing, log, clock)
    storage.close()


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """
    Make every call in a thread of its own, all started together.

    None where the store was too busy: nothing was decided.
    """
    barrier = Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return call()
        except StorageError:
            return None

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_one_link_has_one_winner(desk: Desk) -> None:
    """
    P9: one link posted 32 times with 32 passwords: one is set, and only it signs in.
    """
    token = desk.token()
    passwords = [f"Velo-Tandem-{number:02d}x" for number in range(32)]

    def post(password: str) -> Callable[[], object]:
        return lambda: desk.set_password(token, password)

    answers = at_once([post(password) for password in passwords])
    (winner,) = (
        password
        for password, answer in zip(passwords, answers, strict=True)
        if answer == PasswordSet()
    )

    assert 31 == answers.count(LinkUsed(has_password=True))
    for password in passwords:
        desk.clock.tick(timedelta(hours=2))
        assert (password == winner) is isinstance(desk.sign_in(password), SignedIn)


def test_address_that_moves(desk: Desk) -> None:
    """
    P8: while two threads move an account to and fro, a link mailed to one of its
    addresses never opens for the other.
    """
    auth = desk.auth
    accounts, registry = auth.provisioning.accounts, auth.provisioning.registry
    opened: list[tuple[str, str]] = []
    done = Event()

    def move(address: str) -> None:
        for number in count():
            if done.is_set() and number >= 50:
                return
            account = accounts.by_id("camille")
            assert account is not None
            version = account.credential_version
            moved = attrs.evolve(
                account, address=address, credential_version=version + 1
            )
            _ = registry.replace(moved, version)

    def mail() -> None:
        for _ in range(40):
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


def test_one_code_opens_one_session(desk: Desk) -> None:
    """
    P25: one right code posted 32 times at once opens one session.
    """
    challenge_id, code = desk.code()
    answers = at_once(
        [lambda: desk.auth.code_sign_in.confirm(challenge_id, code, HERE)] * 32
    )

    assert 1 == sum(isinstance(answer, SignedIn) for answer in answers)
    assert 31 == answers.count(ChallengeGone()) + answers.count(None)


def test_guessed_passwords(desk: Desk) -> None:
    """
    P23: of 200 guesses at once, from 200 networks, at most five are compared.
    """
    assert PasswordSet() == desk.set_password(desk.token(), "Velo-Tandem-2026")

    def guess(number: int) -> Callable[[], object]:
        client = Client(network=f"192.0.2.{number}")
        return lambda: desk.sign_in(f"Faux-{number}", client)

    answers = at_once([guess(number) for number in range(200)])

    assert 1 <= desk.hashing.verified <= 5
    assert desk.hashing.verified == answers.count(WrongPassword())


def test_guessed_codes(desk: Desk) -> None:
    """
    P23: of 200 guesses at one challenge at once, at most five are compared.
    """
    challenge_id, code = desk.code()
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    at_once([lambda: desk.auth.code_sign_in.confirm(challenge_id, wrong, HERE)] * 200)
    reasons = Counter(event.reason for event in desk.log.events)

    assert 1 <= reasons["wrong code"] <= 5
    assert ChallengeGone() == desk.auth.code_sign_in.confirm(challenge_id, code, HERE)


def test_asked_for_at_once(desk: Desk) -> None:
    """
    Of 32 who ask for a link at once, one is mailed; of 32 who ask for a code again, one.
    """
    at_once([lambda: desk.auth.password_link.request(CAMILLE, HERE)] * 32)
    assert 1 == len(desk.outbox.messages)
    challenge_id, _ = desk.code()
    desk.clock.tick(timedelta(minutes=1))
    at_once([lambda: desk.auth.code_sign_in.resend(challenge_id, HERE)] * 32)

    assert 3 == len(desk.outbox.messages)
