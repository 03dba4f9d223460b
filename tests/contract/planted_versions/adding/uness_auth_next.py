"""
A third version, for tests: accounts get a column, which is filled.
"""

from __future__ import annotations

from typing import Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import Column, Integer, inspect

from uness_auth.storage.sql.migrations import take


VERSION: Final = 3

revision: Final = "uness_auth_3"
down_revision: Final = "uness_auth_2"


def upgrade() -> None:
    take(host.get_context(), VERSION, step)


def step(op: Operations, /) -> None:
    columns = inspect(op.get_bind()).get_columns("uness_auth_accounts")
    if "times" not in {column["name"] for column in columns}:
        op.add_column("uness_auth_accounts", Column("times", Integer))
    # Added to, where a real step would fill: who is here twice is noticed.
    op.execute("UPDATE uness_auth_accounts SET times = COALESCE(times, 0) + 1")
