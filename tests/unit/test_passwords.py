"""
Hashes under a policy, and the slots that bound how many run at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import argon2
import pytest
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import passwords
from uness_auth.errors import ConfigurationError, HashingError
from uness_auth.passwords import NICENESS, Argon2Hashing, HashingSlots
from uness_auth.policy import MOST_HASHED_BYTES, HashingPolicy
from uness_auth.ports import PasswordHashing


CHEAP = HashingPolicy(memory_cost=12_288, time_cost=3, parallelism=1)
LONG = timedelta(seconds=30)
MIB = 1024 * 1024

hashing = Argon2Hashing(CHEAP)
HASH = hashing.hash("Sport2026!")
COSTS = "m=12288,t=3,p=1"


class CountingHasher:
    """
    argon2, and a list of the hashes that it was asked to compute.
    """

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.argon2 = argon2.PasswordHasher(3, 12_288, 1)

    def verify(self, stored: str, secret: bytes) -> bool:
        """
        Note the hash, and verify.
        """
        self.computed.append(stored)
        return self.argon2.verify(stored, secret)


@pytest.fixture(name="counting")
def _counting(monkeypatch: pytest.MonkeyPatch) -> tuple[Argon2Hashing, CountingHasher]:
    watched = Argon2Hashing(CHEAP)
    hasher = CountingHasher()
    monkeypatch.setattr(watched, "_hasher", hasher)
    return watched, hasher


class TestHash:
    def test_is_argon2id_with_the_policys_costs(self) -> None:
        """
        A hash says that it is argon2id under the parameters of the policy.
        """
        actual = argon2.extract_parameters(HASH)

        assert (Type.ID, 12_288, 3, 1) == (
            actual.type,
            actual.memory_cost,
            actual.time_cost,
            actual.parallelism,
        )

    def test_is_salted(self) -> None:
        """
        The same password has another hash each time.
        """
        assert HASH != hashing.hash("Sport2026!")

    @pytest.mark.parametrize(
        "password", ["x" * (MOST_HASHED_BYTES + 1), "é" * 513, "\ud800"]
    )
    def test_refuses_what_could_never_be_verified(self, password: str) -> None:
        """
        A text that `verify` would not even look at is not hashed either.
        """
        with pytest.raises(ValueError, match="at most 1024 bytes"):
            hashing.hash(password)

    def test_without_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        What argon2 could not hash is told as our own error, without the password.
        """

        def fail(*_: object, **__: object) -> str:
            msg = "Memory allocation error"
            raise argon2.exceptions.HashingError(msg)

        monkeypatch.setattr(argon2.PasswordHasher, "hash", fail)
        with pytest.raises(HashingError, match="memory") as caught:
            hashing.hash("Sport2026!")
        assert "Sport2026!" not in str(caught.value)

    def test_satisfies_the_port(self) -> None:
        """
        The class fills the port without inheriting from it.
        """
        port: PasswordHashing = hashing

        assert port.verify(HASH, "Sport2026!")


class TestVerify:
    def test_knows_its_password(self) -> None:
        """
        The password that made the hash is right.
        """
        assert hashing.verify(HASH, "Sport2026!")

    @pytest.mark.parametrize("password", ["", "sport2026!", "Sport2026! ", "Sport2026"])
    def test_refuses_another_password(self, password: str) -> None:
        """
        Any other text is wrong, however near.
        """
        assert not hashing.verify(HASH, password)

    def test_reads_hashes_made_with_other_costs(self) -> None:
        """
        A hash made under another policy, within the ceilings, still verifies.
        """
        older = Argon2Hashing(HashingPolicy.small()).hash("Sport2026!")

        assert hashing.verify(older, "Sport2026!")

    @pytest.mark.parametrize("length", [MOST_HASHED_BYTES - 1, MOST_HASHED_BYTES])
    def test_hashes_long_passwords_to_their_last_byte(self, length: int) -> None:
        """
        Up to 1,024 bytes count, and each of them does.
        """
        long = "é" * (length // 2) + "x" * (length % 2)
        made = hashing.hash(long)

        assert (True, False) == (
            hashing.verify(made, long),
            hashing.verify(made, long[:-1] + "y"),
        )

    @pytest.mark.parametrize(
        "costs",
        [
            "m=262145,t=3,p=1",
            "m=4194304,t=3,p=1",
            "m=12288,t=11,p=1",
            "m=12288,t=3,p=9",
        ],
    )
    def test_never_computes_a_hash_over_the_ceilings(
        self, costs: str, counting: tuple[Argon2Hashing, CountingHasher]
    ) -> None:
        """
        A stored hash that asks for 4 GiB is refused; the decoy is hashed instead.
        """
        watched, hasher = counting
        greedy = HASH.replace(COSTS, costs)

        assert not watched.verify(greedy, "Sport2026!")
        assert 1 == len(hasher.computed)
        assert greedy not in hasher.computed

    @pytest.mark.parametrize(
        ("stored", "typed"),
        [
            ("", "Sport2026!"),
            ("pbkdf2_sha256$1000000$salt$digest", "Sport2026!"),
            (HASH[:-1], "Sport2026!"),
            (HASH.replace("$m=", "$m=é"), "Sport2026!"),
            (HASH + "é", "Sport2026!"),
            (HASH, "\ud800"),
            (HASH, "x" * 10_000_000),
            (HASH, "é" * 513),
        ],
    )
    def test_takes_one_run_whatever_comes(
        self, stored: str, typed: str, counting: tuple[Argon2Hashing, CountingHasher]
    ) -> None:
        """
        P34: what cannot match is False after as much work as what could.
        """
        watched, hasher = counting

        assert not watched.verify(stored, typed)
        assert 1 == len(hasher.computed)

    @given(
        stored=st.text()
        | st.builds(
            "${}$v=19$m={},t={},p={}${}${}".format,
            st.sampled_from(["argon2id", "argon2i", "argon2d", "argon2x"]),
            st.integers(-1, 100) | st.integers(262_145) | st.text(max_size=3),
            st.integers(-1, 2) | st.integers(11) | st.text(max_size=3),
            st.integers(-1, 2) | st.integers(9) | st.text(max_size=3),
            st.text("AZaz09+/=é\0", max_size=30),
            st.text("AZaz09+/=é\0", max_size=50),
        )
        | st.text(min_size=1).map(HASH.__add__),
        typed=st.text(st.characters(exclude_categories=[])),
    )
    def test_never_raises(self, stored: str, typed: str) -> None:
        """
        Any stored text and any typed text, lone surrogates included, is False.
        """
        assert not hashing.verify(stored, typed)


class TestNeedsRehash:
    def test_todays_parameters_stay(self) -> None:
        """
        A hash of this policy is left alone.
        """
        assert not hashing.needs_rehash(HASH)

    @pytest.mark.parametrize(
        "stored",
        [
            HASH.replace("m=12288", "m=12289"),
            HASH.replace("t=3", "t=4"),
            HASH.replace("$argon2id", "$argon2i"),
            "",
            "sha1$salt$digest",
        ],
    )
    def test_anything_else_is_made_anew(self, stored: str) -> None:
        """
        Other costs, another kind and what cannot be read ask for a rehash.
        """
        assert hashing.needs_rehash(stored)


class TestDecoy:
    @pytest.mark.parametrize("typed", ["Sport2026!", "", "\ud800", "x" * 2000])
    def test_runs_argon2_once_with_todays_costs(
        self, typed: str, counting: tuple[Argon2Hashing, CountingHasher]
    ) -> None:
        """
        The decoy is one ordinary comparison, the first time too.
        """
        watched, hasher = counting
        watched.decoy(typed)
        (computed,) = hasher.computed

        assert not hasher.argon2.check_needs_rehash(computed)

    def test_reads_what_its_hash_asks_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        P33: the work around the hash is that of an ordinary comparison, too.
        """
        read: list[str] = []

        def noting(stored: str) -> argon2.Parameters:
            read.append(stored)
            return argon2.extract_parameters(stored)

        monkeypatch.setattr(passwords, "extract_parameters", noting)
        assert not hashing.verify(HASH, "typed")
        hashing.decoy("typed")

        assert [HASH, hashing._decoy] == read  # noqa: SLF001 - nothing else tells

    def test_is_a_hash_that_argon2_reads(self) -> None:
        """
        The decoy fails as a wrong password does, after the work, not before.
        """
        with pytest.raises(argon2.exceptions.VerifyMismatchError):
            argon2.PasswordHasher().verify(hashing._decoy, "")  # noqa: SLF001 - nothing else tells


class TestPriority:
    def seen(self, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int, int]:
        """
        Hash; return the priority before, while hashing, and after.
        """
        watched = Argon2Hashing(CHEAP)
        priorities: list[int] = []

        class Watching(CountingHasher):
            def verify(self, stored: str, secret: bytes) -> bool:
                priorities.append(os.getpriority(os.PRIO_PROCESS, 0))
                return super().verify(stored, secret)

        monkeypatch.setattr(watched, "_hasher", Watching())
        before = os.getpriority(os.PRIO_PROCESS, 0)
        assert watched.verify(HASH, "Sport2026!")
        [during] = priorities
        return before, during, os.getpriority(os.PRIO_PROCESS, 0)

    def test_hashes_step_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A hash gives way to every other thread, and its caller stays as it was.
        """
        before, during, after = self.seen(monkeypatch)

        assert min(before + NICENESS, 19) == during
        assert before == after

    def test_the_process_never_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Where a thread is none of its own, as among greenlets, nothing steps back.
        """

        class Greenlet:
            def __init__(self, *, target: Callable[[], None], daemon: bool) -> None:
                self.start = target

        monkeypatch.setattr(threading, "Thread", Greenlet)
        before, during, after = self.seen(monkeypatch)

        assert before == during == after

    def test_where_priorities_are_the_process(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        On other systems the hash runs where it is asked for.
        """
        monkeypatch.setattr("uness_auth.passwords._THREADS_HAVE_PRIORITIES", False)
        before, during, after = self.seen(monkeypatch)

        assert before == during == after

    def test_no_thread_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Then the hash runs where it is asked for, too.
        """

        def refuse(_self: threading.Thread) -> None:
            msg = "can't start new thread"
            raise RuntimeError(msg)

        monkeypatch.setattr(threading.Thread, "start", refuse)
        before, during, after = self.seen(monkeypatch)

        assert before == during == after


class TestSlots:
    @pytest.mark.parametrize(
        ("policy", "processes", "cores", "expected"),
        [
            (HashingPolicy(), 1, 2, 2),
            (HashingPolicy(), 1, 64, 4),
            (HashingPolicy(), 2, 64, 2),
            (HashingPolicy(), 4, 64, 1),
            (HashingPolicy.small(), 1, 64, 13),
            (HashingPolicy.small(), 4, 64, 3),
            (HashingPolicy(memory_budget=64 * MIB), 1, 64, 1),
        ],
    )
    def test_are_as_many_as_cores_and_memory_allow(
        self, policy: HashingPolicy, processes: int, cores: int, expected: int
    ) -> None:
        """
        The memory budget is shared by all processes, and cores are a limit too.
        """
        assert expected == HashingSlots(policy, processes, cores).count

    def test_count_the_cores_of_this_process(self) -> None:
        """
        Left alone, there are no more slots than cores this process may use.
        """
        assert min(4, len(os.sched_getaffinity(0))) == HashingSlots(CHEAP).count

    def test_count_all_cores_where_none_are_withheld(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Some systems only say how many cores there are, or not even that.
        """
        monkeypatch.delattr(os, "sched_getaffinity")
        monkeypatch.setattr(os, "cpu_count", lambda: 3)
        known = HashingSlots(CHEAP).count
        monkeypatch.setattr(os, "cpu_count", lambda: None)

        assert (3, 1) == (known, HashingSlots(CHEAP).count)

    def test_no_room_for_one_is_told(self) -> None:
        """
        Less than one slot is a fault of the set-up; the message names every way out.
        """
        with pytest.raises(ConfigurationError) as caught:
            HashingSlots(HashingPolicy(), 5)

        for way_out in ("memory_budget", "HashingPolicy.small()", "processes=5"):
            assert way_out in str(caught.value)

    @pytest.mark.parametrize(("processes", "cores"), [(0, 2), (1, 0), (-1, 2)])
    def test_nothing_to_run_on_is_told(self, processes: int, cores: int) -> None:
        """
        No process or no core is a fault of the set-up.
        """
        with pytest.raises(ConfigurationError, match="1 at least"):
            HashingSlots(CHEAP, processes, cores)

    def test_have_room_for_a_queue(self) -> None:
        """
        Slots and queue together: with one more, somebody is refused.
        """
        assert (27, 3) == (
            HashingSlots(CHEAP, cores=3).room,
            HashingSlots(HashingPolicy(queue_per_slot=0), cores=3).room,
        )

    @pytest.mark.parametrize(
        ("longest_wait", "expected"),
        [
            (timedelta(seconds=5), timedelta(seconds=5)),
            (timedelta(0), timedelta(seconds=1)),
        ],
    )
    def test_say_when_to_come_back(
        self, longest_wait: timedelta, expected: timedelta
    ) -> None:
        """
        Come back when those who wait now are done, and not at once.
        """
        slots = HashingSlots(HashingPolicy(longest_wait=longest_wait))

        assert expected == slots.retry_after


def slots_of(
    count: int, *, queue_per_slot: int = 8, longest_wait: timedelta = LONG
) -> HashingSlots:
    """
    Return *count* slots.
    """
    policy = HashingPolicy(
        memory_cost=12_288,
        parallelism=1,
        queue_per_slot=queue_per_slot,
        longest_wait=longest_wait,
    )
    return HashingSlots(policy, cores=count)


def has_free(slots: HashingSlots) -> int:
    """
    Return how many slots can be taken without waiting.
    """
    with ExitStack() as stack:
        found = 0
        while found < slots.count and stack.enter_context(slots.take()):
            found += 1
    return found


class Visitor:
    """
    A thread that asks for a slot and keeps it until told to go.
    """

    def __init__(self, slots: HashingSlots) -> None:
        self.answered = threading.Event()
        self.may_go = threading.Event()
        self.is_taken = False
        self._slots = slots
        self._thread = threading.Thread(target=self._visit)

    def _visit(self) -> None:
        with self._slots.take() as self.is_taken:
            self.answered.set()
            self.may_go.wait(30)

    def come(self, *, waiting: int) -> None:
        """
        Ask for a slot, and return when *waiting* of them stand in line.
        """
        self._thread.start()
        line = self._slots._lines[os.getpid()]  # noqa: SLF001 - the line shows nowhere else
        while len(line._waiting) < waiting:  # noqa: SLF001
            os.sched_yield()

    def go(self) -> None:
        """
        Give the slot back, and return when that is done.
        """
        self.may_go.set()
        self._thread.join()


class TestTake:
    def test_gives_a_free_slot(self) -> None:
        """
        As long as slots are free, nobody waits.
        """
        assert 3 == has_free(slots_of(3, longest_wait=timedelta(0)))

    def test_is_refused_when_the_time_is_up(self) -> None:
        """
        Who waited as long as the policy says goes without, and leaves the line.
        """
        slots = slots_of(1, queue_per_slot=1, longest_wait=timedelta(milliseconds=1))
        with slots.take() as first:
            answers = [first]
            for _ in range(3):
                with slots.take() as is_taken:
                    answers.append(is_taken)

        assert [True, False, False, False] == answers
        assert 1 == has_free(slots)

    def test_leaves_the_line_when_it_is_refused(self) -> None:
        """
        A slot that comes free later does not go to somebody who was sent away.
        """
        slots = slots_of(1, longest_wait=timedelta(0))
        stack = ExitStack()
        stack.enter_context(slots.take())
        with slots.take() as is_taken:
            stack.close()

            assert (False, 1) == (is_taken, has_free(slots))

    def test_is_refused_at_once_when_the_line_is_full(self) -> None:
        """
        Nobody joins a line that is as long as the policy allows.
        """
        slots = slots_of(1, queue_per_slot=0)
        with slots.take(), slots.take() as is_taken:
            assert not is_taken
        assert 1 == has_free(slots)

    def test_bounds_the_line_by_the_number_of_slots(self) -> None:
        """
        With two slots and one place each, the fifth is refused.
        """
        slots = slots_of(2, queue_per_slot=1)
        with slots.take(), slots.take():
            third, fourth = Visitor(slots), Visitor(slots)
            third.come(waiting=1)
            fourth.come(waiting=2)
            with slots.take() as fifth:
                pass
        third.go()
        fourth.go()

        assert (False, True, True) == (fifth, third.is_taken, fourth.is_taken)
        assert 2 == has_free(slots)

    def test_serves_in_order_of_arrival(self) -> None:
        """
        First come, first served.
        """
        slots = slots_of(1)
        visitors = [Visitor(slots) for _ in range(4)]
        with slots.take():
            for place, visitor in enumerate(visitors, 1):
                visitor.come(waiting=place)
        served = []
        for visitor in visitors:
            visitor.answered.wait(30)
            served.append([one.answered.is_set() for one in visitors].count(True))
            visitor.go()

        assert [1, 2, 3, 4] == served
        assert 1 == has_free(slots)

    def test_comes_back_after_an_exception(self) -> None:
        """
        A slot is given back however its block ends.
        """
        slots = slots_of(1)
        with pytest.raises(ZeroDivisionError), slots.take():
            raise ZeroDivisionError

        assert 1 == has_free(slots)

    def test_an_interrupted_wait_leaves_the_line(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Ctrl-C while waiting keeps neither a slot nor a place.
        """
        slots = slots_of(1)

        def interrupt(_: threading.Event, __: float) -> bool:
            raise KeyboardInterrupt

        with slots.take():
            monkeypatch.setattr(threading.Event, "wait", interrupt)
            with pytest.raises(KeyboardInterrupt), slots.take():
                pass
        monkeypatch.undo()

        assert 1 == has_free(slots)

    @pytest.mark.parametrize("is_noticed", [True, False])
    def test_a_slot_handed_over_at_the_last_moment_is_not_lost(
        self, monkeypatch: pytest.MonkeyPatch, is_noticed: bool
    ) -> None:
        """
        Of a wait that ends as the slot arrives, the slot counts.
        """
        slots = slots_of(1)
        stack = ExitStack()
        stack.enter_context(slots.take())

        def run_out(turn: threading.Event, _: float) -> bool:
            stack.close()
            return is_noticed and turn.is_set()

        monkeypatch.setattr(threading.Event, "wait", run_out)
        with slots.take() as is_taken:
            pass
        monkeypatch.undo()

        assert is_taken
        assert 1 == has_free(slots)

    def test_never_lets_more_in_than_there_are_slots(self) -> None:
        """
        32 threads at three slots: never four inside, and every slot comes back.
        """
        slots = slots_of(3, queue_per_slot=1, longest_wait=timedelta(milliseconds=2))
        inside = threading.Semaphore(3)
        start = threading.Barrier(32)

        def storm(_: int) -> Iterator[bool]:
            start.wait()
            for _ in range(50):
                with slots.take() as is_taken:
                    if is_taken:
                        yield inside.acquire(blocking=False)
                        os.sched_yield()
                        inside.release()

        with ThreadPoolExecutor(32) as pool:
            let_in = [
                one
                for got in pool.map(lambda n: list(storm(n)), range(32))
                for one in got
            ]

        assert all(let_in)
        assert 3 == has_free(slots)

    def test_a_forked_process_begins_with_all_slots(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        What the parent had taken when it forked stays with the parent.
        """
        slots = slots_of(1, longest_wait=timedelta(0))
        with slots.take():
            monkeypatch.setattr(os, "getpid", lambda: -1)
            in_child = has_free(slots)
            monkeypatch.undo()
            in_parent = has_free(slots)

        assert (1, 0) == (in_child, in_parent)
        assert 1 == has_free(slots)


# Runs in an interpreter of its own, whose memory nothing else has touched.
A_STORM = """
import re, threading
from pathlib import Path
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uness_auth import Site, UnessAuth
from uness_auth.model import Client
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import Outbox

auth = UnessAuth(
    site=Site(base_url="http://localhost:8000"),
    stores=MemoryStorage().stores,
    mailer=Outbox(),
)
for number in range(32):
    auth.provisioning.add(f"a{number}@exemple.fr")
barrier = threading.Barrier(64)

def guess(number):
    barrier.wait()
    answer = auth.password_sign_in.sign_in(
        f"a{number}@exemple.fr",
        "Faux-2026",
        Client(network=f"192.0.2.{number}"),
        is_remembered=False,
    )
    return type(answer).__name__

with ThreadPoolExecutor(64) as pool:
    told = Counter(pool.map(guess, range(64)))
# Not getrusage(): what it tells includes the process that started this one.
status = Path("/proc/self/status").read_text()
peak = int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024
print(peak, told["WrongPassword"], told["Busy"], sum(told.values()))
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="what a process has used at most is read on Linux"
)
class TestMemory:
    def test_of_a_storm(self) -> None:
        """
        P52: 64 invalid sign-ins at once, half of them of nobody, at 64 MiB a hash, stay
        below 512 MiB: slots bound them, and who finds none is told so.
        """
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own text
            [sys.executable, "-c", A_STORM], capture_output=True, check=True, text=True
        )
        peak, wrong, busy, told = map(int, done.stdout.split())

        assert peak < 512
        assert wrong >= 1
        assert wrong + busy == told == 64
