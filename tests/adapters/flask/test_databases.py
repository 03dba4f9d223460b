"""
The tutorial on each database, and what visitors see while a database cannot answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.adapters.flask import test_journeys
from tests.adapters.flask.test_journeys import portal_on
from tests.conftest import unless_missing
from tests.servers import mariadb
from tests.servers.server import Server, until
from uness_auth import StorageError
from uness_auth.model import Client, Session
from uness_auth.outcomes import CodeSent, SignedIn
from uness_auth.ports import Stores
from uness_auth.storage.memory import MemoryStorage
from uness_auth.storage.sql import SQLStorage, schema
from uness_auth.testing.browser import Browser, HtmlBrowser
from uness_auth.testing.journeys import (
    CAMILLE,
    PASSWORD,
    Journeys,
    Portal,
    sign_in,
    start,
)


CURRENT: Final = "Votre mot de passe Uness*"

# Each fault is waited for as long as this, and no page of a sound database may take
# longer: not on a machine that does much else, nor by a server that has just started.
LONGEST_WAIT: Final = timedelta(seconds=3)

LOCK: Final = {
    "sqlite": ["BEGIN EXCLUSIVE"],
    "postgresql": ["BEGIN", "LOCK TABLE uness_auth_counters IN ACCESS EXCLUSIVE MODE"],
    "mariadb": ["LOCK TABLES uness_auth_counters WRITE"],
}
UNLOCK: Final = {
    "sqlite": "ROLLBACK",
    "postgresql": "ROLLBACK",
    "mariadb": "UNLOCK TABLES",
}

# What is open takes notice of it, too.
READ_ONLY: Final = {
    "postgresql": [
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
    ],
    "mariadb": ["SET GLOBAL read_only = ON"],
}
WRITABLE: Final = {
    "postgresql": [
        "SET default_transaction_read_only = off",
        "ALTER SYSTEM SET default_transaction_read_only = off",
        "SELECT pg_reload_conf()",
    ],
    "mariadb": ["SET GLOBAL read_only = OFF"],
}

IS_READ_ONLY: Final = {
    "postgresql": "SELECT current_setting('default_transaction_read_only') = 'on'",
    "mariadb": "SELECT @@read_only",
}

TABLESPACE: Final = "--innodb-data-file-path=ibdata1:12M:autoextend:max:{size}"

LATER: Final = datetime(2099, 1, 1, tzinfo=UTC)
SOMEBODY: Final = Session(
    digest="5e" * 32,
    account_id="4711",
    credential_version=7,
    opened_at=LATER,
    last_seen_at=LATER,
)


@pytest.mark.once
class TestJourneysOnDatabases(Journeys):
    """
    Every journey of the tutorial, on each database.
    """

    @pytest.fixture(autouse=True)
    def _take(self, url: str) -> Iterator[None]:
        with closing(SQLStorage(url)) as storage:
            storage.create_schema()
            self.stores = storage.stores
            yield

    def make(self) -> Portal:
        return portal_on(self.stores)


@pytest.mark.once
class TestTabsOnDatabases(test_journeys.TestTabs):
    """
    Ten tabs at the same moment, on each database.
    """

    @pytest.fixture(name="stores")
    def _stores(self, url: str) -> Iterator[Stores]:
        with closing(SQLStorage(url)) as storage:
            storage.create_schema()
            yield storage.stores


class TestJourneysOnTwoStorages(TestJourneysOnDatabases):
    """
    Every journey of the tutorial, with the short-lived kept apart.
    """

    def make(self) -> Portal:
        apart = MemoryStorage()
        stores: Stores = attrs.evolve(
            self.stores,
            code_challenges=apart.code_challenges,
            counters=apart.counters,
        )
        return portal_on(stores)


@pytest.fixture(name="server", params=["postgresql", "mariadb"])
def _server(request: pytest.FixtureRequest) -> Server:
    """
    A server for one test alone, which stops it.
    """
    server: Server = request.getfixturevalue(f"own_{request.param}")
    return server


@pytest.fixture(name="open_storage")
def _open_storage() -> Iterator[Callable[[str | URL], SQLStorage]]:
    """
    Opens a storage with its tables, and closes it at the end.
    """
    with ExitStack() as stack:

        def open_storage(url: str | URL) -> SQLStorage:
            storage = SQLStorage(url, longest_wait=LONGEST_WAIT)
            _ = stack.enter_context(closing(storage))
            storage.create_schema()
            return storage

        yield open_storage


class TestServerFaults:
    def test_stopped(
        self, server: Server, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        While the server is down each page says so; afterwards all goes on.
        """
        portal = portal_on(open_storage(server.url).stores)
        browser, inside = with_password(portal)
        start(browser, CAMILLE)

        server.stop()
        submit(browser)
        assert_later(browser)
        inside.visit("/private")
        assert_later(inside)

        server.start()
        inside.visit("/private")
        assert "Accueil" == inside.title
        assert_lets_in(browser)

    @pytest.mark.parametrize("ending", ["stop", "kill"])
    def test_restarted_between_two_pages(
        self, server: Server, open_storage: Callable[[str], SQLStorage], ending: str
    ) -> None:
        """
        Nobody notices: what the server closed meanwhile is not used.
        """
        portal = portal_on(open_storage(server.url).stores)
        browser, _ = with_password(portal)
        start(browser, CAMILLE)

        getattr(server, ending)()
        server.start()

        submit(browser)
        browser.visit("/private")
        assert "Accueil" == browser.title

    def test_frozen(
        self, server: Server, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        A frozen server is given up, and the attempt is counted once at most.
        """
        storage = open_storage(server.url)
        portal = portal_on(storage.stores)
        portal.add()
        here = Client(network="192.0.2.7", browser_digest="b7" * 32)
        sent = portal.auth.code_sign_in.begin(CAMILLE, here)
        assert isinstance(sent, CodeSent)
        code = portal.mailbox.code(CAMILLE)

        server.pause()
        with pytest.raises(StorageError):
            _ = portal.auth.code_sign_in.confirm(sent.challenge_id, code, here)
        server.resume()

        after = storage.stores.code_challenges.spend_attempt(sent.challenge_id)
        assert after is not None
        assert after.attempts_left in {3, 4}
        assert isinstance(
            portal.auth.code_sign_in.confirm(sent.challenge_id, code, here), SignedIn
        )

    def test_read_only(
        self, server: Server, open_storage: Callable[[str | URL], SQLStorage]
    ) -> None:
        """
        A server that takes no writes signs nobody in, and loses nothing.
        """
        host = create_engine(
            server.url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        portal = portal_on(open_storage(url_of_an_ordinary_user(host)).stores)
        browser, inside = with_password(portal)

        run(host, READ_ONLY[host.name])
        until(lambda: is_read_only(host))
        start(browser, CAMILLE)
        submit(browser)
        assert_later(browser)
        inside.visit("/private")
        assert "Accueil" == inside.title

        run(host, WRITABLE[host.name])
        until(lambda: not is_read_only(host))
        assert_lets_in(browser)

    def test_full_disk(
        self, own_postgresql: Server, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        A server whose files cannot grow signs nobody in, and loses nothing.
        """
        storage = open_storage(own_postgresql.url)
        with storage.engine.connect() as connection:
            # Or the room of what was refused would be used again.
            _ = connection.exec_driver_sql(
                "ALTER TABLE uness_auth_counters SET (autovacuum_enabled = off)"
            )
        portal = portal_on(storage.stores)
        browser, inside = with_password(portal)

        # As long as a file of its log, which is there already.
        own_postgresql.limit_files(f"{16 << 20}")
        fill_up(storage)
        assert_nobody_comes_in(browser, inside)

        own_postgresql.limit_files("unlimited")
        assert_lets_in(browser)

    def test_full_tablespace(self, open_storage: Callable[[str], SQLStorage]) -> None:
        """
        A server that has no more room for tables signs nobody in, and loses nothing.
        """
        room = ["--skip-innodb-file-per-table", TABLESPACE.format(size="16M")]
        with unless_missing(), mariadb.server(room) as server:
            storage = open_storage(server.url)
            portal = portal_on(storage.stores)
            browser, inside = with_password(portal)

            fill_up(storage)
            assert_nobody_comes_in(browser, inside)

            room[-1] = TABLESPACE.format(size="100M")
            server.restart()
            assert_lets_in(browser)


class TestDatabaseFaults:
    def test_locked_table(
        self, url: str, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        A table that stays locked is not waited for; freed, it serves again.
        """
        portal = portal_on(open_storage(url).stores)
        browser, _ = with_password(portal)
        start(browser, CAMILLE)
        host = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")

        with host.connect() as connection:
            for statement in LOCK[host.name]:
                _ = connection.exec_driver_sql(statement)
            submit(browser)
            assert_later(browser)
            _ = connection.exec_driver_sql(UNLOCK[host.name])

        assert_lets_in(browser)

    def test_full_file(
        self, tmp_path: Path, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        A file of SQLite's that cannot grow signs nobody in, and loses nothing.
        """
        storage = open_storage(f"sqlite:///{tmp_path}/portal.db")
        portal = portal_on(storage.stores)
        browser, inside = with_password(portal)

        def keep_small(connection: Any, _record: Any) -> None:
            # Never below what the file has already.
            connection.execute("PRAGMA max_page_count = 1").close()

        storage.close()
        event.listen(storage.engine, "connect", keep_small)
        fill(storage)
        start(browser, CAMILLE)
        submit(browser)
        assert_later(browser)
        inside.visit("/private")
        assert "Accueil" == inside.title

        event.remove(storage.engine, "connect", keep_small)
        storage.close()
        assert_lets_in(browser)

    def test_read_only_file(
        self, tmp_path: Path, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        A file of SQLite's that may not be written signs nobody in; reading goes on.
        """
        storage = open_storage(f"sqlite:///{tmp_path}/portal.db")
        portal = portal_on(storage.stores)
        browser, inside = with_password(portal)

        def read_only(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA query_only = ON").close()

        storage.close()
        event.listen(storage.engine, "connect", read_only)
        start(browser, CAMILLE)
        submit(browser)
        assert_later(browser)
        inside.visit("/private")
        assert "Accueil" == inside.title

        event.remove(storage.engine, "connect", read_only)
        storage.close()
        assert_lets_in(browser)


def with_password(portal: Portal) -> tuple[Browser, Browser]:
    """
    Have an account with a password; return a new browser and one that is signed in.
    """
    browser = portal.add_with_password()
    inside = portal.browse()
    sign_in(inside, CAMILLE, PASSWORD)
    return browser, inside


def fill(storage: SQLStorage) -> None:
    """
    Add counters and sessions, one by one, until there is hardly room for any.
    """
    with storage.engine.connect() as connection:
        refused = 0
        while refused < 200:
            digest = secrets.token_hex(32)
            try:
                _ = connection.execute(
                    schema.COUNTERS.insert(),
                    {"key": digest, "number": 1, "expires_at": LATER},
                )
                _ = connection.execute(
                    schema.SESSIONS.insert(),
                    {**attrs.asdict(SOMEBODY), "digest": digest},
                )
            except OperationalError:
                refused += 1


def fill_up(storage: SQLStorage) -> None:
    """
    Copy counters and sessions, under other keys, until there is no room for one more.
    """
    for table in (schema.COUNTERS, schema.SESSIONS):
        [key] = table.primary_key
        with storage.engine.connect() as connection:
            for size in (10_000, 1_000, 100, 10, 1):
                refused = 0
                while refused < 3:
                    salt = secrets.token_hex(8)
                    halves = [func.md5(func.concat(key, salt, n)) for n in ("a", "b")]
                    copies = select(
                        *(func.concat(*halves) if c is key else c for c in table.c)
                    ).limit(size)
                    try:
                        _ = connection.execute(
                            table.insert().from_select([*table.c], copies)
                        )
                    except DBAPIError:
                        refused += 1


def assert_nobody_comes_in(browser: Browser, inside: Browser) -> None:
    """
    Check that soon nobody signs in where nothing can be written, and sessions go on.
    """
    # Each sign-in that still finds room for its rows takes it.
    for _ in range(100):
        start(browser, CAMILLE)
        submit(browser)
        if browser.status == 503:
            break
    assert_later(browser)
    inside.visit("/private")
    assert "Accueil" == inside.title


def submit(browser: Browser) -> None:
    """
    Send the password, where the page that asks for it is open.
    """
    if browser.status == 200:
        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")


def assert_later(browser: Browser) -> None:
    """
    Check that the page says that nothing went on, and when to come back.
    """
    assert isinstance(browser, HtmlBrowser)
    assert 503 == browser.status
    assert int(browser.reply.header("retry-after")) > 0


def assert_lets_in(browser: Browser) -> None:
    """
    Check that the right password signs in.
    """
    sign_in(browser, CAMILLE, PASSWORD)
    browser.visit("/private")
    assert "Accueil" == browser.title


def run(engine: Engine, statements: Sequence[str]) -> None:
    """
    Run statements, each by itself.
    """
    with engine.connect() as connection:
        for statement in statements:
            _ = connection.exec_driver_sql(statement)


def is_read_only(engine: Engine) -> bool:
    """
    Say whether whoever comes now may only read.

    PostgreSQL reads its settings again some time after it was told to, and tells the
    connections there are before it takes a new one.
    """
    with engine.connect() as connection:
        return bool(connection.exec_driver_sql(IS_READ_ONLY[engine.name]).scalar_one())


def url_of_an_ordinary_user(engine: Engine) -> URL:
    """
    Return the URL of the database for somebody whom a read-only server refuses.
    """
    if engine.name == "postgresql":
        return engine.url
    # Its root writes all the same.
    grant = f"GRANT ALL ON `{engine.url.database}`.* TO portal@'127.0.0.1'"
    run(engine, ["CREATE USER portal@'127.0.0.1'", grant])
    return engine.url.set(username="portal")
