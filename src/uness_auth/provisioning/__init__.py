"""
Accounts: a registrar adds and closes them, nobody else does.
"""

from __future__ import annotations

from .changes import Provisioning
from .files import FileOfAccounts, Rejected, Row, read_accounts


__all__ = ["FileOfAccounts", "Provisioning", "Rejected", "Row", "read_accounts"]
