"""
Equal pages on Flask.
"""

from __future__ import annotations

from tests.adapters.equal_pages import EqualPages
from tests.adapters.flask import test_hostile as hostile
from tests.adapters.hostile import Send
from uness_auth import UnessAuth


class TestEqualPagesOnFlask(EqualPages):
    """
    Through its test client.
    """

    def connect(self, auth: UnessAuth) -> Send:
        return hostile.TestHostileRequestsToFlask().connect(auth)
