"""
Measures what a process of pytest-xdist reaches, as `coverage run` does in its own.

``coverage run -m pytest -n 2 -p tests.measured`` loads it in each of them, before the
first module of ours.
"""

from __future__ import annotations

import os

import pytest
from coverage import Coverage


class Measure:
    """
    The plugin: it measures until the process has run its tests.
    """

    def __init__(self) -> None:
        self._coverage = Coverage()
        self._coverage.start()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """
        Leave what was measured beside what `coverage run` leaves.
        """
        self._coverage.stop()
        self._coverage.save()


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """
    Begin, in a process of pytest-xdist: the first that any plugin is asked.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        _ = pluginmanager.register(Measure(), "measure")
