"""
The servers that the tests run on: they start, keep their data, stop and leave nothing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import NullPool, create_engine, inspect
from sqlalchemy.exc import OperationalError

from tests.servers import fresh, mariadb, postgresql, valkey
from tests.servers.server import (
    Server,
    ServerFailed,
    Unavailable,
    processes,
    until,
    until_all_are,
)


pytestmark = pytest.mark.once
SQL = ("postgresql", "mariadb")
ALL = (*SQL, "valkey", "redis")
# A run that is killed in the middle, with its server paused.
VICTIM = """
import sys
from tests.servers import valkey
with valkey.server() as server:
    server.pause()
    print(server.folder, *server.pids, flush=True)
    sys.stdin.read()
"""


def keep(server: Server, word: str) -> None:
    """
    Write *word* through a real client.
    """
    if server.url.startswith("redis:"):
        with Redis.from_url(server.url) as client:
            client.set("kept", word)
        return
    with create_engine(server.url, poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (word VARCHAR(20))")
        connection.exec_driver_sql("INSERT INTO kept VALUES (%s)", (word,))


def kept(server: Server) -> str:
    """
    Read it back.
    """
    if server.url.startswith("redis:"):
        with Redis.from_url(server.url, decode_responses=True) as client:
            return str(client.get("kept"))
    with create_engine(server.url, poolclass=NullPool).connect() as connection:
        return str(connection.exec_driver_sql("SELECT word FROM kept").scalar_one())


@pytest.fixture(name="server", params=ALL)
def _server(request: pytest.FixtureRequest) -> Server:
    server = request.getfixturevalue(f"own_{request.param}")
    assert isinstance(server, Server)
    return server


class TestServer:
    def test_data_outlives_a_restart(self, server: Server) -> None:
        """
        A server that stops and starts keeps its data and its URL.
        """
        url = server.url
        keep(server, "word")

        server.restart()

        assert url == server.url
        assert "word" == kept(server)

    def test_data_outlives_a_kill(self, server: Server) -> None:
        """
        What was written before a crash is there after it.
        """
        keep(server, "word")

        server.kill()
        server.start()

        assert "word" == kept(server)

    def test_a_paused_server_answers_when_it_goes_on(self, server: Server) -> None:
        """
        No process of a paused server runs; who asked in the meantime gets the answer.
        """
        keep(server, "word")

        server.pause()
        states = {processes()[one][0] for one in server.pids}
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(kept, server)
            server.resume()

        assert {"T"} == states
        assert "word" == answer.result()

    def test_a_paused_server_can_be_stopped(self, server: Server) -> None:
        """
        Stopping needs no word from the test that paused it.
        """
        server.pause()
        server.stop()

        assert [] == server.pids

    @pytest.mark.parametrize("end", [Server.stop, Server.kill])
    def test_no_process_is_left(
        self, server: Server, end: Callable[[Server], None]
    ) -> None:
        """
        A server that is stopped or killed has ended with all its children.
        """
        before = server.pids

        end(server)
        after = processes()
        server.start()

        assert before
        assert set() == after.keys() & set(before)
        assert set() == set(server.pids) & set(before)

    def test_no_server_is_root(self, server: Server) -> None:
        """
        Database servers refuse to be root, whoever starts them.
        """
        owners = {Path(f"/proc/{one}").stat().st_uid for one in server.pids}

        assert owners
        assert 0 not in owners

    def test_it_ends_with_a_run_that_is_killed(self, own_valkey: Server) -> None:
        """
        Nothing tidies up after SIGKILL, and still neither process nor folder is left.
        """
        with subprocess.Popen(  # noqa: S603 - the program stands above
            [sys.executable, "-c", VICTIM],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as victim:
            assert victim.stdout is not None
            folder, pid = victim.stdout.readline().split()
            victim.kill()

        until(lambda: not Path(folder).exists())
        until_all_are("", [int(pid)])

        assert own_valkey.folder.exists()

    def test_a_server_that_cannot_start_says_why(self, own_valkey: Server) -> None:
        """
        The end of its log tells what went wrong.
        """
        own_valkey.stop()
        (own_valkey.folder / "appendonlydir").rename(own_valkey.folder / "kept")
        (own_valkey.folder / "appendonlydir").write_text("not a folder")

        with pytest.raises(ServerFailed, match="append-only"):
            own_valkey.start()


class TestPrograms:
    def test_every_postgresql_here(self, own_postgresql: Server) -> None:
        """
        Debian's and the wheel's serve alike, whichever is taken first.
        """
        keep(own_postgresql, "word")
        for home in postgresql.homes()[1:]:
            with postgresql.server(home) as server:
                keep(server, "word")

                assert "word" == kept(server)

    def test_a_program_that_nobody_can_reach(
        self, own_valkey: Server, tmp_path: Path
    ) -> None:
        """
        An environment in a closed folder is no obstacle.
        """
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        binary = shutil.copy(valkey.binaries()[0], closed)

        with valkey.server(Path(binary)) as server:
            keep(server, "word")

            assert "word" == kept(server)

    def test_a_missing_one_names_the_remedy(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """
        The reason to skip says what to install, or what to set.
        """
        monkeypatch.setattr(mariadb, "PATH", str(tmp_path))
        monkeypatch.delenv(mariadb.VARIABLE, raising=False)

        with pytest.raises(Unavailable) as caught:
            mariadb.server()

        assert (
            "MariaDB is not installed: apt-get install mariadb-server, "
            "or set UNESS_TEST_MARIADB"
        ) == str(caught.value)


class TestFreshDatabases:
    @pytest.mark.parametrize("name", ALL)
    def test_empty_and_writable(
        self, name: str, request: pytest.FixtureRequest
    ) -> None:
        """
        Each test gets a database in which it may do everything.
        """
        url = request.getfixturevalue(f"{name}_url")

        if name not in SQL:
            with Redis.from_url(url) as client:
                assert 0 == client.dbsize()
                client.set("left", "behind")
            return
        with create_engine(url, poolclass=NullPool).begin() as connection:
            assert [] == inspect(connection).get_table_names()
            connection.exec_driver_sql("CREATE TABLE left_behind (word INTEGER)")

    def test_an_existing_server(
        self, own_postgresql: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A server named by its plain URL serves databases that are gone afterwards.
        """
        plain = own_postgresql.url.replace("+psycopg", "")
        monkeypatch.setenv(postgresql.VARIABLE, plain)

        with (
            fresh.existing_or_own(postgresql) as server_url,
            fresh.postgresql_database(server_url) as url,
        ):
            engine = create_engine(url, poolclass=NullPool)
            with engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")

        with pytest.raises(OperationalError, match="does not exist"):
            engine.connect()
        assert plain == server_url

    def test_mariadb_takes_capitals_for_small_letters(self, mariadb_url: str) -> None:
        """
        What must be told apart there cannot rely on the database's own collation.
        """
        with create_engine(mariadb_url, poolclass=NullPool).connect() as connection:
            same = connection.exec_driver_sql("SELECT 'Été' = 'ete'").scalar_one()

        assert 1 == same

    def test_a_redis_database_in_use(self, own_valkey: Server) -> None:
        """
        Keys that are not the tests' own are not thrown away.
        """
        keep(own_valkey, "word")

        with (
            pytest.raises(RuntimeError, match="not empty"),
            fresh.redis_database(own_valkey.url),
        ):
            pass

        assert "word" == kept(own_valkey)
