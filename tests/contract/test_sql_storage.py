"""
What the storage in SQL does on every database, beside the contracts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import Connection, Engine, Table, create_engine, event, text

from uness_auth.errors import ConfigurationError, StorageError
from uness_auth.events import ATTEMPTS
from uness_auth.model import Account, CodeChallenge, Session
from uness_auth.ports import Registry, Stores, TimedStore
from uness_auth.storage import sql
from uness_auth.storage.sql import SQLStorage, schema
from uness_auth.testing.contracts.events import EVENT


NOW: Final = datetime(2026, 11, 22, 13, 32, 7, tzinfo=UTC)
ACCOUNT: Final = Account(
    id="4711", address="camille@univ-exemple.fr", credential_version=7, created_at=NOW
)
SESSION: Final = Session(
    digest="c0" * 32,
    account_id="4711",
    credential_version=7,
    opened_at=NOW,
    last_seen_at=NOW,
)
CHALLENGE: Final = CodeChallenge(
    id="0f" * 16,
    account_id="4711",
    credential_version=7,
    key_id="1a",
    browser_digest="b7" * 32,
    sent_at=NOW,
    expires_at=NOW,
    window_ends_at=NOW,
    attempts_left=5,
)

CALLS: Final[dict[str, Callable[[Any], object]]] = {
    "SQLAccounts.by_id()": lambda to: to.accounts.by_id("4711"),
    "SQLAccounts.by_address()": lambda to: to.accounts.by_address("a@exemple.fr"),
    "SQLAccounts.set_password()": lambda to: to.accounts.set_password("4711", "", 7),
    "SQLAccounts.rehash()": lambda to: to.accounts.rehash("4711", "", 7),
    "SQLAccounts.disable_password()": lambda to: to.accounts.disable_password("1", 7),
    "SQLRegistry.page()": lambda to: to.registry.page("", 1),
    "SQLRegistry.apply()": lambda to: to.registry.apply([ACCOUNT]),
    "SQLRegistry.replace()": lambda to: to.registry.replace(ACCOUNT, 7),
    "SQLRegistry.replace_many()": lambda to: to.registry.replace_many([(ACCOUNT, 7)]),
    "SQLRegistry.erase()": lambda to: to.registry.erase("4711"),
    "SQLCodeChallenges.add()": lambda to: to.code_challenges.add(CHALLENGE),
    "SQLCodeChallenges.renew()": lambda to: to.code_challenges.renew(
        CHALLENGE.id, NOW, NOW, NOW
    ),
    "SQLCodeChallenges.spend_attempt()": lambda to: to.code_challenges.spend_attempt(
        CHALLENGE.id
    ),
    "SQLCodeChallenges.consume()": lambda to: to.code_challenges.consume(CHALLENGE.id),
    "SQLCodeChallenges.purge()": lambda to: to.code_challenges.purge(NOW, 1),
    "SQLSessions.add()": lambda to: to.sessions.add(SESSION),
    "SQLSessions.by_digest()": lambda to: to.sessions.by_digest(SESSION.digest),
    "SQLSessions.with_account()": lambda to: to.sessions.with_account(SESSION.digest),
    "SQLSessions.touch()": lambda to: to.sessions.touch(SESSION.digest, NOW),
    "SQLSessions.close()": lambda to: to.sessions.close(SESSION.digest),
    "SQLSessions.of_account()": lambda to: to.session_lists.of_account("4711", 10),
    "SQLSessions.close_others()": lambda to: to.session_lists.close_others("4711", ""),
    "SQLSessions.purge()": lambda to: to.sessions.purge(NOW, 1),
    "SQLCounters.read()": lambda to: to.counters.read("5e"),
    "SQLCounters.swap()": lambda to: to.counters.swap("5e", "a", "b", NOW),
    "SQLCounters.add()": lambda to: to.counters.add("5e", 1, NOW),
    "SQLCounters.server_time()": lambda to: to.counters.server_time(),
    "SQLCounters.purge()": lambda to: to.counters.purge(NOW, 1),
    "SQLEvents.add()": lambda to: to.events.add([EVENT]),
    "SQLEvents.of_account()": lambda to: to.events.of_account("4711", 10),
    "SQLEvents.erase()": lambda to: to.events.erase("4711"),
    "SQLEvents.purge()": lambda to: to.events.purge(ATTEMPTS, NOW, 1),
}
# A clock needs no table.
ON_TABLES: Final = sorted({*CALLS} - {"SQLCounters.server_time()"})


TABLES: Final = ("accounts", "sessions", "code_challenges", "counters", "events")

# Where nothing is renewed, a second look says why.  MariaDB has no UPDATE … RETURNING.
# BEGIN and COMMIT enclose what may be many rows.
ROUND_TRIPS: Final = {
    ("SQLCodeChallenges.renew()", "sqlite"): 2,
    ("SQLCodeChallenges.renew()", "postgresql"): 2,
    ("SQLCodeChallenges.renew()", "mariadb"): 2,
    ("SQLCodeChallenges.spend_attempt()", "mariadb"): 2,
    ("SQLRegistry.apply()", "sqlite"): 3,
    # Which rows are this transaction's is asked afterwards.
    ("SQLRegistry.apply()", "postgresql"): 4,
    ("SQLRegistry.apply()", "mariadb"): 3,
    ("SQLRegistry.replace_many()", "sqlite"): 3,
    ("SQLRegistry.replace_many()", "postgresql"): 3,
    ("SQLRegistry.replace_many()", "mariadb"): 3,
    ("SQLEvents.purge()", "sqlite"): 3,
    ("SQLEvents.purge()", "postgresql"): 3,
    ("SQLEvents.purge()", "mariadb"): 3,
}


class TestURLs:
    @pytest.mark.parametrize(
        "url",
        [
            "oracle://portal:geheim@db/portal",
            "postgresql+asyncpg://portal:geheim@db/portal",
            "mysql+mysqldb://portal:geheim@db/portal",
            "sqlite+aiosqlite:///portal.db",
        ],
    )
    def test_other_databases_are_refused(self, url: str) -> None:
        """
        What it does not know is refused, with the ways out and without the password.
        """
        with pytest.raises(ConfigurationError, match="write sqlite:///portal") as told:
            _ = SQLStorage(url)

        assert "geheim" not in str(told.value)

    def test_other_texts_are_refused(self) -> None:
        """
        What is no URL is refused, and not repeated.
        """
        with pytest.raises(ConfigurationError, match="no database URL") as told:
            _ = SQLStorage("portal:geheim")

        assert "geheim" not in str(told.value)

    @pytest.mark.parametrize(
        ("url", "used"),
        [
            ("sqlite:///portal.db", "sqlite"),
            ("postgresql://db/portal", "postgresql+psycopg"),
            ("postgresql+psycopg://db/portal", "postgresql+psycopg"),
            ("mariadb://db/portal", "mariadb+pymysql"),
            ("mysql://db/portal", "mariadb+pymysql"),
            ("mysql+pymysql://db/portal", "mariadb+pymysql"),
        ],
    )
    def test_drivers_are_ours(self, url: str, used: str) -> None:
        """
        The short names mean the drivers that were tried; nothing is connected yet.
        """
        assert used == SQLStorage(url).engine.url.drivername

    @pytest.mark.parametrize("name", ["psycopg", "pymysql"])
    def test_missing_driver_is_told(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A driver that is not installed is told with what to install.
        """
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(
            sys.modules, "uness_auth.storage.sql.psycopg_connection", raising=False
        )
        extra = {"psycopg": "postgresql", "pymysql": "mariadb"}[name]

        with pytest.raises(ConfigurationError, match=rf"uness-auth\[{extra}\]"):
            _ = SQLStorage(f"{extra}://db/portal")


class TestSteps:
    def test_every_method_is_tried(self) -> None:
        """
        The list of calls above names every method of every store.
        """
        named = {name.partition(".")[0] for name in CALLS}

        assert {
            f"{cls.__name__}.{method}()"
            for cls in vars(sql).values()
            if isinstance(cls, type) and cls.__name__ in named
            for method in vars(cls)
            if not method.startswith("_")
        } == set(CALLS)

    def test_the_servers_clock(self, stores: Stores) -> None:
        """
        The database says what time it is; here it is this machine's.
        """
        assert isinstance(stores.counters, TimedStore)
        apart = stores.counters.server_time() - datetime.now(UTC)

        assert abs(apart) < timedelta(minutes=1)

    def test_each_is_one_round_trip(self, stores: Stores, storage: SQLStorage) -> None:
        """
        A call sends one statement, but for the few that are listed above.
        """
        stores.code_challenges.add(CHALLENGE)
        seen = statements_of(storage.engine)
        sent = {}
        for name, call in CALLS.items():
            seen.clear()
            if name != "SQLCodeChallenges.add()":
                _ = call(stores)
                sent[name] = len(seen)

        database = storage.engine.name
        assert {name: ROUND_TRIPS.get((name, database), 1) for name in sent} == sent

    def test_every_look_up_and_purge_has_an_index(
        self, stores: Stores, storage: SQLStorage
    ) -> None:
        """
        Nothing that grows is read from one end to the other.
        """
        fill(storage)
        seen = statements_of(storage.engine)
        for call in CALLS.values():
            _ = call(stores)
        looks = {
            statement: parameters
            for statement, parameters in list(seen)
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
        }

        with storage.engine.connect() as connection:
            scanned = {
                statement: plan
                for statement, parameters in looks.items()
                for plan in [plan_of(connection, statement, parameters)]
                if SCANS[storage.engine.name](plan)
            }

        assert len(looks) > 15
        assert {} == scanned

    def test_a_list_reads_one_account(
        self, stores: Stores, storage: SQLStorage
    ) -> None:
        """
        Of an account with a fifth of all sessions, too, nobody else's are read.
        """
        rows = [
            attrs.asdict(SESSION)
            | {"digest": f"{n:064x}", "account_id": f"{max(n, 400)}"}
            for n in range(2_000)
        ]
        with storage.engine.connect() as connection:
            _ = connection.execute(schema.SESSIONS.insert(), rows)
            _ = connection.execute(text(ANALYSES[storage.engine.name]))
        seen = statements_of(storage.engine)
        assert stores.session_lists is not None

        listed = stores.session_lists.of_account("400", 10)

        assert 10 == len(listed)
        [(statement, parameters)] = list(seen)
        with storage.engine.connect() as connection:
            plan = plan_of(connection, statement, parameters)
        assert "ix_uness_auth_sessions_last_seen_at" not in plan
        assert "ix_uness_auth_sessions_account_id" in plan


class TestFaults:
    @pytest.mark.parametrize("name", ON_TABLES)
    def test_lost_database_is_told(
        self, stores: Stores, storage: SQLStorage, name: str
    ) -> None:
        """
        Where the database cannot answer, the store raises, and says in what call.
        """
        with storage.engine.connect() as connection:
            for table in TABLES:
                _ = connection.execute(text(f"DROP TABLE uness_auth_{table}"))

        with pytest.raises(StorageError) as told:
            _ = CALLS[name](stores)

        assert f"{name} failed" == str(told.value)
        assert told.value.__cause__ is not None

    def test_parameters_are_not_told(self, stores: Stores) -> None:
        """
        Neither the message nor our cause shows a digest.
        """
        stores.sessions.add(SESSION)

        with pytest.raises(StorageError) as told:
            stores.sessions.add(SESSION)

        assert "the row is there already" in str(told.value)
        assert SESSION.digest not in str(told.value)

    def test_naive_instants_are_refused(self, stores: Stores) -> None:
        """
        An instant without a zone is nobody's instant.
        """
        naive = attrs.evolve(SESSION, opened_at=NOW.replace(tzinfo=None))

        with pytest.raises(StorageError, match=r"SQLSessions.add\(\) failed"):
            stores.sessions.add(naive)
        assert stores.sessions.by_digest(SESSION.digest) is None

    @pytest.mark.parametrize(
        "session",
        [
            attrs.evolve(SESSION, account_id="\ud800"),
            attrs.evolve(SESSION, credential_version=2**63),
        ],
    )
    def test_what_no_database_can_keep_is_refused(
        self, stores: Stores, session: Session
    ) -> None:
        """
        A lone surrogate and a number over 64 bits are told like any other fault.
        """
        with pytest.raises(StorageError):
            stores.sessions.add(session)

    @pytest.mark.parametrize("length", [65, 300])
    def test_nothing_is_cut(self, stores: Stores, url: str, length: int) -> None:
        """
        A text that is too long for its column is refused, or kept whole.
        """
        long = attrs.evolve(ACCOUNT, id="9" * length)
        registry = registry_of(stores)

        if url.startswith("sqlite"):
            _ = registry.apply([long])

            assert long == stores.accounts.by_id(long.id)
        else:
            with pytest.raises(StorageError):
                _ = registry.apply([long])
            assert [] == list(registry.page("", 10))


class TestHost:
    def test_hosts_transaction_encloses_nothing(
        self, stores: Stores, storage: SQLStorage
    ) -> None:
        """
        A step stands when it returns, whatever a host rolls back afterwards.
        """
        host = create_engine(storage.engine.url)

        with host.connect() as connection:
            _ = connection.execute(text("SELECT * FROM uness_auth_sessions")).all()
            stores.sessions.add(SESSION)
            connection.rollback()
        host.dispose()

        assert SESSION == stores.sessions.by_digest(SESSION.digest)

    def test_hosts_lock_is_not_waited_for_for_ever(
        self, stores: Stores, storage: SQLStorage, url: str
    ) -> None:
        """
        A row that a host keeps locked is told in time, and nothing was done to it.
        """
        _ = registry_of(stores).apply([ACCOUNT])
        host = create_engine(storage.engine.url)

        with (
            closing(SQLStorage(url, longest_wait=timedelta(seconds=1))) as hasty,
            host.begin() as connection,
        ):
            _ = connection.execute(text("UPDATE uness_auth_accounts SET language = ''"))
            with pytest.raises(StorageError, match=r"set_password\(\) failed"):
                _ = hasty.stores.accounts.set_password(ACCOUNT.id, "new", 7)
        host.dispose()

        assert ACCOUNT == stores.accounts.by_id(ACCOUNT.id)


def registry_of(stores: Stores) -> Registry:
    """
    Return the registry, which is there.
    """
    assert stores.registry is not None
    return stores.registry


def statements_of(engine: Engine) -> list[tuple[str, Any]]:
    """
    Return a list that grows with each statement that is run from now on.
    """
    seen: list[tuple[str, Any]] = []

    def note(*called: Any) -> None:
        seen.append(called[2:4])

    event.listen(engine, "before_cursor_execute", note, named=False)
    return seen


def fill(storage: SQLStorage) -> None:
    """
    Make the tables long enough for an index to be worth a look.
    """
    rows: dict[Table, list[dict[str, Any]]] = {
        schema.ACCOUNTS: [
            attrs.asdict(ACCOUNT) | {"id": f"{n}", "address": f"{n}@exemple.fr"}
            for n in range(500)
        ],
        schema.SESSIONS: [
            attrs.asdict(SESSION) | {"digest": f"{n:064x}", "account_id": f"{n}"}
            for n in range(500)
        ],
        schema.CODE_CHALLENGES: [
            attrs.asdict(CHALLENGE) | {"id": f"{n:032x}"} for n in range(500)
        ],
        schema.COUNTERS: [
            {"key": f"{n:064x}", "number": n, "expires_at": NOW} for n in range(500)
        ],
        schema.EVENTS: [
            attrs.asdict(EVENT) | {"account_id": f"{n}"} for n in range(500)
        ],
    }
    with storage.engine.connect() as connection:
        for table, records in rows.items():
            _ = connection.execute(table.insert(), records)


def plan_of(connection: Connection, statement: str, parameters: Any) -> str:
    """
    Return how the database would run *statement*.
    """
    match connection.dialect.name:
        case "sqlite":
            explain = "EXPLAIN QUERY PLAN"
        case "postgresql":
            # A sequential scan is then what is left where no index serves.
            _ = connection.exec_driver_sql("SET enable_seqscan = off")
            explain = "EXPLAIN"
        case _:
            explain = "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(tuple(row)) for row in rows)


ANALYSES: Final = {
    "sqlite": "ANALYZE uness_auth_sessions",
    "postgresql": "ANALYZE uness_auth_sessions",
    "mariadb": "ANALYZE TABLE uness_auth_sessions",
}
SCANS: Final[dict[str, Callable[[str], bool]]] = {
    "sqlite": lambda plan: "SCAN uness_auth" in plan,
    "postgresql": lambda plan: "Seq Scan on uness_auth" in plan,
    "mariadb": lambda plan: "'ALL'" in plan or "'index'" in plan,
}
