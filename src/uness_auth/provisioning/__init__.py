"""
Accounts: a registrar adds and closes them, nobody else does.
"""

from __future__ import annotations

from .changes import Provisioning
from .files import FileOfAccounts, Rejected, Row, read_accounts
from .lookalikes import Likeness, Lookalike, lookalikes
from .reports import ReportRow, write_report


__all__ = [
    "FileOfAccounts",
    "Likeness",
    "Lookalike",
    "Provisioning",
    "Rejected",
    "ReportRow",
    "Row",
    "lookalikes",
    "read_accounts",
    "write_report",
]
