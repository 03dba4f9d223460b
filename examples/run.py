"""
Start a portal, real mails and a real database included, and walk the tutorial in it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from catcher import Catcher
from settings import load_accounts
from tour import Tour

from uness_auth import ConfigurationError, UnessAuth, UnessAuthError
from uness_auth.provisioning import Row, read_accounts


LARGEST_PORT = 65_535
SHOWN = 10
ACCOUNTS = Path(__file__).with_name("accounts.csv")
# Imported once chosen: only that framework needs to be installed.
FRAMEWORKS = {
    "flask": "flask_portal.server",
    "django": "django_portal.server",
    "fastapi": "fastapi_portal.server",
}


class Server(Protocol):
    """
    What serves a portal, as the servers of ``socketserver`` do.

    It listens from the start: who connects before `serve_forever` waits for an answer.
    """

    def serve_forever(self) -> None:
        """
        Answer until `shutdown` is called; run in a thread of its own.
        """
        ...

    def shutdown(self) -> None:
        """
        End `serve_forever`, and wait until it has.
        """
        ...


class Framework(Protocol):
    """
    The module ``server`` in the folder of a portal.
    """

    def auth_from(self, environ: Mapping[str, str], /) -> UnessAuth:
        """
        Wire the sign-in, tables included.
        """
        ...

    def server_for(
        self,
        auth: UnessAuth,
        inbox: Callable[[], str] | None,
        host: str,
        port: int,
        /,
    ) -> Server:
        """
        Return a server of the portal; with *inbox*, the page stands at ``/inbox``.
        """
        ...


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", choices=list(FRAMEWORKS), default="flask")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--database", help="an SQLAlchemy URL; else a fresh file")
    parser.add_argument("--smtp", help="smtp://host:port; else a local catcher")
    parser.add_argument("--accounts", type=Path, default=ACCOUNTS, help="a CSV file")
    parser.add_argument(
        "--tour", action="store_true", help="walk the tutorial, exit 0 if it went well"
    )
    parser.add_argument(
        "--stay", action="store_true", help="stay open after the tour, until Ctrl-C"
    )
    chosen = parser.parse_args(given)
    if chosen.tour and (chosen.smtp or os.environ.get("SMTP_URL")):
        parser.error(
            "--tour reads the mails, so it needs the local catcher: "
            "no --smtp, and no SMTP_URL in the environment"
        )
    if not 0 <= chosen.port <= LARGEST_PORT:
        parser.error(f"--port {chosen.port}: give 0 to {LARGEST_PORT}")
    return chosen


def main() -> int:
    """
    Run the portal until it is stopped, or as long as the tour takes.
    """
    chosen = arguments()
    signal.signal(signal.SIGTERM, stop)
    catcher = None if chosen.smtp or os.environ.get("SMTP_URL") else Catcher().start()
    with tempfile.TemporaryDirectory(prefix="uness-auth-") as folder:
        try:
            return serve(chosen, catcher, Path(folder))
        except UnessAuthError as exc:
            print(f"{type(exc).__name__}: {exc}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 0
        finally:
            if catcher is not None:
                catcher.close()


def serve(chosen: argparse.Namespace, catcher: Catcher | None, folder: Path) -> int:
    """
    Start the portal and wait for whoever is to use it.
    """
    port = port_for(chosen)
    host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    origin = f"http://{host}:{port}"
    environ = {
        "DATABASE_URL": f"sqlite:///{folder / 'portal.db'}",
        "BASE_URL": origin,
        **({"SMTP_URL": catcher.url} if catcher else {}),
        **os.environ,
        **({"DATABASE_URL": chosen.database} if chosen.database else {}),
        **({"SMTP_URL": chosen.smtp} if chosen.smtp else {}),
    }
    framework = cast("Framework", import_module(FRAMEWORKS[chosen.framework]))
    auth = framework.auth_from(environ)
    for fault in load_accounts(auth, chosen.accounts):
        print(fault, file=sys.stderr)
    # What a mail server caught is for nobody but whoever sits at this machine.
    inbox = catcher.inbox if catcher is not None and auth.site.is_loopback else None
    server = framework.server_for(auth, inbox, chosen.host, port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    print(f"ready {origin}/", flush=True)
    try:
        return wait(chosen, auth, catcher, origin, thread)
    finally:
        server.shutdown()


def wait(
    chosen: argparse.Namespace,
    auth: UnessAuth,
    catcher: Catcher | None,
    origin: str,
    thread: threading.Thread,
) -> int:
    """
    Walk the tour, or wait until somebody stops the portal.
    """
    went_well = True
    if chosen.tour:
        address, name = first_account(auth, chosen.accounts)
        went_well = catcher is not None and Tour(origin, catcher, address, name).walk()
    if chosen.stay or not chosen.tour:
        print(f"\nThe portal is open: {origin}/ (Ctrl-C ends it)")
        if catcher is not None:
            print(f"Its mails: {origin}/inbox")
        lines = read_accounts(chosen.accounts).lines
        addresses = (one.address for one in lines if isinstance(one, Row))
        print("Its accounts:", *list(addresses)[:SHOWN], flush=True)
        try:
            thread.join()
        except KeyboardInterrupt:
            print()
    return 0 if went_well else 1


def first_account(auth: UnessAuth, path: Path) -> tuple[str, str]:
    """
    Return address and name of the first account that is greeted in French and has no
    password yet: the tour creates one.
    """
    for line in read_accounts(path).lines:
        if isinstance(line, Row) and line.language in {"", "fr"}:
            account = auth.provisioning.accounts.by_address(line.address)
            if account is not None and not account.has_password:
                return account.address, account.display_name or account.address
    msg = f"{path} names no account without a password for the tour: start afresh"
    raise ConfigurationError(msg)


def port_for(chosen: argparse.Namespace) -> int:
    """
    Return the port to listen on, if it can be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            chosen.host, chosen.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            port: int = probe.getsockname()[1]
            return port
    except OSError as exc:
        msg = (
            f"--host {chosen.host} --port {chosen.port} cannot be listened on: "
            f"{exc.strerror}; --port 0 takes any that is free"
        )
        raise ConfigurationError(msg) from exc


def stop(_number: int, _frame: object) -> None:
    """
    End as Ctrl-C does, so that nothing is left behind.
    """
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
