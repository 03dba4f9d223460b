"""
The rehearsal of `docs/howto/rotate-keys.md` on real servers: one process for each ring,
side by side over one database, behind whatever sends a request to any of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import attrs
import pytest

from tests.adapters.mail_server import MailServer, running
from tests.adapters.test_key_rotation import RINGS
from tests.secrecy import Ear
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.journeys import AGAIN, CODE, NEW, PASSWORD, sign_in, start


pytestmark = pytest.mark.once
ROOT: Final = Path(__file__).parents[2]
# Where the site is, as every worker believes; what stands in front of them is the test.
BASE_URL: Final = "http://localhost:8000"
SECONDS: Final = 120
PEOPLE: Final = ("alix", "bilal", "chloe", "denis", "elsa")
BEFORE, FIRST, SECOND, REMOVED = RINGS


def address_of(name: str) -> str:
    """
    Return somebody's address.
    """
    return f"{name}@univ-exemple.fr"


@attrs.frozen
class Process:
    """
    A portal on a port of its own, with the ring of one deployment.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def port(self) -> int:
        """
        Wait until it answers, and return where.
        """
        for _ in range(SECONDS * 20):
            for line in self.log.read_text("utf-8").splitlines():
                if line.startswith("ready "):
                    return int(line.rstrip("/").rpartition(":")[2])
            assert self.process.poll() is None, self.log.read_text("utf-8")
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text("utf-8"))


@contextmanager
def portal(framework: str, ring: str, folder: Path, smtp: str) -> Iterator[Process]:
    """
    Run an example portal until the end of the ``with`` block.
    """
    log = folder / f"{ring}.log"
    given = {
        "BASE_URL": BASE_URL,
        "DATABASE_URL": f"sqlite:///{folder}/portal.db",
        "SMTP_URL": smtp,
        "UNESS_AUTH_KEYS": ",".join(RINGS[ring]),
        "PYTHONUNBUFFERED": "1",
    }
    # The tests' own project is none of theirs.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DJANGO_")}
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own example
            [
                *(sys.executable, ROOT / "examples" / "run.py"),
                *("--framework", framework, "--port", "0"),
                *("--accounts", folder / "accounts.csv"),
            ],
            env={**kept, **given},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Process(process, log)
        finally:
            process.terminate()
            assert 0 == process.wait(SECONDS)


class Person(HtmlBrowser):
    """
    A browser whose requests go to whichever worker `ring` names.
    """

    def __init__(self, ports: Mapping[str, int], ring: str) -> None:
        self.ports = ports
        self.ring = ring
        super().__init__(self._via, BASE_URL)

    def _via(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.ports[self.ring], timeout=SECONDS)
        try:
            given = {**headers, "Host": BASE_URL.removeprefix("http://")}
            connection.request(method, path, body or None, given)
            answer = connection.getresponse()
            return Reply(
                status=answer.status,
                headers=tuple(answer.getheaders()),
                body=answer.read().decode(),
            )
        finally:
            connection.close()

    def choose(self, password: str) -> None:
        """
        Fill in the page that a link leads to.
        """
        self.fill(NEW, password)
        self.fill(AGAIN, password)
        self.press("CRÉER")
        assert self.title.startswith("Mot de passe enregistré")

    def give(self, code: str) -> None:
        """
        Type a code.
        """
        self.fill(CODE, code)
        self.press("SE CONNECTER")

    def greeted(self, name: str) -> bool:
        """
        Whether the private page greets this person.
        """
        self.visit("/private")
        return f"Bonjour {name.capitalize()}" in self.text


@attrs.frozen
class Running:
    """
    All workers, and the mails they send.
    """

    framework: str
    ports: Mapping[str, int]
    mails: MailServer

    def person(self, ring: str) -> Person:
        """
        Open a browser at a worker.
        """
        return Person(self.ports, ring)

    def link_of(self, name: str, ring: str) -> str:
        """
        Have a worker mail a link.
        """
        start(self.person(ring), address_of(name))
        return self.mails.link(address_of(name))


@pytest.fixture(name="site", params=["flask", "django", "fastapi"])
def _site(
    request: pytest.FixtureRequest, tmp_path: Path, ear: Ear
) -> Iterator[Running]:
    """
    A worker for each ring, on each framework; what they logged is searched as well.
    """
    rows = [f"{address_of(name)},{name.capitalize()},fr" for name in PEOPLE]
    (tmp_path / "accounts.csv").write_text(
        "\n".join(["email,display_name,language", *rows]), encoding="utf-8"
    )
    with ExitStack() as stack:
        mails = stack.enter_context(running(MailServer()))

        def run(ring: str) -> Process:
            return stack.enter_context(portal(request.param, ring, tmp_path, mails.url))

        # The first one makes the tables.
        workers = {BEFORE: run(BEFORE)}
        ports = {BEFORE: workers[BEFORE].port()}
        workers |= {ring: run(ring) for ring in RINGS if ring != BEFORE}
        ports |= {ring: workers[ring].port() for ring in RINGS if ring != BEFORE}
        yield Running(request.param, ports, mails)
    for ring, worker in workers.items():
        ear.hear(f"the log of the worker {ring}", worker.log.read_text("utf-8"))


def remember(ear: Ear, person: Person, *links: str) -> None:
    """
    Tell the search what was made in other processes.
    """
    for link in links:
        ear.learn("link", link.rpartition("/link/")[2])
    for cookie in person.cookies.values():
        ear.learn("cookie", cookie)
    ear.learn("password", PASSWORD)
    for key in RINGS[SECOND]:
        ear.learn("key", key)


class TestRehearsal:
    def test_both_deployments_and_the_removal(self, site: Running, ear: Ear) -> None:
        """
        Whoever is half-way through the sign-in notices nothing of the two deployments;
        the removal ends what the old key signed, in words, and no session.
        """
        alix = first_deployment(site)
        links = second_deployment(site, alix)
        removal(site, alix, *links)

        remember(ear, alix, *links)


def first_deployment(site: Running) -> Person:
    """
    Workers of before and of the first deployment, side by side.
    """
    alix = site.person(BEFORE)
    link = site.link_of("alix", BEFORE)
    alix.ring = FIRST
    alix.visit(link)
    alix.ring = BEFORE
    alix.choose(PASSWORD)
    start(alix, address_of("alix"))
    alix.press("RECEVOIR LE CODE")
    alix.ring = FIRST
    alix.give(site.mails.code(address_of("alix")))
    for ring in (BEFORE, FIRST):
        alix.ring = ring
        assert alix.greeted("alix")
    return alix


def second_deployment(site: Running, alix: Person) -> tuple[str, str]:
    """
    Workers of the first and of the second deployment, side by side.
    """
    for ring in (FIRST, SECOND):
        alix.ring = ring
        assert alix.greeted("alix")
    bilal = site.person(SECOND)
    bilal.visit(site.link_of("bilal", FIRST))
    bilal.choose(PASSWORD)
    sign_in(bilal, address_of("bilal"), PASSWORD)
    bilal.ring = FIRST
    assert bilal.greeted("bilal")
    bilal.press("Se déconnecter")
    start(bilal, address_of("bilal"))
    bilal.ring = SECOND
    bilal.press("RECEVOIR LE CODE")
    bilal.ring = FIRST
    bilal.give(site.mails.code(address_of("bilal")))
    assert bilal.greeted("bilal")
    newer, older = site.link_of("chloe", SECOND), site.link_of("denis", FIRST)
    chloe = site.person(FIRST)
    chloe.visit(newer)
    assert 200 == chloe.status
    return newer, older


def removal(site: Running, alix: Person, newer: str, older: str) -> None:
    """
    The old key is taken out; workers that have it still are there for a while.
    """
    late = site.person(FIRST)
    start(late, address_of("bilal"))
    late.press("RECEVOIR LE CODE")
    for ring in (SECOND, REMOVED):
        alix.ring = ring
        assert alix.greeted("alix")
    chloe = site.person(REMOVED)
    chloe.visit(newer)
    chloe.choose(PASSWORD)
    sign_in(chloe, address_of("chloe"), PASSWORD)
    assert chloe.greeted("chloe")
    denis = site.person(REMOVED)
    denis.visit(older)
    assert 404 == denis.status
    assert denis.title.startswith("Lien incomplet")
    denis.ring = SECOND
    denis.visit(older)
    assert 200 == denis.status
    late.ring = REMOVED
    late.give(site.mails.code(address_of("bilal")))
    # Our own guard refuses the form first; Django's own has no key of ours.
    assert (410 if site.framework == "django" else 403) == late.status
    start(late, address_of("bilal"))
    late.press("RECEVOIR LE CODE")
    late.give(site.mails.code(address_of("bilal")))
    assert late.greeted("bilal")
