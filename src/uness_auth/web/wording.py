"""
What several pages say or hold alike: times, and the ways beside the password.
"""

from __future__ import annotations

import math
from datetime import timedelta

import attrs

from ..outcomes import LinkSent, MailPaused
from ..policy import CodePolicy
from ..texts import Texts
from .frame import Frames, PageContext
from .views import OtherWays, Reveal


def whole_seconds(duration: timedelta, /) -> int:
    """
    Return *duration* for Retry-After: rounded up, and never zero.
    """
    return max(1, math.ceil(duration.total_seconds()))


def asked_already(context: PageContext, paused: MailPaused, /, *, is_any: bool) -> str:
    """
    Return when the last mail left; when it was asked for, where it may not have left.
    """
    key = "page.any.asked" if is_any or paused.is_queued else "page.pause.sent"
    return context.texts.elapsed(key, context.now - paused.sent_at)


def next_mail(context: PageContext, paused: MailPaused, /) -> str:
    """
    Return when the next mail may be asked for.
    """
    return context.texts.waiting("page.pause.next", paused.until - context.now)


def pause_note(
    context: PageContext, outcome: LinkSent | MailPaused | None, /, *, is_any: bool
) -> str:
    """
    Return both times of a pause; without a pause nothing.
    """
    if not isinstance(outcome, MailPaused):
        return ""
    asked = asked_already(context, outcome, is_any=is_any)
    return f"{asked} {next_mail(context, outcome)}"


def reveal(texts: Texts, /) -> Reveal:
    """
    Return the words of the buttons that show what was typed.
    """
    return Reveal(
        show=texts.say("page.reveal.show"),
        hide=texts.say("page.reveal.hide"),
        first=texts.say("page.reveal.password"),
        second=texts.say("page.reveal.confirmation"),
    )


def other_ways(
    texts: Texts,
    frames: Frames,
    policy: CodePolicy,
    /,
    *,
    address: str,
    is_any: bool = False,
) -> OtherWays:
    """
    Return the ways in beside the password: a link, and a code where there are codes.
    """
    ways = OtherWays(
        username=address,
        link_action=frames.path("link"),
        forgotten=texts.say("page.password.forgotten"),
        first=texts.say("page.any.first") if is_any else "",
    )
    if not policy.is_offered:
        return ways
    return attrs.evolve(
        ways,
        code_action=frames.path("code"),
        code_heading=texts.say("page.password.code"),
        code_submit=texts.say("page.password.code.submit"),
        code_note=texts.lasting("page.password.code.lifetime", policy.lifetime),
    )
