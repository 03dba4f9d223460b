"""
A next version, for tests: accounts get a column, which is filled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import Column, Integer, inspect

from uness_auth.storage.sql.migrations import take, versions


STEPS: Final = Path(versions.__file__).parent.glob("uness_auth_*.py")
VERSION: Final = 1 + len(list(STEPS))

revision: Final = f"uness_auth_{VERSION}"
down_revision: Final = f"uness_auth_{VERSION - 1}"


def upgrade() -> None:
    take(host.get_context(), VERSION, step)


def step(op: Operations, /) -> None:
    columns = inspect(op.get_bind()).get_columns("uness_auth_accounts")
    if "times" not in {column["name"] for column in columns}:
        op.add_column("uness_auth_accounts", Column("times", Integer))
    # Added to, where a real step would fill: who is here twice is noticed.
    op.execute("UPDATE uness_auth_accounts SET times = COALESCE(times, 0) + 1")
