"""
A third version, for tests, that keeps the server at work for 1.5 seconds.
"""

from __future__ import annotations

from typing import Final

from alembic import op as host
from alembic.operations import Operations

from uness_auth.storage.sql.migrations import take


VERSION: Final = 3

revision: Final = "uness_auth_3"
down_revision: Final = "uness_auth_2"


def upgrade() -> None:
    take(host.get_context(), VERSION, step)


def step(op: Operations, /) -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(f"SELECT {'pg_sleep' if is_postgresql else 'SLEEP'}(1.5)")
