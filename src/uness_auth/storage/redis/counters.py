"""
The throttles' state in Redis: texts that are swapped, numbers that are added.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from .server import Script, Server, dropped_at, key_for, told


_SWAP: Final = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1
""")
# No call's number may vanish before it said: the later end is kept.
_ADD: Final = Script("""
local number = tonumber(redis.call('GET', KEYS[1]) or 0) + tonumber(ARGV[1])
local ends = redis.call('PEXPIRETIME', KEYS[1])
number = math.max(number, 0)
ends = string.format('%d', math.max(ends, tonumber(ARGV[2])))
redis.call('SET', KEYS[1], string.format('%d', number), 'PXAT', ends)
return number
""")


class RedisCounters:
    """
    The `uness_auth.ports.Counters` of `uness_auth.storage.redis.RedisStorage`.
    """

    def __init__(self, server: Server, /) -> None:
        self._server = server

    def read(self, key: str, /) -> str | None:
        """
        Return the text under *key*, or None.
        """
        with told("RedisCounters.read()"):
            text = self._server.call("GET", _text(key))
            return None if text is None else str(text, "utf-8")

    def swap(
        self, key: str, before: str | None, after: str, expires_at: datetime, /
    ) -> bool:
        """
        Write *after* where *before* stands; None means: where nothing stands.
        """
        with told("RedisCounters.swap()"):
            name, new, until = _text(key), after.encode(), dropped_at(expires_at)
            if before is None:
                done = self._server.call("SET", name, new, "NX", "PXAT", until)
            else:
                done = self._server.run(_SWAP, name, before.encode(), new, until)
            return bool(done)

    def add(self, key: str, delta: int, expires_at: datetime, /) -> int:
        """
        Add *delta* and return the number afterwards, never below zero.
        """
        with told("RedisCounters.add()"):
            name = _number(key)
            if delta == 0:
                return int(self._server.call("GET", name) or 0)
            return int(self._server.run(_ADD, name, delta, dropped_at(expires_at)))

    def server_time(self) -> datetime:
        """
        Return the server's time.
        """
        with told("RedisCounters.server_time()"):
            seconds, _ = self._server.call("TIME")
            return datetime.fromtimestamp(int(seconds), UTC)

    def purge(self, _before: datetime, _limit: int, /) -> int:
        """
        Remove nothing, because rows go by themselves; only ask whether the server answers.
        """
        with told("RedisCounters.purge()"):
            _ = self._server.call("PING")
            return 0


def _text(key: str) -> bytes:
    return key_for("text", key)


def _number(key: str) -> bytes:
    return key_for("number", key)
