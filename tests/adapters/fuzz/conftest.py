"""
The servers, once for all tests.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.servers import ADAPTERS, Servers, in_memory, running


@pytest.fixture(name="servers", scope="session")
def _servers() -> Iterator[Servers]:
    """
    All adapters, each with an SQLite database.
    """
    with in_memory() as folder:
        urls = {one: f"sqlite:///{folder}/{one}.db" for one in ADAPTERS}
        with running(folder, urls) as servers:
            yield servers


@pytest.fixture(name="fresh_start")
def _fresh_start(servers: Servers) -> Servers:
    """
    The servers, with everything as it was at first.
    """
    servers.restore()
    servers.clock.set(scene.NOW)
    return servers
