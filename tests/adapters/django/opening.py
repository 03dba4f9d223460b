"""
What other processes import to open the stores of a test's database.
"""

from __future__ import annotations

import os
from typing import Any

import django

from tests.adapters.django.databases import settings_of


def open_port(url: str, port: str) -> Any:
    """
    Return one store of the database, which has its tables.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings")
    django.setup()

    # There are no models before.
    from django.db import connections  # noqa: PLC0415

    from uness_auth.django.storage import DjangoStorage  # noqa: PLC0415

    connections.databases["other"] = connections.configure_settings(
        {"default": {}, "other": settings_of(url)}
    )["other"]
    return getattr(DjangoStorage("other").stores, port)
