"""
Tables of one version become those of the next, and every row is kept.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from uness_auth.errors import ConfigurationError, StorageError
from uness_auth.model import Account, CodeChallenge, Session
from uness_auth.storage.sql import METADATA, SQLStorage, migrations, schema
from uness_auth.storage.sql.backend import Backend, Waits
from uness_auth.storage.sql.database import Database
from uness_auth.storage.sql.mariadb import MARIADB
from uness_auth.storage.sql.postgresql import POSTGRESQL
from uness_auth.storage.sql.sqlite import SQLITE
from uness_auth.testing.contracts.events import EVENT


HERE: Final = Path(__file__).parent
FIRST_RELEASE: Final = HERE / "first_release"
PLANTED: Final = HERE / "planted_versions"
BACKENDS: Final[dict[str, Backend]] = {
    "sqlite": SQLITE,
    "postgresql": POSTGRESQL,
    "mariadb": MARIADB,
}
PROCESSES: Final = 4
# What the library makes, and what the one with a planted step would.
TODAY: Final = schema.VERSION
NEXT: Final = TODAY + 1
WAITS: Final = Waits.of(timedelta(seconds=2))

# What `first_release/rows.sql` holds, as the stores tell it.
NOW: Final = datetime(2026, 11, 23, 13, 32, 7, tzinfo=UTC)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ACCOUNTS: Final = (
    Account(
        id="4711",
        address="camille@univ-exemple.fr",
        credential_version=7,
        created_at=NOW,
        display_name="Zoé « d'Été » 🎓 ",
        language="fr",
        password_hash="$argon2id$v=19$m=19456,t=2,p=1$c2Vs$aGFjaGU",
    ),
    Account(
        id="4711 ",
        address="Camille@univ-exemple.fr",
        credential_version=2**31,
        created_at=EPOCH,
        language="",
        is_disabled=True,
        is_password_suspended=True,
    ),
    Account(
        id="e\u0301",
        address="e@univ-exemple.fr",
        credential_version=1,
        created_at=NOW,
        display_name="e",
        language="en",
        is_password_suspended=True,
    ),
    Account(
        id="\u00e9",
        address="é@univ-exemple.fr",
        credential_version=1,
        created_at=NOW,
        display_name="é",
        language="en",
    ),
)
SESSIONS: Final = (
    Session(
        digest="c0c0",
        account_id="4711",
        credential_version=7,
        opened_at=NOW,
        last_seen_at=NOW + timedelta(minutes=1),
        is_remembered=True,
    ),
    Session(
        digest="C0C0",
        account_id="nobody",
        credential_version=7,
        opened_at=EPOCH - timedelta(seconds=1),
        last_seen_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ),
)
CHALLENGE: Final = CodeChallenge(
    id="0f0f",
    account_id="4711",
    credential_version=7,
    key_id="1a",
    browser_digest="b7b7",
    sent_at=NOW,
    expires_at=NOW + timedelta(minutes=3),
    window_ends_at=NOW + timedelta(minutes=15),
    attempts_left=2,
    is_certain=False,
)

# What the second version adds to the first, as MariaDB may leave it half done.
OF_THE_SECOND: Final = (
    "ALTER TABLE uness_auth_sessions ADD COLUMN authenticated_at BIGINT",
    """
    ALTER TABLE uness_auth_sessions
    ADD COLUMN browser VARCHAR(64) DEFAULT '' NOT NULL
    """,
    """
    ALTER TABLE uness_auth_sessions
    ADD COLUMN network VARCHAR(64) DEFAULT '' NOT NULL
    """,
    """
    CREATE INDEX ix_uness_auth_sessions_account_id
    ON uness_auth_sessions (account_id)
    """,
)
# As a process of the first release writes `SESSIONS[0]`, under another digest.
OPENED_BY_THE_FIRST: Final = """
INSERT INTO uness_auth_sessions
(digest, account_id, credential_version, opened_at, last_seen_at, is_remembered)
VALUES ('d1d1', '4711', 7, 1795440727, 1795440787, TRUE)
"""

# What each process runs: a start of a site, when all the others start, too.
PROGRAM: Final = """
import sys
from uness_auth.storage.sql import SQLStorage, migrations, schema

url, planted = sys.argv[1:]
migrations.FOLDERS = (*migrations.FOLDERS, planted)
schema.VERSION += 1
storage = SQLStorage(url)
print("ready", flush=True)
sys.stdin.readline()
storage.create_schema()
print(storage.schema_version())
storage.close()
"""


@pytest.fixture(name="url", params=BACKENDS)
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/portal.db"
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(name="server_url", params=["postgresql", "mariadb"])
def _server_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(name="storage")
def _storage(url: str) -> Iterator[SQLStorage]:
    with closing(SQLStorage(url)) as storage:
        yield storage


class TestFirstVersion:
    def test_is_what_the_first_release_made(
        self, storage: SQLStorage, url: str, tmp_path: Path
    ) -> None:
        """
        The first revision makes the tables of the first release, to the letter.
        """
        restore_first_release(url)
        restored = shape_of(storage)
        drop_all(url)

        with library_of(1, tmp_path):
            storage.create_schema()

        assert restored == shape_of(storage)

    def test_broken_off_is_finished(self, storage: SQLStorage, url: str) -> None:
        """
        Where only some tables were made, and no version, the rest is made.
        """
        restore_first_release(url)
        run_all(
            url, ["DELETE FROM uness_auth_schema", "DROP TABLE uness_auth_counters"]
        )
        assert 0 == storage.schema_version()

        storage.create_schema()

        assert TODAY == storage.schema_version()
        assert rows_are_kept(storage, but_counters=True)


class TestSecondVersion:
    def test_sessions_are_kept(self, storage: SQLStorage, url: str) -> None:
        """
        Sessions of the first release go on, say nothing new, and are found by account.
        """
        restore_first_release(url)

        storage.create_schema()

        lists = storage.stores.session_lists
        assert lists is not None
        assert [*SESSIONS[:1]] == list(lists.of_account("4711", 10))
        assert [*SESSIONS[1:]] == list(lists.of_account("nobody", 10))

    @pytest.mark.parametrize("count", range(len(OF_THE_SECOND) + 1))
    def test_broken_off_is_finished(
        self, storage: SQLStorage, url: str, count: int
    ) -> None:
        """
        Wherever the step broke off, what is missing is added.
        """
        storage.create_schema()
        whole = shape_of(storage)
        drop_all(url)
        restore_first_release(url)
        run_all(url, OF_THE_SECOND[:count])

        storage.create_schema()

        assert whole == shape_of(storage)
        assert rows_are_kept(storage)

    def test_old_processes_go_on(self, storage: SQLStorage, url: str) -> None:
        """
        A process of the first release opens sessions in the new tables.
        """
        restore_first_release(url)
        storage.create_schema()

        run_all(url, [OPENED_BY_THE_FIRST])

        assert storage.stores.sessions.by_digest("d1d1") == attrs.evolve(
            SESSIONS[0], digest="d1d1"
        )

    def test_goes_back_and_up_again(self, storage: SQLStorage, url: str) -> None:
        """
        Noted as the version before, the tables are those of this one to the next call.
        """
        storage.create_schema()
        session = attrs.evolve(
            SESSIONS[0], authenticated_at=NOW, browser="Firefox, Windows"
        )
        storage.stores.sessions.add(session)
        whole = shape_of(storage)
        run_all(url, ["UPDATE uness_auth_schema SET version = 1"])

        storage.create_schema()

        assert TODAY == storage.schema_version()
        assert whole == shape_of(storage)
        assert session == storage.stores.sessions.by_digest(session.digest)


class TestFourthVersion:
    @pytest.mark.parametrize("missing", range(3))
    def test_broken_off_is_finished(
        self, storage: SQLStorage, url: str, missing: int
    ) -> None:
        """
        Wherever the step broke off, what is missing is added; events stay.
        """
        storage.create_schema()
        whole = shape_of(storage)
        events = storage.stores.events
        assert events is not None
        events.add([EVENT])
        for index in list(schema.EVENTS.indexes)[:missing]:
            index.drop(storage.engine)
        run_all(url, ["UPDATE uness_auth_schema SET version = 3"])

        storage.create_schema()

        assert TODAY == storage.schema_version()
        assert whole == shape_of(storage)
        assert [EVENT] == list(events.of_account(EVENT.account_id, 10))


class TestVersions:
    def test_each_has_its_revision(self) -> None:
        """
        Revisions and versions go together, one after the other, up to the library's.
        """
        script = ScriptDirectory(migrations.HOME, version_locations=migrations.FOLDERS)
        chain = [one.revision for one in script.walk_revisions()][::-1]

        assert [f"uness_auth_{n + 1}" for n in range(schema.VERSION)] == chain
        assert [n + 1 for n in range(schema.VERSION)] == [
            script.get_revision(name).module.VERSION for name in chain
        ]

    def test_end_in_what_the_stores_use(self, storage: SQLStorage, url: str) -> None:
        """
        All revisions together make the tables of `METADATA`, to the letter.
        """
        storage.create_schema()
        migrated = shape_of(storage)
        drop_all(url)
        METADATA.create_all(storage.engine)

        assert shape_of(storage) == migrated

    def test_autogenerate_finds_nothing(self, storage: SQLStorage) -> None:
        """
        Alembic sees no difference, types and defaults included.
        """
        storage.create_schema()
        options = {"compare_type": True, "compare_server_default": True}

        with storage.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts=options)

            assert [] == compare_metadata(context, METADATA)


class TestUpgrade:
    def test_first_release_is_kept(self, storage: SQLStorage, url: str) -> None:
        """
        This library reads every row of the first release.
        """
        restore_first_release(url)

        storage.create_schema()

        assert rows_are_kept(storage)

    def test_a_step_keeps_every_row(self, storage: SQLStorage, url: str) -> None:
        """
        After a step every row is there, and the step was taken once.
        """
        restore_first_release(url)

        with library_with("adding"):
            storage.create_schema()
            storage.create_schema()

            assert NEXT == storage.schema_version()
            assert rows_are_kept(storage)
        assert [1, 1, 1, 1] == times_of(storage)

    def test_all_steps_from_nothing(self, storage: SQLStorage) -> None:
        """
        An empty database goes through all versions at once.
        """
        with library_with("adding"):
            storage.create_schema()

            assert NEXT == storage.schema_version()
        assert [] == times_of(storage)

    def test_stores_wait_for_the_step(self, storage: SQLStorage, url: str) -> None:
        """
        Tables of an older version are told at start, with both ways out.
        """
        restore_first_release(url)

        with (
            library_with("adding"),
            pytest.raises(
                ConfigurationError, match=rf"version 1, .* needs {NEXT}"
            ) as told,
        ):
            _ = storage.stores

        assert "SQLStorage.create_schema()" in str(told.value)
        assert "alembic upgrade uness_auth@head" in str(told.value)

    def test_older_library_refuses(self, storage: SQLStorage) -> None:
        """
        Tables of a newer version are neither used nor changed.
        """
        with library_with("adding"):
            storage.create_schema()

        refusal = rf"version {NEXT}.*upgrade uness-auth"
        with pytest.raises(ConfigurationError, match=refusal):
            _ = storage.stores
        with pytest.raises(ConfigurationError, match=refusal):
            storage.create_schema()
        assert NEXT == storage.schema_version()

    def test_passwords_are_not_told(self, tmp_path: Path) -> None:
        """
        What the start says of the database shows no password, wherever it stands.
        """
        url = f"sqlite:///file:{tmp_path}/portal.db?uri=true&password=geheim"

        with (
            closing(SQLStorage(url)) as storage,
            pytest.raises(
                ConfigurationError, match=r"portal\.db has no tables"
            ) as told,
        ):
            _ = storage.stores

        assert "geheim" not in str(told.value)


class TestCrash:
    def test_old_version_goes_on(self, storage: SQLStorage, url: str) -> None:
        """
        A step that breaks off leaves the old version, which works.
        """
        restore_first_release(url)
        storage.create_schema()

        with library_with("breaking"), pytest.raises(KeyboardInterrupt):
            storage.create_schema()

        assert TODAY == storage.schema_version()
        assert rows_are_kept(storage)

    def test_nothing_is_left(self, storage: SQLStorage, url: str) -> None:
        """
        Where changes of tables can be taken back, they are.
        """
        restore_first_release(url)
        storage.create_schema()
        before = shape_of(storage)

        with library_with("breaking"), pytest.raises(KeyboardInterrupt):
            storage.create_schema()

        assert (storage.engine.name == "mariadb") == (before != shape_of(storage))

    def test_next_call_finishes(self, storage: SQLStorage, url: str) -> None:
        """
        The step is taken again, over what is there of it.
        """
        restore_first_release(url)
        with library_with("breaking"), pytest.raises(KeyboardInterrupt):
            storage.create_schema()

        with library_with("adding"):
            storage.create_schema()

            assert NEXT == storage.schema_version()
            assert rows_are_kept(storage)
        assert [1, 1, 1, 1] == times_of(storage)


class TestOthers:
    def test_one_of_many_processes_migrates(
        self, storage: SQLStorage, url: str
    ) -> None:
        """
        Processes that start together all find the new version, made once.
        """
        restore_first_release(url)

        assert [f"{NEXT}\n"] * PROCESSES == start_together(url)
        assert [1, 1, 1, 1] == times_of(storage)

    def test_threads_migrate_databases_of_their_own(self, tmp_path: Path) -> None:
        """
        Two databases may be made at the same time in one process.
        """

        def make(number: int) -> int:
            with closing(SQLStorage(f"sqlite:///{tmp_path}/{number}.db")) as storage:
                storage.create_schema()
                return storage.schema_version()

        with ThreadPoolExecutor(4) as pool:
            assert [TODAY] * 8 == list(pool.map(make, range(8)))

    def test_are_waited_for(self, storage: SQLStorage, url: str) -> None:
        """
        Whoever comes while somebody migrates waits, and finds it done.
        """
        with closing(SQLStorage(url)) as other, ThreadPoolExecutor(1) as pool:

            def come_then_migrate(connection: Connection) -> list[Any]:
                comers.append(pool.submit(other.create_schema))
                migrations.run(connection)
                return comers

            comers: list[Any] = []
            migrate(storage, come_then_migrate)

            assert comers.pop().result() is None
            assert TODAY == other.schema_version()

    def test_are_not_waited_for_for_ever(self, storage: SQLStorage, url: str) -> None:
        """
        A migration that does not end is told, and who waited has changed nothing.
        """
        storage.create_schema()
        hasty = SQLStorage(url, longest_wait=timedelta(seconds=2))

        def meanwhile(_connection: Connection) -> None:
            hasty.create_schema(longest_wait=timedelta(0))

        with (
            closing(hasty),
            library_with("adding"),
            pytest.raises(StorageError, match="another process is migrating"),
        ):
            migrate(storage, meanwhile)

        assert TODAY == storage.schema_version()

    def test_faults_are_no_others(self, tmp_path: Path) -> None:
        """
        What is not somebody else's lock is told at once.
        """
        with (
            closing(SQLStorage(f"sqlite:///{tmp_path}/portal.db")) as storage,
            pytest.raises(StorageError, match=r"another migration failed$"),
        ):
            # SQLite begins no transaction in a transaction.
            migrate(storage, SQLITE.claim)

    def test_read_only_is_told(self, tmp_path: Path) -> None:
        """
        A file that may not be written is told at once, too.
        """
        file = tmp_path / "portal.db"
        with closing(SQLStorage(f"sqlite:///{file}")) as storage:
            storage.create_schema()

        with (
            library_with("adding"),
            closing(SQLStorage(f"sqlite:///file:{file}?mode=ro&uri=true")) as storage,
            pytest.raises(StorageError, match=r"create_schema\(\) failed$"),
        ):
            storage.create_schema()

    def test_step_takes_the_time_it_needs(self, server_url: str) -> None:
        """
        Work of the server is not given up when the storage's own steps would be.
        """
        patience = timedelta(seconds=2)
        with closing(SQLStorage(server_url, longest_wait=patience)) as storage:
            storage.create_schema()

            with library_with("slow"):
                storage.create_schema()

                assert NEXT == storage.schema_version()

    def test_locks_are_not_waited_for_for_ever(self, server_url: str) -> None:
        """
        Behind a table that a host keeps locked no queue forms: the step is given up.
        """
        restore_first_release(server_url)
        host = create_engine(server_url)
        patience = timedelta(seconds=2)

        with closing(SQLStorage(server_url, longest_wait=patience)) as storage:
            storage.create_schema()
            with library_with("adding"):
                with host.connect() as reader:
                    _ = reader.execute(text("SELECT * FROM uness_auth_accounts")).all()
                    with pytest.raises(StorageError, match=r"_schema\(\) failed$"):
                        storage.create_schema()
                host.dispose()
                assert TODAY == storage.schema_version()

                storage.create_schema()

                assert NEXT == storage.schema_version()


@contextmanager
def library_with(step: str) -> Iterator[None]:
    """
    Be the library of the next version, with the step that is named.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "FOLDERS", (*migrations.FOLDERS, str(PLANTED / step)))
        patch.setattr(schema, "VERSION", NEXT)
        yield


@contextmanager
def library_of(version: int, folder: Path) -> Iterator[None]:
    """
    Be the library of an earlier version, with the steps of its day in *folder*.
    """
    for number in range(1, version + 1):
        [home] = migrations.FOLDERS
        _ = shutil.copy(Path(home) / f"uness_auth_{number}.py", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "FOLDERS", (str(folder),))
        patch.setattr(schema, "VERSION", version)
        yield


def run_all(url: str, statements: Iterable[str]) -> None:
    """
    Run these as somebody else does.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            _ = connection.execute(text(statement))
    engine.dispose()


def restore_first_release(url: str) -> None:
    """
    Make a database as the first release left it.
    """
    kind = url.partition(":")[0].partition("+")[0]
    for name in (f"{kind}.sql", "rows.sql"):
        dump = (FIRST_RELEASE / name).read_text("utf-8")
        run_all(url, dump.strip().removesuffix(";").split(";\n"))


def drop_all(url: str) -> None:
    """
    Empty the database.
    """
    run_all(url, [f"DROP TABLE IF EXISTS {name}" for name in METADATA.tables])


def shape_of(storage: SQLStorage) -> object:
    """
    Return all that the database says of its tables, in its own words.
    """
    looks = LOOKS.get(storage.engine.name) or [
        f"SHOW CREATE TABLE {name}"
        for name in inspect(storage.engine).get_table_names()
    ]
    with storage.engine.connect() as connection:
        return {
            look: sorted(map(told, connection.execute(text(look)))) for look in looks
        }


def told(row: Iterable[object]) -> str:
    """
    Return what *row* says, whatever line it says it on.

    MariaDB tells indexes in the order in which they were made, and SQLAlchemy makes those
    of one table in any order, and which number a row gets next.
    """
    words = " ".join(" ".join(map(str, row)).split())
    words = re.sub(" AUTO_INCREMENT=[0-9]+", "", words)
    table, engine, options = words.rpartition(" ) ENGINE=")
    parts = table.split(", ")
    indexes = sorted(one for one in parts if one.startswith("KEY "))
    others = [one for one in parts if not one.startswith("KEY ")]
    return ", ".join(others + indexes) + engine + options


def rows_are_kept(storage: SQLStorage, *, but_counters: bool = False) -> bool:
    """
    Ask the stores for every row of the first release.
    """
    stores = storage.stores
    assert stores.registry is not None
    assert sorted(ACCOUNTS, key=ids) == sorted(stores.registry.page("", 100), key=ids)
    for account in ACCOUNTS:
        assert account == stores.accounts.by_address(account.address)
    for session in SESSIONS:
        assert session == stores.sessions.by_digest(session.digest)
    # With the attempt that it takes to look.
    assert CHALLENGE == stores.code_challenges.spend_attempt(CHALLENGE.id)
    texts = (stores.counters.read("5e"), stores.counters.add("5E", 0, NOW))
    assert texts == ((None, 0) if but_counters else ("text: « '9' » ", 2**62))
    return True


def ids(account: Account) -> str:
    """
    Sort by this.
    """
    return account.id


def times_of(storage: SQLStorage) -> list[int]:
    """
    Return how often the planted step was taken, for each account.
    """
    with storage.engine.connect() as connection:
        look = text("SELECT times FROM uness_auth_accounts")
        return list(connection.execute(look).scalars())


def migrate(storage: SQLStorage, work: Callable[[Connection], object]) -> None:
    """
    Do *work* as a migration of another process.
    """
    backend = BACKENDS[storage.engine.name]
    database = Database(storage.engine, backend, WAITS)
    database.migrate("another migration", work, 1)


def start_together(url: str) -> list[str]:
    """
    Let processes start at the same moment, and return what each of them prints.
    """
    command = [sys.executable, "-c", PROGRAM, url, str(PLANTED / "adding")]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - the interpreter that runs this test
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(PROCESSES)
        ]
        assert ["ready\n"] * PROCESSES == [
            process.stdout.readline() for process in running if process.stdout
        ]
        for process in running:
            assert process.stdin is not None
            _ = process.stdin.write("go\n")
            process.stdin.flush()
        return [process.communicate()[0] for process in running]


LOOKS: Final = {
    "sqlite": ["SELECT sql FROM sqlite_master"],
    "postgresql": [
        """
        SELECT table_name, column_name, data_type, character_maximum_length,
               collation_name, column_default, is_nullable
        FROM information_schema.columns WHERE table_schema = 'public'
        """,
        """
        SELECT conname, pg_get_constraintdef(oid), CAST(conrelid AS regclass)
        FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace)
        """,
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    ],
}
