"""
The third version of the tests, broken off in the middle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import op as host
from alembic.operations import Operations
from sqlalchemy import Column, Integer

from uness_auth.storage.sql.migrations import take, versions


STEPS: Final = Path(versions.__file__).parent.glob("uness_auth_*.py")
VERSION: Final = 1 + len(list(STEPS))

revision: Final = f"uness_auth_{VERSION}"
down_revision: Final = f"uness_auth_{VERSION - 1}"


def upgrade() -> None:
    take(host.get_context(), VERSION, step)


def step(op: Operations, /) -> None:
    op.add_column("uness_auth_accounts", Column("times", Integer))
    raise KeyboardInterrupt
