"""
Every journey in Chromium, over real HTTP and SMTP, with and without JavaScript.
"""

from __future__ import annotations

from typing import Any

import pytest

from uness_auth.testing.journeys import Journeys, Portal


class TestWithScript(Journeys):
    """
    On a desktop, JavaScript on.
    """

    @pytest.fixture(autouse=True)
    def _open(self, open_portal: Any) -> None:
        self.open_portal = open_portal

    def make(self) -> Portal:
        """
        Return the portal for a desktop.
        """
        portal: Portal = self.open_portal(viewport={"width": 1280, "height": 900})
        return portal


class TestWithoutScript(Journeys):
    """
    On a small phone, JavaScript off.
    """

    @pytest.fixture(autouse=True)
    def _open(self, open_portal: Any) -> None:
        self.open_portal = open_portal

    def make(self) -> Portal:
        """
        Return the portal for a phone.
        """
        portal: Portal = self.open_portal(
            viewport={"width": 320, "height": 640}, java_script_enabled=False
        )
        return portal


class TestOnFastAPI(TestWithScript):
    """
    On FastAPI, under uvicorn.
    """

    @pytest.fixture(name="framework")
    def _framework(self) -> str:
        return "fastapi"


class TestOnDjango(TestWithScript):
    """
    On Django, beside its own users.
    """

    @pytest.fixture(name="framework")
    def _framework(self) -> str:
        return "django"
