"""
The portal on Django: its settings, and a database file that every thread may open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import django


# Playwright keeps an event loop in this thread, which makes Django careful.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings")
django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402 - it wants the settings
from django.db import connections  # noqa: E402 - as above

from tests.adapters.django.databases import alias  # noqa: E402 - as above
from tests.adapters.django.portal import empty_database, installed  # noqa: E402
from uness_auth import UnessAuth  # noqa: E402 - as above
from uness_auth.django.conf import get_auth  # noqa: E402 - as above


@contextmanager
def serving(database: Path, **wishes: Any) -> Iterator[tuple[Any, UnessAuth]]:
    """
    Yield the portal as a WSGI application, and its sign-in.
    """
    before = connections.databases["default"]
    # What this thread has open, if anything, is another database.
    with suppress(AttributeError):
        del connections["default"]
    with alias("default", f"sqlite:///{database}"):
        empty_database()
        with installed(**wishes):
            yield WSGIHandler(), get_auth()
    connections.databases["default"] = before
