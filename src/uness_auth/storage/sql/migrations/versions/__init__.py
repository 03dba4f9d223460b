"""
One revision per version: ``uness_auth_1`` makes version 1, and so on.
"""

from __future__ import annotations
