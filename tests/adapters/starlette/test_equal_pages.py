"""
Equal pages on Starlette and FastAPI.
"""

from __future__ import annotations

from tests.adapters.equal_pages import EqualPages
from tests.adapters.hostile import Send
from tests.adapters.starlette import test_hostile as hostile
from uness_auth import UnessAuth


class TestEqualPagesOnStarlette(EqualPages):
    """
    Straight into the app.
    """

    def connect(self, auth: UnessAuth) -> Send:
        return hostile.TestHostileRequestsToStarlette().connect(auth)


class TestEqualPagesOnFastAPI(EqualPages):
    """
    The same, with FastAPI's own layers around it.
    """

    def connect(self, auth: UnessAuth) -> Send:
        return hostile.TestHostileRequestsToFastAPI().connect(auth)
