"""
The signed-in person changes their password.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import attrs
import pytest

from uness_auth import HashingPolicy, Policy, ThrottlePolicy, UnessAuth
from uness_auth.errors import StorageError
from uness_auth.events import EventKind
from uness_auth.model import Client
from uness_auth.outcomes import (
    Busy,
    ChangeRefused,
    CodeSent,
    NoPassword,
    NothingTyped,
    NotRecent,
    NotSignedIn,
    PasswordSuspended,
    Resumed,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongPassword,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64, browser="Firefox, Windows")
PHONE = Client(network="198.51.100.4", browser_digest="c" * 64)
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
OLD, NEW = "Sport-2026", "Velo-Tandem-2027"


def signed_in(
    auth: UnessAuth, client: Client = HERE, *, is_remembered: bool = False
) -> Client:
    """
    Sign Dominique in, and return what the browser is then.
    """
    answer = auth.password_sign_in.sign_in(
        DOMINIQUE, OLD, client, is_remembered=is_remembered
    )
    return carrying(client, answer)


def carrying(client: Client, answer: object) -> Client:
    """
    Return the browser with the cookies of *answer*.
    """
    assert isinstance(answer, SignedIn)
    return attrs.evolve(client, session=answer.session_token, device=answer.device)


def change(auth: UnessAuth, client: Client, current: str = OLD, new: str = NEW) -> Any:
    """
    Change the password to *new*, typed twice.
    """
    return auth.password_change.change(current, new, new, client)


def is_open(auth: UnessAuth, client: Client) -> bool:
    """
    Say whether the browser is signed in.
    """
    return isinstance(auth.sessions.resume(client.session), Resumed)


class TestBegin:
    def test_signed_in(self, auth: UnessAuth) -> None:
        """
        Whoever signed in may ask, and goes on being asked nothing more.
        """
        begun = auth.password_change.begin(signed_in(auth))

        assert isinstance(begun, Resumed)
        assert DOMINIQUE == begun.account.address

    def test_hours_later(self, auth: UnessAuth, clock: FixedClock) -> None:
        """
        A session of the day is asked for the current password, and that is enough.
        """
        here = signed_in(auth)
        clock.tick(timedelta(minutes=90))

        assert isinstance(auth.password_change.begin(here), Resumed)

    def test_remembered_is_asked_again(self, auth: UnessAuth) -> None:
        """
        A remembered session may be in anybody's hands: first, who is it?
        """
        here = signed_in(auth, is_remembered=True)

        assert NotRecent() == auth.password_change.begin(here)
        assert NotRecent() == change(auth, here)
        again = carrying(
            here,
            auth.password_sign_in.sign_in(DOMINIQUE, OLD, here, is_remembered=False),
        )
        assert isinstance(auth.password_change.begin(again), Resumed)

    def test_nobody(self, auth: UnessAuth) -> None:
        """
        Who is not signed in, or no longer, is sent to sign in.
        """
        here = signed_in(auth)
        auth.sessions.close(here.session, here)

        for client in (HERE, here, attrs.evolve(HERE, session="s" * 43)):
            assert NotSignedIn() == auth.password_change.begin(client)
            assert NotSignedIn() == change(auth, client)

    def test_no_password_yet(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        Who signs in by code alone has none to change: only a link makes the first.
        """
        sent = auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(sent, CodeSent)
        answer = auth.code_sign_in.confirm(
            sent.challenge_id, outbox.code(CAMILLE), HERE
        )
        here = carrying(HERE, answer)

        assert NoPassword() == auth.password_change.begin(here)
        assert NoPassword() == change(auth, here)


class TestChange:
    @pytest.mark.parametrize("is_remembered", [False, True])
    def test_goes_on_here_and_ends_elsewhere(
        self, auth: UnessAuth, clock: FixedClock, *, is_remembered: bool
    ) -> None:
        """
        This browser stays signed in, as it was remembered; every other one is not.
        """
        phone = signed_in(auth, PHONE, is_remembered=True)
        first = signed_in(auth, is_remembered=is_remembered)
        here = signed_in(auth, first) if is_remembered else first
        clock.tick()
        answer = change(auth, here)
        after = carrying(here, answer)

        assert is_remembered is answer.is_remembered
        assert here.session != after.session
        assert (True, False, False) == (
            is_open(auth, after),
            is_open(auth, here),
            is_open(auth, phone),
        )
        resumed = auth.sessions.resume(after.session)
        assert isinstance(resumed, Resumed)
        assert resumed.is_recent
        assert WrongPassword() == auth.password_sign_in.sign_in(
            DOMINIQUE, OLD, PHONE, is_remembered=False
        )

    def test_this_browser_stays_known(
        self, auth: UnessAuth, storage: MemoryStorage
    ) -> None:
        """
        Its device cookie goes on under the new version; others have to prove theirs.
        """
        phone = signed_in(auth, PHONE)
        after = carrying(HERE, change(auth, signed_in(auth)))
        account = storage.accounts.by_id("dominique")
        guard = auth.password_sign_in.guard

        assert guard.spender("dominique", account, after).is_known_device
        assert not guard.spender("dominique", account, phone).is_known_device

    def test_is_told(self, auth: UnessAuth, log: EventLog, outbox: Outbox) -> None:
        """
        The owner is mailed, and no "new sign-in" besides.
        """
        here = signed_in(auth)
        outbox.messages.clear()
        log.events.clear()
        assert isinstance(change(auth, here), SignedIn)

        [(to, message)] = outbox.messages
        assert DOMINIQUE == to
        assert "Votre mot de passe a été modifié" == message["Subject"]
        assert [
            EventKind.PASSWORD_ACCEPTED,
            EventKind.PASSWORD_CHANGED,
            EventKind.NOTICE_SENT,
            EventKind.SIGNED_OUT,
            EventKind.SIGNED_IN,
        ] == log.kinds()

    def test_a_mail_server_that_is_down(self, auth: UnessAuth, outbox: Outbox) -> None:
        """
        What was done stays done, and the page says so.
        """
        here = signed_in(auth)
        outbox.is_down = True

        assert isinstance(change(auth, here), SignedIn)

    def test_refused_before_the_current_one_is_looked_at(
        self, auth: UnessAuth, hashing: FastHashing
    ) -> None:
        """
        Every unmet rule at once, at no attempt and no hash.
        """
        here = signed_in(auth)
        before = hashing.verified
        flow = auth.password_change

        assert ChangeRefused(
            unmet=("too_short", "no_uppercase", "no_digit", "no_special"), differs=True
        ) == flow.change("Faux", "abc", "xyz", here)
        assert ChangeRefused(unmet=(), differs=True) == flow.change(OLD, NEW, "", here)
        assert ChangeRefused(unmet=("too_common",), differs=False) == change(
            auth, here, new="Dominique-2026"
        )
        assert NothingTyped() == change(auth, here, current="")
        assert before == hashing.verified

    def test_refusals_are_told_by_their_rules(
        self, auth: UnessAuth, log: EventLog
    ) -> None:
        """
        The helpdesk reads which rules were not met, and nothing of what was typed.
        """
        here = signed_in(auth)
        _ = auth.password_change.change(OLD, "abc", "xyz", here)
        _ = auth.password_change.change("", NEW, NEW, here)
        refusals = [e for e in log.events if e.kind is EventKind.PASSWORD_REFUSED]

        assert [
            (
                "password_change",
                "too_short,no_uppercase,no_digit,no_special,differs",
            )
        ] == [(one.method, one.reason) for one in refusals]

    def test_wrong_ones_are_spent(self, auth: UnessAuth) -> None:
        """
        A thief at an open session guesses no faster than at the door.
        """
        here = signed_in(auth)
        answers = [change(auth, here, current="Faux") for _ in range(6)]

        assert [WrongPassword()] * 5 == answers[:5]
        assert isinstance(answers[5], Throttled)
        assert isinstance(change(auth, here), Throttled)
        assert is_open(auth, here)

    def test_suspended(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        The run that suspends a password counts here too.
        """
        throttle = ThrottlePolicy(passwords_in_a_row=2)
        auth = make_auth(policy=Policy.uness(throttle=throttle))
        here = signed_in(auth)

        assert WrongPassword() == change(auth, here, current="Faux")
        assert PasswordSuspended() == change(auth, here, current="Faux")
        assert PasswordSuspended() == change(auth, here)

    def test_busy(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        Where no slot is free for the new hash nothing is changed.
        """
        slots = HashingPolicy(
            memory_budget=64 * 1024 * 1024, queue_per_slot=0, longest_wait=timedelta(0)
        )
        auth = make_auth(policy=Policy.uness(hashing=slots))
        here = signed_in(auth)
        flow = auth.password_change
        free = attrs.evolve(
            flow,
            password_check=attrs.evolve(
                flow.password_check, slots=make_auth().password_change.slots
            ),
        )
        with flow.slots.take() as is_taken:
            assert is_taken
            answers = [change(auth, here), free.change(OLD, NEW, NEW, here)]

        assert [Busy(retry_after=timedelta(seconds=1))] * 2 == answers
        assert isinstance(change(auth, here), SignedIn)

    def test_store_that_fails(self, auth: UnessAuth, storage: MemoryStorage) -> None:
        """
        Nothing is changed, and the session goes on.
        """

        class Failing:
            def set_password(self, *_: object) -> bool:
                raise StorageError

        here = signed_in(auth)
        failing: Any = Failing()
        flow = attrs.evolve(auth.password_change, accounts=failing)
        with pytest.raises(StorageError):
            flow.change(OLD, NEW, NEW, here)

        assert is_open(auth, here)
        assert isinstance(change(auth, here), SignedIn)
        assert storage.accounts.by_id("dominique")

    def test_one_winner(self, auth: UnessAuth, log: EventLog) -> None:
        """
        Of many at once exactly one is set; whoever is late is not signed in any more.
        """
        here = signed_in(auth)
        barrier = Barrier(8)

        def one(number: int) -> Any:
            barrier.wait()
            return change(auth, here, new=f"Velo-Tandem-{number}")

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(one, range(8)))

        winners = [one for one in answers if isinstance(one, SignedIn)]
        assert 1 == len(winners)
        assert 1 == log.kinds().count(EventKind.PASSWORD_CHANGED)
        assert all(
            isinstance(one, SignedIn | NotSignedIn | WrongPassword | Throttled)
            for one in answers
        )

    def test_overtaken(self, auth: UnessAuth, storage: MemoryStorage) -> None:
        """
        Where a link was used between look and set, that one holds.
        """

        class Late:
            def set_password(self, account_id: str, _hash: str, version: int) -> bool:
                accounts = storage.accounts
                assert accounts.set_password(account_id, "clear:Lien-2027", version)
                return accounts.set_password(account_id, _hash, version)

        here = signed_in(auth)
        late: Any = Late()
        flow = attrs.evolve(auth.password_change, accounts=late)

        assert NotSignedIn() == flow.change(OLD, NEW, NEW, here)
        assert not is_open(auth, here)

    def test_veto(self, make_auth: Callable[..., UnessAuth]) -> None:
        """
        The host may say no to the new session: the password is changed all the same.
        """
        answers = iter([True, False])
        auth = make_auth(may_sign_in=lambda _: next(answers, True))
        here = signed_in(auth)

        assert SignInVetoed() == change(auth, here)
        assert not is_open(auth, here)
        assert isinstance(
            auth.password_sign_in.sign_in(DOMINIQUE, NEW, HERE, is_remembered=False),
            SignedIn,
        )
