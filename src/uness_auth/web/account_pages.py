"""
The pages of whoever is signed in: their password, their sessions, and once more who
they are.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import attrs

from ..messages import SESSIONS_PATH
from ..model import Account, Session
from ..outcomes import ChangeRefused, SessionsListed, Throttled
from .faults import (
    ChangeFault,
    PasswordFault,
    current_password_fault,
    new_password,
    password_fault,
)
from .frame import Frames, PageContext
from .http import Page
from .pages import UNPROCESSABLE, Pages
from .views import (
    AccountNav,
    Around,
    AskAgainView,
    NoPasswordView,
    OpenSessionsView,
    OtherWays,
    PasswordChangeView,
    SessionEntry,
)
from .wording import other_ways, reveal


# Below `uness_auth.Site.path`.
AGAIN: Final = "again"
PASSWORD: Final = "account/password"  # noqa: S105 - a path
SESSIONS: Final = SESSIONS_PATH


@attrs.frozen
class AccountPages:
    """
    Makes the pages of the account, in its owner's language.

    Attributes:
        lists_sessions: Whether there is a page of sessions to lead to.
    """

    pages: Pages
    lists_sessions: bool

    @property
    def frames(self) -> Frames:
        """
        What is around every page.
        """
        return self.pages.frames

    def ask_again(
        self,
        context: PageContext,
        /,
        *,
        account: Account,
        fault: PasswordFault | None = None,
    ) -> Page:
        """
        Return S7 for the account that is signed in: is it still its owner?
        """
        say = context.texts.say
        title = say("page.again.title")
        alert, field = password_fault(context.texts, fault)
        view = AskAgainView(
            frame=self.frames.frame(
                context, "ask-again", title, is_error=fault is not None
            ),
            nav=self._nav(context),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            action=self.frames.path("password"),
            alert=alert,
            heading=title,
            intro=say(self._again_intro(account)),
            who=say("page.again.who"),
            username=account.address,
            required=say("page.required"),
            # Without a password only the other ways are left.
            field=field if account.has_password else attrs.evolve(field, label=""),
            reveal=reveal(context.texts),
            submit=say("page.again.submit"),
            ways=self._again_ways(context, account),
        )
        return _page(view, fault)

    def change_password(
        self,
        context: PageContext,
        /,
        *,
        account: Account,
        fault: ChangeFault | None = None,
    ) -> Page:
        """
        Return the form that changes the password.
        """
        texts = context.texts
        title = texts.say("page.change.title")
        refused, wrong = None, None
        if isinstance(fault, ChangeRefused):
            refused = fault
        else:
            wrong = fault
        alert, current = current_password_fault(texts, wrong)
        form = new_password(
            texts, self.pages.policy.password, refused, screen="page.change"
        )
        view = PasswordChangeView(
            frame=self.frames.frame(
                context, "password-change", title, is_error=fault is not None
            ),
            nav=self._nav(context, PASSWORD),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            action=self.frames.path(PASSWORD),
            alert=alert if refused is None else form.alert,
            heading=title,
            intro=texts.say("page.change.intro"),
            username=account.address,
            required=texts.say("page.required"),
            current=current,
            password=form.first,
            confirmation=form.second,
            reveal=reveal(texts),
            reveal_current=texts.say("page.reveal.current"),
            rules=form.rules,
            submit=texts.say("page.change.submit"),
            cancel=texts.say("page.cancel"),
            cancel_url=self.frames.site.home_path,
            ways=self._link(context, account),
        )
        return _page(view, fault)

    def no_password(self, context: PageContext, /, *, account: Account) -> Page:
        """
        Say that there is no password yet, and offer the link that creates it.
        """
        say = context.texts.say
        title = say("page.no_password.title")
        before, after = context.texts.around("page.no_password.text", "email")
        view = NoPasswordView(
            frame=self.frames.frame(context, "no-password", title),
            nav=self._nav(context, PASSWORD),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            heading=title,
            sentence=Around(before=before, marked=account.address, after=after),
            action=self.frames.path("link"),
            submit=say("page.no_password.submit"),
        )
        return _page(view, None)

    def sessions(self, context: PageContext, /, *, listed: SessionsListed) -> Page:
        """
        Return the open sessions, to be closed by whoever proved who they are.
        """
        say = context.texts.say
        title = say("page.sessions.title")
        is_alone = not listed.others
        may_close = listed.is_recent and not is_alone
        must_prove = not listed.is_recent and not is_alone
        view = OpenSessionsView(
            frame=self.frames.frame(context, "open-sessions", title),
            nav=self._nav(context, SESSIONS),
            csrf_name=context.csrf_name,
            csrf_value=context.csrf,
            next=context.next,
            action=self.frames.path(SESSIONS),
            heading=title,
            intro=say("page.sessions.alone" if is_alone else "page.sessions.intro"),
            again_text=say("page.sessions.again.text") if must_prove else "",
            again=say("page.sessions.again") if must_prove else "",
            again_url=self._again_url(SESSIONS),
            entries=(
                self._own_entry(context, listed.own),
                *(
                    self._entry(context, one, may_close=may_close)
                    for one in listed.others
                ),
            ),
            close_others=say("page.sessions.close_others") if may_close else "",
        )
        return _page(view, None)

    def change_waits(
        self, context: PageContext, /, *, account: Account, outcome: Throttled
    ) -> Page:
        """
        Return the wait of whoever mistook their current password too often.
        """
        return self.pages.wait(
            context,
            outcome=outcome,
            back_url=self.frames.path(PASSWORD),
            ways=self._link(context, account),
        )

    def again_waits(
        self, context: PageContext, /, *, account: Account, outcome: Throttled
    ) -> Page:
        """
        Return the wait of whoever was asked again, and mistook too often.
        """
        return self.pages.wait(
            context,
            outcome=outcome,
            back_url=self._again_url(context.next, is_whole=True),
            ways=self._again_ways(context, account),
        )

    def _nav(self, context: PageContext, current: str = "") -> AccountNav:
        say = context.texts.say
        return AccountNav(
            label=say("page.nav.label"),
            home_label=say("page.nav.home"),
            home_url=self.frames.site.home_path,
            password_label=say("page.nav.password"),
            password_url=self.frames.path(PASSWORD),
            is_on_password=current == PASSWORD,
            sessions_label=say("page.nav.sessions") if self.lists_sessions else "",
            sessions_url=self.frames.path(SESSIONS),
            is_on_sessions=current == SESSIONS,
            action=self.frames.path("sign-out"),
            sign_out=say("page.sign_out.submit"),
        )

    def _again_intro(self, account: Account) -> str:
        if account.has_password:
            return "page.again.intro"
        is_offered = self.pages.policy.code.is_offered
        return "page.again.intro.code" if is_offered else "page.again.intro.link"

    def _again_ways(self, context: PageContext, account: Account) -> OtherWays:
        say = context.texts.say
        ways = other_ways(
            context.texts,
            self.frames,
            self.pages.policy.code,
            address=account.address,
        )
        if not account.has_password:
            ways = attrs.evolve(ways, forgotten=say("page.again.link"))
        if not ways.code_heading:
            return ways
        key = "page.again.code" if account.has_password else "page.again.code.only"
        return attrs.evolve(ways, code_heading=say(key))

    def _link(self, context: PageContext, account: Account) -> OtherWays:
        # A code signs in, and does not say what the current password is.
        return OtherWays(
            username=account.address,
            link_action=self.frames.path("link"),
            forgotten=context.texts.say("page.password.forgotten"),
        )

    def _again_url(self, target: str, *, is_whole: bool = False) -> str:
        path = self.frames.path(AGAIN)
        back = target if is_whole else self.frames.path(target)
        return f"{path}?{urlencode({'next': back}, safe='/')}" if back else path

    def _own_entry(self, context: PageContext, session: Session) -> SessionEntry:
        say = context.texts.say
        entry = self._entry(context, session, may_close=False)
        # It asks at this very moment.
        return attrs.evolve(
            entry, tag=say("page.sessions.own"), seen=say("page.sessions.seen.now")
        )

    def _entry(
        self, context: PageContext, session: Session, *, may_close: bool
    ) -> SessionEntry:
        texts, zone = context.texts, self.frames.site.zone
        name = session.browser or texts.say("page.sessions.unknown")
        network = session.network
        return SessionEntry(
            name=name,
            tag="",
            opened=texts.say(
                "page.sessions.opened", moment=texts.moment(session.opened_at, zone)
            ),
            seen=texts.say(
                "page.sessions.seen", moment=texts.moment(session.last_seen_at, zone)
            ),
            network=(
                texts.say("page.sessions.network", network=network) if network else ""
            ),
            digest=session.digest,
            close=texts.say("page.sessions.close") if may_close else "",
            close_what=texts.say("page.sessions.close.what", browser=name),
        )


def _page(
    view: AskAgainView | PasswordChangeView | NoPasswordView | OpenSessionsView,
    fault: ChangeFault | None,
) -> Page:
    status = 200 if fault is None else UNPROCESSABLE
    return Page(template=view.template, view=view, status=status)
