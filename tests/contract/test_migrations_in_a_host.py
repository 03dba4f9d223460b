"""
Our revisions run in a host's own Alembic history, as the guide says.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from alembic import command, op
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import inspect

from uness_auth.model import Account
from uness_auth.storage.sql import METADATA, SQLStorage, schema


ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = (ROOT / "docs/howto/upgrade-the-database.md").read_text("utf-8")
PLANTED: Final = Path(__file__).parent / "planted_versions/adding"
HEAD: Final = f"uness_auth_{schema.VERSION}"

ACCOUNT: Final = Account(
    id="4711",
    address="camille@univ-exemple.fr",
    credential_version=7,
    created_at=datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC),
)

# A table of the host's, which `Base.metadata` stands for in the guide.
MODELS: Final = """
from sqlalchemy import Column, Integer, MetaData, Table


class Base:
    metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


Table("news", Base.metadata, Column("id", Integer, primary_key=True))
"""


@attrs.frozen
class Host:
    """
    An application with a history of its own, made by ``alembic init``.
    """

    config: Config
    written: StringIO

    def run(self, name: str, *args: Any, **options: Any) -> str:
        """
        Run a command of Alembic's, and return what it writes.
        """
        _ = self.written.truncate(self.written.seek(0))
        getattr(command, name)(self.config, *args, **options)
        return self.written.getvalue()


@pytest.fixture(name="url", params=["sqlite", "postgresql", "mariadb", "mysql"])
def _url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path}/portal.db"
        case "mysql":
            # A host may call MariaDB so.
            url = str(request.getfixturevalue("mariadb_url"))
            return url.replace("mariadb", "mysql", 1)
        case server:
            return str(request.getfixturevalue(f"{server}_url"))


@pytest.fixture(name="host")
def _host(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.chdir(tmp_path)
    # Alembic prepends to it.
    monkeypatch.setattr(sys, "path", [*sys.path])
    written = StringIO()
    ini = tmp_path / "alembic.ini"
    options: dict[str, Any] = {"stdout": written, "output_buffer": written}
    command.init(Config(ini, **options), "migrations")
    edit(
        ini,
        ("path_separator = os\n", block("ini")),
        ("driver://user:pass@localhost/dbname", url.replace("%", "%%")),
    )
    edit(
        tmp_path / "migrations/env.py",
        ("target_metadata = None\n", MODELS + block("python", "METADATA")),
        # Loggers are the same for all tests.
        ("    fileConfig(config.config_file_name)\n", "    _ = fileConfig\n"),
    )
    host = Host(Config(ini, **options), written)
    # The host was there before us.
    _ = host.run("revision", rev_id="host_1", head="base", version_path=versions(host))
    return host


@pytest.fixture(name="storage")
def _storage(url: str) -> Iterator[SQLStorage]:
    with closing(SQLStorage(url)) as storage:
        yield storage


class TestUpgrade:
    def test_heads_are_theirs_and_ours(self, host: Host, storage: SQLStorage) -> None:
        """
        One command runs both histories, and the storage has nothing left to do.
        """
        _ = host.run("upgrade", "heads")
        storage.create_schema()

        assert storage.stores is not None
        assert {"host_1 (head)", f"{HEAD} (head)"} == current(host)

    def test_ours_alone(self, host: Host, storage: SQLStorage) -> None:
        """
        The label names our history.
        """
        _ = host.run("upgrade", "uness_auth@head")

        assert storage.stores is not None
        assert {f"{HEAD} (head)"} == current(host)

    def test_autogenerate_leaves_ours_alone(self, host: Host) -> None:
        """
        The next revision of the host's is about its own tables, and none is missed.
        """
        _ = host.run("upgrade", "heads")
        _ = host.run("revision", autogenerate=True, head="host_1", rev_id="host_2")
        made = (versions(host) / "host_2_.py").read_text("utf-8")
        _ = host.run("upgrade", "heads")

        assert "op.create_table('news'" in made
        assert "uness_auth" not in made
        assert "No new upgrade operations" in host.run("check")

    def test_steps_run_in_order(self, host: Host, storage: SQLStorage) -> None:
        """
        A later revision is taken after what was there, and keeps every row.
        """
        _ = host.run("upgrade", "heads")
        add_account(storage)
        extend(host, PLANTED)

        _ = host.run("upgrade", "uness_auth@head")

        assert schema.VERSION + 1 == storage.schema_version()
        assert ACCOUNT in accounts(storage)

    def test_written_to_a_file(self, host: Host, storage: SQLStorage, url: str) -> None:
        """
        The SQL that Alembic writes makes the same tables, when somebody runs it.
        """
        script = host.run("upgrade", "uness_auth@head", sql=True)

        assert "CREATE TABLE IF NOT EXISTS uness_auth_accounts" in script
        assert "CONSTRAINT uness_auth_accounts_pkey PRIMARY KEY" in script
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(str(storage.engine.url.database))) as file:
                _ = file.executescript(script)
            assert storage.stores is not None


class TestChange:
    def test_what_is_done_is_passed_over(self, host: Host, storage: SQLStorage) -> None:
        """
        A host that went it alone before just upgrades, from whatever version.
        """
        storage.create_schema()
        add_account(storage)

        _ = host.run("upgrade", "heads")

        assert {"host_1 (head)", f"{HEAD} (head)"} == current(host)
        assert {ACCOUNT} == accounts(storage)

    def test_stamped(self, host: Host, storage: SQLStorage) -> None:
        """
        A stamp instead is fine where the tables are at the newest version.
        """
        storage.create_schema()
        add_account(storage)

        _ = host.run("stamp", "uness_auth@head")
        _ = host.run("upgrade", "heads")

        assert {"host_1 (head)", f"{HEAD} (head)"} == current(host)
        assert {ACCOUNT} == accounts(storage)

    def test_stamped_too_high(self, host: Host, storage: SQLStorage) -> None:
        """
        The version in the tables is what counts, whatever Alembic believes.
        """
        storage.create_schema()
        extend(host, PLANTED)

        _ = host.run("stamp", "uness_auth@head")
        _ = host.run("upgrade", "uness_auth@head")

        assert schema.VERSION == storage.schema_version()

    def test_called_in_a_migration(self, storage: SQLStorage) -> None:
        """
        Whoever calls us in the middle of a migration can go on with it.
        """
        with (
            storage.engine.connect() as connection,
            Operations.context(MigrationContext.configure(connection)),
        ):
            storage.create_schema()

            op.execute("DELETE FROM uness_auth_counters")

        assert schema.VERSION == storage.schema_version()


class TestDowngrade:
    def test_refused_where_accounts_are(self, host: Host, storage: SQLStorage) -> None:
        """
        No command that is short to type destroys accounts.
        """
        _ = host.run("upgrade", "heads")
        add_account(storage)

        with pytest.raises(CommandError, match="uness_auth_accounts holds accounts"):
            _ = host.run("downgrade", "uness_auth@base")

        assert {ACCOUNT} == accounts(storage)

    def test_drops_empty_tables(self, host: Host, storage: SQLStorage) -> None:
        """
        A test database goes back to nothing, and up again.
        """
        _ = host.run("upgrade", "heads")
        _ = host.run("downgrade", "uness_auth@base")
        left = set(inspect(storage.engine).get_table_names())
        _ = host.run("upgrade", "heads")

        assert set() == left & set(METADATA.tables)
        assert schema.VERSION == storage.schema_version()

    def test_written_to_a_file(self, host: Host) -> None:
        """
        Where Alembic only writes, the reader decides.
        """
        script = host.run("downgrade", f"{HEAD}:uness_auth@base", sql=True)

        assert script.count("DROP TABLE IF EXISTS uness_auth_") == len(METADATA.tables)


def block(language: str, about: str = "") -> str:
    """
    Return the example in *language* that the guide gives, about something.
    """
    found = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    [example] = [one for one in found if about in one]
    return str(example)


def edit(file: Path, *replacements: tuple[str, str]) -> None:
    """
    Replace what is in *file*, each once.
    """
    written = file.read_text("utf-8")
    for before, after in replacements:
        assert 1 == written.count(before)
        written = written.replace(before, after)
    _ = file.write_text(written, "utf-8")


def extend(host: Host, folder: Path) -> None:
    """
    Let the library have these revisions, too.
    """
    locations = str(host.config.get_main_option("version_locations"))
    host.config.set_main_option("version_locations", f"{locations}\n{folder}")


def versions(host: Host) -> Path:
    """
    Return the folder of the host's own revisions.
    """
    return Path(str(host.config.config_file_name)).parent / "migrations/versions"


def current(host: Host) -> set[str]:
    """
    Return where Alembic believes the database to be.
    """
    return set(host.run("current").split("\n")) - {""}


def accounts(storage: SQLStorage) -> set[Account]:
    """
    Return the accounts of a storage, whatever version its library needs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "VERSION", storage.schema_version())
        assert storage.stores.registry is not None
        return set(storage.stores.registry.page("", 10))


def add_account(storage: SQLStorage) -> None:
    """
    Add the account.
    """
    assert storage.stores.registry is not None
    _ = storage.stores.registry.apply([ACCOUNT])
