"""
A file of accounts: shown as a difference, then written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import attrs
import click

from ..provisioning import (
    Change,
    ChangeKind,
    Difference,
    Likeness,
    Lookalike,
    Rejected,
    ReportRow,
    read_accounts,
    write_report,
)
from .common import GetAuth, as_json, refuse
from .progress import progress


# Of each kind; a report holds all of them.
SHOWN: Final = 20


_F = TypeVar("_F", bound=Callable[..., object])


def _number(option: str, words: str) -> Callable[[_F], _F]:
    return click.option(
        option, type=click.IntRange(min=0), metavar="N", default=None, help=words
    )


@click.command("import")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE"
)
@click.option("--by", default="", metavar="WHO", help="The registrar whose file it is.")
@click.option("--encoding", default="", help="Of CSV: UTF-8, or as said: cp1252.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Show it and write nothing.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask on a terminal.")
@_number("--readdress", "So many accounts get another address.")
@_number("--take-over", "So many added by hand come under the registrar.")
@_number("--close-missing", "So many of WHO are in no line: close them.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write each change and each rejected line to a CSV file.",
)
@as_json
@click.pass_context
def import_(
    context: click.Context,
    *,
    file: Path,
    by: str,
    encoding: str,
    is_dry: bool,
    is_sure: bool,
    readdress: int | None,
    take_over: int | None,
    close_missing: int | None,
    report: Path | None,
    is_json: bool,
) -> None:
    """
    Read a file of accounts, show what it changes, and change it.

    On a terminal it asks first; elsewhere what needs care needs its number.
    """
    get_auth: GetAuth = context.obj
    if report is not None and report.exists() and report.samefile(file):
        msg = "it would be written over the file of accounts: name another"
        raise click.BadParameter(msg, param_hint="--report")
    provisioning = get_auth().provisioning
    difference = provisioning.difference(
        read_accounts(file, encoding=encoding),
        by=by,
        readdress=readdress,
        take_over=take_over,
        close_missing=close_missing,
    )
    # Before anything is written: a report that cannot be is told in time.
    _report(report, difference)
    is_applied = not (is_dry or difference.faults)
    if not is_json:
        _show(difference)
        _complain(file, difference.rejected)
    if is_applied:
        if not (is_sure or is_json):
            _ask(difference)
        total = len(difference.changes)
        with progress("Importing", total, is_quiet=is_json) as advance:
            done = provisioning.apply(difference, on_progress=advance)
        late = set(done.rejected) - set(difference.rejected)
        difference = done
        _report(report, done)
        if not is_json:
            _complain(file, sorted(late, key=lambda one: one.line))
    if is_json:
        _tell(difference, is_applied=is_applied)
    else:
        click.echo("Done." if is_applied else "Nothing was written.")
    if difference.faults:
        refuse("; ".join(difference.faults))
    if difference.rejected:
        count = len(difference.rejected)
        refuse(f"{count} rejected: mend what is wrong and import the file again")


def _ask(difference: Difference) -> None:
    if not (difference.changes and sys.stdin.isatty() and sys.stdout.isatty()):
        return
    if not click.confirm(f"Make these {len(difference.changes)} changes?", err=True):
        refuse("nothing was written")


# --- For people -----------------------------------------------------------------------


def _show(difference: Difference) -> None:
    for kind in ChangeKind:
        changes = difference.of(kind)
        for change in changes[:SHOWN]:
            click.echo(f"{kind:12} {_words(change)}")
        if len(changes) > SHOWN:
            click.echo(
                f"{kind:12} … and {len(changes) - SHOWN} more: see --report or --json"
            )
    _show_lookalikes(difference)
    for what, number in difference.counts.items():
        click.echo(f"{what:12} {number:7}")
    terms = difference.terms
    if difference.missing and terms.close_missing is None:
        click.echo(
            f"{difference.missing} open accounts of « {terms.by} » are in no line: "
            f"--close-missing {difference.missing} closes them"
        )


def _show_lookalikes(difference: Difference) -> None:
    alike = difference.lookalikes
    for one in alike[:SHOWN]:
        click.echo(f"{'look at':12} line {one.line}: {one.address}: {_likeness(one)}")
    if len(alike) > SHOWN:
        click.echo(
            f"{'look at':12} … and {len(alike) - SHOWN} more: see --report or --json"
        )


def _likeness(alike: Lookalike) -> str:
    other = alike.other_address
    if alike.other_line:
        other = f"{other} in line {alike.other_line}"
    return {
        Likeness.SPELLING: f"it is spelt nearly like {other}",
        Likeness.DOMAIN: f"is {other} meant?",
        Likeness.NAME: f"{other} has the same name",
    }[alike.why]


def _words(change: Change) -> str:
    line = f"line {change.line}: " if change.line else ""
    address = change.after.address
    if change.before and change.before.address != address:
        address = f"{change.before.address} -> {address}"
    fields = ", ".join(one for one in change.fields if one != "address")
    return f"{line}{address}{f' ({fields})' if fields else ''}"


def _complain(file: Path, rejected: tuple[Rejected, ...] | list[Rejected]) -> None:
    for one in rejected[:SHOWN]:
        click.echo(f"{file.name}, line {one.line}: {one.reason}", err=True)
    if len(rejected) > SHOWN:
        click.echo(
            f"… and {len(rejected) - SHOWN} more rejected: see --report or --json",
            err=True,
        )


# --- For programs, and for a sheet ------------------------------------------------------


def _tell(difference: Difference, *, is_applied: bool) -> None:
    for row in _rows(difference):
        click.echo(json.dumps(attrs.asdict(row), ensure_ascii=False))
    summary = {
        "counts": difference.counts,
        "missing": difference.missing,
        "faults": difference.faults,
        "is_applied": is_applied,
    }
    click.echo(json.dumps(summary, ensure_ascii=False))


def _report(path: Path | None, difference: Difference) -> None:
    if path is not None:
        write_report(_rows(difference), path)


def _rows(difference: Difference) -> Iterator[ReportRow]:
    for change in difference.changes:
        reason = ", ".join(change.fields)
        if change.before and change.kind is ChangeKind.READDRESSED:
            reason = f"before: {change.before.address}"
        yield ReportRow(
            line=change.line,
            address=change.after.address,
            external_id=change.after.external_id,
            what=change.kind,
            reason=reason,
        )
    for one in difference.rejected:
        yield ReportRow(
            line=one.line,
            address=one.email,
            external_id=one.external_id,
            what="rejected",
            reason=one.reason,
        )
    for alike in difference.lookalikes:
        yield ReportRow(
            line=alike.line,
            address=alike.address,
            what="look at",
            reason=_likeness(alike),
        )
