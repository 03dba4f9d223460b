"""
The floor: the same SQL and the same crypto, with no framework, library or page.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time
from pathlib import Path

from people import expect


KEY = secrets.token_bytes(32)
SCHEMA = """
PRAGMA journal_mode=WAL;
CREATE TABLE accounts (id TEXT PRIMARY KEY, address TEXT UNIQUE, version INTEGER,
    password TEXT, name TEXT);
CREATE TABLE sessions (digest TEXT PRIMARY KEY, account TEXT, version INTEGER,
    opened INTEGER, seen INTEGER);
CREATE TABLE challenges (id TEXT PRIMARY KEY, account TEXT, left INTEGER);
CREATE TABLE texts (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE numbers (key TEXT PRIMARY KEY, value INTEGER);
INSERT INTO accounts VALUES ('1', 'camille@univ-exemple.fr', 1, 'secret', 'Camille');
"""


def sign(text: str) -> str:
    """
    Return one HMAC.
    """
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


class Floor:
    """
    What nobody can be cheaper than.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        expect(not is_storm, "the floor hashes nothing")
        self.db = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self.db.executescript(SCHEMA)
        self.token = secrets.token_urlsafe(32)

    def prepare(self) -> None:
        """
        Add the session that is asked for.
        """
        self._add_session(self.token)

    def sign_in(self) -> None:
        """
        CSRF twice, the account twice, two counters, one session, read back.
        """
        csrf = sign("form")
        self._account()
        if not hmac.compare_digest(csrf, sign("form")):
            raise AssertionError
        account = self._account()
        self._count(1)
        self._swap()
        if not hmac.compare_digest(account[3], "secret"):
            raise AssertionError
        self._swap()
        self._count(-1)
        token = secrets.token_urlsafe(32)
        self._add_session(token)
        self._resume(token)

    def sign_in_by_code(self) -> None:
        """
        The same with a challenge in place of the password.
        """
        csrf = sign("form")
        account = self._account()
        challenge = secrets.token_hex(16)
        self._count(1)
        self._swap()
        self.db.execute("INSERT INTO challenges VALUES (?, '1', 5)", (challenge,))
        code = sign(challenge)[:6]
        if not hmac.compare_digest(csrf, sign("form")):
            raise AssertionError
        self._count(1)
        self.db.execute(
            "UPDATE challenges SET left = left - 1 WHERE id = ? AND left > 0 "
            "RETURNING account",
            (challenge,),
        ).fetchall()
        self._swap()
        if not hmac.compare_digest(code, sign(challenge)[:6]) or not account:
            raise AssertionError
        self.db.execute("DELETE FROM challenges WHERE id = ?", (challenge,))
        self._swap()
        self._count(-1)
        token = secrets.token_urlsafe(32)
        self._add_session(token)
        self._resume(token)

    def session_request(self) -> None:
        """
        One digest, session and account.
        """
        self._resume(self.token)

    def forged_link(self) -> None:
        """
        One HMAC that does not fit.
        """
        if hmac.compare_digest(sign("forged"), "B" * 64):
            raise AssertionError

    def _account(self) -> tuple[str, ...]:
        found: tuple[str, ...] = self.db.execute(
            "SELECT * FROM accounts WHERE address = ?", ("camille@univ-exemple.fr",)
        ).fetchone()
        return found

    def _add_session(self, token: str) -> None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        now = int(time.time())
        self.db.execute(
            "INSERT INTO sessions VALUES (?, '1', 1, ?, ?)", (digest, now, now)
        )

    def _resume(self, token: str) -> None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        found = self.db.execute(
            "SELECT * FROM sessions JOIN accounts ON accounts.id = sessions.account "
            "WHERE digest = ? AND sessions.version = accounts.version",
            (digest,),
        ).fetchone()
        if found is None:
            raise AssertionError

    def _count(self, delta: int) -> None:
        self.db.execute(
            "INSERT INTO numbers VALUES ('network', 1) ON CONFLICT (key) "
            "DO UPDATE SET value = max(0, value + ?) RETURNING value",
            (delta,),
        ).fetchall()

    def _swap(self) -> None:
        before = self.db.execute("SELECT value FROM texts WHERE key = 'a'").fetchone()
        self.db.execute(
            "INSERT INTO texts VALUES ('a', ?) ON CONFLICT (key) "
            "DO UPDATE SET value = excluded.value WHERE value = ?",
            (secrets.token_hex(8), before[0] if before else None),
        )
