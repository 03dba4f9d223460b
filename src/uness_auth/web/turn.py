"""
One request, read and checked: what every handler works with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import urlencode

import attrs

from ..model import Account
from ..outcomes import SignedIn
from ..wiring import UnessAuth
from .cookies import Cookies
from .frame import PageContext
from .http import Redirect
from .pages import Pages
from .visitors import Visitor


Form: TypeAlias = Mapping[str, str]
_CHALLENGE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


@attrs.frozen(kw_only=True)
class Turn:
    """
    One request, read and checked: what a handler works with.

    Attributes:
        token: Of the link, from the path; empty elsewhere.
    """

    auth: UnessAuth
    pages: Pages
    cookies: Cookies
    visitor: Visitor
    context: PageContext
    form: Form = attrs.field(repr=False)
    token: str = attrs.field(default="", repr=False)

    def field(self, name: str, /) -> str:
        """
        Return what was sent for *name*, or the empty text.
        """
        return self.form.get(name, "")

    @property
    def challenge(self) -> str:
        """
        The id of the code challenge, if it has the shape of one.
        """
        typed = self.field("challenge")
        return typed if _CHALLENGE.fullmatch(typed) else ""

    @property
    def destination(self) -> str:
        """
        Where a sign-in leads.
        """
        site = self.auth.site
        return site.base_url + (self.context.next or site.home_path)

    def in_language(self, language: str, /) -> PageContext:
        """
        Return the context in the account's language, where it has chosen one.
        """
        if language not in self.auth.site.languages:
            return self.context
        return attrs.evolve(self.context, language=language)

    def for_owner(self, account: Account, below: str, /) -> PageContext:
        """
        Return the context of the account's own page *below*, which all ways lead to.
        """
        return attrs.evolve(
            self.in_language(account.language), next=self.pages.frames.path(below)
        )

    def to_start(self) -> Redirect:
        """
        Lead back to S1.
        """
        return Redirect(
            location=self.auth.site.base_url + self.pages.frames.start(self.context)
        )

    def by_way_of(self, page: str, below: str, /) -> Redirect:
        """
        Lead to *page*, and from there to our own page *below*.
        """
        query = urlencode({"next": self.pages.frames.path(below)}, safe="/")
        return Redirect(location=f"{self.auth.site.url(page)}?{query}")

    def signed_in(self, outcome: SignedIn, /) -> Redirect:
        """
        Lead on, with the cookies of a sign-in.
        """
        return Redirect(
            location=self.destination, cookies=self.cookies.signed_in(outcome)
        )
