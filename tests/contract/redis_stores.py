"""
What other processes import to open the stores on a test's server.
"""

from __future__ import annotations

from typing import Any

from uness_auth.storage.redis import RedisStorage


def open_port(url: str, port: str) -> Any:
    """
    Return one store on the server.
    """
    return getattr(RedisStorage(url), port)
