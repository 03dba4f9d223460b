"""
One Django signal per kind of event.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.dispatch import Signal

from ..events import EventKind


signals: Final[Mapping[EventKind, Signal]] = MappingProxyType(
    {kind: Signal() for kind in EventKind}
)
"""Sent with the sender `uness_auth.UnessAuth`, and ``event=``."""
