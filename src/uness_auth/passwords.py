"""
argon2 for passwords, and the slots that keep a storm of sign-ins off the memory.
"""

from __future__ import annotations

import os
import sys
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from secrets import token_bytes
from typing import Final, TypeVar

from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.exceptions import HashingError as Argon2HashingError

from .errors import ConfigurationError, HashingError
from .policy import MOST_HASHED_BYTES, SECOND, HashingPolicy


T = TypeVar("T")

# How far hashes step back behind all other threads.  Each has several lanes, and with
# the slots taken there are more of them than cores: whoever only wants a page would
# wait behind them, a time slice each, and again for each of its own few steps.
NICENESS: Final = 10
# Elsewhere a priority is the whole process's.
_THREADS_HAVE_PRIORITIES: Final = sys.platform == "linux"


class Argon2Hashing:
    """
    argon2id under a policy: the shipped `uness_auth.ports.PasswordHashing`.

    Timing: whatever the stored hash and whatever was typed, `verify` and `decoy` run
    argon2 exactly once.  It runs under the stored hash's own parameters where there
    is one to compare with and under the policy's everywhere else, so an account
    whose hash is older than the policy can be told by its time until its owner signs
    in and `needs_rehash` has it replaced.

    On Linux each hash runs in a thread that all others go before, so that requests
    that hash nothing are served during a storm of sign-ins as on any other day.

    Source:
        RFC 9106, and argon2-cffi's own `PasswordHasher`.
    """

    __slots__ = ("_decoy", "_hasher", "_policy")

    def __init__(self, policy: HashingPolicy, /) -> None:
        self._policy = policy
        self._hasher = PasswordHasher(
            time_cost=policy.time_cost,
            memory_cost=policy.memory_cost,
            parallelism=policy.parallelism,
        )
        self._decoy = decoy_hash(self._hasher)

    def hash(self, password: str, /) -> str:
        """
        Return a salted hash that says how it was made.

        Raises:
            ValueError: The text cannot be UTF-8, or is longer than the 1,024 bytes
                that are ever hashed: `uness_auth.PasswordPolicy.unmet` refuses both.

            uness_auth.errors.HashingError: There was no memory for it.
        """
        secret = secret_of(password)
        if secret is None:
            msg = f"a password is UTF-8 and at most {MOST_HASHED_BYTES} bytes long"
            raise ValueError(msg)
        try:
            return _behind_others(partial(self._hasher.hash, secret))
        except Argon2HashingError as exc:
            msg = "argon2 could not hash a password: is there memory for it?"
            raise HashingError(msg) from exc

    def verify(self, password_hash: str, password: str, /) -> bool:
        """
        Say whether *password* made *password_hash*.

        Never raises on bad input, and never does more work than the policy's
        ceilings: a hash that asks for more, or that cannot be read, is False, and so
        is a text that cannot have been hashed.  Each costs what the decoy costs.
        """
        secret = secret_of(password)
        if secret is None or not self._is_within_ceilings(password_hash):
            self.decoy(password)
            return False
        return self._matches(password_hash, secret)

    def needs_rehash(self, password_hash: str, /) -> bool:
        """
        Say whether the hash was made with other parameters than today's.

        A hash that cannot be read was.
        """
        try:
            return self._hasher.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def decoy(self, password: str, /) -> None:
        """
        Do the work of `verify`, for an account that has no password.
        """
        # The work around the hash is done as well: what it asks for is read, and a text
        # too long to be hashed is left out, or its length would show in the time.
        _ = self._is_within_ceilings(self._decoy)
        _ = self._matches(self._decoy, secret_of(password) or b"")

    def _matches(self, password_hash: str, secret: bytes) -> bool:
        return _behind_others(partial(self._verify, password_hash, secret))

    def _verify(self, password_hash: str, secret: bytes) -> bool:
        try:
            return self._hasher.verify(password_hash, secret)
        except (Argon2Error, ValueError):
            # Not its password, not a hash, not ASCII, no memory left: fail closed.
            return False

    def _is_within_ceilings(self, password_hash: str) -> bool:
        try:
            asked = extract_parameters(password_hash)
        except InvalidHashError:
            return False
        return (
            asked.memory_cost <= self._policy.largest_memory_cost
            and asked.time_cost <= self._policy.largest_time_cost
            and asked.parallelism <= self._policy.largest_parallelism
        )


def secret_of(password: str) -> bytes | None:
    """
    Return what argon2 hashes; None for a text that it must not, or cannot, hash.
    """
    # No character is shorter than one byte: a text of megabytes is not even encoded.
    if len(password) > MOST_HASHED_BYTES:
        return None
    try:
        secret = password.encode()
    except UnicodeEncodeError:
        return None
    return secret if len(secret) <= MOST_HASHED_BYTES else None


def _behind_others(work: Callable[[], T]) -> T:
    """
    Do *work* in a thread that all others go before, and wait for it.

    A new thread each time, which costs a thousandth of the hash: a thread that has
    stepped back may not step forward again, and a pool would not survive a fork.
    """
    if not _THREADS_HAVE_PRIORITIES:
        return work()
    done: Future[T] = Future()
    asking = threading.get_native_id()

    def run() -> None:
        # Where greenlets stand in for threads it is the process's own.
        if threading.get_native_id() != asking:
            with suppress(OSError):
                _ = os.nice(NICENESS)
        try:
            done.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - raised again where it is waited for
            done.set_exception(exc)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:
        # No thread is left, or the interpreter is about to end.
        return work()
    return done.result()


def decoy_hash(hasher: PasswordHasher | Parameters) -> str:
    """
    Return a hash that no password has, of these costs, without hashing anything.

    The digest is as random as the salt.  Hashing a random password instead would cost
    a whole argon2 run at start, or make the first decoy twice as slow as the others.
    """
    salt, digest = (
        b64encode(token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


class HashingSlots:
    """
    As many hashes at once as cores and memory allow; a short queue for the others.

    Each process keeps slots of its own, and begins with all of them free: what its
    parent had taken when it forked stays with the parent.

    Args:
        policy: Says what a hash costs and how much memory there is for all of them.

        processes: How many processes of the site share the memory budget.

        cores: Hashes that can run side by side; by default this process's cores.

    Attributes:
        count: How many hashes run at once.

    Raises:
        uness_auth.errors.ConfigurationError: If there is not memory for one slot.
    """

    __slots__ = ("_lines", "_policy", "count")

    count: int

    def __init__(
        self, policy: HashingPolicy, /, processes: int = 1, cores: int | None = None
    ) -> None:
        self.count = _slot_count(
            policy, processes, cores_here() if cores is None else cores
        )
        self._policy = policy
        self._lines: dict[int, _Line] = {}

    @property
    def room(self) -> int:
        """
        How many may hash or wait at once in one process; whoever comes then is refused.
        """
        return self.count * (1 + self._policy.queue_per_slot)

    @property
    def retry_after(self) -> timedelta:
        """
        When to come back after a refusal: by then nobody waits who waits now.
        """
        return max(SECOND, self._policy.longest_wait)

    @contextmanager
    def take(self) -> Generator[bool]:
        """
        Wait for a slot, and give it back at the end of the ``with`` block.

        Yields whether there is one: False at once if too many wait already, and
        False after `uness_auth.HashingPolicy.longest_wait`.  The block runs either
        way, so that being busy is an answer and no exception.

        Atomicity: first come, first served; never more than `count` at once.
        """
        line = self._line()
        turn = line.join()
        if turn is None:
            yield False
            return
        try:
            yield line.wait(turn, self._policy.longest_wait)
        finally:
            line.leave(turn)

    def _line(self) -> _Line:
        # Keyed by process, because a fork copies locks as they are, taken or not.
        # `setdefault` has one winner among threads that come here together.
        line = self._lines.get(os.getpid())
        if line is None:
            most_waiting = self.count * self._policy.queue_per_slot
            line = self._lines.setdefault(os.getpid(), _Line(self.count, most_waiting))
        return line


class _Line:
    """
    The free slots of one process, and those who wait for one in order of arrival.

    A turn is an event that is set when its holder has a slot.  Somebody waits only
    while no slot is free, so a slot given back goes to the first in line directly and
    nobody can overtake.
    """

    __slots__ = ("_free", "_lock", "_most_waiting", "_waiting")

    def __init__(self, count: int, most_waiting: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._most_waiting = most_waiting
        self._waiting: deque[threading.Event] = deque()

    def join(self) -> threading.Event | None:
        """
        Return a turn, set already if a slot is free; None if too many wait.
        """
        turn = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                turn.set()
            elif len(self._waiting) < self._most_waiting:
                self._waiting.append(turn)
            else:
                return None
        return turn

    def wait(self, turn: threading.Event, longest: timedelta) -> bool:
        """
        Say whether the turn came in time.
        """
        if turn.wait(longest.total_seconds()):
            return True
        with self._lock:
            # The slot may have been handed over since the wait ended: then it counts.
            if not turn.is_set():
                self._waiting.remove(turn)
            return turn.is_set()

    def leave(self, turn: threading.Event) -> None:
        """
        Give up the turn, whatever became of it.
        """
        with self._lock:
            if not turn.is_set():
                # Refused, and out of the line; or interrupted, and still in it.
                if turn in self._waiting:
                    self._waiting.remove(turn)
            elif self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


def _slot_count(policy: HashingPolicy, processes: int, cores: int) -> int:
    if processes < 1 or cores < 1:
        msg = f"HashingSlots(processes={processes}, cores={cores}) are 1 at least"
        raise ConfigurationError(msg)
    fitting = policy.memory_budget // processes // (policy.memory_cost * 1024)
    if fitting < 1:
        msg = (
            f"HashingPolicy(memory_budget={policy.memory_budget}) shared by "
            f"processes={processes} has no room for one hash of "
            f"memory_cost={policy.memory_cost} KiB: raise memory_budget, use "
            f"HashingPolicy.small(), or run fewer processes"
        )
        raise ConfigurationError(msg)
    return min(cores, fitting)


def cores_here() -> int:
    """
    Return how many cores this process may use.
    """
    # A container or a service manager may leave this process fewer than there are.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
