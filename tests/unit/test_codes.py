"""
Codes: derived, never stored; compared as bytes, typed as people type.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uness_auth.codes import Codes, normalise
from uness_auth.keys import KeyRing, Purpose, digest_under
from uness_auth.model import CodeChallenge
from uness_auth.policy import CodePolicy


OLD = "old-key-of-the-tests-0123456789abcdefgh"
NEW = "new-key-of-the-tests-0123456789abcdefgh"
HERE = "https://portail.example.fr"
NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
KEYS = KeyRing([OLD, NEW], base_url=HERE)
CODES = Codes(KEYS, CodePolicy())
CHALLENGE = CodeChallenge(
    id="0123456789abcdef0123456789abcdef",
    account_id="42",
    credential_version=7,
    key_id=KEYS.signing_id,
    browser_digest="b" * 64,
    sent_at=NOW,
    expires_at=NOW + timedelta(minutes=3),
    window_ends_at=NOW + timedelta(minutes=15),
    attempts_left=5,
)
GAPS = " \u00a0\u202f-"


def code_of(challenge: CodeChallenge = CHALLENGE, codes: Codes = CODES) -> str:
    """
    Return the code of *challenge*.
    """
    code = codes.derive(
        challenge.id,
        challenge.account_id,
        challenge.credential_version,
        challenge.key_id,
    )
    assert code is not None
    return code


CODE = code_of()


class TestDerive:
    @pytest.mark.parametrize("digits", [6, 7, 8])
    def test_has_the_policys_digits(self, digits: int) -> None:
        """
        A code is as long as the policy says, leading zeros included.
        """
        codes = Codes(KEYS, CodePolicy(digits=digits))
        all_codes = [
            code_of(attrs.evolve(CHALLENGE, credential_version=version), codes)
            for version in range(200)
        ]

        assert {digits} == {len(code) for code in all_codes}
        assert all(code.isascii() and code.isdecimal() for code in all_codes)
        assert any(code.startswith("0") for code in all_codes)

    def test_is_what_it_was(self) -> None:
        """
        Codes that an earlier release mailed still work: the code is this one.
        """
        assert "180420" == CODE

    def test_is_sha_256_from_key_to_digits(self) -> None:
        """
        No step uses SHA-1, which standards leave to old designs.
        """
        key = KEYS.signing(Purpose.CODE)
        own = bytes.fromhex(digest_under(key, CHALLENGE.id, "42", "7"))
        mac = hmac.new(own, bytes(8), hashlib.sha256).digest()
        start = mac[-1] & 15
        number = int.from_bytes(mac[start : start + 4], "big") & (2**31 - 1)

        assert f"{number % 10**6:06}" == CODE

    def test_same_challenge_same_code(self) -> None:
        """
        Whoever asks again gets the same code.
        """
        assert CODE == code_of(attrs.evolve(CHALLENGE, attempts_left=1))

    def test_everything_it_is_bound_to_changes_it(self) -> None:
        """
        Another challenge, account, version, key or site has another code.
        """
        elsewhere = KeyRing([OLD, NEW], base_url="https://autre.example.fr")
        other = [
            code_of(attrs.evolve(CHALLENGE, id="f" * 32)),
            code_of(attrs.evolve(CHALLENGE, account_id="43")),
            code_of(attrs.evolve(CHALLENGE, credential_version=8)),
            code_of(
                attrs.evolve(CHALLENGE, key_id=KeyRing([OLD], base_url=HERE).signing_id)
            ),
            code_of(
                attrs.evolve(CHALLENGE, key_id=elsewhere.signing_id),
                Codes(elsewhere, CodePolicy()),
            ),
        ]

        assert 6 == len({CODE, *other})

    def test_is_bound_to_the_site_key(self) -> None:
        """
        Another key that signs gives another code to the same challenge.
        """
        ring = KeyRing([OLD], base_url=HERE)
        challenge = attrs.evolve(CHALLENGE, key_id=ring.signing_id)

        assert CODE != code_of(challenge, Codes(ring, CodePolicy()))

    def test_codes_are_spread(self) -> None:
        """
        A thousand challenges hardly share a code, and use every digit everywhere.
        """
        codes = [
            code_of(attrs.evolve(CHALLENGE, id=f"{number:032x}"))
            for number in range(1_000)
        ]

        assert len(set(codes)) > 990
        assert [10] * 6 == [len(set(place)) for place in zip(*codes, strict=True)]

    def test_key_that_left_the_ring(self) -> None:
        """
        Without its key a challenge has no code.
        """
        codes = Codes(KeyRing([OLD], base_url=HERE), CodePolicy())

        assert codes.derive("f" * 32, "42", 7, KEYS.signing_id) is None


class TestSame:
    def test_right_code(self) -> None:
        """
        The code of the challenge is the same, with gaps where people leave them.
        """
        assert CODES.same(CODE, CHALLENGE)
        assert CODES.same(f" {CODE[:3]}\u202f{CODE[3:]} ", CHALLENGE)

    def test_every_digit_counts(self) -> None:
        """
        One other digit, wherever it stands, makes another code.
        """
        others = [
            CODE[:place] + str((int(CODE[place]) + 1) % 10) + CODE[place + 1 :]
            for place in range(6)
        ]

        assert [False] * 6 == [CODES.same(other, CHALLENGE) for other in others]

    @given(st.text(st.characters()))
    @example("\ud800")
    @example("")
    @example("é" * 6)
    def test_never_raises(self, typed: str) -> None:
        """
        Any other text is not the code, and never an exception.
        """
        assert (normalise(typed, 6) == CODE) is CODES.same(typed, CHALLENGE)

    def test_key_that_left_the_ring(self) -> None:
        """
        No text is the code of a challenge whose key is gone.
        """
        codes = Codes(KeyRing([OLD], base_url=HERE), CodePolicy())

        assert not codes.same(CODE, CHALLENGE)


class TestNormalise:
    @given(st.text(st.sampled_from("0123456789" + GAPS), max_size=32))
    def test_leaves_gaps_out(self, typed: str) -> None:
        """
        Six digits with gaps anywhere are those digits; any other number is no code.
        """
        digits = "".join(mark for mark in typed if mark not in GAPS)

        assert (digits if len(digits) == 6 else None) == normalise(typed, 6)

    @given(st.text(st.characters()), st.sampled_from([6, 7, 8]))
    @example("\uff11\uff12\uff13\uff14\uff15\uff16", 6)
    @example("\u0661\u0662\u0663\u0664\u0665\u0666", 6)
    @example("\U0001d7cf" * 6, 6)
    @example("123456\n", 6)
    @example("12345\u00b2", 6)
    @example("123456.", 6)
    @example("123\t456", 6)
    @example("+123456", 6)
    @example("1_23456", 6)
    def test_nothing_but_digits_and_gaps(self, typed: str, digits: int) -> None:
        """
        Full-width, Arabic and bold digits, and anything else, make it no code.
        """
        is_plain = all(mark in "0123456789" + GAPS for mark in typed)

        assert is_plain or normalise(typed, digits) is None

    def test_too_long_is_none(self) -> None:
        """
        A text over 32 characters is not looked at.
        """
        assert "123456" == normalise("123456" + " " * 26, 6)
        assert normalise("123456" + " " * 27, 6) is None
