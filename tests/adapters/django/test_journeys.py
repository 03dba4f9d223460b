"""
The tutorial on Django, through its own test client, beside Django's own users.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from tests.adapters.django.portal import empty_database, installed, portal
from uness_auth.django.storage import DjangoStorage
from uness_auth.testing import FixedClock, Outbox
from uness_auth.testing.journeys import Journeys, Portal


@attrs.frozen
class Everything:
    """
    A router that sends all that is read and written to one database.
    """

    using: str

    def db_for_read(self, _model: object, **_hints: object) -> str:
        """
        Name the database.
        """
        return self.using

    def db_for_write(self, _model: object, **_hints: object) -> str:
        """
        Name the database.
        """
        return self.using


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


class TestDjangoJourneysOnDatabases(Journeys):
    """
    Every journey, with users and accounts in each kind of database.
    """

    @pytest.fixture(autouse=True)
    def _install(self, using: str) -> Iterator[None]:
        self.outbox, self.clock = Outbox(), FixedClock()
        with installed(
            outbox=self.outbox,
            clock=self.clock,
            stores=DjangoStorage(using).stores,
            more={"DATABASE_ROUTERS": [Everything(using)]},
        ):
            yield

    def make(self) -> Portal:
        return portal(self.outbox, self.clock)


class TestDjangoJourneysWithoutZones(TestDjangoJourneys):
    """
    Every journey, where Django keeps times without their zone.
    """

    @pytest.fixture(autouse=True)
    def _install(self) -> Iterator[None]:
        self.outbox, self.clock = Outbox(), FixedClock()
        with installed(outbox=self.outbox, clock=self.clock, more={"USE_TZ": False}):
            empty_database()
            yield
