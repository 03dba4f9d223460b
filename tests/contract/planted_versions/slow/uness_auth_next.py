"""
A next version, for tests, that keeps the server at work for 1.5 seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import op as host
from alembic.operations import Operations

from uness_auth.storage.sql.migrations import take, versions


STEPS: Final = Path(versions.__file__).parent.glob("uness_auth_*.py")
VERSION: Final = 1 + len(list(STEPS))

revision: Final = f"uness_auth_{VERSION}"
down_revision: Final = f"uness_auth_{VERSION - 1}"


def upgrade() -> None:
    take(host.get_context(), VERSION, step)


def step(op: Operations, /) -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(f"SELECT {'pg_sleep' if is_postgresql else 'SLEEP'}(1.5)")
