"""
``manage.py uness_auth …``: the command line, on this project's sign-in.
"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...cli import project
from ...conf import get_auth


class Command(BaseCommand):
    """
    Hands its arguments to `uness_auth.django.cli.project`.
    """

    help = "Accounts, keys, what has expired: `manage.py uness_auth --help`."
    # The group says what is wrong with them in its own words.
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """
        Run ``manage.py uness_auth …``, and exit as the command line does.
        """
        sys.exit(run(argv[2:], prog_name=f"{argv[0]} {argv[1]}"))

    def add_arguments(self, parser: CommandParser) -> None:
        """
        Take whatever comes, for `django.core.management.call_command`.
        """
        _ = parser.add_argument("arguments", nargs="*")

    def handle(self, *_args: Any, **options: Any) -> None:
        """
        Run the command line inside another program.

        Raises:
            django.core.management.CommandError: With its exit code, unless that is 0.
        """
        code = run(options["arguments"], prog_name="uness_auth")
        if code:
            msg = f"uness_auth ended with {code}"
            raise CommandError(msg, returncode=code)


def run(arguments: list[str], *, prog_name: str) -> int:
    """
    Run the command line and return its exit code.
    """
    try:
        project.main(arguments, prog_name=prog_name, obj=get_auth)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 1
