"""
The key ring: the site's signing keys, and the keys derived from them per purpose.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import attrs

from .errors import ConfigurationError


SHORTEST_KEY: Final = 32
# What the documentation prints, so that nobody runs on it.
SAMPLE_KEY: Final = "replace-this-sample-key-before-you-start-the-portal"
HOW_TO_MAKE_ONE: Final = (
    'make one with `python -c "import secrets; print(secrets.token_urlsafe(48))"`'
)


class Purpose(StrEnum):
    """
    What a derived key is for.  Two purposes never share a key.
    """

    FIRST_LINK = "link/first"
    RESET_LINK = "link/reset"
    CODE = "code"
    CSRF = "csrf"
    DEVICE = "device"
    THROTTLE = "throttle"
    DECOY = "decoy"


@attrs.frozen
class _RingKey:
    id: str
    secret: bytes = attrs.field(repr=False)


class KeyRing:
    """
    The site's keys, oldest first: the last signs, all verify.

    Args:
        keys: Text or bytes, 32 bytes at least each.  To rotate, first deploy with
            the new key before the last place, then with the new key last.

        base_url: Part of every derived key, so that two sites with one key do not
            take each other's tokens.

    Raises:
        uness_auth.errors.ConfigurationError: None given, one too short, one twice,
            or the documentation's sample.

    Source:
        HMAC as a key derivation: NIST SP 800-108; the ring: itsdangerous.
    """

    __slots__ = ("_base_url", "_derived", "_keys")

    def __init__(self, keys: Sequence[str | bytes], /, *, base_url: str) -> None:
        secrets = _checked(keys)
        self._keys = tuple(_RingKey(_id_of(secret), secret) for secret in secrets)
        self._base_url = base_url
        self._derived: dict[tuple[str, str], bytes] = {}

    def __repr__(self) -> str:
        """
        Name the keys by their ids.
        """
        return f"<KeyRing of {', '.join(key.id for key in self._keys)}>"

    @property
    def sizes(self) -> tuple[int, ...]:
        """
        How many bytes each key has, oldest first.
        """
        return tuple(len(key.secret) for key in self._keys)

    @property
    def signing_id(self) -> str:
        """
        The id of the key that signs: what a code challenge records.
        """
        return self._keys[-1].id

    def derived(self, purpose: Purpose, key_id: str, /) -> bytes | None:
        """
        Return the 32-byte key for *purpose*, or None: that key left the ring.
        """
        known = self._derived.get((purpose, key_id))
        if known is not None:
            return known
        for key in self._keys:
            if key.id == key_id:
                value = _derive(key.secret, purpose, self._base_url)
                self._derived[purpose, key_id] = value
                return value
        return None

    def signing(self, purpose: Purpose, /) -> bytes:
        """
        Return the key that signs for *purpose*.
        """
        return self.all(purpose)[-1]

    def all(self, purpose: Purpose, /) -> tuple[bytes, ...]:
        """
        Return every key that verifies for *purpose*, oldest first.
        """
        found = (self.derived(purpose, key.id) for key in self._keys)
        return tuple(value for value in found if value is not None)

    def digest(self, purpose: Purpose, /, *parts: str) -> str:
        """
        Return the keyed digest of *parts*, hex.  ``("ab", "c")`` is not ``("a", "bc")``.
        """
        return digest_under(self.signing(purpose), *parts)


def digest_under(key: bytes, /, *parts: str) -> str:
    """
    Return the HMAC-SHA256 of *parts*, each behind its length, hex.
    """
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        # surrogatepass: typed text may hold lone surrogates, and never raises here.
        raw = part.encode("utf-8", "surrogatepass")
        mac.update(len(raw).to_bytes(4, "big"))
        mac.update(raw)
    return mac.hexdigest()


def token_digest(token: str, /) -> str:
    """
    Return what is stored of a random token: SHA-256, hex.

    Unkeyed and unsalted: the token has 128 bits or more, which nobody searches.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _derive(secret: bytes, purpose: Purpose, base_url: str) -> bytes:
    return bytes.fromhex(digest_under(secret, "uness-auth", purpose, base_url))


def _id_of(secret: bytes) -> str:
    return digest_under(secret, "uness-auth", "key id")[:16]


def _checked(keys: Sequence[str | bytes]) -> tuple[bytes, ...]:
    if isinstance(keys, (str, bytes)):
        msg = "keys is one text, a list of keys is needed: write keys=[…]"
        raise ConfigurationError(msg)
    if not keys:
        msg = f"keys is empty, at least one key is needed: {HOW_TO_MAKE_ONE}"
        raise ConfigurationError(msg)
    secrets = tuple(_as_bytes(index, key) for index, key in enumerate(keys))
    if len(set(secrets)) < len(secrets):
        msg = "keys holds the same key twice: leave one of them out"
        raise ConfigurationError(msg)
    return secrets


def _as_bytes(index: int, key: object) -> bytes:
    if not isinstance(key, (str, bytes)):
        msg = f"keys[{index}] is {type(key).__name__}, text or bytes are needed"
        raise ConfigurationError(msg)
    # surrogatepass: the environment hands over bytes that are not UTF-8 as surrogates.
    secret = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else key
    if len(secret) < SHORTEST_KEY:
        msg = (
            f"keys[{index}] is {len(secret)} bytes long, at least {SHORTEST_KEY} are "
            f"needed: {HOW_TO_MAKE_ONE}"
        )
        raise ConfigurationError(msg)
    if secret == SAMPLE_KEY.encode() or len(set(secret)) < 8:  # noqa: PLR2004 - a pattern, not a key
        msg = f"keys[{index}] is a sample everybody knows: {HOW_TO_MAKE_ONE}"
        raise ConfigurationError(msg)
    return secret
