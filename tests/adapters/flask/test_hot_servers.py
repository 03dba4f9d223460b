"""
The tutorial with what is hot on Valkey or Redis, and what visitors see while that
server cannot answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import pytest
from redis import Redis

from tests.adapters.flask.test_databases import (
    assert_later,
    assert_lets_in,
    submit,
    with_password,
)
from tests.adapters.flask.test_journeys import portal_on
from tests.servers.server import Server
from uness_auth import StorageError
from uness_auth.model import Client
from uness_auth.outcomes import ChallengeGone, CodeSent, SignedIn
from uness_auth.storage.redis import RedisStorage
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FixedClock
from uness_auth.testing.journeys import CAMILLE, Journeys, Portal, start


LONGEST_WAIT: Final = timedelta(seconds=1)
# The server lets rows go by its own clock: ours must not be behind.
TOMORROW: Final = datetime.combine(
    datetime.now(UTC).date() + timedelta(days=1), time_of_day(13, 32), UTC
)
HERE: Final = Client(network="192.0.2.7", browser_digest="b7" * 32)


class TestJourneysWithHotServers(Journeys):
    """
    Every journey of the tutorial, with the short-lived on a server of each kind.
    """

    @pytest.fixture(autouse=True)
    def _take(self, hot_url: str, open_portal: Callable[[str], Portal]) -> None:
        self._open = partial(open_portal, hot_url)

    def make(self) -> Portal:
        return self._open()


@pytest.fixture(name="open_portal")
def _open_portal(tmp_path: Path) -> Iterator[Callable[[str], Portal]]:
    """
    Opens a portal with counters and challenges on a server, and the rest in SQLite.
    """
    with ExitStack() as stack:

        def open_portal(url: str) -> Portal:
            lasting = stack.enter_context(
                closing(SQLStorage(f"sqlite:///{tmp_path}/db"))
            )
            hot = stack.enter_context(
                closing(RedisStorage(url, longest_wait=LONGEST_WAIT))
            )
            lasting.create_schema()
            stores = attrs.evolve(
                lasting.stores,
                code_challenges=hot.code_challenges,
                counters=hot.counters,
            )
            return portal_on(stores, FixedClock(TOMORROW))

        yield open_portal


class TestHotServerFaults:
    def test_stopped(
        self, own_hot: Server, open_portal: Callable[[str], Portal]
    ) -> None:
        """
        P30: while the server is down nobody signs in, and who is in stays in.
        """
        portal = open_portal(own_hot.url)
        browser, inside = with_password(portal)
        start(browser, CAMILLE)

        own_hot.stop()
        submit(browser)
        assert_later(browser)
        start_over = portal.browse()
        start(start_over, CAMILLE)
        assert_later(start_over)
        inside.visit("/private")
        assert "Accueil" == inside.title

        own_hot.start()
        assert_lets_in(browser)

    @pytest.mark.parametrize("ending", ["stop", "kill"])
    def test_restarted_between_two_pages(
        self, own_hot: Server, open_portal: Callable[[str], Portal], ending: str
    ) -> None:
        """
        Nobody notices: what the server closed meanwhile is not used.
        """
        portal = open_portal(own_hot.url)
        browser, _ = with_password(portal)
        start(browser, CAMILLE)

        getattr(own_hot, ending)()
        own_hot.start()

        submit(browser)
        browser.visit("/private")
        assert "Accueil" == browser.title

    def test_frozen(
        self, own_hot: Server, open_portal: Callable[[str], Portal]
    ) -> None:
        """
        A frozen server is given up in time, and the attempt is counted once at most.
        """
        portal = open_portal(own_hot.url)
        browser, _ = with_password(portal)
        start(browser, CAMILLE)
        challenge, code = ask_for_a_code(portal)

        own_hot.pause()
        began = time.monotonic()
        submit(browser)
        assert time.monotonic() - began < 2
        assert_later(browser)
        with pytest.raises(StorageError):
            _ = portal.auth.code_sign_in.confirm(challenge, code, HERE)
        own_hot.resume()

        assert isinstance(
            portal.auth.code_sign_in.confirm(challenge, code, HERE), SignedIn
        )
        assert_lets_in(browser)

    def test_full(self, own_hot: Server, open_portal: Callable[[str], Portal]) -> None:
        """
        A server without room for counters signs nobody in, and loses nothing.
        """
        portal = open_portal(own_hot.url)
        browser, inside = with_password(portal)
        start(browser, CAMILLE)

        with closing(Redis.from_url(own_hot.url)) as operator:
            operator.config_set("maxmemory", 1)
            submit(browser)
            assert_later(browser)
            inside.visit("/private")
            assert "Accueil" == inside.title
            operator.config_set("maxmemory", 0)

        assert_lets_in(browser)

    def test_emptied(
        self, own_hot: Server, open_portal: Callable[[str], Portal]
    ) -> None:
        """
        Who waits for a code that was lost asks for another; passwords go on.
        """
        portal = open_portal(own_hot.url)
        browser, _ = with_password(portal)
        start(browser, CAMILLE)
        challenge, code = ask_for_a_code(portal)

        with closing(Redis.from_url(own_hot.url)) as operator:
            operator.flushall()

        lost = portal.auth.code_sign_in.confirm(challenge, code, HERE)
        assert isinstance(lost, ChallengeGone)
        again = ask_for_a_code(portal)
        assert isinstance(portal.auth.code_sign_in.confirm(*again, HERE), SignedIn)
        submit(browser)
        browser.visit("/private")
        assert "Accueil" == browser.title


def ask_for_a_code(portal: Portal) -> tuple[str, str]:
    """
    Return a challenge of somebody's, and the code that was mailed.
    """
    sent = portal.auth.code_sign_in.begin(CAMILLE, HERE)
    assert isinstance(sent, CodeSent)
    return sent.challenge_id, portal.mailbox.code(CAMILLE)
