"""
What the tests of the storage share: an empty database of each kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from uness_auth.ports import Stores
from uness_auth.storage.sql import SQLStorage


@pytest.fixture(name="url", params=["sqlite", "postgresql", "mariadb"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    The URL of an empty database, once of each kind.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/portal.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(name="storage")
def _storage(url: str) -> Iterator[SQLStorage]:
    """
    A storage in that database, with its tables.
    """
    with closing(SQLStorage(url)) as storage:
        storage.create_schema()
        yield storage


@pytest.fixture(name="stores")
def _stores(storage: SQLStorage) -> Stores:
    """
    The stores of that storage.
    """
    return storage.stores
