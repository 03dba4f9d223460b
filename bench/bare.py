"""
The stores' SQL written bare: one open connection, the driver's own cursors, no more.

The statements are those of `uness_auth.storage.sql`, as one writes them by hand; what
comes back is the driver's row, which nobody makes into a record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit


# Of the account, of the session with its account, and of the challenge.
ACCOUNT = (
    "a.id, a.address, a.credential_version, a.created_at, a.display_name, a.language, "
    "a.password_hash, a.is_disabled, a.is_password_suspended"
)
SESSION = (
    "s.digest, s.account_id, s.credential_version, s.opened_at, s.last_seen_at, "
    "s.is_remembered, s.authenticated_at, s.browser, s.network"
)
CHALLENGE = (
    "id, account_id, credential_version, key_id, browser_digest, sent_at, expires_at, "
    "window_ends_at, {left}, is_certain"
)

BY_ADDRESS = f"SELECT {ACCOUNT} FROM uness_auth_accounts a WHERE a.address = ?"  # noqa: S608 - our own words
WITH_ACCOUNT = (
    f"SELECT {SESSION}, {ACCOUNT} FROM uness_auth_sessions s "  # noqa: S608 - our own words
    "JOIN uness_auth_accounts a ON a.id = s.account_id WHERE s.digest = ?"
)
SET_PASSWORD = (
    "UPDATE uness_auth_accounts SET password_hash = ?, "
    "credential_version = credential_version + 1, is_password_suspended = false "
    "WHERE id = ? AND credential_version = ? AND is_disabled = false"
)
SPEND = (
    "UPDATE uness_auth_code_challenges SET attempts_left = attempts_left - 1 "  # noqa: S608 - our own words
    "WHERE id = ? AND attempts_left > 0 "
    f"RETURNING {CHALLENGE.format(left='attempts_left')}"
)
SPEND_ALONE = (
    "UPDATE uness_auth_code_challenges SET attempts_left = "
    "LAST_INSERT_ID(attempts_left - 1) WHERE id = ? AND attempts_left > 0"
)
LOOK = (
    f"SELECT {CHALLENGE.format(left='LAST_INSERT_ID()')} "  # noqa: S608 - our own words
    "FROM uness_auth_code_challenges WHERE id = ?"
)
ADD = (
    "INSERT INTO uness_auth_counters (key, number, expires_at) "
    "VALUES (?, CASE WHEN ? > 0 THEN ? ELSE 0 END, ?) ON CONFLICT (key) DO UPDATE SET "
    "number = CASE WHEN uness_auth_counters.number + ? > 0 "
    "THEN uness_auth_counters.number + ? ELSE 0 END, expires_at = CASE "
    "WHEN uness_auth_counters.expires_at < ? THEN ? "
    "ELSE uness_auth_counters.expires_at END RETURNING number"
)
ADD_MARIADB = (
    "INSERT INTO uness_auth_counters (`key`, number, expires_at) "
    "VALUES (?, CASE WHEN ? > 0 THEN ? ELSE 0 END, ?) ON DUPLICATE KEY UPDATE "
    "number = CASE WHEN number + ? > 0 THEN number + ? ELSE 0 END, expires_at = "
    "CASE WHEN expires_at < ? THEN ? ELSE expires_at END RETURNING number"
)
# What Redis calls atomic: the number never falls below zero, the key ends by itself.
ADD_REDIS = """
local number = redis.call('INCRBY', KEYS[1], ARGV[1])
if number < 0 then number = 0 redis.call('SET', KEYS[1], 0) end
redis.call('PEXPIREAT', KEYS[1], ARGV[2], 'NX')
return number
"""


class Bare:
    """
    One open connection to an SQL database, and the statements on it.
    """

    name = "bare"

    def __init__(self, url: str) -> None:
        self.connection, mark = _connect(url)
        self._is_mariadb = url.startswith("mariadb")
        self._by_address = BY_ADDRESS.replace("?", mark)
        self._with_account = WITH_ACCOUNT.replace("?", mark)
        self._set_password = SET_PASSWORD.replace("?", mark)
        self._spend = SPEND.replace("?", mark)
        self._spend_alone = SPEND_ALONE.replace("?", mark)
        self._look = LOOK.replace("?", mark)
        self._add = (ADD_MARIADB if self._is_mariadb else ADD).replace("?", mark)

    def by_address(self, address: str) -> Any:
        """
        One look-up by an index.
        """
        cursor = self.connection.cursor()
        cursor.execute(self._by_address, (address,))
        return cursor.fetchone()

    def with_account(self, digest: str) -> Any:
        """
        One look-up by a primary key, joined by another.
        """
        cursor = self.connection.cursor()
        cursor.execute(self._with_account, (digest,))
        return cursor.fetchone()

    def set_password(self, account_id: str, password_hash: str, version: int) -> bool:
        """
        One UPDATE.
        """
        cursor = self.connection.cursor()
        cursor.execute(self._set_password, (password_hash, account_id, version))
        return bool(cursor.rowcount == 1)

    def spend_attempt(self, challenge_id: str) -> Any:
        """
        One UPDATE … RETURNING; on MariaDB an UPDATE and a look.
        """
        cursor = self.connection.cursor()
        if not self._is_mariadb:
            cursor.execute(self._spend, (challenge_id,))
            return cursor.fetchall()[0]
        cursor.execute(self._spend_alone, (challenge_id,))
        if cursor.rowcount == 0:
            return None
        cursor.execute(self._look, (challenge_id,))
        return cursor.fetchone()

    def add(self, key: str, delta: int, expires_at: int) -> int:
        """
        One INSERT that adds where the key is.
        """
        cursor = self.connection.cursor()
        ends = (expires_at,)
        values = (key, delta, delta, *ends, delta, delta, *ends, *ends)
        cursor.execute(self._add, values)
        return int(cursor.fetchall()[0][0])

    def close(self) -> None:
        """
        Close the connection.
        """
        self.connection.close()


class BareRedis:
    """
    One open connection to Redis or Valkey.
    """

    name = "bare"

    def __init__(self, url: str) -> None:
        from redis import Redis  # noqa: PLC0415 - only where a Redis is measured

        self._client = Redis.from_url(url, single_connection_client=True)
        self._add = self._client.register_script(ADD_REDIS)

    def add(self, key: str, delta: int, expires_at: int) -> int:
        """
        One EVALSHA.
        """
        return int(self._add(keys=[key], args=[delta, expires_at * 1000]))  # type: ignore[arg-type] - synchronous here

    def close(self) -> None:
        """
        Close the connection.
        """
        self._client.close()


def _connect(url: str) -> tuple[Any, str]:
    kind, _, rest = url.partition("://")
    to = urlsplit(f"//{rest}")
    connect: Callable[..., Any]
    if kind == "sqlite":
        # As the store does: whatever is committed outlives a power cut, and who has to
        # wait for others waits, on a busy machine too.
        file = sqlite3.connect(
            rest.removeprefix("/"),
            timeout=60,
            isolation_level=None,
            check_same_thread=False,
        )
        file.execute("PRAGMA synchronous = FULL").close()
        return file, "?"
    name, user, password = to.path[1:], to.username, to.password
    if kind.startswith("postgresql"):
        from psycopg import connect  # noqa: PLC0415 - as above

        postgresql = connect(
            host=to.hostname,
            port=to.port,
            user=user,
            password=password,
            dbname=name,
            autocommit=True,
        )
        return postgresql, "%s"
    from pymysql import connect  # noqa: PLC0415 - as above

    mariadb = connect(
        host=to.hostname,
        port=to.port,
        user=user,
        password=password or "",
        database=name,
        charset="utf8mb4",
        autocommit=True,
    )
    # As the store does: the default's gap locks let writers of other rows wait.
    mariadb.cursor().execute("SET SESSION tx_isolation = 'READ-COMMITTED'")
    return mariadb, "%s"
