"""
nginx, of this machine, as our documentation sets it up: there is no wheel of it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from pathlib import Path
from typing import Final

from .server import Server, Unavailable, give_to_owner


PAGE: Final = Path(__file__).parents[2] / "docs/howto/behind-a-proxy.md"
# Debian's folder for servers is not on everybody's path.
PATH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
AROUND: Final = """\
daemon off;
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{documented}
{more}
}}
"""


class Nginx:
    """
    How nginx is set up and run in front of a portal.

    Args:
        upstream: Where the portal listens.

        certificate: A file with a key and its certificate.

        more: What an operator adds to the documented configuration.

        headers: What an operator adds to what is told to the portal.
    """

    stop_signal = signal.SIGTERM

    def __init__(
        self, binary: str, *, upstream: str, certificate: Path, more: str, headers: str
    ) -> None:
        self._binary = binary
        self._upstream = upstream
        self._certificate = certificate
        self._more = more
        self._headers = headers

    def url(self, port: int, /) -> str:
        """
        Return where visitors find the portal.
        """
        return f"https://localhost:{port}"

    def prepare(self, folder: Path, /) -> None:
        """
        Copy the certificate to where the server may read it.
        """
        shutil.copyfile(self._certificate, folder / "portal.pem")
        (folder / "cache").mkdir()
        give_to_owner(folder)

    def command(self, folder: Path, port: int, /) -> list[str]:
        """
        Return what runs the server; its port stands in a file, and nowhere else.
        """
        text = AROUND.format(
            folder=folder,
            documented=documented(folder, port, self._upstream, self._headers),
            more=self._more,
        )
        (folder / "nginx.conf").write_text(text, encoding="ascii")
        return [self._binary, "-e", "stderr", "-p", str(folder), "-c", "nginx.conf"]

    def is_ready(self, folder: Path, pid: int, /) -> bool:
        """
        Look for the file with its number, which it writes when it listens.
        """
        file = folder / "pid"
        return file.exists() and file.read_text(encoding="ascii").strip() == str(pid)


def documented(folder: Path, port: int, upstream: str, headers: str) -> str:
    """
    Return what our page tells operators to write, at the addresses of a test.

    Raises:
        ValueError: The page no longer says what is to be replaced here.
    """
    page = PAGE.read_text("utf-8")
    proxy, path, caching = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    text = f"{path}{proxy}"
    for ours, theirs in (
        ("    location / {", f"{caching}\n    location / {{"),
        ("listen 80;", f"listen unix:{folder}/plain;"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/nginx/portail.crt", f"{folder}/portal.pem"),
        ("/etc/nginx/portail.key", f"{folder}/portal.pem"),
        ("/var/log/nginx/access.log", f"{folder}/access.log"),
        ("/var/log/nginx/error.log", f"{folder}/error.log"),
        ("/var/cache/nginx/portal", f"{folder}/cache"),
        ("http://unix:/run/portal.sock", upstream),
        # A port of its own is part of the host's name.
        (
            "proxy_set_header Host $host;",
            f"{headers} proxy_set_header Host $host:{port};",
        ),
    ):
        if text.count(ours) != 1:
            msg = f"{PAGE.name} says {ours!r} {text.count(ours)} times, not once"
            raise ValueError(msg)
        text = text.replace(ours, theirs)
    return text


def server(
    *, upstream: str, certificate: Path, more: str = "", headers: str = ""
) -> Server:
    """
    Return a server in front of *upstream* that is ours to stop.
    """
    if binary := shutil.which("nginx", path=PATH):
        return Server(
            Nginx(
                binary,
                upstream=upstream,
                certificate=certificate,
                more=more,
                headers=headers,
            )
        )
    raise Unavailable("nginx", "apt-get install nginx-light")
