"""
One house for a test, once on each adapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.portals import FRAMEWORKS, House, house
from tests.secrecy import Ear


@pytest.fixture(name="django_template", scope="session")
def _django_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Where Django's tables are kept once they are made.
    """
    return tmp_path_factory.mktemp("template") / "django.db"


@pytest.fixture(name="house", params=FRAMEWORKS)
def _house(
    request: pytest.FixtureRequest, tmp_path: Path, django_template: Path
) -> Iterator[House]:
    """
    A house on each adapter.
    """
    with house(request.param, tmp_path, django_template) as opened:
        yield opened


@pytest.fixture(name="ear")
def _ear(request: pytest.FixtureRequest) -> Ear:
    """
    What hears every logger, down to DEBUG, and knows what was made: `tests.secrecy`.
    """
    watch: Any = request.config.pluginmanager.get_plugin("secrecy")
    ear: Ear = watch.ear
    return ear
