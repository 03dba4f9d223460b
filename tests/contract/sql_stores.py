"""
What other processes import to open the stores of a test's database.
"""

from __future__ import annotations

from typing import Any

from uness_auth.storage.sql import SQLStorage


def open_port(url: str, port: str) -> Any:
    """
    Return one store of the database, which has its tables.
    """
    return getattr(SQLStorage(url).stores, port)
