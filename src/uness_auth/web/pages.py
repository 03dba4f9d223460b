"""
From an outcome to the page that tells it: the screens S1 to S8, and the wait.

Screens that only say something are in `uness_auth.web.stops`, S6 among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from ..model import Site
from ..outcomes import (
    CodeExpired,
    LinkSent,
    MailPaused,
    PasswordRefused,
    Scope,
    Throttled,
)
from ..policy import Policy
from ..texts import Texts
from .faults import (
    CodeFault,
    IdentifyFault,
    PasswordFault,
    code_fault,
    identify_fault,
    new_password,
    password_fault,
    suggested,
)
from .frame import Frames, PageContext
from .http import Page
from .stops import Stops
from .views import (
    Around,
    CodeSignInView,
    IdentifyView,
    LinkSentView,
    OtherWays,
    PasswordLinkView,
    PasswordSignInView,
    WaitView,
)
from .wording import other_ways, pause_note, reveal, whole_seconds


FORBIDDEN: Final = 403
# The form comes back to be corrected and sent again.
UNPROCESSABLE: Final = 422
TOO_MANY: Final = 429

PASSWORDS: Final = frozenset({Scope.ACCOUNT_PASSWORDS, Scope.NETWORK_PASSWORDS})
MAILS: Final = frozenset({Scope.NETWORK_MAILS})


@attrs.frozen
class Pages:
    """
    Makes the pages of the sign-in, in the visitor's language.

    Attributes:
        static_url: From the name of a static file to its address.
    """

    site: Site
    policy: Policy
    static_url: Callable[[str], str]

    @property
    def frames(self) -> Frames:
        """
        What is around every page.
        """
        return Frames(self.site, self.static_url)

    @property
    def stops(self) -> Stops:
        """
        The pages that only say something.
        """
        return Stops(self.frames, self.policy.link)

    def identify(
        self,
        context: PageContext,
        /,
        *,
        typed: str = "",
        fault: IdentifyFault | None = None,
        is_cookie_refused: bool = False,
    ) -> Page:
        """
        Return S1; for an unknown address S2.
        """
        say = context.texts.say
        title = say("page.identify.title")
        alert, field = identify_fault(
            context.texts, fault, is_cookie_refused=is_cookie_refused
        )
        view = IdentifyView(
            frame=self.frames.frame(
                context, "identify", title, is_error=alert.lead != ""
            ),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            action=self.frames.path(),
            alert=alert,
            suggestion=suggested(context.texts, fault),
            accept=say("page.unknown.accept"),
            note=say("page.unknown.note") if alert.lines else "",
            heading=title,
            intro=say("page.identify.intro"),
            required=say("page.required"),
            field=field,
            typed=typed,
            submit=say("page.identify.submit"),
        )
        status = FORBIDDEN if is_cookie_refused else _status(fault)
        return Page(template=view.template, view=view, status=status)

    def sent(
        self, context: PageContext, /, *, address: str, outcome: LinkSent | MailPaused
    ) -> Page:
        """
        Return S3.  Where *outcome* has no kind nothing tells if a mail was sent.
        """
        texts = context.texts
        is_paused = isinstance(outcome, MailPaused)
        if outcome.kind is None:
            heading = "page.any.paused" if is_paused else "page.any.sent"
            lifetime = texts.say("page.any.lifetime")
        else:
            heading = "page.sent.heading"
            lifetime = texts.lasting(
                "page.sent.lifetime", self.policy.link.lifetime(outcome.kind)
            )
        before, after = texts.around(heading, "email")
        view = LinkSentView(
            frame=self.frames.frame(context, "link-sent", texts.say("page.sent.title")),
            art_url=self.static_url("plane.svg"),
            heading=Around(before=before, marked=address, after=after),
            text=f"{texts.say('page.sent.instructions')} {lifetime}",
            note=pause_note(context, outcome, is_any=outcome.kind is None),
            back=texts.say("page.back"),
            back_url=self.frames.start(context),
        )
        return Page(template=view.template, view=view)

    def create(
        self,
        context: PageContext,
        /,
        *,
        token: str,
        address: str,
        refused: PasswordRefused | None = None,
    ) -> Page:
        """
        Return S5, with every rule that was broken at once.
        """
        texts = context.texts
        title = texts.say("page.link.title")
        form = new_password(texts, self.policy.password, refused)
        before, after = texts.around("page.link.account", "email")
        view = PasswordLinkView(
            frame=self.frames.frame(
                context, "password-link", title, is_error=refused is not None
            ),
            action=self.frames.path(f"link/{token}"),
            alert=form.alert,
            heading=title,
            account=Around(before=before, marked=address, after=after),
            required=texts.say("page.required"),
            password=form.first,
            confirmation=form.second,
            reveal=reveal(texts),
            rules=form.rules,
            submit=texts.say("page.link.submit"),
            cancel=texts.say("page.cancel"),
            cancel_url=self.frames.start(context),
        )
        return Page(template=view.template, view=view, status=_status(refused))

    def password(
        self,
        context: PageContext,
        /,
        *,
        address: str,
        fault: PasswordFault | None = None,
        is_any: bool = False,
        is_remembered: bool = False,
    ) -> Page:
        """
        Return S7.

        Args:
            is_any:
                Whether one page serves every address: it then offers the first
                sign-in too.
        """
        say = context.texts.say
        title = say("page.password.title")
        alert, field = password_fault(context.texts, fault)
        view = PasswordSignInView(
            frame=self.frames.frame(
                context, "password-sign-in", title, is_error=fault is not None
            ),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            action=self.frames.path("password"),
            alert=alert,
            heading=title,
            who=say("page.password.who"),
            username=address,
            change=say("page.password.change"),
            change_what=say("page.password.change.what"),
            change_url=self.frames.start(context),
            required=say("page.required"),
            field=field,
            reveal=reveal(context.texts),
            remember=(
                say("page.password.remember")
                if self.policy.session.may_remember
                else ""
            ),
            is_remembered=is_remembered,
            submit=say("page.password.submit"),
            ways=other_ways(
                context.texts,
                self.frames,
                self.policy.code,
                address=address,
                is_any=is_any,
            ),
        )
        return Page(template=view.template, view=view, status=_status(fault))

    def code(
        self,
        context: PageContext,
        /,
        *,
        challenge_id: str,
        username: str = "",
        fault: CodeFault | None = None,
        paused: MailPaused | None = None,
    ) -> Page:
        """
        Return S8; with no challenge to type a code for, the page that says so.

        Args:
            username: The address where one page serves every address; else empty.
        """
        if paused is not None and not challenge_id:
            return self.stops.mail_paused(context, paused)
        say = context.texts.say
        title = say("page.code.title")
        alert, field = code_fault(context.texts, self.policy.code, fault)
        view = CodeSignInView(
            frame=self.frames.frame(
                context, "code-sign-in", title, is_error=fault is not None
            ),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            action=self.frames.path("code/confirm"),
            challenge=challenge_id,
            username=username,
            alert=alert,
            heading=title,
            intro=self._intro(context.texts, username, paused, fault),
            required=say("page.required"),
            field=field,
            submit=say("page.code.submit"),
            cancel=say("page.cancel"),
            cancel_url=self.frames.start(context),
            again_heading=say("page.code.missing"),
            again_text=say("page.code.patience"),
            note=pause_note(context, paused, is_any=username != ""),
            again_action=self.frames.path("code"),
            again=say("page.code.again"),
        )
        return Page(template=view.template, view=view, status=_status(fault))

    def wait(
        self,
        context: PageContext,
        /,
        *,
        outcome: Throttled,
        address: str = "",
        back_url: str = "",
        ways: OtherWays | None = None,
    ) -> Page:
        """
        Return the wait, with the ways beside the password if that is what waits.

        Args:
            address: Whose sign-in it is, if the request told.

            back_url, ways: The way back and those beside it, for pages of the account.
        """
        say = context.texts.say
        title = say("page.wait.title")
        left = outcome.until - context.now
        if outcome.scope in MAILS:
            # Whoever waits for a mail may have no password to go back to.
            address = ""
        ways = ways or OtherWays()
        if address and outcome.scope in PASSWORDS:
            ways = other_ways(
                context.texts, self.frames, self.policy.code, address=address
            )
        view = WaitView(
            frame=self.frames.frame(context, "wait", title),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            art_url=self.static_url("wait.svg"),
            heading=title,
            sentence=say(f"page.wait.{outcome.scope}"),
            wait=context.texts.waiting("page.wait.until", left),
            action=self.frames.path(),
            address=address,
            back=say("page.wait.back_password" if address or back_url else "page.back"),
            back_url=back_url or self.frames.start(context),
            ways=ways,
        )
        return Page(
            template=view.template,
            view=view,
            status=TOO_MANY,
            retry_after=whole_seconds(left),
        )

    def _intro(
        self,
        texts: Texts,
        username: str,
        paused: MailPaused | None,
        fault: CodeFault | None,
    ) -> str:
        if isinstance(fault, CodeExpired):
            # Of a code that is over nothing is promised.
            return ""
        lifetime = texts.lasting("page.code.lifetime", self.policy.code.lifetime)
        if not username:
            return f"{texts.say('page.code.sent')} {lifetime}"
        key = "page.any.sent" if paused is None else "page.any.paused"
        return f"{texts.say(key, email=username)} {lifetime}"


def _status(fault: object | None) -> int:
    return 200 if fault is None else UNPROCESSABLE
