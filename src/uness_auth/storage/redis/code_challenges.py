"""
Sign-ins by code that wait for their code, in Redis.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ...errors import StorageError
from ...model import CodeChallenge
from .server import Script, Server, dropped_at, key_for, seconds, told


# In this order a row comes back.
_FIELDS: Final = (
    "account_id",
    "credential_version",
    "key_id",
    "browser_digest",
    "sent_at",
    "expires_at",
    "window_ends_at",
    "attempts_left",
    "is_certain",
)
_ROW: Final = "redis.call('HMGET', KEYS[1], {})".format(
    ", ".join(f"'{field}'" for field in _FIELDS)
)

_ADD: Final = Script("""
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
return 1
""")
_RENEW: Final = Script(f"""
local found = redis.call('HMGET', KEYS[1], 'attempts_left', 'window_ends_at', 'sent_at')
local not_sent_after, sent_at = tonumber(ARGV[1]), tonumber(ARGV[2])
if not found[1] or tonumber(found[1]) < 1 or tonumber(found[2]) <= sent_at then
  return false
end
if tonumber(found[3]) > not_sent_after then
  return {{0, {_ROW}}}
end
redis.call('HSET', KEYS[1], 'sent_at', ARGV[2], 'expires_at', ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[4], 'GT')
return {{1, {_ROW}}}
""")
_SPEND: Final = Script(f"""
if tonumber(redis.call('HGET', KEYS[1], 'attempts_left') or 0) < 1 then
  return false
end
redis.call('HINCRBY', KEYS[1], 'attempts_left', -1)
return {_ROW}
""")


class RedisCodeChallenges:
    """
    The `uness_auth.ports.CodeChallenges` of `uness_auth.storage.redis.RedisStorage`.
    """

    def __init__(self, server: Server, /) -> None:
        self._server = server

    def add(self, challenge: CodeChallenge, /) -> None:
        """
        Store *challenge*.
        """
        doing = "RedisCodeChallenges.add()"
        with told(doing):
            name = key_for("challenge", challenge.id)
            # A renewal near the end of the window makes a code that outlives it.
            until = dropped_at(challenge.expires_at, challenge.window_ends_at)
            is_new = self._server.run(_ADD, name, until, *_row_from(challenge))
        if not is_new:
            msg = f"{doing} failed: the challenge is there already"
            raise StorageError(msg)

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
        with told("RedisCodeChallenges.renew()"):
            found = self._server.run(
                _RENEW,
                key_for("challenge", challenge_id),
                *map(seconds, (not_sent_after, sent_at, expires_at)),
                dropped_at(expires_at),
            )
            if found is None:
                return None
            is_renewed, row = found
            return _challenge_from(challenge_id, row), bool(is_renewed)

    def spend_attempt(self, challenge_id: str, /) -> CodeChallenge | None:
        """
        Take one attempt off and return the challenge as it is afterwards.
        """
        with told("RedisCodeChallenges.spend_attempt()"):
            row = self._server.run(_SPEND, key_for("challenge", challenge_id))
            return None if row is None else _challenge_from(challenge_id, row)

    def consume(self, challenge_id: str, /) -> bool:
        """
        Remove the challenge and say whether this call was the one that did.
        """
        with told("RedisCodeChallenges.consume()"):
            return bool(self._server.call("DEL", key_for("challenge", challenge_id)))

    def purge(self, _before: datetime, _limit: int, /) -> int:
        """
        Remove nothing, because rows go by themselves; only ask whether the server answers.
        """
        with told("RedisCodeChallenges.purge()"):
            _ = self._server.call("PING")
            return 0


def _row_from(challenge: CodeChallenge) -> list[bytes | int]:
    values: tuple[bytes | int, ...] = (
        challenge.account_id.encode(),
        challenge.credential_version,
        challenge.key_id.encode(),
        challenge.browser_digest.encode(),
        seconds(challenge.sent_at),
        seconds(challenge.expires_at),
        seconds(challenge.window_ends_at),
        challenge.attempts_left,
        int(challenge.is_certain),
    )
    return [
        part
        for field, value in zip(_FIELDS, values, strict=True)
        for part in (field.encode(), value)
    ]


def _challenge_from(challenge_id: str, row: Sequence[Any]) -> CodeChallenge:
    account, version, key, browser, sent, expires, window, attempts, plain = row
    return CodeChallenge(
        id=challenge_id,
        account_id=str(account, "utf-8"),
        credential_version=int(version),
        key_id=str(key, "utf-8"),
        browser_digest=str(browser, "utf-8"),
        sent_at=datetime.fromtimestamp(int(sent), UTC),
        expires_at=datetime.fromtimestamp(int(expires), UTC),
        window_ends_at=datetime.fromtimestamp(int(window), UTC),
        attempts_left=int(attempts),
        is_certain=plain == b"1",
    )
