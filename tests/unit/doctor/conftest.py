"""
Sign-ins to examine, and servers that answer as they are told.
"""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.unit.mailers import conftest as mail_servers
from tests.unit.test_wiring import HTTPS, KEY, LOCAL, RealMailer, real_stores
from uness_auth import UnessAuth
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing


authority = mail_servers._authority  # noqa: SLF001 - the same servers
trusting = mail_servers._trusting  # noqa: SLF001
serve_mail = mail_servers._serve_mail  # noqa: SLF001
serve_script = mail_servers._serve_script  # noqa: SLF001


@pytest.fixture(name="storage")
def _storage() -> MemoryStorage:
    return MemoryStorage()


def online(storage: MemoryStorage, **given: Any) -> UnessAuth:
    """
    Return the sign-in of a site that people use.
    """
    usual: dict[str, Any] = {
        "site": HTTPS,
        "stores": real_stores(storage),
        "mailer": RealMailer(),
        "keys": [KEY],
        "trusted_proxies": 0,
    }
    return UnessAuth(**usual | given)


def local(storage: MemoryStorage, **given: Any) -> UnessAuth:
    """
    Return the sign-in of somebody who develops.
    """
    usual: dict[str, Any] = {
        "site": LOCAL,
        "stores": storage.stores,
        "mailer": RealMailer(),
        "hashing": FastHashing(),
    }
    return UnessAuth(**usual | given)


@pytest.fixture(name="free_port")
def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
