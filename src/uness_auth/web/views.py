"""
What the templates show: frozen view models of texts and flags, nothing else.

Two engines render them, so that a view holds only `str`, `bool`, smaller views and
tuples of smaller views, all translated already.  A view says which template is its own.
"""

from __future__ import annotations

import html
from typing import Any, ClassVar, Final

import attrs


class Text(str):
    """
    Text that every template engine escapes to the same bytes.

    Django writes an apostrophe as ``&#x27;`` and markupsafe as ``&#39;``; both ask
    ``__html__`` first.
    """

    __slots__ = ()

    def __html__(self) -> str:
        """
        Return the text, safe in an element and in a quoted attribute.
        """
        return html.escape(self)


def as_text(
    _owner: type, fields: list[attrs.Attribute[Any]]
) -> list[attrs.Attribute[Any]]:
    """
    Make every text of a view a `Text`, so that no page can forget to.
    """
    return [
        field.evolve(converter=Text) if str(field.type) == "str" else field
        for field in fields
    ]


# --- Parts ------------------------------------------------------------------------


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Frame:
    """
    What is around every page: head, band and footer.

    Attributes:
        name: Of the page, for the eyes of style sheets only: ``link-expired``.

        title: Of the document, the application's name included.

        site: The application's name.
    """

    name: str
    language: str
    title: str
    skip: str
    mark: str
    mark_long: str
    site: str
    support: str
    support_url: str
    home_url: str
    home_name: str
    css_url: str
    script_url: str
    icon_url: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Around:
    """
    A sentence around something that stands out in it.
    """

    before: str
    marked: str = ""
    after: str = ""


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Line:
    """
    One fault of a list, and the field that it is about.
    """

    text: Around
    href: str = ""


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Alert:
    """
    The red box, first in the card; without a lead there is none.

    Attributes:
        href: The field that the lead is about, ``#email``.

        more: What to do, in a sentence of its own.
    """

    lead: str = ""
    href: str = ""
    more: str = ""
    lines: tuple[Line, ...] = ()


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Field:
    """
    A field that a person types into.

    Attributes:
        fault: What to do about it; empty while nothing is wrong.

        described_by: The ids of what describes it, for ``aria-describedby``.

        has_focus: Whether the page opens there.
    """

    label: str
    fault: str = ""
    described_by: str = ""
    is_invalid: bool = False
    has_focus: bool = False


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Reveal:
    """
    The words of the buttons that show what was typed.
    """

    show: str
    hide: str
    first: str
    second: str = ""


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Rule:
    """
    One rule of the password.

    Attributes:
        pattern: A JavaScript regular expression, flags s and u, that is met or not.

        is_forbidding: Whether breaking it is told while typing.

        is_unmet: Whether the password sent last broke it.
    """

    text: Around
    pattern: str
    is_forbidding: bool = False
    is_unmet: bool = False


@attrs.frozen(kw_only=True, field_transformer=as_text)
class Rules:
    """
    The rules of the password, and the words that the script needs.

    Attributes:
        for_managers: The ``passwordrules`` attribute.
    """

    heading: str
    rules: tuple[Rule, ...]
    for_managers: str
    met: str
    unmet: str
    left: str
    done: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class OtherWays:
    """
    The ways in beside the password.

    Attributes:
        first: The first sign-in, where one page serves every address.

        code_heading: Empty where signing in by code is not offered.
    """

    username: str = ""
    link_action: str = ""
    forgotten: str = ""
    first: str = ""
    code_action: str = ""
    code_heading: str = ""
    code_submit: str = ""
    code_note: str = ""


@attrs.frozen(kw_only=True, field_transformer=as_text)
class SignOutView:
    """
    « Se déconnecter », a form of one button for the host's own pages.
    """

    template: ClassVar[str] = "uness_auth/sign_out.html"

    action: str
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    submit: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class AccountNav:
    """
    « Votre compte »: the ways between the pages of whoever is signed in.

    Attributes:
        sessions_label: Empty where sessions cannot be listed.

        is_on_password, is_on_sessions: Whether this is the page one is on.

        action, sign_out: The form of one button.
    """

    label: str
    home_label: str
    home_url: str
    password_label: str
    password_url: str
    is_on_password: bool
    sessions_label: str
    sessions_url: str
    is_on_sessions: bool
    action: str
    sign_out: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class SessionEntry:
    """
    One open session in the list.

    Attributes:
        name: Of the browser.

        tag: Only of the session that asks.

        network: Empty where it is not known.

        close: The words of its button; empty where it cannot be closed from here.
    """

    name: str
    tag: str
    opened: str
    seen: str
    network: str
    digest: str = attrs.field(repr=False)
    close: str
    close_what: str


# --- Pages ------------------------------------------------------------------------


@attrs.frozen(kw_only=True, field_transformer=as_text)
class IdentifyView:
    """
    S1 and S2: who are you?

    Attributes:
        suggestion: What was meant, if it was mistyped; without a marked address nothing
            is suggested.

        accept: The words of the button that goes on with it.
    """

    template: ClassVar[str] = "uness_auth/identify.html"

    frame: Frame
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    action: str
    alert: Alert
    suggestion: Around
    accept: str
    note: str
    heading: str
    intro: str
    required: str
    field: Field
    typed: str
    submit: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class LinkSentView:
    """
    S3: a link is on its way.

    Attributes:
        note: When the last mail left and when the next may be asked for.
    """

    template: ClassVar[str] = "uness_auth/link_sent.html"

    frame: Frame
    art_url: str
    heading: Around
    text: str
    note: str
    back: str
    back_url: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class PasswordLinkView:
    """
    S5: a password, twice.  No CSRF field: who knows the link needs no victim.

    Attributes:
        action: The link's own path, and so its token.
    """

    template: ClassVar[str] = "uness_auth/password_link.html"

    frame: Frame
    action: str = attrs.field(repr=False)
    alert: Alert
    heading: str
    account: Around
    required: str
    password: Field
    confirmation: Field
    reveal: Reveal
    rules: Rules
    submit: str
    cancel: str
    cancel_url: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class PasswordSignInView:
    """
    S7: the password, and the ways beside it.
    """

    template: ClassVar[str] = "uness_auth/password_sign_in.html"

    frame: Frame
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    action: str
    alert: Alert
    heading: str
    who: str
    username: str
    change: str
    change_what: str
    change_url: str
    required: str
    field: Field
    reveal: Reveal
    remember: str
    is_remembered: bool
    submit: str
    ways: OtherWays


@attrs.frozen(kw_only=True, field_transformer=as_text)
class CodeSignInView:
    """
    S8: the code from the mail.

    Attributes:
        username: The address, where one page serves every address; else empty.

        note: When the last mail left and when the next may be asked for.
    """

    template: ClassVar[str] = "uness_auth/code_sign_in.html"

    frame: Frame
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    action: str
    challenge: str
    username: str
    alert: Alert
    heading: str
    intro: str
    required: str
    field: Field
    submit: str
    cancel: str
    cancel_url: str
    again_heading: str
    again_text: str
    note: str
    again_action: str
    again: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class WaitView:
    """
    Too many tries: when to come back, and what else there is.

    Attributes:
        address: Where it is known, the way back posts it again.

        ways: The ways beside the password, when the password is what waits; else
            none, and its username is empty.
    """

    template: ClassVar[str] = "uness_auth/wait.html"

    frame: Frame
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    art_url: str
    heading: str
    sentence: str
    wait: str
    action: str
    address: str
    back: str
    back_url: str
    ways: OtherWays


@attrs.frozen(kw_only=True, field_transformer=as_text)
class StopView:
    """
    A page that only says something: what happened, what is safe, one way on.

    Attributes:
        wait: When to try again, in a sentence of its own.

        is_capital: Whether the way on is one of the tutorial's buttons.
    """

    template: ClassVar[str] = "uness_auth/stop.html"

    frame: Frame
    art_url: str
    heading: str
    sentence: str
    wait: str
    way: str
    way_url: str
    is_capital: bool


@attrs.frozen(kw_only=True, field_transformer=as_text)
class AskAgainView:
    """
    S7 once more, for whoever is signed in: is it still you?

    Attributes:
        field: Without a label there is no password to ask for.
    """

    template: ClassVar[str] = "uness_auth/ask_again.html"

    frame: Frame
    nav: AccountNav
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    action: str
    alert: Alert
    heading: str
    intro: str
    who: str
    username: str
    required: str
    field: Field
    reveal: Reveal
    submit: str
    ways: OtherWays


@attrs.frozen(kw_only=True, field_transformer=as_text)
class PasswordChangeView:
    """
    The current password, and twice the new one.

    Attributes:
        reveal_current: What the first of the three buttons shows.

        ways: A link, for whoever does not know the current one.
    """

    template: ClassVar[str] = "uness_auth/password_change.html"

    frame: Frame
    nav: AccountNav
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    action: str
    alert: Alert
    heading: str
    intro: str
    username: str
    required: str
    current: Field
    password: Field
    confirmation: Field
    reveal: Reveal
    reveal_current: str
    rules: Rules
    submit: str
    cancel: str
    cancel_url: str
    ways: OtherWays


@attrs.frozen(kw_only=True, field_transformer=as_text)
class NoPasswordView:
    """
    There is no password to change: a link creates the first.
    """

    template: ClassVar[str] = "uness_auth/no_password.html"

    frame: Frame
    nav: AccountNav
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    heading: str
    sentence: Around
    action: str
    submit: str


@attrs.frozen(kw_only=True, field_transformer=as_text)
class OpenSessionsView:
    """
    The open sessions of the account, this one first.

    Attributes:
        again: Where one has to prove first who one is, the words of the way there.

        close_others: Empty where there is nothing to close, or not yet.
    """

    template: ClassVar[str] = "uness_auth/open_sessions.html"

    frame: Frame
    nav: AccountNav
    csrf_name: str
    csrf_value: str = attrs.field(repr=False)
    next: str
    action: str
    heading: str
    intro: str
    again_text: str
    again: str
    again_url: str
    entries: tuple[SessionEntry, ...]
    close_others: str


VIEWS: Final = (
    IdentifyView,
    LinkSentView,
    PasswordLinkView,
    PasswordSignInView,
    CodeSignInView,
    WaitView,
    StopView,
    AskAgainView,
    PasswordChangeView,
    NoPasswordView,
    OpenSessionsView,
)
