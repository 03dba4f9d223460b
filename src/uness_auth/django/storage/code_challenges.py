"""
Sign-ins by code that wait for their code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final

import attrs

from ...model import CodeChallenge
from ..models import CodeChallengeRow
from . import mariadb
from .database import Database, Row
from .tables import Table, seconds


_COLUMNS: Final = (
    "id, account_id, credential_version, key_id, browser_digest, sent_at, expires_at, "
    "window_ends_at, attempts_left, is_certain"
)
_IS_OPEN: Final = "id = %s AND attempts_left > 0 AND window_ends_at > %s"
_OPEN: Final = f"SELECT {_COLUMNS} FROM uness_auth_codechallengerow WHERE {_IS_OPEN}"  # noqa: S608 - of ours
_RENEW: Final = f"""
UPDATE uness_auth_codechallengerow SET sent_at = %s, expires_at = %s
WHERE {_IS_OPEN} AND sent_at <= %s
"""  # noqa: S608 - as above
_SPEND: Final = f"""
UPDATE uness_auth_codechallengerow SET attempts_left = attempts_left - 1
WHERE id = %s AND attempts_left > 0 RETURNING {_COLUMNS}
"""  # noqa: S608 - as above


class DjangoCodeChallenges:
    """
    The `uness_auth.ports.CodeChallenges` of `uness_auth.django.storage.DjangoStorage`.
    """

    def __init__(self, database: Database, /) -> None:
        self._database = database
        self._table = Table(database, CodeChallengeRow)

    def add(self, challenge: CodeChallenge, /) -> None:
        """
        Store *challenge*.
        """
        self._table.add("DjangoCodeChallenges.add()", attrs.asdict(challenge))

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
        sent = seconds(sent_at)
        found = [challenge_id, sent]
        due = [sent, seconds(expires_at), *found, seconds(not_sent_after)]

        def work() -> tuple[CodeChallenge, bool] | None:
            is_renewed = self._database.execute(_RENEW, due) == 1
            # Not due, or gone.  Whatever happens before this look, it tells what was
            # true when it looked, and that this call did not renew.
            row = self._database.one(_OPEN, found)
            return None if row is None else (_challenge_from(row), is_renewed)

        return self._database.write("DjangoCodeChallenges.renew()", work, is_final=True)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        """
        Take one attempt off and return the challenge as it is afterwards.
        """

        def at_once() -> Row | None:
            return self._database.one(_SPEND, [challenge_id])

        spend = partial(mariadb.spend_attempt, self._database, _COLUMNS, challenge_id)
        work = spend if self._database.vendor == "mysql" else at_once
        row = self._database.write(
            "DjangoCodeChallenges.spend_attempt()", work, is_final=True
        )
        return None if row is None else _challenge_from(row)

    def consume(self, challenge_id: str, /) -> bool:
        """
        Remove the challenge and say whether this call was the one that did.
        """
        return self._table.remove(
            "DjangoCodeChallenges.consume()", challenge_id, is_final=True
        )

    def purge(self, before: datetime, limit: int, /) -> int:
        """
        Remove up to *limit* challenges whose window ended before *before*.
        """
        return self._table.purge(
            "DjangoCodeChallenges.purge()", "window_ends_at", before, limit
        )


def _challenge_from(row: Row) -> CodeChallenge:
    id_, account, version, key, browser, sent, expires, window, attempts, plain = row
    return CodeChallenge(
        id=id_,
        account_id=account,
        credential_version=version,
        key_id=key,
        browser_digest=browser,
        sent_at=datetime.fromtimestamp(sent, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        window_ends_at=datetime.fromtimestamp(window, UTC),
        attempts_left=int(attempts),
        is_certain=bool(plain),
    )
