"""
What only MariaDB needs.
"""

from __future__ import annotations

from typing import Final

from .database import Database, Row


# It has no UPDATE … RETURNING, but keeps, per connection, what a statement gave to
# LAST_INSERT_ID(): the attempts that this very call left, whoever spends another
# before the look.
_SPEND: Final = """
UPDATE uness_auth_codechallengerow
SET attempts_left = LAST_INSERT_ID(attempts_left - 1)
WHERE id = %s AND attempts_left > 0
"""


def spend_attempt(database: Database, columns: str, challenge_id: str, /) -> Row | None:
    """
    Take one attempt off, and return the challenge as it is afterwards.
    """
    if database.execute(_SPEND, [challenge_id]) == 0:
        return None
    as_left = columns.replace("attempts_left", "LAST_INSERT_ID()")
    look = f"SELECT {as_left} FROM uness_auth_codechallengerow WHERE id = %s"  # noqa: S608 - columns of ours
    return database.one(look, [challenge_id])
