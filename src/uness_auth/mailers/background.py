"""
The shipped queue of mail orders: one thread, bounded, that tries again.
"""

from __future__ import annotations

import atexit
import heapq
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import ClassVar, Final, TypeAlias

import attrs

from ..errors import ConfigurationError, MailError, RecipientError, UnessAuthError
from ..model import MailOrder
from ..wiring import utc_now


Deliver: TypeAlias = Callable[[MailOrder], None]

RETRY_WAITS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
)
_AT_EXIT: Final = timedelta(seconds=5)
_CLOSE: Final = timedelta(seconds=30)

_logger: Final = logging.getLogger(__name__)


class BackgroundQueue:
    """
    Delivers mail orders on a thread of its own, one after the other.

    An order that fails is tried again after a while, ever longer, until it expires,
    unless the server refused the address for good; meanwhile the others go on.  Once expired it is handed over a last time, so that
    the event which says that it was dropped is written.

    The orders are in the memory of this process.  A process that is killed loses
    those that were not delivered, and writes nothing of it; one that ends in good
    order takes a few seconds to deliver what it can, and logs what it could not.
    Where that is too little, fill `uness_auth.ports.OrderQueue` with a task queue.

    Every process has a queue of its own, a forked one too: it begins empty, with a
    thread that starts at its first order.  (uWSGI wants ``enable-threads``.)

    Args:
        size: How many orders wait at most.

        retry_waits: How long to wait after the first failure, the second, and so on;
            the last one again and again.

        clock: Aware UTC; what expired is decided by it.
    """

    __slots__ = ("_clock", "_deliver", "_retry_waits", "_size", "_workers")

    for_development_only: ClassVar[bool] = False

    def __init__(
        self,
        *,
        size: int = 1000,
        retry_waits: Sequence[timedelta] = RETRY_WAITS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if size < 1 or not retry_waits or min(retry_waits) < timedelta(0):
            msg = (
                f"BackgroundQueue(size={size}, retry_waits={retry_waits}): keep room for "
                f"one order, and give one wait at least, none of them negative"
            )
            raise ConfigurationError(msg)
        self._size = size
        self._retry_waits = tuple(retry_waits)
        self._clock = clock
        self._deliver: Deliver | None = None
        self._workers: dict[int, _Worker] = {}

    def start(self, deliver: Deliver, /) -> None:
        """
        Say who delivers the orders: `uness_auth.UnessAuth` says that it does.

        Raises:
            uness_auth.errors.ConfigurationError: Somebody does already.
        """
        if self._deliver is not None:
            msg = "this BackgroundQueue is in use: give each UnessAuth one of its own"
            raise ConfigurationError(msg)
        self._deliver = deliver

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order* until it is delivered or expired.

        Raises:
            uness_auth.errors.MailError: The queue is full or closed.

            uness_auth.errors.ConfigurationError: Nobody delivers: see `start`.
        """
        self._worker().put(order)

    def close(self, timeout: timedelta = _CLOSE) -> None:
        """
        Take no more orders, try each of those that wait once more, and stop.

        Called by itself when the process ends, with a few seconds.  Logs how many
        orders were lost, those included that the time did not suffice for.
        """
        if self._deliver is not None:
            self._worker().close(timeout)

    def _worker(self) -> _Worker:
        if self._deliver is None:
            msg = "BackgroundQueue delivers nothing yet: give it to UnessAuth(queue=)"
            raise ConfigurationError(msg)
        # Keyed by process: in a forked one neither the thread nor the locks of its
        # parent are of use, and its parent's orders are its parent's to deliver.
        # `setdefault` has one winner among threads that come here together.
        worker = self._workers.get(os.getpid())
        if worker is None:
            new = _Worker(self._deliver, self._size, self._retry_waits, self._clock)
            worker = self._workers.setdefault(os.getpid(), new)
        return worker


@attrs.frozen(order=True)
class _Waiting:
    """
    An order and when it is due, by the monotonic clock; of two, the one put earlier.
    """

    due: float
    number: int
    order: MailOrder = attrs.field(order=False)
    failures: int = attrs.field(default=0, order=False)


@attrs.frozen
class _Fault:
    """
    What went wrong, and whether trying again is of no use.
    """

    words: str
    is_final: bool = attrs.field(default=False, kw_only=True)


class _Worker:
    """
    The queue of one process: a heap by the time when each order is due.

    One lock guards all of it and is never held while an order is delivered.
    """

    def __init__(
        self,
        deliver: Deliver,
        size: int,
        retry_waits: tuple[timedelta, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._deliver = deliver
        self._size = size
        self._retry_waits = retry_waits
        self._clock = clock
        self._numbers = count()
        self._changed = threading.Condition()
        self._heap: list[_Waiting] = []
        self._is_closed = False
        self._current: _Waiting | None = None
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    def put(self, order: MailOrder) -> None:
        with self._changed:
            if self._is_closed:
                msg = "the mail queue is closed"
                raise MailError(msg)
            if len(self._heap) >= self._size:
                msg = f"the mail queue is full: {self._size} orders wait"
                raise MailError(msg)
            self._see_to_thread()
            self._push(_Waiting(time.monotonic(), next(self._numbers), order))

    def close(self, timeout: timedelta) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            atexit.unregister(self._close_at_exit)
            self._thread.join(timeout.total_seconds())
        with self._changed:
            left = len(self._heap) + (self._current is not None)
            self._heap.clear()
        if left:
            _logger.error("the mail queue is closed with %d orders undelivered", left)

    def _close_at_exit(self) -> None:
        # A forked process inherits this call, with locks that nobody will release.
        if self._process == os.getpid():
            self.close(_AT_EXIT)

    def _see_to_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(
            target=self._work, name="uness-auth-mail", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as exc:
            msg = f"the mail queue has no thread: {exc}"
            raise MailError(msg) from exc
        self._thread = thread
        atexit.unregister(self._close_at_exit)
        _ = atexit.register(self._close_at_exit)

    def _push(self, waiting: _Waiting) -> None:
        heapq.heappush(self._heap, waiting)
        self._changed.notify_all()

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            self._try(waiting)

    def _next(self) -> _Waiting | None:
        """
        Wait for an order to be due; None when the queue is closed and empty.
        """
        with self._changed:
            while not self._is_closed:
                pause = self._heap[0].due - time.monotonic() if self._heap else None
                if pause is not None and pause <= 0:
                    break
                _ = self._changed.wait(pause)
            self._current = heapq.heappop(self._heap) if self._heap else None
            return self._current

    def _try(self, waiting: _Waiting) -> None:
        order = waiting.order
        is_last = self._clock() >= order.expires_at
        fault = self._fault(order)
        if fault is None:
            return
        failed = attrs.evolve(waiting, failures=waiting.failures + 1)
        _logger.warning(
            "%s, attempt %d: %s", _named(order), failed.failures, fault.words
        )
        with self._changed:
            if is_last or fault.is_final or self._is_closed:
                _logger.error("%s was never delivered", _named(order))
            else:
                pause = self._pause(failed).total_seconds()
                self._push(attrs.evolve(failed, due=time.monotonic() + pause))

    def _fault(self, order: MailOrder) -> _Fault | None:
        """
        Deliver the order and return None, or what went wrong, without secrets.
        """
        try:
            self._deliver(order)
        except RecipientError as exc:
            return _Fault(str(exc), is_final=exc.is_final)
        except UnessAuthError as exc:
            return _Fault(str(exc))
        except Exception as exc:  # noqa: BLE001 - a thread that dies delivers nothing more
            # Where it was, but not what it said: that may quote the mail.
            frames = "".join(traceback.format_tb(exc.__traceback__))
            return _Fault(f"{type(exc).__name__}\n{frames}")
        return None

    def _pause(self, failed: _Waiting) -> timedelta:
        """
        Return how long to wait: until the order expires, at the longest.
        """
        step = min(failed.failures, len(self._retry_waits)) - 1
        return min(self._retry_waits[step], failed.order.expires_at - self._clock())


def _named(order: MailOrder) -> str:
    return f"mail order {order.kind.value} for account {order.account_id}"
