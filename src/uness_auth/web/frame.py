"""
What is around every page, and the addresses that pages lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlsplit

import attrs

from ..model import Site
from ..texts import Texts, texts_for
from .views import Frame


@attrs.frozen(kw_only=True)
class PageContext:
    """
    What a page needs to know of the request it answers.

    Attributes:
        language: One of `uness_auth.model.LANGUAGES`.

        csrf, csrf_name: What every form sends back, and in which field.

        next: Where the sign-in leads: a path of this site, checked, or empty.
    """

    language: str
    csrf: str = attrs.field(repr=False)
    next: str
    now: datetime
    csrf_name: str = "csrf"

    @property
    def texts(self) -> Texts:
        """
        The words of this page.
        """
        return texts_for(self.language)


@attrs.frozen
class Frames:
    """
    Puts the site's name, footer and static files around a page.

    Attributes:
        static_url: From the name of a static file to its address.
    """

    site: Site
    static_url: Callable[[str], str]

    def frame(
        self, context: PageContext, name: str, title: str, *, is_error: bool = False
    ) -> Frame:
        """
        Return the frame of the page *name*, under the words *title*.
        """
        say = context.texts.say
        if is_error:
            title = say("page.title.error", title=title)
        return Frame(
            name=name,
            language=context.language,
            title=say("page.title", title=title, name=self.site.name),
            skip=say("page.skip"),
            mark=self.site.mark,
            mark_long=say("page.mark.long"),
            site=self.site.name,
            support=say("page.footer.support"),
            support_url=self.site.support_url,
            home_url=self.site.home_url,
            home_name=urlsplit(self.site.home_url).netloc or self.site.home_url,
            css_url=self.static_url("uness.css"),
            script_url=self.static_url("password.js"),
            icon_url=self.static_url("icon.svg"),
        )

    def path(self, below: str = "", /) -> str:
        """
        Return the path of a page, for the action of a form.
        """
        return self.site.path + below

    def start(self, context: PageContext) -> str:
        """
        Return the way back to S1, which keeps where the sign-in leads.
        """
        if not context.next:
            return self.site.path
        return f"{self.site.path}?next={quote(context.next, safe='/')}"
