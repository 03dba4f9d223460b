"""
Who is signed in, as Starlette knows it: ``request.user`` and ``request.auth``.
"""

from __future__ import annotations

from starlette.authentication import BaseUser

from ..model import Account
from .visit import Visit


class CurrentUser(BaseUser):
    """
    Who is signed in, as ``request.user``; ``request.auth`` has the scope
    ``authenticated`` to match.

    Raises:
        uness_auth.errors.StorageError: Whoever looks, while the store cannot be
            reached: nobody is taken for signed in, nor for signed out.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    @property
    def account(self) -> Account | None:
        """
        The account, or None.
        """
        return self._visit.account

    @property
    def is_authenticated(self) -> bool:
        """
        Whether somebody is signed in.
        """
        return self.account is not None

    @property
    def display_name(self) -> str:
        """
        The account's name, else its address; empty where nobody is signed in.
        """
        account = self.account
        return (account.display_name or account.address) if account else ""

    @property
    def identity(self) -> str:
        """
        The account's id; empty where nobody is signed in.
        """
        return self.account.id if self.account else ""


class Credentials:
    """
    What Starlette's ``@requires`` asks for.
    """

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    @property
    def scopes(self) -> list[str]:
        """
        ``authenticated`` where somebody is signed in, nothing elsewhere.
        """
        return ["authenticated"] if self._visit.account else []
