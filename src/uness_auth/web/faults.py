"""
What a form says when it comes back: the red box above it, and its field.
"""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

import attrs

from ..outcomes import (
    AddressMalformed,
    AddressUnknown,
    ChangeRefused,
    CodeExpired,
    NothingTyped,
    PasswordRefused,
    PasswordSuspended,
    WrongCode,
    WrongPassword,
)
from ..policy import CodePolicy, PasswordPolicy
from ..texts import Texts
from .rules import fault_lines, rules
from .views import Alert, Around, Field, Line, Rules


IdentifyFault: TypeAlias = AddressMalformed | AddressUnknown
PasswordFault: TypeAlias = WrongPassword | PasswordSuspended | NothingTyped
CodeFault: TypeAlias = WrongCode | CodeExpired | NothingTyped
ChangeFault: TypeAlias = ChangeRefused | PasswordFault

NO_ALERT: Final = Alert()
NO_SUGGESTION: Final = Around(before="")


def identify_fault(
    texts: Texts, fault: IdentifyFault | None, *, is_cookie_refused: bool = False
) -> tuple[Alert, Field]:
    """
    Return the box and the field of S1; for an unknown address the red box of S2.
    """
    say = texts.say
    label = say("page.identify.label")
    match fault:
        case None if is_cookie_refused:
            alert = Alert(
                lead=say("page.cookies.summary"), more=say("page.cookies.help")
            )
            return alert, Field(label=label, described_by="intro")
        case None:
            return NO_ALERT, Field(label=label, described_by="intro", has_focus=True)
        case AddressMalformed(fault=reason):
            return Alert(lead=say(f"page.address.{reason}"), href="#email"), Field(
                label=label,
                fault=say(f"page.address.{reason}.help"),
                described_by="email-fault intro",
                is_invalid=True,
            )
        case AddressUnknown(suggestion=suggestion):
            alert = Alert(
                lead=say("page.unknown.summary"),
                href="#email",
                lines=(
                    Line(text=Around(before=say("page.unknown.university"))),
                    Line(text=Around(before=say("page.unknown.other"))),
                ),
            )
            # The box itself describes the field: nothing is said twice.
            meant = " suggestion" if suggestion else ""
            return alert, Field(
                label=label,
                described_by=f"summary{meant} email-note",
                is_invalid=True,
            )
        case _ as never:
            assert_never(never)


def suggested(texts: Texts, fault: IdentifyFault | None) -> Around:
    """
    Return « Vouliez-vous dire … ? » around the address; nothing where none is likely.
    """
    match fault:
        case AddressUnknown(suggestion=address) if address:
            before, after = texts.around("page.unknown.suggestion", "email")
            return Around(before=before, marked=address, after=after)
        case _:
            return NO_SUGGESTION


def password_fault(texts: Texts, fault: PasswordFault | None) -> tuple[Alert, Field]:
    """
    Return the box and the field of S7.
    """
    label = texts.say("page.password.label")
    match fault:
        case None:
            return NO_ALERT, Field(label=label, has_focus=True)
        case WrongPassword() | NothingTyped():
            is_empty = isinstance(fault, NothingTyped)
            key = "page.password.empty" if is_empty else "page.password.wrong"
            return Alert(lead=texts.say(key), href="#password"), Field(
                label=label,
                fault=texts.say(f"{key}.help"),
                described_by="password-fault",
                is_invalid=True,
            )
        case PasswordSuspended():
            # Typing it again leads nowhere, so that the field is not what is wrong.
            return Alert(lead=texts.say("page.suspended")), Field(label=label)
        case _ as never:
            assert_never(never)


def code_fault(
    texts: Texts, policy: CodePolicy, fault: CodeFault | None
) -> tuple[Alert, Field]:
    """
    Return the box and the field of S8.
    """
    label = texts.say("page.code.label")
    match fault:
        case None:
            field = Field(label=label, described_by="code-intro", has_focus=True)
            return NO_ALERT, field
        case CodeExpired():
            alert = Alert(lead=texts.say("page.code.gone"), href="#again")
            return alert, Field(label=label)
        case WrongCode() | NothingTyped():
            lead, help_text = _code_words(texts, policy, fault)
            return Alert(lead=lead, href="#code"), Field(
                label=label,
                fault=help_text,
                described_by="code-fault code-intro",
                is_invalid=True,
            )
        case _ as never:
            assert_never(never)


@attrs.frozen(kw_only=True)
class NewPassword:
    """
    What a form for a new password says: the box, two fields, the rules between them.
    """

    alert: Alert
    first: Field
    second: Field
    rules: Rules


def new_password(
    texts: Texts,
    policy: PasswordPolicy,
    refused: PasswordRefused | ChangeRefused | None,
    *,
    screen: str = "page.link",
) -> NewPassword:
    """
    Return what the form says, with everything that was wrong at once.

    Args:
        screen: Whose words: those of S5, or of the page that changes a password.
    """
    unmet = refused.unmet if refused is not None else ()
    differs = refused is not None and refused.differs
    listed = rules(policy, texts, unmet)
    lines = fault_lines(policy, texts, unmet)
    if differs:
        text = Around(before=texts.say("page.link.differs"))
        lines += (Line(text=text, href="#confirmation"),)
    fault = _unmet_help(texts, listed, unmet)
    return NewPassword(
        alert=Alert(lead=texts.say(f"{screen}.refused") if lines else "", lines=lines),
        first=Field(
            label=texts.say(f"{screen}.password"),
            fault=fault,
            described_by="password-fault password-rules" if fault else "password-rules",
            is_invalid=bool(unmet),
        ),
        second=Field(
            label=texts.say(f"{screen}.confirmation"),
            fault=texts.say("page.link.differs.help") if differs else "",
            described_by="confirmation-fault" if differs else "",
            is_invalid=differs,
        ),
        rules=listed,
    )


def current_password_fault(
    texts: Texts, fault: PasswordFault | None
) -> tuple[Alert, Field]:
    """
    Return the box and the field for the password that is to be changed.
    """
    label = texts.say("page.change.current")
    match fault:
        case None:
            return NO_ALERT, Field(label=label)
        case WrongPassword() | NothingTyped():
            is_empty = isinstance(fault, NothingTyped)
            key = "page.change.empty" if is_empty else "page.change.wrong"
            return Alert(lead=texts.say(key), href="#current"), Field(
                label=label,
                fault=texts.say(f"{key}.help"),
                described_by="current-fault",
                is_invalid=True,
            )
        case PasswordSuspended():
            # As on S7: typing it again leads nowhere.
            return Alert(lead=texts.say("page.suspended")), Field(label=label)
        case _ as never:
            assert_never(never)


def _code_words(
    texts: Texts, policy: CodePolicy, fault: WrongCode | NothingTyped
) -> tuple[str, str]:
    help_text = texts.say("page.code.help", digits=policy.digits)
    if isinstance(fault, NothingTyped):
        return texts.say("page.code.empty"), help_text
    left = texts.count("page.code.attempts", fault.attempts_left)
    return texts.say("page.code.wrong"), f"{help_text} {left}"


def _unmet_help(texts: Texts, listed: Rules, unmet: tuple[str, ...]) -> str:
    # What is not in the list, such as a common password, is not to be looked for there.
    count = sum(rule.is_unmet for rule in listed.rules)
    said = [texts.count("page.link.unmet", count)] if count else []
    if "too_common" in unmet:
        said.append(texts.say("page.link.too_common"))
    return " ".join(said)
