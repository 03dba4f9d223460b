"""
What is wrong with this set-up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import attrs
import click

from ..doctor import Check, Finding, Severity, examine, examine_machine, guarded
from ..doctor.findings import serious, words_of
from .common import GetAuth, as_json


_PLURALS: Final = {Severity.SERIOUS: "serious", Severity.NOTE: "notes"}


def doctor_with(more: Mapping[str, Check], /) -> click.Command:
    """
    Return the command, which also makes the checks of *more*, by name.
    """

    @click.command("doctor")
    @click.option(
        "--offline", "is_offline", is_flag=True, help="Ask no mail server, and no page."
    )
    @as_json
    @click.pass_context
    def doctor(context: click.Context, *, is_offline: bool, is_json: bool) -> None:
        """
        What is wrong with this set-up, why that matters, and how to mend it.

        Exits with 1 where something is serious.
        """
        counts = dict.fromkeys(Severity, 0)
        for finding in _findings(context.obj, more, is_offline=is_offline):
            counts[finding.severity] += 1
            click.echo(_as_json(finding) if is_json else _told(finding))
        if not is_json:
            totals = [f"{counts[one]} {words}" for one, words in _PLURALS.items()]
            click.echo(f"{', '.join(totals)}, {counts[Severity.OK]} ok.")
        if counts[Severity.SERIOUS]:
            context.exit(1)

    return doctor


def _findings(
    get_auth: GetAuth, more: Mapping[str, Check], *, is_offline: bool
) -> Iterator[Finding]:
    try:
        auth = get_auth()
    except Exception as exc:  # noqa: BLE001 - a project's settings raise whatever they like
        yield serious(
            "set-up",
            words_of(exc),
            "the site does not start like this",
            "do what the message says, and ask again: the rest was not looked at",
        )
        yield from examine_machine()
    else:
        yield from examine(auth, is_offline=is_offline)
    for name, check in more.items():
        yield from guarded(name, check)


def _as_json(finding: Finding) -> str:
    return json.dumps(attrs.asdict(finding), ensure_ascii=False)


def _told(finding: Finding) -> str:
    lines = [f"{finding.severity:<8} {finding.check}: {finding.what}"]
    if finding.why:
        lines += [f"{'':9}why: {finding.why}", f"{'':9}mend: {finding.mend}"]
    return "\n".join(lines)


doctor: click.Command = doctor_with(MappingProxyType({}))
