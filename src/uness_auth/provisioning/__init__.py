"""
Accounts: a registrar adds and closes them, nobody else does.
"""

from __future__ import annotations

from .changes import Provisioning
from .files import FileFault, Row, read_csv


__all__ = ["FileFault", "Provisioning", "Row", "read_csv"]
