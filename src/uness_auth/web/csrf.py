"""
Forms are only taken from our own pages, in the browser that was shown them.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final, Protocol

import attrs

from ..keys import KeyRing, Purpose, digest_under
from ..model import Site
from .http import Request
from .visitors import Visitor


FIELD: Final = "csrf"
_NONCE_LENGTH: Final = 22
_LENGTH: Final = _NONCE_LENGTH + 64


class FormGuard(Protocol):
    """
    Guards the forms of one request: with our own values, or as the framework does.
    """

    @property
    def field(self) -> str:
        """
        The name of the field that every form carries.
        """
        ...

    def make(self) -> str:
        """
        Return the value for a form that this request is answered with.
        """
        ...

    def is_ours(self, value: str, /) -> bool:
        """
        Say whether the request comes from one of our forms, which carried *value*.

        Never raises on bad input.
        """
        ...


@attrs.frozen
class Csrf:
    """
    Signs what a form carries for one browser and its session.

    The value depends on the session, so it changes at sign-in and at sign-out, and
    on a nonce, so that no two pages compress alike.

    Source:
        OWASP CSRF Prevention: signed double-submit cookie, bound to the session.
    """

    keys: KeyRing

    def make(self, browser: str, session: str, /) -> str:
        """
        Return the value for a form shown to this browser.
        """
        nonce = secrets.token_urlsafe(16)
        return nonce + self.keys.digest(Purpose.CSRF, nonce, browser, session)

    def is_ours(self, value: str, browser: str, session: str, /) -> bool:
        """
        Say whether `make` made *value* for this browser and session.

        Never raises on bad input.
        """
        if len(value) != _LENGTH or not value.isascii() or not (browser or session):
            return False
        nonce, digest = value[:_NONCE_LENGTH], value[_NONCE_LENGTH:]
        return any(
            hmac.compare_digest(digest, digest_under(key, nonce, browser, session))
            for key in self.keys.all(Purpose.CSRF)
        )


@attrs.frozen
class OwnGuard:
    """
    Guards the forms of one request with the values that `Csrf` makes.
    """

    csrf: Csrf
    site: Site
    request: Request
    visitor: Visitor

    @property
    def field(self) -> str:
        """
        The name of the field that every form carries.
        """
        return FIELD

    def make(self) -> str:
        """
        Return the value for a form that this request is answered with.
        """
        return self.csrf.make(self.visitor.browser, self.visitor.session)

    def is_ours(self, value: str, /) -> bool:
        """
        Say whether the request comes from one of our forms, which carried *value*.
        """
        browser = self.visitor.browser if self.visitor.is_known else ""
        return not is_cross_site(self.request, self.site) and self.csrf.is_ours(
            value, browser, self.visitor.session
        )


def is_cross_site(request: Request, site: Site, /) -> bool:
    """
    Say whether the browser itself reports that another site sent this.

    Browsers that report nothing are left to the form's own value.
    """
    origin = request.header("origin")
    fetch_site = request.header("sec-fetch-site")
    is_foreign = origin not in {"", site.base_url}
    return is_foreign or fetch_site not in {"", "same-origin", "none"}


def is_posted_from_elsewhere(request: Request, site: Site, /) -> bool:
    """
    Say whether another site makes the browser ask for more than a page.

    Such a request comes without our cookies, which are SameSite=Lax: an answer that set
    new ones would take away those that the visitor's own tabs go on with.
    """
    return request.method not in {"GET", "HEAD"} and is_cross_site(request, site)
