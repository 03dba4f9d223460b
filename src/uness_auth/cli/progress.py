"""
A progress bar for long work: on a terminal, and nowhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

import click


Advance: TypeAlias = Callable[[int], None]


@contextmanager
def progress(
    label: str, total: int, /, *, is_quiet: bool = False
) -> Generator[Advance]:
    """
    Yield what is called with each number of steps that are done.

    Drawn on standard error, which answers do not share; and not at all where that is
    no terminal, or nothing is to be done.

    Args:
        is_quiet: Draw nothing anywhere: what ``--json`` asks for.
    """
    if is_quiet or total < 1 or not sys.stderr.isatty():
        yield _nothing
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


def _nothing(_count: int, /) -> None:
    pass
