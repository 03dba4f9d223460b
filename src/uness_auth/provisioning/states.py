"""
What an account becomes: each change that voids its links, codes and sessions.
"""

from __future__ import annotations

import attrs

from ..model import Account


def under_the_next_version(account: Account, /) -> Account:
    """
    Return *account* with everything void that was made under its version.
    """
    return attrs.evolve(account, credential_version=account.credential_version + 1)


def closed(account: Account, /) -> Account:
    """
    Return *account*, disabled.
    """
    return attrs.evolve(under_the_next_version(account), is_disabled=True)


def reopened(account: Account, /, *, keeps_password: bool) -> Account:
    """
    Return *account*, no longer disabled; within which days it is open is not said here.
    """
    password_hash = account.password_hash if keeps_password else ""
    return attrs.evolve(
        under_the_next_version(account),
        is_disabled=False,
        password_hash=password_hash,
    )


def readdressed(account: Account, address: str, /) -> Account:
    """
    Return *account* under another address, and without its password.
    """
    return attrs.evolve(
        under_the_next_version(account), address=address, password_hash=""
    )
