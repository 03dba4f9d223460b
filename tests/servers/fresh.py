"""
A server for a whole run, and in it an empty database for each test.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from . import mariadb
from .server import Server


class Kind(Protocol):
    """
    A module of this package that tells how to have a server.
    """

    @property
    def VARIABLE(self) -> str:  # noqa: N802 - a constant of the module
        """
        What in the environment may name an existing server.
        """
        ...

    def server(self) -> Server:
        """
        Return a server that is ours to stop.
        """
        ...


@contextmanager
def existing_or_own(kind: Kind) -> Iterator[str]:
    """
    Yield the URL of the server that the environment names, or else of one of ours.
    """
    if url := os.environ.get(kind.VARIABLE):
        yield url
        return
    with kind.server() as server:
        yield server.url


@contextmanager
def postgresql_database(server_url: str) -> Iterator[str]:
    """
    Yield the URL of a new database, and drop it afterwards.
    """
    with _database(
        server_url,
        "postgresql+psycopg",
        create="CREATE DATABASE {} TEMPLATE template0",
        drop="DROP DATABASE {} WITH (FORCE)",
    ) as url:
        yield url


@contextmanager
def mariadb_database(server_url: str) -> Iterator[str]:
    """
    Yield the URL of a new database, and drop it afterwards.
    """
    with _database(
        server_url,
        "mariadb+pymysql",
        create=f"CREATE DATABASE {{}} {mariadb.CHARACTERS}",
        drop="DROP DATABASE {}",
    ) as url:
        yield url


@contextmanager
def _database(server_url: str, driver: str, create: str, drop: str) -> Iterator[str]:
    # Not at the top: the core's own tests run with no driver installed.
    from sqlalchemy import NullPool, create_engine, make_url  # noqa: PLC0415

    server = make_url(server_url).set(drivername=driver)
    name = f"uness_auth_{secrets.token_hex(8)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(create.format(name))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(drop.format(name))


@contextmanager
def redis_database(server_url: str) -> Iterator[str]:
    """
    Yield the URL of a database that is empty, and empty it afterwards.
    """
    from redis import Redis  # noqa: PLC0415 - as above

    with closing(Redis.from_url(server_url)) as client:
        if client.dbsize():
            msg = (
                "the Redis database given to the tests is not empty, and they empty "
                "it: end the URL with the number of another (/9), or run FLUSHDB there"
            )
            raise RuntimeError(msg)
        try:
            yield server_url
        finally:
            client.flushdb()
