"""
The stores on Valkey and on Redis keep their contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, ClassVar

import pytest

from tests.contract.redis_stores import open_port
from uness_auth.ports import CodeChallenges, Counters
from uness_auth.storage.redis import RedisStorage
from uness_auth.testing.contracts import CodeChallengesContract, CountersContract


class OnServer:
    """
    Makes stores on an empty server, of each kind.
    """

    supports_purge: ClassVar[bool | str] = "what expired goes by itself"
    port: str

    @pytest.fixture(autouse=True)
    def _take(self, hot_url: str) -> Iterator[None]:
        self._url = hot_url
        with closing(RedisStorage(hot_url)) as self.storage:
            yield

    def reopen(self) -> Callable[[], Any]:
        return partial(open_port, self._url, self.port)

    def make_unreachable(self) -> Any:
        # Nobody listens on port 1.  The public door asks the server first, and raises
        # by itself.
        return getattr(RedisStorage("redis://127.0.0.1:1/0"), f"_{self.port}")


class TestRedisCodeChallenges(OnServer, CodeChallengesContract):
    port = "code_challenges"

    def make(self) -> CodeChallenges:
        return self.storage.code_challenges


class TestRedisCounters(OnServer, CountersContract):
    port = "counters"

    def make(self) -> Counters:
        return self.storage.counters
