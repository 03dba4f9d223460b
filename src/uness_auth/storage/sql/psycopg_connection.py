"""
A psycopg connection that gives up on a server that gives no sign.

PostgreSQL ends a statement that takes too long, as it was told to at the start.  But a
server that is frozen, or a network that swallows everything, ends nothing, and psycopg
would wait for ever.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, ClassVar

import psycopg


class ImpatientConnection(psycopg.Connection[Any]):
    """
    Closes itself where the server's answer is not complete in time.

    Attributes:
        longest_silence: In seconds, per statement.
    """

    longest_silence: ClassVar[float]

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        """
        Let *gen*, the driver's dialogue with the server, run to its end, or close.
        """
        return super().wait(self._until_too_late(gen), *args, **options)

    def _until_too_late(
        self, dialogue: Generator[Any, Any, Any]
    ) -> Generator[Any, Any, Any]:
        # The driver sends "nothing is ready" a few times a second while it waits.
        too_late = time.monotonic() + self.longest_silence
        try:
            wants = next(dialogue)
            while True:
                ready = yield wants
                if not ready and time.monotonic() >= too_late:
                    self.pgconn.finish()
                    msg = f"no answer within {self.longest_silence:g} s"
                    raise psycopg.OperationalError(msg)
                wants = dialogue.send(ready)
        except StopIteration as end:
            return end.value


def impatient(longest_silence: float, /) -> type[ImpatientConnection]:
    """
    Return the connections that wait for no answer longer than that: in seconds.
    """
    return type(
        "ImpatientConnection",
        (ImpatientConnection,),
        {"longest_silence": longest_silence},
    )
