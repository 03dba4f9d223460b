"""
The tables, one version after the other.
"""

from __future__ import annotations
