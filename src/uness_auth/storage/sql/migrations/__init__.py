"""
The way from each version of the tables to the next, as revisions of Alembic.

`run` goes it alone, and Alembic in the history of a host.  Either way the version is
noted in the tables themselves, and what is noted there is not done again: so a host may
change from one way to the other at any time.

Each revision is written as of its day and never changed again: it imports nothing that
later versions change.  Each may be repeated from its beginning, because some databases
cannot take changes of tables back: it looks before it adds, and fills only what is
empty.  And the version before must get on with what it did, because processes of that
version still run: what they need is taken away one release later.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, update

from ..schema import SCHEMA, read_version
from . import versions


Step: TypeAlias = Callable[[Operations], None]

HOME: Final = Path(__file__).parent
# Where the revisions are.
FOLDERS: Final = tuple(versions.__path__)


def run(connection: Connection, /) -> None:
    """
    Take every step that was not taken yet.  The caller sees that nobody else does.
    """
    context = MigrationContext.configure(connection)
    script = ScriptDirectory(HOME, version_locations=FOLDERS)
    for revision in reversed(list(script.walk_revisions())):
        take(context, revision.module.VERSION, revision.module.step)


def take(context: MigrationContext, version: int, step: Step, /) -> None:
    """
    Take the step to *version* and note it, unless that was done.

    What Alembic writes to a file instead (``--sql``) holds every step that it was asked
    for: there are no tables to look at.
    """
    # Not `alembic.op`, which is one for the whole process: a host may be at a migration
    # of its own when it calls us.
    op = Operations(context)
    if context.as_sql or read_version(op.get_bind()) < version:
        step(op)
        op.execute(update(SCHEMA).values(version=version))
