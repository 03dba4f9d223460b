"""
What the tests of the storage share: a storage in an empty database of each kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from uness_auth.ports import Stores
from uness_auth.storage.sql import SQLStorage


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
