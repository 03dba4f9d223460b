"""
Signed link tokens: made while a mail is composed, read when somebody comes with one.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Final

import attrs
from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from .keys import KeyRing, Purpose
from .model import OrderKind
from .outcomes import LinkInvalid
from .policy import LinkPolicy


LONGEST_TOKEN: Final = 512
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{43}", re.ASCII)
_PURPOSES: Final = {
    OrderKind.FIRST_LINK: Purpose.FIRST_LINK,
    OrderKind.RESET_LINK: Purpose.RESET_LINK,
}
# Far enough, and its lifetime after it is still an instant that Python knows.
_LAST_ISSUE: Final = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())
_MARKS: Final = {OrderKind.FIRST_LINK: "f", OrderKind.RESET_LINK: "r"}


@attrs.frozen(kw_only=True)
class LinkToken:
    """
    What a link says, once its signature holds.
    """

    account_id: str
    credential_version: int
    kind: OrderKind
    issued_at: datetime


@attrs.frozen
class ExpiredToken:
    """
    What a link says that is ours, and too old.
    """

    link: LinkToken


class LinkTokens:
    """
    Makes and reads link tokens.

    Purpose and base URL are part of the key a token is signed with, so a token of
    another purpose, or of another site, is a forged one.

    Source:
        Key rotation: itsdangerous, "General Concepts".
    """

    __slots__ = ("_policy", "_signers")

    def __init__(self, keys: KeyRing, policy: LinkPolicy, /) -> None:
        self._policy = policy
        # The signer alone: the library's URL-safe serializer compresses what gets
        # shorter by it, so that a link's shape would depend on the host's ids, and
        # its text on the version of zlib.
        self._signers = {
            kind: Signer(
                list(keys.all(purpose)),
                salt=purpose.encode(),
                # The library's own defaults are SHA-1 and a bare concatenation.
                key_derivation="hmac",
                digest_method=hashlib.sha256,
            )
            for kind, purpose in _PURPOSES.items()
        }

    def make(
        self, account_id: str, version: int, kind: OrderKind, issued_at: datetime, /
    ) -> str:
        """
        Return the token: ``mark`` for the kind, payload, signature.

        The same facts give the same token, so that a retried mail says the same.
        """
        facts = [account_id, version, int(issued_at.timestamp())]
        # An id of 64 characters stays within `LONGEST_TOKEN` whatever its script.
        payload = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
        signed = self._signers[kind].sign(base64_encode(payload))
        return _MARKS[kind] + signed.decode()

    def read(
        self, token: str, now: datetime, /
    ) -> LinkToken | ExpiredToken | LinkInvalid:
        """
        Check a link token and say which account and version it names.

        Only checks the token.  Whether that version is still the account's is for
        the store to say, when the password is set.

        Args:
            token: As found in the URL.  Any text is fine, whatever its length.

            now: Aware UTC.

        Returns:
            `LinkToken`, `ExpiredToken`, or `LinkInvalid` for everything else.  Never
            raises on bad input.

        Timing:
            A forged token of the right shape costs one HMAC per key of the ring.
        """
        kind = _kind_of(token)
        if kind is None or not _is_canonical(token[1:]):
            return LinkInvalid()
        try:
            payload = self._signers[kind].unsign(token[1:])
        except BadData:
            return LinkInvalid()
        read = _from_payload(base64_decode(payload), kind)
        if read is None or read.issued_at > now + self._policy.leeway:
            return LinkInvalid()
        if now >= read.issued_at + self._policy.lifetime(kind) + self._policy.leeway:
            return ExpiredToken(read)
        return read


def _kind_of(token: str) -> OrderKind | None:
    if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token, 1):
        return None
    return next((kind for kind, mark in _MARKS.items() if token[0] == mark), None)


def _is_canonical(signed: str) -> bool:
    # Base64 is malleable: the last characters of payload and signature have unused
    # bits, and several texts decode to one token.  Only the one we would write is
    # taken, so that a token is one text.
    return all(_encoded_again(part) == part for part in signed.split("."))


def _encoded_again(part: str) -> str:
    try:
        return base64_encode(base64_decode(part)).decode()
    except BadData:
        return ""


def _from_payload(payload: bytes, kind: OrderKind) -> LinkToken | None:
    # Signed by us, so of this shape; a ring shared with something else is not worth
    # an exception on a visitor's page.
    try:
        facts = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    match facts:
        case [str(account_id), int(version), int(issued)] if 0 < issued < _LAST_ISSUE:
            return LinkToken(
                account_id=account_id,
                credential_version=version,
                kind=kind,
                issued_at=datetime.fromtimestamp(issued, UTC),
            )
        case _:
            return None
