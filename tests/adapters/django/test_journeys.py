"""
The tutorial on Django, through its own test client, beside Django's own users.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.django.portal import empty_database, installed, portal
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.journeys import Journeys, Portal


class TestDjangoJourneys(Journeys):
    """
    Every journey of the tutorial.
    """

    @pytest.fixture(autouse=True)
    def _install(self) -> Iterator[None]:
        self.outbox, self.clock = Outbox(), FixedClock()
        empty_database()
        with installed(outbox=self.outbox, clock=self.clock):
            yield

    def make(self) -> Portal:
        return portal(self.outbox, self.clock)
