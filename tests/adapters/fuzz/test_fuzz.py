"""
Mutated requests over real HTTP: three adapters, each on a server of its own, and one
behaviour.  `nox -s fuzz` sends ten times as many, and weighs and times the servers.

``UNESS_FUZZ_SEED`` repeats what a failure printed.
"""

from __future__ import annotations

import os
import random
from typing import Final

import pytest

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.campaign import Campaign
from tests.adapters.fuzz.chance import MUTATIONS
from tests.adapters.fuzz.draft import DIFFERING, PATH
from tests.adapters.fuzz.mutations import drafted, fields_in_the_docs, requests
from tests.adapters.fuzz.servers import ROOT, Servers
from uness_auth.web.routes import ROUTES


pytestmark = pytest.mark.once
SEED: Final = int(
    os.environ.get("UNESS_FUZZ_SEED") or random.SystemRandom().randrange(2**32)
)
# To each adapter.
REQUESTS: Final = 1_700
# So many of them all adapters answer themselves, or nothing was proved.
REACHED: Final = 0.75


class TestMutatedRequests:
    def test_five_thousand(self, servers: Servers) -> None:
        """
        P48: whatever is sent, the statuses are those of the docs, the same on all
        adapters, with our headers and no traceback; who was not named is left alone,
        and a question changes nothing, though it may be kept as an event.
        """
        report = Campaign(servers, SEED, REQUESTS).run()

        assert [] == report.findings, "\n".join([f"seed {SEED}", *report.findings])
        assert REQUESTS == report.sent
        # It went everywhere, or it proved nothing.
        assert {*MUTATIONS, "nothing"} == {*report.what}, f"seed {SEED}"
        assert report.reached >= REACHED * REQUESTS, f"seed {SEED}"
        for statuses in report.statuses.values():
            assert {200, 303, 400, 403, 404, 405, 410, 413, 415, 422} <= {*statuses}

    def test_one_seed_makes_the_same(self) -> None:
        """
        The seed that a failure prints makes the requests again, byte for byte.
        """
        assert [*requests(SEED, 200)] == [*requests(SEED, 200)]
        assert [*requests(SEED, 200)] != [*requests(SEED + 1, 200)]

    def test_every_route_is_asked(self) -> None:
        """
        By every method it has, with every field that the docs list, also when it comes
        later.
        """
        listed = fields_in_the_docs()
        chance = random.Random(SEED)  # noqa: S311 - a test's
        drafts = [drafted(chance, listed) for _ in range(2_000)]
        asked = {(one.method.decode(), one.path) for one in drafts}
        sent = {
            (one.path, name.decode()) for one in drafts for name, _ in one.fields or ()
        }

        for route in ROUTES:
            path = PATH + route.path.replace("{token}", scene.link()).encode()
            assert {(one, path) for one in route.handlers} <= asked, f"seed {SEED}"
            assert {(path, one) for one in listed[route.name]} <= sent, f"seed {SEED}"

    @pytest.mark.parametrize("row", DIFFERING)
    def test_who_may_differ(self, row: str) -> None:
        """
        Each row that excuses an adapter stands in the docs.
        """
        explained = (ROOT / "docs/reference/adapters.md").read_text("utf-8")

        assert f"| {row} |" in explained
