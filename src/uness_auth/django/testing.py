"""
A shortcut for the tests of a project: a client that is signed in already.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..addresses import canonical
from ..events import closed_because
from ..outcomes import SignInVetoed
from ..web.http import Request
from .conf import get_site


class DjangoClient(Protocol):
    """
    What `sign_in` needs: ``django.test.Client`` has it.
    """

    @property
    def cookies(self) -> Any:
        """
        The cookies that it sends.
        """
        ...


def sign_in(client: DjangoClient, address: str, /) -> None:
    """
    Sign *client* in as the account of *address*, without walking the pages.

    The session is a real one of ours, in the store; `may_sign_in` is asked.  Django's
    own ``force_login()`` works too, for users without an account as well.

    Raises:
        LookupError: There is no such account, it is closed, or the host's veto spoke.
    """
    site = get_site()
    account = site.auth.sessions.accounts.by_address(str(canonical(address)))
    if account is None:
        msg = f"no account has the address {address!r}"
        raise LookupError(msg)
    if closed := closed_because(account, site.auth.clock()):
        msg = f"nobody signs in as {address!r}: {closed}"
        raise LookupError(msg)
    match site.sign_in(account, Request(method="POST", path="/"), method="test"):
        case SignInVetoed():
            msg = f"may_sign_in() vetoed {address!r}"
            raise LookupError(msg)
        case cookies:
            for cookie in cookies:
                client.cookies[cookie.name] = cookie.cookie_value
