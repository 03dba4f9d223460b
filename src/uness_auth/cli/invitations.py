"""
The campaign that mails the first link.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import click

from ..provisioning.invitations import (
    PER_MINUTE,
    Became,
    Campaign,
    InvitationPlan,
    InvitationReport,
    Invited,
)
from .common import GetAuth, as_json, refuse
from .progress import progress


WORDS: Final = {
    Became.MAILED: "mailed",
    Became.REMINDED: "reminded",
    Became.ACTED: "with a password already",
    Became.INVITED: "invited before",
    Became.CLOSED: "closed",
    Became.REFUSED: "refused by the mail server",
    Became.REFUSED_BEFORE: "refused before and not tried again",
    Became.DEFERRED: "put off by the mail server",
    Became.HELD: "being invited elsewhere",
    Became.UNKNOWN: "without an account",
    Became.LEFT: "left",
}
REMEDIES: Final = {
    Became.REFUSED: "correct it: `accounts readdress`",
    Became.REFUSED_BEFORE: "correct it: `accounts readdress`, or invite it by name",
    Became.DEFERRED: "run this again later",
    Became.HELD: "run this again in ten minutes",
    Became.UNKNOWN: "see `accounts list`",
}


@click.command("invite")
@click.argument("emails", nargs=-1, metavar="[EMAIL]...")
@click.option("--all", "is_all", is_flag=True, help="Everybody without a password.")
@click.option(
    "--per-minute",
    type=click.IntRange(min=1),
    default=PER_MINUTE,
    show_default=True,
    help="How many mails leave in a minute.",
)
@click.option(
    "--remind-after",
    type=click.IntRange(min=1),
    default=None,
    metavar="DAYS",
    help="Mail again who has not acted so long after the last link.",
)
@click.option("--dry-run", is_flag=True, help="Only tell who would be mailed.")
@as_json
@click.pass_obj
def invite(
    get_auth: GetAuth,
    emails: tuple[str, ...],
    per_minute: int,
    remind_after: int | None,
    *,
    is_all: bool,
    dry_run: bool,
    is_json: bool,
) -> None:
    """
    Mail the first link to those without a password.

    Nobody is mailed twice: run it again where it was stopped.  Those who were invited
    before are mailed again only with --remind-after, or by their EMAIL once their last
    link is over.
    """
    if is_all == bool(emails):
        msg = "give the addresses to invite, or --all"
        raise click.UsageError(msg)
    campaign = get_auth().provisioning.campaign(
        per_minute=per_minute,
        remind_after=None if remind_after is None else timedelta(days=remind_after),
    )
    plan = campaign.plan(None if is_all else emails)
    if dry_run:
        report = InvitationReport(figures=plan.figures, named=plan.named)
    else:
        report = _run(campaign, plan, is_quiet=is_json)
    if is_json:
        click.echo(json.dumps(_facts(report, is_dry_run=dry_run), ensure_ascii=False))
    else:
        _tell(report, is_dry_run=dry_run)
    if report.stopped:
        refuse(f"{report.stopped}: run it again, nobody is mailed twice")
    if not report.is_complete:
        raise click.exceptions.Exit(1)


def _run(
    campaign: Campaign, plan: InvitationPlan, *, is_quiet: bool
) -> InvitationReport:
    with progress("Inviting", len(plan.invitees), is_quiet=is_quiet) as advance:
        return campaign.run(plan, lambda _: advance(1))


def _tell(report: InvitationReport, *, is_dry_run: bool) -> None:
    figures = _in_words(report.figures)
    click.echo(f"Nothing was mailed.  Would be: {figures}" if is_dry_run else figures)
    for one in report.named:
        click.echo(_line(one), err=True)


def _in_words(figures: Mapping[Became, int]) -> str:
    told = [
        f"{figures.get(one, 0)} {words}"
        for one, words in WORDS.items()
        if one is Became.MAILED or figures.get(one)
    ]
    return f"{', '.join(told)}."


def _line(invited: Invited) -> str:
    reason = f" ({invited.reason})" if invited.reason else ""
    return (
        f"{invited.address}: {WORDS[invited.became]}{reason}: "
        f"{REMEDIES[invited.became]}"
    )


def _facts(report: InvitationReport, *, is_dry_run: bool) -> dict[str, object]:
    return {
        "is_dry_run": is_dry_run,
        **{one.value: report.figures.get(one, 0) for one in Became},
        "named": [
            {"address": one.address, "became": one.became.value, "reason": one.reason}
            for one in report.named
        ],
        "stopped": report.stopped,
    }
