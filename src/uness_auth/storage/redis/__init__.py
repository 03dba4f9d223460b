"""
Keeps what every sign-in writes, code challenges and counters, in Redis or Valkey.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from ...errors import ConfigurationError
from ...ports import CodeChallenges, Counters


__all__ = ["RedisStorage"]

_logger: Final = logging.getLogger(__name__)

# PEXPIRETIME, and PEXPIREAT … GT.  Valkey says which Redis it answers like.
_OLDEST: Final = (7, 0)
_VERSION: Final = re.compile(r"([0-9]+)\.([0-9]+)")
_IN_SQL: Final = "uness_auth.storage.sql.SQLStorage"


class RedisStorage:
    """
    Code challenges and counters, on one server: Redis 7.0, Valkey 7.2, or newer.

    Each call is one round trip.  What is written goes by itself, a minute after nobody
    needs it any more, by the server's clock.  Threads and forked processes may share
    it.  No call is ever made twice: where the answer is lost, nobody knows whether an
    attempt was counted.

    Args:
        url:
            ``redis://localhost:6379/0``, ``rediss://user:password@host:6379/0`` for
            TLS, or ``unix:///run/valkey.sock?db=0``.

        longest_wait:
            For a connection and for the answer, all together; then `StorageError`.

    Raises:
        uness_auth.errors.ConfigurationError:
            If it is no such URL, or the driver is not installed.  Connects to nothing
            yet.
    """

    def __init__(
        self, url: str, /, *, longest_wait: timedelta = timedelta(seconds=5)
    ) -> None:
        try:
            # Here, so that a missing driver is told in our words.
            from . import code_challenges, counters, server, urls  # noqa: PLC0415
        except ModuleNotFoundError as exc:
            msg = (
                "RedisStorage() has no driver, neither for Redis nor for Valkey: "
                "pip install 'uness-auth[redis]'"
            )
            raise ConfigurationError(msg) from exc
        options = urls.options_from(url)
        self._shown = urls.shown(options)
        self._server = server.Server(options, server.Waits.of(longest_wait))
        self._code_challenges = code_challenges.RedisCodeChallenges(self._server)
        self._counters = counters.RedisCounters(self._server)
        self._checked: set[str] = set()

    @property
    def code_challenges(self) -> CodeChallenges:
        """
        The code challenges.  The first look checks the server.

        Raises:
            uness_auth.errors.ConfigurationError:
                If it is too old, one of a cluster, or a replica.

            uness_auth.errors.StorageError: If it cannot be reached.
        """
        if "code_challenges" not in self._checked:
            self._check(self._server.facts("RedisStorage.code_challenges"))
            self._checked.add("code_challenges")
        return self._code_challenges

    @property
    def counters(self) -> Counters:
        """
        The counters.  The first look checks the server, and whether it may drop them.

        Where it may not be asked (the command INFO is forbidden), that is logged.

        Raises:
            uness_auth.errors.ConfigurationError:
                As above, and if its memory is limited and its ``maxmemory-policy`` is
                another than ``noeviction``.

            uness_auth.errors.StorageError: If it cannot be reached.
        """
        if "counters" not in self._checked:
            facts = self._server.facts("RedisStorage.counters")
            self._check(facts)
            self._check_memory(facts)
            self._checked.add("counters")
        return self._counters

    def close(self) -> None:
        """
        Close the connections nobody is using.  The next call opens new ones.
        """
        self._server.close()

    def _check(self, facts: Mapping[str, str]) -> None:
        version = _VERSION.match(facts.get("redis_version", ""))
        if version and tuple(map(int, version.groups())) < _OLDEST:
            msg = (
                f"{self._shown} answers like Redis {version[0]}: upgrade it to Redis 7.0 "
                f"or Valkey 7.2 at least, or keep the store in {_IN_SQL}"
            )
            raise ConfigurationError(msg)
        mode = facts.get("redis_mode", "standalone")
        if mode != "standalone":
            msg = (
                f"{self._shown} runs in {mode} mode, where keys are on other servers: "
                f"name one that stands alone"
            )
            raise ConfigurationError(msg)
        if facts.get("role", "master") != "master":
            msg = f"{self._shown} is a replica, which takes no writes: name its primary"
            raise ConfigurationError(msg)

    def _check_memory(self, facts: Mapping[str, str]) -> None:
        policy = facts.get("maxmemory_policy")
        if policy is None:
            _logger.warning(
                "%s does not say whether it drops counters when its memory is full: "
                "allow INFO to its user, or make sure that maxmemory-policy is "
                "noeviction",
                self._shown,
            )
        # An attacker could fill the memory, and begin again with every budget.
        elif policy != "noeviction" and facts.get("maxmemory") != "0":
            msg = (
                f"{self._shown} drops counters when its memory is full "
                f"(maxmemory-policy {policy}), and with them what limits guessing: set "
                f"maxmemory-policy noeviction, or keep the counters on another server "
                f"or in {_IN_SQL}"
            )
            raise ConfigurationError(msg)
