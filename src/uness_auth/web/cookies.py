"""
The three cookies: which browser this is, which session it has, and who was here.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Final

import attrs

from ..devices import COOKIE_SHAPE
from ..model import Site
from ..outcomes import SignedIn
from ..policy import DAY, Policy
from ..sessions import TOKEN_SHAPE
from .http import Cookie


_SHAPES: Final = {
    # 128 random bits in URL-safe base64.
    "browser": re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII),
    "session": TOKEN_SHAPE,
    "device": COOKIE_SHAPE,
}
BROWSER_KEPT: Final = 180 * DAY


@attrs.frozen
class Cookies:
    """
    Reads and writes the cookies under the names that fit the site.

    Over https the names carry the ``__Host-`` prefix, with which a browser takes a
    cookie from this host alone.  Plain names only on a loopback address.
    """

    site: Site
    policy: Policy

    def name(self, what: str, /) -> str:
        """
        Return the name of the ``browser``, ``session`` or ``device`` cookie.
        """
        return f"__Host-uness-{what}" if self.site.is_https else f"uness-{what}"

    def read(self, header: str, what: str, /) -> str:
        """
        Return the cookie's value, or the empty text.

        A name must match to the letter, a value must have the shape of ours, and
        two different values are none: a planted cookie is never adopted.
        """
        name = self.name(what)
        found = {
            value
            for one in header.split(";")
            for found_name, equals, value in [one.strip(" ").partition("=")]
            if equals and found_name == name
        }
        if len(found) != 1:
            return ""
        value = found.pop()
        return value if _SHAPES[what].fullmatch(value) else ""

    def new_browser(self) -> Cookie:
        """
        Return a cookie that says which browser this is, and nothing else.
        """
        return self._cookie("browser", secrets.token_urlsafe(16), BROWSER_KEPT)

    def session(self, signed_in: SignedIn, /) -> Cookie:
        """
        Return the session's cookie; it outlives the browser only if remembered.
        """
        policy = self.policy.session
        kept = policy.remembered_absolute if signed_in.is_remembered else None
        return self._cookie("session", signed_in.session_token, kept)

    def device(self, value: str, /) -> Cookie:
        """
        Return the cookie that knows who was signed in here: see `uness_auth.devices`.
        """
        return self._cookie("device", value, self.policy.throttle.device_kept)

    def signed_in(self, signed_in: SignedIn, /) -> tuple[Cookie, ...]:
        """
        Return the cookies of a sign-in.

        A page shown before does not fit any more: the browser's cookie is new too.
        """
        return (
            self.session(signed_in),
            self.device(signed_in.device),
            self.new_browser(),
        )

    def no_session(self) -> Cookie:
        """
        Return the deletion of the session's cookie.
        """
        return self._cookie("session", "", timedelta(0))

    def _cookie(self, what: str, value: str, kept: timedelta | None) -> Cookie:
        return Cookie(
            name=self.name(what),
            cookie_value=value,
            max_age=None if kept is None else int(kept.total_seconds()),
            is_secure=self.site.is_https,
        )
