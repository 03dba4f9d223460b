"""
Steps that the database rolls back because of others are done again, three times at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, Final

import attrs
import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from tests.servers.server import until
from uness_auth.errors import StorageError
from uness_auth.model import Account
from uness_auth.storage.sql import SQLStorage, schema


LATER: Final = datetime(2099, 1, 1, tzinfo=UTC)
KEY: Final = "5e" * 32
FIRST: Final = Account(
    id="1", address="a@univ-exemple.fr", credential_version=7, created_at=LATER
)
SECOND: Final = Account(
    id="2", address="b@univ-exemple.fr", credential_version=7, created_at=LATER
)

# Refuses the first writes to the counters as a lost race, and counts all of them: what a
# sequence has handed out is not rolled back.
PLANT: Final = {
    "postgresql": [
        "CREATE SEQUENCE tries",
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('tries') <= {refused} THEN
                RAISE EXCEPTION 'planted' USING ERRCODE = '{state}';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER refuse BEFORE INSERT ON uness_auth_counters
        FOR EACH ROW EXECUTE FUNCTION refuse()
        """,
    ],
    "mariadb": [
        "CREATE SEQUENCE tries",
        """
        CREATE TRIGGER refuse BEFORE INSERT ON uness_auth_counters FOR EACH ROW
        IF nextval(tries) <= {refused} THEN
            SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number};
        END IF
        """,
    ],
}
LOST: Final = [
    ("postgresql", {"state": "40001"}),
    ("postgresql", {"state": "40P01"}),
    ("mariadb", {"state": "40001", "number": 1213}),
    ("mariadb", {"state": "HY000", "number": 1020}),
]
OTHER: Final = [
    ("postgresql", {"state": "53100"}),
    ("mariadb", {"state": "HY000", "number": 1205}),
]


@pytest.fixture(name="server_url", params=["postgresql", "mariadb"])
def _server_url(request: pytest.FixtureRequest) -> str:
    """
    The URL of an empty database on a server: SQLite has no such races.
    """
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(name="open_storage")
def _open_storage() -> Iterator[Callable[[str], SQLStorage]]:
    """
    Opens a storage with its tables, and closes it at the end.
    """
    opened = []

    def open_storage(url: str) -> SQLStorage:
        storage = SQLStorage(url)
        opened.append(storage)
        storage.create_schema()
        return storage

    yield open_storage
    for storage in opened:
        storage.close()


@pytest.fixture(name="plant")
def _plant(
    request: pytest.FixtureRequest, open_storage: Callable[[str], SQLStorage]
) -> Callable[..., SQLStorage]:
    """
    Returns a storage whose first writes to the counters are refused.
    """

    def plant(kind: str, refused: int, **fault: Any) -> SQLStorage:
        storage = open_storage(request.getfixturevalue(f"{kind}_url"))
        with storage.engine.connect() as connection:
            for statement in PLANT[kind]:
                planted = statement.format(refused=refused, **fault)
                _ = connection.exec_driver_sql(planted)
        return storage

    return plant


def tries_of(storage: SQLStorage) -> int:
    """
    How often the planted trigger was reached.
    """
    name = "'tries'" if storage.engine.name == "postgresql" else "tries"
    with storage.engine.connect() as connection:
        number = connection.exec_driver_sql(f"SELECT nextval({name})").scalar_one()
        return int(number) - 1


class TestTries:
    @pytest.mark.parametrize(("kind", "fault"), LOST)
    def test_three_more(
        self, plant: Callable[..., SQLStorage], kind: str, fault: dict[str, Any]
    ) -> None:
        """
        A race that is lost three times is won at the fourth try, and counted once.
        """
        storage = plant(kind, 3, **fault)

        assert 1 == storage.stores.counters.add(KEY, 1, LATER)
        assert 1 == storage.stores.counters.add(KEY, 0, LATER)

    @pytest.mark.parametrize(("kind", "fault"), LOST)
    def test_then_no_more(
        self, plant: Callable[..., SQLStorage], kind: str, fault: dict[str, Any]
    ) -> None:
        """
        A race that is lost every time is told, and nothing was counted.
        """
        storage = plant(kind, 1_000, **fault)

        with pytest.raises(StorageError, match=r"SQLCounters.add\(\) failed"):
            _ = storage.stores.counters.add(KEY, 1, LATER)

        assert 0 == storage.stores.counters.add(KEY, 0, LATER)
        assert 4 == tries_of(storage)

    @pytest.mark.parametrize(("kind", "fault"), OTHER)
    def test_other_faults_are_told_at_once(
        self, plant: Callable[..., SQLStorage], kind: str, fault: dict[str, Any]
    ) -> None:
        """
        What does not say that nothing was done is not done again.
        """
        storage = plant(kind, 1, **fault)

        with pytest.raises(StorageError):
            _ = storage.stores.counters.add(KEY, 1, LATER)

        assert 0 == storage.stores.counters.add(KEY, 0, LATER)
        assert 1 == tries_of(storage)

    def test_time_is_short(self, plant: Callable[..., SQLStorage]) -> None:
        """
        Where the time is up there is no further try.
        """
        storage = plant("postgresql", 1_000, state="40001")
        hasty = SQLStorage(storage.engine.url, longest_wait=timedelta(0))

        with pytest.raises(StorageError):
            _ = hasty.stores.counters.add(KEY, 1, LATER)

        hasty.close()
        assert 1 == tries_of(storage)


class TestDeadlocks:
    def test_the_step_is_done_again(
        self, server_url: str, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        A step that the database gives up for a host's transaction is done after it.
        """
        storage = open_storage(server_url)
        registry = storage.stores.registry
        assert registry is not None
        host = create_engine(server_url, poolclass=NullPool)

        with host.connect() as connection, ThreadPoolExecutor(1) as pool:
            prefer(connection)
            add(connection, SECOND)
            answer = pool.submit(registry.apply, [FIRST, SECOND])
            # Our step has the first row and waits for the second: now each waits.
            until_somebody_waits(host)
            add(connection, FIRST)
            connection.rollback()

            assert {"1", "2"} == answer.result(60)

    def test_the_host_comes_first(
        self, server_url: str, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        What the host has added meanwhile is not added again.
        """
        storage = open_storage(server_url)
        registry = storage.stores.registry
        assert registry is not None
        host = create_engine(server_url, poolclass=NullPool)
        elsewhere = attrs.evolve(FIRST, id="3", address="c@univ-exemple.fr")

        with host.connect() as connection, ThreadPoolExecutor(1) as pool:
            prefer(connection)
            add(connection, SECOND)
            answer = pool.submit(registry.apply, [FIRST, SECOND, elsewhere])
            until_somebody_waits(host)
            add(connection, FIRST)
            connection.commit()

            assert {"3"} == answer.result(60)


class TestSerializable:
    def test_the_databases_default_is_not_ours(
        self, postgresql_url: str, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        Where every transaction is SERIALIZABLE by default, ours are READ COMMITTED.
        """
        host = create_engine(postgresql_url, poolclass=NullPool)
        with host.begin() as connection:
            name = connection.engine.url.database
            _ = connection.exec_driver_sql(
                f'ALTER DATABASE "{name}" SET default_transaction_isolation '
                "TO serializable"
            )
        with host.connect() as connection:
            shown = connection.exec_driver_sql("SHOW transaction_isolation")
            assert "serializable" == shown.scalar_one()

        with open_storage(postgresql_url).engine.connect() as connection:
            shown = connection.exec_driver_sql("SHOW transaction_isolation")
            assert "read committed" == shown.scalar_one()

    def test_nothing_is_lost_even_so(
        self, server_url: str, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        Were they SERIALIZABLE, each step would be counted once, or be told as failed.
        """
        storage = open_storage(server_url)
        storage.close()
        event.listen(storage.engine, "connect", make_serializable)

        def add_many() -> int:
            return sum(is_added(storage) for _ in range(25))

        added = at_once(add_many, 8)

        assert sum(added) == storage.stores.counters.add(KEY, 0, LATER)
        assert sum(added) > 0

    def test_one_password_wins(
        self, server_url: str, open_storage: Callable[[str], SQLStorage]
    ) -> None:
        """
        Under SERIALIZABLE, too, exactly one of many sets the password.
        """
        storage = open_storage(server_url)
        assert storage.stores.registry is not None
        _ = storage.stores.registry.apply([FIRST])
        storage.close()
        event.listen(storage.engine, "connect", make_serializable)

        def set_password() -> bool:
            try:
                return storage.stores.accounts.set_password("1", "hash", 7)
            except StorageError:
                return False

        won = at_once(set_password, 16)

        assert 1 == won.count(True)
        found = storage.stores.accounts.by_id("1")
        assert found is not None
        assert 8 == found.credential_version


def at_once(call: Callable[[], Any], times: int) -> list[Any]:
    """
    Make the call in as many threads, all started together.
    """
    start = Barrier(times)

    def answer(_: int) -> Any:
        _ = start.wait()
        return call()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(answer, range(times)))


def is_added(storage: SQLStorage) -> bool:
    """
    Count one up, and say whether the store said that it did.
    """
    try:
        return storage.stores.counters.add(KEY, 1, LATER) > 0
    except StorageError:
        return False


def make_serializable(connection: Any, _record: Any) -> None:
    """
    Let each statement be a transaction of the strictest kind.
    """
    with connection.cursor() as cursor:
        if hasattr(connection, "pgconn"):
            cursor.execute("SET default_transaction_isolation = 'serializable'")
        else:
            cursor.execute("SET SESSION tx_isolation = 'SERIALIZABLE'")


def add(connection: Connection, account: Account) -> None:
    """
    Add an account in the transaction of a host.
    """
    _ = connection.execute(schema.ACCOUNTS.insert(), attrs.asdict(account))


def prefer(connection: Connection) -> None:
    """
    Let the other side of a deadlock be the one that the database gives up.
    """
    if connection.dialect.name == "postgresql":
        # Whoever looks for a deadlock first is given up.
        _ = connection.exec_driver_sql("SET LOCAL deadlock_timeout = '1min'")
    else:
        # Whoever has written less is given up.
        for n in range(50):
            one = attrs.evolve(FIRST, id=f"9{n}", address=f"9{n}@univ-exemple.fr")
            add(connection, one)


WAITING: Final = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()",
    "mariadb": "SELECT count(*) FROM information_schema.innodb_trx"
    " WHERE trx_state = 'LOCK WAIT'",
}


def until_somebody_waits(engine: Engine) -> None:
    """
    Return when a transaction waits for a lock.
    """
    with engine.connect() as connection:
        patient = connection.execution_options(isolation_level="AUTOCOMMIT")
        until(lambda: patient.exec_driver_sql(WAITING[engine.name]).scalar_one() > 0)
