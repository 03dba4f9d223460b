"""
MariaDB, of this machine: there is no wheel of it.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .server import Server, Unavailable, run, said


VARIABLE: Final = "UNESS_TEST_MARIADB"
# Debian's folder for servers is not on everybody's path, nor is Fedora's.
PATH: Final = os.pathsep.join(
    [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/libexec"]
)
# A collation that takes A for a: what must be told apart says so itself.
CHARACTERS: Final = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"


class MariaDB:
    """
    How MariaDB is set up and run.
    """

    stop_signal = signal.SIGTERM

    def __init__(self, binary: str, installer: str, options: Sequence[str]) -> None:
        self._binary = binary
        self._installer = installer
        self._options = options

    def url(self, port: int, /) -> str:
        """
        Return the URL of the database that the first start makes.
        """
        return f"mariadb+pymysql://root@127.0.0.1:{port}/uness"

    def prepare(self, folder: Path, /) -> None:
        """
        Make the data folder.
        """
        (folder / "first.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS uness {CHARACTERS};\n", encoding="utf-8"
        )
        (folder / "first.sql").chmod(0o644)
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        data = f"--datadir={folder}/data"
        run([self._installer, "--no-defaults", data, *options, *self._options], folder)

    def command(self, folder: Path, port: int, /) -> list[str]:
        """
        Return what runs the server, safe from its own crash, not from a power cut.
        """
        return [
            self._binary,
            "--no-defaults",
            f"--datadir={folder}/data",
            f"--socket={folder}/socket",
            f"--pid-file={folder}/pid",
            f"--init-file={folder}/first.sql",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=2",
            # The system keeps what it was given, and no disk is waited for.
            "--loose-innodb-flush-method=nosync",
            *self._options,
        ]

    def is_ready(self, folder: Path, _pid: int, /) -> bool:
        """
        Look for its greeting, whose fifth byte is the protocol's version.
        """
        return said(folder / "socket")[4:5] == b"\x0a"


def server(options: Sequence[str] = ()) -> Server:
    """
    Return a server that is ours to stop, each time started with these options besides.
    """
    binary = shutil.which("mariadbd", path=PATH)
    installer = shutil.which("mariadb-install-db", path=PATH)
    if binary and installer:
        return Server(MariaDB(binary, installer, options))
    raise Unavailable("MariaDB", "apt-get install mariadb-server", VARIABLE)
