"""
Sign-ins by code that wait for their code, in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from ...model import CodeChallenge
from .backend import Change
from .database import Database
from .schema import CODE_CHALLENGES as CHALLENGES


_IS_IT: Final = CHALLENGES.c.id == bindparam("b_id")
_HAS_ATTEMPTS: Final = and_(_IS_IT, CHALLENGES.c.attempts_left > 0)
_IS_OPEN: Final = and_(
    _HAS_ATTEMPTS, CHALLENGES.c.window_ends_at > bindparam("b_sent_at")
)

_ADD: Final = insert(CHALLENGES)
_OPEN: Final = select(*CHALLENGES.c).where(_IS_OPEN)
_LOOK: Final = select(*CHALLENGES.c).where(_IS_IT)
_RENEWAL: Final = (
    update(CHALLENGES)
    .where(_IS_OPEN, CHALLENGES.c.sent_at <= bindparam("b_not_sent_after"))
    .values(sent_at=bindparam("b_sent_at"), expires_at=bindparam("b_expires_at"))
)
_RENEW: Final = Change(
    at_once=_RENEWAL.returning(*CHALLENGES.c), write=_RENEWAL, look=_LOOK
)

_LEFT: Final = CHALLENGES.c.attempts_left
_SPENDING: Final = update(CHALLENGES).where(_HAS_ATTEMPTS)
_SPEND: Final = Change(
    at_once=_SPENDING.values(attempts_left=_LEFT - 1).returning(*CHALLENGES.c),
    # MariaDB keeps, per connection, what a statement gave to LAST_INSERT_ID(): the
    # attempts that this very call left, whoever spends another before the look.
    write=_SPENDING.values(attempts_left=func.last_insert_id(_LEFT - 1)),
    look=select(
        *(func.last_insert_id() if one is _LEFT else one for one in CHALLENGES.c)
    ).where(_IS_IT),
)
_CONSUME: Final = delete(CHALLENGES).where(_IS_IT)


class SQLCodeChallenges:
    """
    The `uness_auth.ports.CodeChallenges` of `uness_auth.storage.sql.SQLStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database
        self._purge = database.backend.purging(
            CHALLENGES.c.id, CHALLENGES.c.window_ends_at
        )

    def add(self, challenge: CodeChallenge, /) -> None:
        """
        Store *challenge*.
        """
        self._database.add("SQLCodeChallenges.add()", _ADD, attrs.asdict(challenge))

    def renew(
        self,
        challenge_id: str,
        not_sent_after: datetime,
        sent_at: datetime,
        expires_at: datetime,
        /,
    ) -> tuple[CodeChallenge, bool] | None:
        """
        Note that the code is sent again, if that is due.
        """
        doing = "SQLCodeChallenges.renew()"
        found = {"b_id": challenge_id, "b_sent_at": sent_at}
        due = {"b_not_sent_after": not_sent_after, "b_expires_at": expires_at}
        renewed = self._database.change(doing, _RENEW, found | due)
        if renewed is not None:
            return _challenge_from(renewed), True
        # Not due, or gone.  Whatever happens before this look, it tells what was true
        # when it looked, and that this call did not renew.
        row = self._database.one(doing, _OPEN, found)
        return None if row is None else (_challenge_from(row), False)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        """
        Take one attempt off and return the challenge as it is afterwards.
        """
        row = self._database.change(
            "SQLCodeChallenges.spend_attempt()", _SPEND, {"b_id": challenge_id}
        )
        return None if row is None else _challenge_from(row)

    def consume(self, challenge_id: str, /) -> bool:
        """
        Remove the challenge and say whether this call was the one that did.
        """
        return self._database.write(
            "SQLCodeChallenges.consume()", _CONSUME, {"b_id": challenge_id}
        )

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* challenges whose window ended before *before*.
        """
        return self._database.purge(
            "SQLCodeChallenges.purge()", self._purge, before, limit
        )


def _challenge_from(row: Sequence[Any]) -> CodeChallenge:
    # By position: a name per value costs as much as the query.
    id_, account, version, key, browser, sent, expires, window, attempts, plain = row
    return CodeChallenge(
        id=id_,
        account_id=account,
        credential_version=version,
        key_id=key,
        browser_digest=browser,
        sent_at=sent,
        expires_at=expires,
        window_ends_at=window,
        attempts_left=attempts,
        is_certain=plain,
    )
