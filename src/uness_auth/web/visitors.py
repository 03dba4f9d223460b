"""
What a request says of who sent it: browser, session, network, language.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

import attrs

from ..keys import token_digest
from ..model import Client, Site
from ..policy import Policy
from .browsers import browser_name
from .cookies import Cookies
from .http import Cookie, Request
from .languages import preferred
from .proxies import Network, client_address, is_within, network_of


Networks: TypeAlias = Sequence[Network]


@attrs.frozen(kw_only=True)
class Visitor:
    """
    Who sent a request, as far as a request can say.

    Attributes:
        browser: The value of the browser cookie to go on with.

        new_browser: The cookie to set, where the request brought none.

    """

    browser: str = attrs.field(repr=False)
    new_browser: Cookie | None
    client: Client

    @property
    def session(self) -> str:
        """
        The session token of the cookie; empty without one.
        """
        return self.client.session

    @property
    def is_known(self) -> bool:
        """
        Whether the request brought the browser cookie.
        """
        return self.new_browser is None


@attrs.frozen(kw_only=True, slots=False)
class Visitors:
    """
    Reads visitors from requests.
    """

    site: Site
    policy: Policy
    trusted_proxies: int | Networks
    trusted_networks: Networks

    @cached_property
    def cookies(self) -> Cookies:
        """
        The cookies' names and shapes.
        """
        return Cookies(self.site, self.policy)

    def read(self, request: Request, /) -> Visitor:
        """
        Return the visitor.  Never raises on bad input.
        """
        header = request.header("cookie")
        browser = self.cookies.read(header, "browser")
        new_browser = None if browser else self.cookies.new_browser()
        address = client_address(
            request.peer, request.header("x-forwarded-for"), self.trusted_proxies
        )
        return Visitor(
            browser=new_browser.cookie_value if new_browser else browser,
            new_browser=new_browser,
            client=Client(
                network=network_of(address),
                is_trusted_network=is_within(address, self.trusted_networks),
                browser_digest=token_digest(browser) if browser else "",
                language=preferred(
                    request.header("accept-language"), self.site.languages
                ),
                device=self.cookies.read(header, "device"),
                session=self.cookies.read(header, "session"),
                browser=browser_name(request.header("user-agent")),
            ),
        )
