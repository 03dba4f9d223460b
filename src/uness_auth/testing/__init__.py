"""
The public test kit: fakes, contracts for stores, journeys for adapters.

Nothing in the library imports it.
"""

from __future__ import annotations

from .fakes import EventLog, FastHashing, FixedClock, Outbox, policy_without_waits


__all__ = ["EventLog", "FastHashing", "FixedClock", "Outbox", "policy_without_waits"]
