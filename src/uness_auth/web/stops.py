"""
The pages that only say something: what happened, what is safe, one way on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import attrs

from ..outcomes import Busy, LinkExpired, LinkUsed, MailPaused
from ..policy import LinkPolicy
from .frame import Frames, PageContext
from .http import Page
from .views import StopView
from .wording import asked_already, next_mail, whole_seconds


DONE: Final = "done.svg"
LINK: Final = "link.svg"
WAIT: Final = "wait.svg"

# How long a client waits after a failure whose end nobody knows.
RETRY_AFTER: Final = timedelta(seconds=30)


@attrs.frozen
class Stops:
    """
    Makes the pages that end a way, each with one way on: back to S1.
    """

    frames: Frames
    policy: LinkPolicy

    def created(self, context: PageContext, /) -> Page:
        """
        Return S6: the password is set.
        """
        return self._stop(
            context, "created", art=DONE, way="page.created.submit", is_capital=True
        )

    def changed(self, context: PageContext, /) -> Page:
        """
        Say that the password is changed, and that this browser is still signed in.

        It holds no form: whatever it carried would be the old session's.
        """
        return self._stop(
            context,
            "changed",
            art=DONE,
            way="page.changed.submit",
            way_url=self.frames.site.home_path,
        )

    def signed_out(self, context: PageContext, /) -> Page:
        """
        Return the goodbye.
        """
        return self._stop(
            context,
            "signed_out",
            art=DONE,
            way="page.signed_out.submit",
            is_capital=True,
        )

    def gone(self, context: PageContext, /) -> Page:
        """
        Say that the code challenge is no more, whatever the reason.
        """
        return self._stop(context, "gone", status=410)

    def mail_paused(self, context: PageContext, outcome: MailPaused, /) -> Page:
        """
        Say that no code was mailed, where there is none yet to type in.
        """
        texts = context.texts
        return self._stop(
            context,
            "wait",
            heading=texts.say("page.wait.title"),
            sentence=asked_already(context, outcome, is_any=outcome.kind is None),
            wait=next_mail(context, outcome),
        )

    def link_expired(self, context: PageContext, outcome: LinkExpired, /) -> Page:
        """
        Say that the link is too old, and how long one like it lives.
        """
        kind = outcome.kind
        lifetime = self.policy.lifetime(kind)
        return self._stop(
            context,
            "expired",
            status=410,
            art=LINK,
            sentence=context.texts.lasting(f"page.expired.{kind}", lifetime),
            way="page.expired.submit",
        )

    def link_used(self, context: PageContext, outcome: LinkUsed, /) -> Page:
        """
        Say that the link, or a newer one, was used.
        """
        key = "page.used.with_password"
        if not outcome.has_password:
            key = "page.used.without_password"
        return self._stop(
            context,
            "used",
            status=410,
            art=LINK,
            heading=context.texts.say("page.used.title"),
            sentence=context.texts.say(key),
            way=f"{key}.submit",
            is_capital=outcome.has_password,
        )

    def link_invalid(self, context: PageContext, /) -> Page:
        """
        Say that this is not a whole link.
        """
        return self._stop(
            context, "invalid", status=404, art=LINK, way="page.invalid.submit"
        )

    def busy(self, context: PageContext, outcome: Busy, /) -> Page:
        """
        Say that every hashing slot is taken, and that no attempt was counted.
        """
        return self._stop(
            context,
            "busy",
            status=503,
            wait=context.texts.waiting("page.wait.until", outcome.retry_after),
            way="page.busy.submit",
            retry_after=outcome.retry_after,
        )

    def mail_failed(self, context: PageContext, /) -> Page:
        """
        Say that the mail could not be handed over.
        """
        return self._stop(
            context,
            "mail_failed",
            status=503,
            way="page.mail_failed.submit",
            retry_after=RETRY_AFTER,
        )

    def store_failed(self, context: PageContext, /) -> Page:
        """
        Say that nothing was decided, because a store or the hasher failed.
        """
        return self._stop(
            context,
            "store_failed",
            status=503,
            way="page.store_failed.submit",
            retry_after=RETRY_AFTER,
        )

    def vetoed(self, context: PageContext, /) -> Page:
        """
        Say that the host does not let this person in.
        """
        return self._stop(context, "vetoed", status=403)

    def stale(self, context: PageContext, /) -> Page:
        """
        Say that the form is too old, or was another site's.
        """
        return self._stop(context, "csrf", status=403)

    def bad_request(self, context: PageContext, /, *, status: int = 400) -> Page:
        """
        Say that the request could not be read; 413 and 415 say so too.
        """
        return self._stop(context, "bad_request", status=status)

    def too_large(self, context: PageContext, /) -> Page:
        """
        Say that the body is larger than any form of ours.
        """
        return self.bad_request(context, status=413)

    def unsupported(self, context: PageContext, /) -> Page:
        """
        Say that the body is no form.
        """
        return self.bad_request(context, status=415)

    def not_found(self, context: PageContext, /) -> Page:
        """
        Say that there is no such page.
        """
        return self._stop(context, "not_found", status=404)

    def not_allowed(self, context: PageContext, allow: Sequence[str], /) -> Page:
        """
        Say that the page is not used that way, and which methods are.
        """
        return self._stop(context, "method", status=405, allow=tuple(allow))

    def _stop(
        self,
        context: PageContext,
        name: str,
        *,
        status: int = 200,
        art: str = WAIT,
        heading: str = "",
        sentence: str = "",
        wait: str = "",
        way: str = "page.back",
        way_url: str = "",
        is_capital: bool = False,
        retry_after: timedelta | None = None,
        allow: tuple[str, ...] = (),
    ) -> Page:
        say = context.texts.say
        application = self.frames.site.name
        view = StopView(
            frame=self.frames.frame(
                context, name.replace("_", "-"), say(f"page.{name}.title")
            ),
            art_url=self.frames.static_url(art),
            heading=heading or say(f"page.{name}.heading", name=application),
            sentence=sentence or say(f"page.{name}.text"),
            wait=wait,
            way=say(way),
            way_url=way_url or self.frames.start(context),
            is_capital=is_capital,
        )
        return Page(
            template=view.template,
            view=view,
            status=status,
            retry_after=None if retry_after is None else whole_seconds(retry_after),
            allow=allow,
        )
