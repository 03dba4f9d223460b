"""
Equal pages on Django.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.django import test_hostile as hostile
from tests.adapters.django.portal import empty_database, installed, middleware
from tests.adapters.equal_pages import EqualPages
from tests.adapters.hostile import Send
from uness_auth import UnessAuth


class TestEqualPagesOnDjango(EqualPages):
    """
    Through its test client.
    """

    @pytest.fixture(autouse=True)
    def _project(self) -> Iterator[None]:
        self.django = hostile.TestHostileRequestsToDjango()
        self.django.stack = []
        empty_database()
        plain = [one for one in middleware() if "Locale" not in one]
        with installed(more={"ALLOWED_HOSTS": ["*"], "MIDDLEWARE": plain}):
            yield
            for changed in self.django.stack:
                changed.disable()

    def connect(self, auth: UnessAuth) -> Send:
        return self.django.connect(auth)
