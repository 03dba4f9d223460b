"""
Accounts: a registrar adds and closes them, nobody else does.
"""

from __future__ import annotations

from .changes import Provisioning
from .difference import Change, ChangeKind, Difference
from .files import FileOfAccounts, Rejected, Row, read_accounts
from .lookalikes import Likeness, Lookalike, lookalikes
from .reports import ReportRow, write_report


__all__ = [
    "Change",
    "ChangeKind",
    "Difference",
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
