"""
Link tokens: what one says, and everything that is none.
"""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta
from hashlib import blake2s, sha1, sha256, sha512
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import Signer
from itsdangerous.encoding import base64_encode

from uness_auth.keys import KeyRing, Purpose
from uness_auth.model import OrderKind
from uness_auth.outcomes import LinkInvalid
from uness_auth.policy import LinkPolicy
from uness_auth.tokens import LONGEST_TOKEN, ExpiredToken, LinkToken, LinkTokens


OLD = "old-key-of-the-tests-0123456789abcdefgh"
NEW = "new-key-of-the-tests-0123456789abcdefgh"
HERE = "https://portail.example.fr"
ISSUED_AT = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
FIRST, RESET = OrderKind.FIRST_LINK, OrderKind.RESET_LINK
URL_SAFE = string.ascii_letters + string.digits + "-_"
SECOND = timedelta(seconds=1)


def tokens(*keys: str, base_url: str = HERE) -> LinkTokens:
    """
    Return what makes and reads tokens under *keys*.
    """
    return LinkTokens(KeyRing(keys or (OLD,), base_url=base_url), LinkPolicy())


GOLDEN = "rWyI0MiIsNywxNzk1MzU0MzIwXQ.OQ-RPE8MaAfgW5JtLMKCXHUuJSyqbgYfCwCXzF5cNA4"
TOKENS = tokens()
TOKEN = TOKENS.make("42", 7, RESET, ISSUED_AT)
READ = LinkToken(account_id="42", credential_version=7, kind=RESET, issued_at=ISSUED_AT)


def read(token: str, now: datetime = ISSUED_AT) -> object:
    """
    Read *token* under the tests' keys.
    """
    return TOKENS.read(token, now)


class TestMake:
    @pytest.mark.parametrize("kind", [FIRST, RESET])
    def test_reads_back(self, kind: OrderKind) -> None:
        """
        A token says account, version, kind and time of issue.
        """
        token = TOKENS.make("42", 7, kind, ISSUED_AT)

        assert attrs.evolve(READ, kind=kind) == read(token)

    @given(
        st.text(
            st.characters(codec="utf-8", exclude_categories=["Cc"]),
            min_size=1,
            max_size=64,
        ),
        st.integers(0, 2**31),
    )
    @example("0" * 64, 2**31)
    @example("00000000-0000-0000-0000-000000000042", 7)
    @example("\U0001f600" * 64, 7)
    def test_any_account_reads_back(self, account_id: str, version: int) -> None:
        """
        A link works whatever the host's ids look like, long and repetitive ones too.
        """
        token = TOKENS.make(account_id, version, FIRST, ISSUED_AT)

        expected = LinkToken(
            account_id=account_id,
            credential_version=version,
            kind=FIRST,
            issued_at=ISSUED_AT,
        )

        assert len(token) <= LONGEST_TOKEN
        assert expected == read(token)

    def test_same_facts_same_token(self) -> None:
        """
        A mail composed again carries the same link.
        """
        assert TOKEN == tokens().make("42", 7, RESET, ISSUED_AT)

    def test_is_what_it_was(self) -> None:
        """
        Links that an earlier release mailed still work: the token is this one.
        """
        assert GOLDEN == TOKEN

    def test_is_whole_in_a_url(self) -> None:
        """
        A token holds nothing that a URL, or a mail program, would change.
        """
        assert set(TOKEN) <= {*URL_SAFE, "."}


class TestRead:
    @given(st.text())
    @example("")
    @example("f")
    @example("f.")
    @example("é" * 600)
    @example("f" + "A" * 20 + "." + "A" * 43)
    @example("f" + "A" * 21 + "." + "A" * 43)
    @example("f" + "A" * 9 + "." + "B" * 43)
    @example("\ud800" + TOKEN[1:])
    def test_any_text_is_invalid(self, text: str) -> None:
        """
        P7: text that we did not sign is no link, and never an exception.
        """
        assert LinkInvalid() == read(text)

    @given(st.integers(0, len(TOKEN) - 1), st.sampled_from([*URL_SAFE, ".", "=", "é"]))
    def test_one_other_character_is_invalid(self, index: int, other: str) -> None:
        """
        Whatever character of a token is changed, and the last ones too, it is none.
        """
        changed = TOKEN[:index] + other + TOKEN[index + 1 :]

        assert (READ if changed == TOKEN else LinkInvalid()) == read(changed)

    @pytest.mark.parametrize("where", [TOKEN.index("."), len(TOKEN)])
    def test_only_one_spelling_is_taken(self, where: int) -> None:
        """
        Other last characters that decode to the same bytes are refused.
        """
        spellings = [TOKEN[: where - 1] + last + TOKEN[where:] for last in URL_SAFE]

        assert [TOKEN] == [one for one in spellings if read(one) == READ]

    @pytest.mark.parametrize("more", ["=", "==", "é", "\n", " ", "A", ".", "%20", "\0"])
    def test_nothing_may_follow_or_precede(self, more: str) -> None:
        """
        Padding, line breaks and what gets copied along make it no token.
        """
        assert LinkInvalid() == read(TOKEN + more)
        assert LinkInvalid() == read(more + TOKEN)

    def test_truncated_is_invalid(self) -> None:
        """
        No part of a token is one.
        """
        parts = [TOKEN[:length] for length in range(len(TOKEN))]

        assert {LinkInvalid()} == {read(part) for part in parts}

    def test_marks_cannot_be_swapped(self) -> None:
        """
        A link that replaces a password does not pass for one that creates the first.
        """
        first = TOKENS.make("42", 7, FIRST, ISSUED_AT)

        assert TOKEN[0] != first[0]
        assert LinkInvalid() == read(first[0] + TOKEN[1:])
        assert LinkInvalid() == read(TOKEN[0] + first[1:])

    def test_other_key_is_invalid(self) -> None:
        """
        A token of a key that is not in the ring is forged.
        """
        assert LinkInvalid() == read(tokens(NEW).make("42", 7, RESET, ISSUED_AT))

    def test_other_site_is_invalid(self) -> None:
        """
        A site with the same key does not take another one's links.
        """
        theirs = tokens(base_url="https://autre.example.fr")

        assert LinkInvalid() == read(theirs.make("42", 7, RESET, ISSUED_AT))

    def test_rotation_keeps_older_links(self) -> None:
        """
        P45: after a rotation the old key's links work, and new ones are the new key's.
        """
        both = tokens(OLD, NEW)

        assert READ == both.read(TOKEN, ISSUED_AT)
        assert tokens(NEW).make("42", 7, RESET, ISSUED_AT) == both.make(
            "42", 7, RESET, ISSUED_AT
        )

    def test_removed_key_ends_its_links(self) -> None:
        """
        P45: once the old key left the ring, its links are no links.
        """
        assert LinkInvalid() == tokens(NEW).read(TOKEN, ISSUED_AT)

    @pytest.mark.parametrize(
        ("kind", "lifetime"),
        [(FIRST, timedelta(hours=24)), (RESET, timedelta(hours=1))],
    )
    def test_lives_its_lifetime(self, kind: OrderKind, lifetime: timedelta) -> None:
        """
        A link works to the end of its lifetime and the leeway of a minute, not beyond.
        """
        token = TOKENS.make("42", 7, kind, ISSUED_AT)
        end = ISSUED_AT + lifetime + timedelta(minutes=1)

        assert isinstance(read(token, ISSUED_AT + lifetime), LinkToken)
        assert isinstance(read(token, end - SECOND), LinkToken)
        link = LinkToken(
            account_id="42", credential_version=7, kind=kind, issued_at=ISSUED_AT
        )
        assert ExpiredToken(link) == read(token, end)

    def test_clock_behind_by_a_minute(self) -> None:
        """
        A clock a minute behind the one that issued takes the link; no more than that.
        """
        assert READ == read(TOKEN, ISSUED_AT - timedelta(seconds=60))
        assert LinkInvalid() == read(TOKEN, ISSUED_AT - timedelta(seconds=61))

    def test_forged_costs_no_decoding(self) -> None:
        """
        P20: a text over the limit is refused by its length.
        """
        assert LinkInvalid() == read("f" + "A" * 600 + "." + "A" * 43)

    @pytest.mark.parametrize(
        "payload",
        [
            b"not json",
            b"\xff\xfe\xfd\xfc\xfb\xfa",
            b"[" * 200,
            json.dumps({"account": "42"}).encode(),
            json.dumps([42, 7, 1_795_354_320]).encode(),
            json.dumps(["42", 7]).encode(),
            json.dumps(["42", 7, 10**30]).encode(),
            json.dumps(["42", 7, -(10**12)]).encode(),
        ],
    )
    def test_other_payloads_are_invalid(self, payload: bytes) -> None:
        """
        Even what our key signed is no link unless it says what a link says.
        """
        keys = KeyRing([OLD], base_url=HERE)
        purpose = Purpose.RESET_LINK
        signer = Signer(
            keys.signing(purpose),
            salt=purpose.encode(),
            key_derivation="hmac",
            digest_method=sha256,
        )
        signed = signer.sign(base64_encode(payload)).decode()

        assert LinkInvalid() == read(f"r{signed}")

    @pytest.mark.parametrize(
        ("digest", "derivation"),
        [
            (sha1, "hmac"),
            (sha512, "hmac"),
            (blake2s, "hmac"),
            (sha256, "django-concat"),
            (sha256, "concat"),
            (sha256, "none"),
        ],
    )
    def test_other_algorithms_are_invalid(self, digest: Any, derivation: str) -> None:
        """
        A token does not say how it was signed: there is one way, and under our own key
        every other is a forgery.
        """
        key = KeyRing([OLD], base_url=HERE).signing(Purpose.RESET_LINK)
        signer = Signer(
            key,
            salt=Purpose.RESET_LINK.encode(),
            key_derivation=derivation,
            digest_method=digest,
        )
        payload = TOKEN[1:].rpartition(".")[0]

        assert LinkInvalid() == read(f"r{signer.sign(payload).decode()}")
