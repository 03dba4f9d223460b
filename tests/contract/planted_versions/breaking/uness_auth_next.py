"""
The third version of the tests, broken off in the middle.
"""

from __future__ import annotations

from typing import Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import Column, Integer

from uness_auth.storage.sql.migrations import take


VERSION: Final = 3

revision: Final = "uness_auth_3"
down_revision: Final = "uness_auth_2"


def upgrade() -> None:
    take(host.get_context(), VERSION, step)


def step(op: Operations, /) -> None:
    op.add_column("uness_auth_accounts", Column("times", Integer))
    raise KeyboardInterrupt
