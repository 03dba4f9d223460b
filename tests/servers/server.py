"""
A server program that runs in a folder of its own, and ends with who started it.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self


SECONDS: Final = 60
# Below the ports that systems hand out by themselves: while a server is down, no
# connection of anybody else takes its port.
PORTS: Final = range(15_000, 32_000)
# Waits for a line, or until whoever started it is gone however that came, and then
# clears up: a run that is killed leaves neither processes nor files.
KEEPER: Final = """
read -r line
if [ -e "$0/pids" ]; then kill -KILL $(cat "$0/pids"); fi
for again in 1 2 3 4 5; do rm -rf "$0" && break || sleep 1; done
"""


class Unavailable(Exception):  # noqa: N818 - not an error, a reason to skip
    """
    No such server can run here; the text names the remedy.
    """

    def __init__(self, name: str, remedy: str, variable: str = "") -> None:
        way_out = f", or set {variable}" if variable else ""
        if variable in os.environ:
            way_out = f" ({variable} is set, but its server is not ours to stop)"
        super().__init__(f"{name} is not installed: {remedy}{way_out}")


class ServerFailed(Exception):  # noqa: N818 - says what happened
    """
    The server ended, or did not answer in time; the text is the end of its log.
    """


class Program(Protocol):
    """
    What tells one server from another.
    """

    stop_signal: signal.Signals

    def url(self, port: int, /) -> str:
        """
        Return the URL of an empty database on *port*.
        """
        ...

    def prepare(self, folder: Path, /) -> None:
        """
        Put into *folder* what the server wants to find at its first start.
        """
        ...

    def command(self, folder: Path, port: int, /) -> Sequence[str]:
        """
        Return the command that runs the server in the foreground.
        """
        ...

    def is_ready(self, folder: Path, pid: int, /) -> bool:
        """
        Say whether the server answers; asked in *folder*, where only ours can.
        """
        ...


class Server:
    """
    One server, from `with` to its end; its data outlives stops, kills and restarts.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._paused: list[int] = []

    def __enter__(self) -> Self:
        # Not TMPDIR: that may be closed to others, or too long for a socket's path.
        self.folder = Path(tempfile.mkdtemp(prefix="uness-auth-", dir="/tmp"))
        self._keeper = subprocess.Popen(  # noqa: S603 - the script stands above
            ["/bin/sh", "-c", KEEPER, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            give_to_owner(self.folder)
            self._program.prepare(self.folder)
            self._start_on_a_free_port()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self.kill()
            self._keeper.communicate(b"done\n")

    @property
    def url(self) -> str:
        """
        The URL of an empty database, as SQLAlchemy or redis-py takes it.
        """
        return self._program.url(self.port)

    @property
    def log(self) -> str:
        """
        What the server said so far.
        """
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def pids(self) -> list[int]:
        """
        The processes of the server, none if it does not run.
        """
        if self._process is None:
            return []
        return [self._process.pid, *children(self._process.pid)]

    def start(self) -> None:
        """
        Start the server, and return when it answers.
        """
        with (self.folder / "log").open("ab") as log:
            self._process = process = subprocess.Popen(  # noqa: S603 - a program of ours
                self._program.command(self.folder, self.port),
                cwd=self.folder,
                env=environment(self.folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **owner(),
            )
        self._tell_keeper([process.pid])
        until(
            lambda: (
                process.poll() is not None
                or self._program.is_ready(self.folder, process.pid)
            )
        )
        if process.poll() is not None:
            self._forget()
            raise ServerFailed(self.log[-2_000:])

    def stop(self) -> None:
        """
        End the server as its operator would; open connections are cut.
        """
        self.resume()
        if self._process is not None:
            self._process.send_signal(self._program.stop_signal)
            self._process.wait(SECONDS)
            self._forget()

    def kill(self) -> None:
        """
        End the server and its children at once, as a crash would.
        """
        if self._process is not None:
            if self._process.poll() is None:
                family = self._freeze()
                send(signal.SIGKILL, family)
                self._process.wait(SECONDS)
                until_all_are("", family)
            self._forget()

    def restart(self) -> None:
        """
        Stop and start the server, on the same port and data.
        """
        self.stop()
        self.start()

    def pause(self) -> None:
        """
        Let the server stand still: it accepts connections, and answers nobody.
        """
        self._paused = self._freeze()
        self._tell_keeper(self._paused)

    def resume(self) -> None:
        """
        Let a paused server go on.
        """
        send(signal.SIGCONT, self._paused)
        self._paused = []

    def limit_files(self, size: str) -> None:
        """
        Let no file grow beyond *size*, in bytes or "unlimited": a disk that is full.
        """
        # Only the owner of a process may limit it, root included where it is no owner.
        for pid in self.pids:
            run(["prlimit", f"--pid={pid}", f"--fsize={size}:"], self.folder)

    def _freeze(self) -> list[int]:
        assert self._process is not None, "the server does not run"
        # The parent first: from then on no child comes.
        parent = [self._process.pid]
        send(signal.SIGSTOP, parent)
        until_all_are("T", parent)
        family = self.pids
        send(signal.SIGSTOP, family)
        until_all_are("T", family)
        return family

    def _forget(self) -> None:
        (self.folder / "pids").unlink()
        self._process = None
        self._paused = []

    def _tell_keeper(self, pids: Iterable[int]) -> None:
        (self.folder / "pids").write_text("\n".join(map(str, pids)), encoding="ascii")

    def _start_on_a_free_port(self) -> None:
        for is_last in (False, False, True):
            self.port = free_port()
            try:
                self.start()
            except ServerFailed:
                # Somebody else may have taken the port at the same moment.
                if is_last:
                    raise
            else:
                return


def owner() -> dict[str, Any]:
    """
    Return as whom `subprocess` runs a server: database servers refuse to be root.
    """
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def environment(folder: Path) -> dict[str, str]:
    """
    Return an environment in which no variable of the caller misleads a server.
    """
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": str(folder), "LC_ALL": "C"}


def give_to_owner(folder: Path) -> None:
    """
    Make *folder*, and what is in it, the server's own.
    """
    if one := owner():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, one["user"], one["group"], follow_symlinks=False)


def run(command: Sequence[str | Path], folder: Path) -> None:
    """
    Run a command in *folder*, as whom the server will run, to its end.
    """
    done = subprocess.run(  # noqa: S603 - a program of ours
        command,
        check=False,
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **owner(),
    )
    if done.returncode:
        raise ServerFailed(done.stdout[-2_000:])


def within_reach(home: Path, binary: str, folder: Path) -> Path:
    """
    Return *home*, or its copy in *folder* if the server may not enter it.

    An environment may lie in root's own folder, where nobody else can read.
    """
    try:
        run([home / binary, "--version"], folder)
    except PermissionError:
        copy = folder / "program"
        shutil.copytree(home, copy, symlinks=True)
        give_to_owner(copy)
        return copy
    return home


def free_port() -> int:
    """
    Return a port of this machine that nobody listens on.
    """
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def said(path: Path, question: bytes = b"") -> bytes:
    """
    Return what a server says on its socket, nothing if it does not.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1)
        try:
            line.connect(str(path))
            line.sendall(question)
            return line.recv(64)
        except OSError:
            return b""


def children(pid: int) -> list[int]:
    """
    Return the children of a process; PostgreSQL has one for each connection.
    """
    return [one for one, (_, parent) in processes().items() if parent == pid]


def processes() -> dict[int, tuple[str, int]]:
    """
    Return the state and the parent of every process that has not ended.
    """
    if not Path("/proc/self/stat").exists():
        msg = "this system has no /proc: the children of a server cannot be found"
        raise NotImplementedError(msg)
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it has just ended
        # Its name, in parentheses, may hold anything.
        state, parent, *_ = text.rpartition(")")[2].split()
        if state != "Z":  # ended, and its parent has not asked yet
            found[int(stat.parent.name)] = (state, int(parent))
    return found


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """
    Send a signal to processes, of which some may have ended.
    """
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def until_all_are(states: str, pids: Collection[int]) -> None:
    """
    Return when each process has ended or is in one of *states* (T: it stands still).
    """
    until(
        lambda: all(
            state in states for one, (state, _) in processes().items() if one in pids
        )
    )


def until(is_so: Callable[[], bool]) -> None:
    """
    Return when it is so.
    """
    give_up_at = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > give_up_at:
            msg = f"not so after {SECONDS} s"
            raise ServerFailed(msg)
        time.sleep(0.01)
