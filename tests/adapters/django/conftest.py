"""
A Django project, and in it an empty database of each kind with its tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import django
import pytest


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.adapters.django.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - it wants the settings
from django.core.management import call_command  # noqa: E402 - as above
from django.db import connections  # noqa: E402 - as above

from tests.adapters.django.databases import alias  # noqa: E402 - as above
from tests.servers import fresh  # noqa: E402 - the settings come first


@contextmanager
def prepared(name: str, url: str) -> Iterator[None]:
    """
    Make the tables of all apps, and let *name* stand for the database.
    """
    with alias(name, url):
        call_command("migrate", database=name, verbosity=0)
        yield


# Of each kind one database for the whole run: to make Django's tables takes seconds.


@pytest.fixture(name="sqlite_place", scope="session")
def _sqlite_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    The URL of an SQLite database with the tables of all apps.
    """
    url = f"sqlite:///{tmp_path_factory.mktemp('django')}/portal.db"
    with prepared("test_sqlite", url):
        yield url


@pytest.fixture(name="postgresql_place", scope="session")
def _postgresql_place(postgresql_server: str) -> Iterator[str]:
    """
    The URL of a PostgreSQL database with the tables of all apps.
    """
    with ExitStack() as stack:
        url = stack.enter_context(fresh.postgresql_database(postgresql_server))
        stack.enter_context(prepared("test_postgresql", url))
        yield url


@pytest.fixture(name="mariadb_place", scope="session")
def _mariadb_place(mariadb_server: str) -> Iterator[str]:
    """
    The URL of a MariaDB database with the tables of all apps.
    """
    with ExitStack() as stack:
        url = stack.enter_context(fresh.mariadb_database(mariadb_server))
        stack.enter_context(prepared("test_mariadb", url))
        yield url


@pytest.fixture(name="place", params=["sqlite", "postgresql", "mariadb"])
def _place(request: pytest.FixtureRequest) -> str:
    """
    The URL of a database with the tables of all apps, once of each kind.
    """
    return str(request.getfixturevalue(f"{request.param}_place"))


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
        "uness_auth_eventrow",
        "uness_auth_accountrow",
        "django_admin_log",
        "users_essay",
        "users_paper",
        get_user_model()._meta.db_table,
    ]
    with connection.cursor() as cursor:
        for table in written:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
    connection.close()
