"""
The portal on https under a name of its own, and an attacker on two others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from tests.browser import hosts
from tests.browser.cross_site.attacker import (
    NEIGHBOUR,
    STRANGER,
    Attacker,
    attacking,
)
from tests.servers.certificates import issued
from uness_auth import UnessAuth
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.testing import FixedClock
from uness_auth.testing.journeys import Portal


NAME: Final = "portail.univ-exemple.fr"


@pytest.fixture(name="framework", params=list(hosts.FRAMEWORKS))
def _framework(request: pytest.FixtureRequest) -> str:
    """
    What the portal is built with: each in turn.
    """
    return str(request.param)


@pytest.fixture(name="certificate", scope="session")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A key and certificate for the portal and the attacker.
    """
    folder = tmp_path_factory.mktemp("certificate")
    return issued(folder, NAME, NEIGHBOUR, STRANGER)[0]


@pytest.fixture(name="served")
def _served(
    mail_server: Any,
    tmp_path: Path,
    chromium: Any,
    framework: str,
    certificate: Path,
) -> Iterator[tuple[UnessAuth, FixedClock, str]]:
    """
    A portal on https, with a real database file.
    """
    clock = FixedClock()
    wishes = hosts.Wishes(
        database=tmp_path / "portal.db",
        mailer=SMTPMailer.from_url(f"smtp://127.0.0.1:{mail_server.port}"),
        clock=clock,
        front=lambda url: nullcontext(f"https://{NAME}:{urlsplit(url).port}"),
        certificate=certificate,
        is_https=True,
    )
    with hosts.FRAMEWORKS[framework](wishes) as (auth, base_url):
        yield auth, clock, base_url


@pytest.fixture(name="portal")
def _portal(open_portal: Callable[..., Portal]) -> Portal:
    """
    The portal, its browsers taking our certificate.
    """
    return open_portal(ignore_https_errors=True)


@pytest.fixture(name="attacker")
def _attacker(certificate: Path) -> Iterator[Attacker]:
    """
    The attacker's site.
    """
    with attacking(certificate) as attacker:
        yield attacker
