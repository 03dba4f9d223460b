"""
A Django project, and in it an empty database of each kind with its tables.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import django
import pytest


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - it wants the settings

from tests.adapters.django.databases import alias  # noqa: E402 - as above


@pytest.fixture(name="using")
def _using(url: str) -> Iterator[str]:
    """
    The alias of an empty database with its tables, once of each kind.
    """
    with alias(f"test_{secrets.token_hex(4)}", url) as name:
        call_command("migrate", database=name, verbosity=0, run_syncdb=True)
        yield name
