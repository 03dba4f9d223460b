"""
What every server of the campaign starts from: the same accounts, keys and time, so that
the same bytes mean the same to all of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from uness_auth import Policy
from uness_auth.codes import Codes
from uness_auth.keys import KeyRing, Purpose, token_digest
from uness_auth.model import Account, CodeChallenge, OrderKind, Session
from uness_auth.policy import CodePolicy, LinkPolicy
from uness_auth.ports import Stores
from uness_auth.testing import journeys, policy_without_waits
from uness_auth.tokens import LinkTokens


CAMILLE: Final = journeys.CAMILLE
NADIA: Final = journeys.NADIA
PASSWORD: Final = journeys.PASSWORD
NOW: Final = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
BASE_URL: Final = "http://localhost:8000"
KEY: Final = "a key of thirty-two bytes or more, made for tests alone"
KEYS: Final = KeyRing([KEY], base_url=BASE_URL)
POLICY: Final[Policy] = policy_without_waits()
VERSION: Final = 7

# Closed by a registrar: to a visitor unknown.
CLOSED: Final = "lea.petit@univ-exemple.fr"
# The accounts that requests may name, and those that none does.
NAMED: Final = {"1": CAMILLE, "2": NADIA, "3": CLOSED}
BYSTANDERS: Final = {
    "11": "marc.leroy@univ-exemple.fr",
    "12": "aya.diallo@chu-exemple.fr",
    "13": "louis.martin@univ-exemple.fr",
}
WITHOUT_PASSWORD: Final = {NADIA, BYSTANDERS["12"]}

# What a browser of Camille's holds.
BROWSER: Final = "b" * 22
SESSION: Final = "s" * 43
CHALLENGE: Final = "0" * 32


def fill(stores: Stores, /) -> None:
    """
    Put the accounts, their sessions and their code challenges into empty stores.
    """
    assert stores.registry is not None
    everybody = NAMED | BYSTANDERS
    added = stores.registry.apply([account(*one) for one in everybody.items()])
    assert everybody.keys() == added
    for account_id in everybody:
        stores.sessions.add(
            Session(
                digest=token_digest(session_of(account_id)),
                account_id=account_id,
                credential_version=VERSION,
                opened_at=NOW,
                last_seen_at=NOW,
            )
        )
        stores.code_challenges.add(challenge(account_id))


def account(account_id: str, address: str) -> Account:
    """
    Return an account as `FastHashing` lets it sign in.
    """
    has_password = address not in WITHOUT_PASSWORD
    return Account(
        id=account_id,
        address=address,
        credential_version=VERSION,
        created_at=NOW,
        display_name=address.partition(".")[0].title(),
        password_hash=f"clear:{PASSWORD}" if has_password else "",
        is_disabled=address == CLOSED,
    )


def challenge(account_id: str) -> CodeChallenge:
    """
    Return the code challenge of an account, which waits in Camille's browser.
    """
    code = POLICY.code
    return CodeChallenge(
        id=challenge_of(account_id),
        account_id=account_id,
        credential_version=VERSION,
        key_id=KEYS.signing_id,
        browser_digest=token_digest(BROWSER),
        sent_at=NOW,
        expires_at=NOW + code.lifetime,
        window_ends_at=NOW + code.window,
        attempts_left=code.attempts,
    )


def session_of(account_id: str) -> str:
    """
    Return the token of an account's session: Camille's, or one that nobody sends.
    """
    return SESSION if account_id == "1" else account_id.rjust(43, "z")


def challenge_of(account_id: str) -> str:
    """
    Return the id of an account's challenge: Camille's, or one that nobody sends.
    """
    return CHALLENGE if account_id == "1" else account_id.rjust(32, "f")


def code() -> str:
    """
    Return the code that Camille was mailed.
    """
    codes = Codes(KEYS, CodePolicy())
    return str(codes.derive(CHALLENGE, "1", VERSION, KEYS.signing_id))


def link(
    account_id: str = "1",
    kind: OrderKind = OrderKind.RESET_LINK,
    *,
    version: int = VERSION,
    age: timedelta = timedelta(0),
    base_url: str = BASE_URL,
) -> str:
    """
    Return the token of a link.
    """
    tokens = LinkTokens(KeyRing([KEY], base_url=base_url), LinkPolicy())
    return tokens.make(account_id, version, kind, NOW - age)


def csrf(session: str) -> str:
    """
    Return what our forms carry in Camille's browser, the same each time.
    """
    nonce = "n" * 22
    return nonce + KEYS.digest(Purpose.CSRF, nonce, BROWSER, session)
