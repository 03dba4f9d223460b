"""
Accounts: a registrar adds and closes them, nobody else does.
"""

from __future__ import annotations

from .changes import Provisioning
from .difference import Change, ChangeKind, Difference
from .files import FileOfAccounts, Rejected, Row, read_accounts
from .invitations import Became, Campaign, InvitationPlan, InvitationReport, Invited
from .lookalikes import Likeness, Lookalike, lookalikes
from .next_steps import NextStep, Step
from .reports import ReportRow, write_report
from .timeline import AccountState, Timeline, TimelineAnswer


__all__ = [
    "AccountState",
    "Became",
    "Campaign",
    "Change",
    "ChangeKind",
    "Difference",
    "FileOfAccounts",
    "InvitationPlan",
    "InvitationReport",
    "Invited",
    "Likeness",
    "Lookalike",
    "NextStep",
    "Provisioning",
    "Rejected",
    "ReportRow",
    "Row",
    "Step",
    "Timeline",
    "TimelineAnswer",
    "lookalikes",
    "read_accounts",
    "write_report",
]
