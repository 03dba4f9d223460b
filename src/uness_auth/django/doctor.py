"""
What only Django can say of a set-up: its system checks, and its migrations.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from django.core.checks import ERROR, CheckMessage
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from ..doctor.findings import Finding, note, ok, serious
from ..errors import ConfigurationError
from .checks import check_deployment, check_project, check_settings
from .conf import get_auth
from .storage.counters import DjangoCounters


APP: Final = "uness_auth"


def check_django() -> Iterator[Finding]:
    """
    Return what the checks of the project say, those for deployment included.
    """
    messages = [*chain(check_settings(), check_project(), check_deployment())]
    for message in messages:
        yield _finding(message)
    if not messages:
        yield ok("Django", "settings, middleware, hashers and URLs")


def check_migrations() -> Iterator[Finding]:
    """
    Whether the tables are those of this release.
    """
    try:
        counters = get_auth().parts.stores.counters
    except (ConfigurationError, ImportError):
        # `check_django` says so.
        return
    if not isinstance(counters, DjangoCounters):
        return
    executor = MigrationExecutor(connections[counters.using])
    wanted = [node for node in executor.loader.graph.leaf_nodes() if node[0] == APP]
    missing = [migration.name for migration, _ in executor.migration_plan(wanted)]
    if missing:
        yield serious(
            "tables",
            f"the database {counters.using!r} lacks {', '.join(missing)}",
            "what needs a table or a column that is missing answers with status 503",
            "run `manage.py migrate`",
        )
    else:
        yield ok("tables", f"the database {counters.using!r} is migrated")


def _finding(message: CheckMessage) -> Finding:
    tell = serious if (message.level or 0) >= ERROR else note
    return tell(
        "Django",
        f"{message.msg} ({message.id})",
        "`manage.py check --deploy` tells the same, and what it is about",
        message.hint or "",
    )
