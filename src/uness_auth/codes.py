"""
One-time codes: derived for a challenge whenever one is needed, and stored nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32encode
from typing import Final

import attrs
from pyotp.hotp import HOTP

from .keys import KeyRing, Purpose, digest_under
from .model import CodeChallenge
from .policy import CodePolicy


LONGEST_TYPED: Final = 32
# What phones and mail programs put between the digits; nothing else is left out.
_GAPS: Final = str.maketrans("", "", " \u00a0\u202f-")


@attrs.frozen
class Codes:
    """
    Derives and compares codes.

    Each challenge has a key of its own, HMAC-SHA256 under the site's key, and its
    code is that key's first HOTP value: whoever asks again gets the same code, and a
    copy of the store holds nothing to guess from.

    Source:
        RFC 4226 (HOTP), by pyotp; under SHA-256 as RFC 6238, 1.2, because ASVS 5.0,
        11.4.1, has no SHA-1 in new designs.
    """

    keys: KeyRing
    policy: CodePolicy

    def derive(
        self, challenge_id: str, account_id: str, version: int, key_id: str, /
    ) -> str | None:
        """
        Return the code, or None: its key has left the ring.
        """
        key = self.keys.derived(Purpose.CODE, key_id)
        if key is None:
            return None
        own = bytes.fromhex(digest_under(key, challenge_id, account_id, str(version)))
        hotp = HOTP(
            b32encode(own).decode(),
            digits=self.policy.digits,
            # The library's own default is SHA-1.
            digest=hashlib.sha256,
        )
        return hotp.at(0)

    def same(self, typed: str, challenge: CodeChallenge, /) -> bool:
        """
        Say whether *typed* is the code of *challenge*.

        Never raises on bad input.

        Timing:
            One derivation whatever was typed; the digits are compared in constant
            time.
        """
        code = self.derive(
            challenge.id,
            challenge.account_id,
            challenge.credential_version,
            challenge.key_id,
        )
        digits = normalise(typed, self.policy.digits)
        if code is None or digits is None:
            return False
        # Bytes: compare_digest refuses text beyond ASCII.
        return hmac.compare_digest(code.encode(), digits.encode())


def normalise(typed: str, digits: int, /) -> str | None:
    """
    Return the digits that were typed, or None: this cannot be a code.

    Only ASCII digits, exactly *digits* of them.  NFKC or ``\\d`` would let full-width
    and Arabic digits pass, ``$`` a newline.
    """
    if len(typed) > LONGEST_TYPED:
        return None
    bare = typed.translate(_GAPS)
    return bare if re.fullmatch(rf"[0-9]{{{digits}}}", bare) else None
