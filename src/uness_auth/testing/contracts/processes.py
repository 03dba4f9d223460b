"""
Calls to one store from several processes, which begin at the same moment.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from typing import Any, Final, TypeVar

import attrs


Answer = TypeVar("Answer")
Store = TypeVar("Store")

# Until a process that says nothing is given up, in seconds: far more than any needs.
PATIENCE: Final = 60.0


@attrs.frozen
class Raised:
    """
    What a process sends in the place of its answers.
    """

    text: str


def call_together(
    open_store: Callable[[], Store],
    calls: Sequence[Sequence[Callable[[Store], Answer]]],
    /,
) -> list[list[Answer]]:
    """
    Make the calls, those of each sequence in a process of its own, one after the other.

    Returns:
        The answers, in the order of the calls.

    Raises:
        AssertionError: A process raised, ended or said nothing.
    """
    with ExitStack() as stack:
        channels = [stack.enter_context(_process(open_store, one)) for one in calls]
        for channel in channels:
            _ = _received(channel)
        for channel in channels:
            channel.send("go")
        return [_received(channel) for channel in channels]


def serve(
    channel: Any,
    open_store: Callable[[], Store],
    calls: Sequence[Callable[[Store], object]],
    end: Callable[[int], object],
    /,
) -> None:
    """
    What each process does: open the store, wait for the word, call, answer, end.

    Args:
        end: `os._exit`, so that it ends as by a crash: nothing is closed or flushed.
    """
    try:
        store = open_store()
        channel.send("ready")
        _ = channel.recv()
        channel.send([call(store) for call in calls])
    except Exception:  # noqa: BLE001 - whatever it is, the test tells it
        channel.send(Raised(traceback.format_exc()))
    _ = end(0)


@contextmanager
def _process(open_store: object, calls: object) -> Generator[Any]:
    # Not forked: a fork of a process with threads and connections is no other process.
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=serve, args=(theirs, open_store, calls, os._exit), daemon=True
    )
    with ours:
        process.start()
        # So that ours says when the process is gone.
        theirs.close()
        try:
            yield ours
        finally:
            process.kill()
            process.join()
            process.close()


def _received(channel: Any) -> Any:
    if not channel.poll(PATIENCE):
        msg = f"a process said nothing for {PATIENCE:.0f} seconds"
        raise AssertionError(msg)
    try:
        received = channel.recv()
    except EOFError:
        msg = "a process ended without a word: standard error may tell why"
        raise AssertionError(msg) from None
    match received:
        case Raised(text=text):
            msg = f"in another process:\n{text}"
            raise AssertionError(msg)
        case answers:
            return answers
