"""
A Django project, and in it an empty database of each kind with its tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import django
import pytest


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - it wants the settings
from django.core.management import call_command  # noqa: E402 - as above
from django.db import connections  # noqa: E402 - as above

from tests.adapters.django.databases import alias  # noqa: E402 - as above
from tests.servers import fresh  # noqa: E402 - the settings come first


# Of each kind one database for the whole run: to make Django's tables takes seconds.


@pytest.fixture(
    name="place", scope="session", params=["sqlite", "postgresql", "mariadb"]
)
def _place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """
    The URL of a database with the tables of all apps, once of each kind.
    """
    kind = request.param
    with ExitStack() as stack:
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('django')}/portal.db"
        else:
            lend = getattr(fresh, f"{kind}_database")
            url = stack.enter_context(lend(request.getfixturevalue(f"{kind}_server")))
        name = stack.enter_context(alias(f"test_{kind}", url))
        call_command("migrate", database=name, verbosity=0, run_syncdb=True)
        yield url


@pytest.fixture(name="using")
def _using(place: str) -> Iterator[str]:
    """
    The alias of that database, which is empty.
    """
    name = f"test_{place.partition(':')[0].partition('+')[0]}"
    yield name
    connection = connections[name]
    connection.close()
    written = [
        "uness_auth_sessionrow",
        "uness_auth_codechallengerow",
        "uness_auth_counterrow",
        "uness_auth_accountrow",
        "django_admin_log",
        "users_paper",
        get_user_model()._meta.db_table,
    ]
    with connection.cursor() as cursor:
        for table in written:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
    connection.close()
