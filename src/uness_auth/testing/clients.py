"""
A shortcut for the tests of a host: a client that is signed in already.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from ..addresses import canonical
from ..events import closed_because
from ..model import Client
from ..outcomes import SignedIn


@runtime_checkable
class FlaskClient(Protocol):
    """
    Flask's ``app.test_client()``.
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


class StarletteClient(Protocol):
    """
    The ``TestClient`` of Starlette and FastAPI.
    """

    @property
    def app(self) -> Any:
        """
        The app under test, with its sign-in registered.
        """
        ...

    @property
    def cookies(self) -> Any:
        """
        Its cookies: ``set(name, value)``.
        """
        ...


def sign_in(client: FlaskClient | StarletteClient, address: str, /) -> None:
    """
    Sign *client* in as the account of *address*, without walking the pages.

    The session is a real one, in the store; `may_sign_in` is asked.

    Args:
        client: The test client of Flask, Starlette or FastAPI.

    Raises:
        LookupError: There is no such account, it is closed, or the host's veto spoke.
    """
    extension = _extension(client)
    account = extension.auth.provisioning.accounts.by_address(canonical(address))
    if account is None:
        msg = f"no account has the address {address!r}"
        raise LookupError(msg)
    if closed := closed_because(account, extension.auth.clock()):
        msg = f"nobody signs in as {address!r}: {closed}"
        raise LookupError(msg)
    match extension.auth.sessions.open(
        account, Client(), method="test", is_remembered=False
    ):
        case SignedIn() as outcome:
            cookie = extension.site.cookies.session(outcome)
        case _:
            msg = f"may_sign_in() vetoed {address!r}"
            raise LookupError(msg)
    if isinstance(client, FlaskClient):
        domain = extension.auth.site.host
        client.set_cookie(cookie.name, cookie.cookie_value, domain=domain)
    else:
        client.cookies.set(cookie.name, cookie.cookie_value)


def _extension(client: FlaskClient | StarletteClient) -> Any:
    if isinstance(client, FlaskClient):
        return client.application.extensions["uness_auth"]
    return client.app.state.uness_auth
