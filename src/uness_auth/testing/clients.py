"""
A shortcut for the tests of a host: a client that is signed in already.
"""

from __future__ import annotations

from typing import Any, Protocol

from ..addresses import canonical
from ..model import Client
from ..outcomes import SignedIn


class SignableClient(Protocol):
    """
    What `sign_in` needs: Flask's ``app.test_client()`` has it.
    """

    @property
    def application(self) -> Any:
        """
        The app under test, with its sign-in registered.
        """
        ...

    def set_cookie(self, key: str, value: str, *, domain: str) -> None:
        """
        Keep a cookie for *domain*.
        """
        ...


def sign_in(client: SignableClient, address: str, /) -> None:
    """
    Sign *client* in as the account of *address*, without walking the pages.

    The session is a real one, in the store; `may_sign_in` is asked.

    Raises:
        LookupError: There is no such account, or the host's veto spoke.
    """
    extension = client.application.extensions["uness_auth"]
    account = extension.auth.provisioning.accounts.by_address(canonical(address))
    if account is None:
        msg = f"no account has the address {address!r}"
        raise LookupError(msg)
    match extension.auth.sessions.open(
        account, Client(), method="test", is_remembered=False
    ):
        case SignedIn() as outcome:
            cookie = extension.site.cookies.session(outcome)
        case _:
            msg = f"may_sign_in() vetoed {address!r}"
            raise LookupError(msg)
    client.set_cookie(cookie.name, cookie.cookie_value, domain=extension.auth.site.host)
