"""
The key ring: who signs, who verifies, and what is no key.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.errors import ConfigurationError
from uness_auth.keys import SAMPLE_KEY, KeyRing, Purpose, digest_under, token_digest


OLD = "old-key-of-the-tests-0123456789abcdefgh"
NEW = "new-key-of-the-tests-0123456789abcdefgh"
HERE = "https://portail.example.fr"
ELSEWHERE = "https://autre.example.fr"


def ring(*keys: str | bytes, base_url: str = HERE) -> KeyRing:
    """
    Return a ring of *keys*, oldest first.
    """
    return KeyRing(keys or (OLD, NEW), base_url=base_url)


class TestKeyRing:
    def test_last_signs(self) -> None:
        """
        The key that signs is the last of the ring.
        """
        assert ring(NEW).signing(Purpose.CODE) == ring(OLD, NEW).signing(Purpose.CODE)
        assert ring(NEW).signing_id == ring(OLD, NEW).signing_id

    def test_all_verify_oldest_first(self) -> None:
        """
        Every key of the ring verifies, in the ring's order.
        """
        keys = ring(OLD, NEW)

        assert (
            ring(OLD).signing(Purpose.CODE),
            ring(NEW).signing(Purpose.CODE),
        ) == keys.all(Purpose.CODE)

    def test_purposes_share_no_key(self) -> None:
        """
        No two purposes have one derived key.
        """
        keys = ring()

        assert len(Purpose) == len({keys.signing(purpose) for purpose in Purpose})

    def test_derived_keys_are_whole(self) -> None:
        """
        A derived key is 32 bytes long, and the same whenever it is asked for.
        """
        keys = ring()

        assert 32 == len(keys.signing(Purpose.CSRF))
        assert keys.signing(Purpose.CSRF) == keys.signing(Purpose.CSRF)

    def test_sites_share_no_key(self) -> None:
        """
        Two sites with one key derive other keys.
        """
        here, elsewhere = ring(OLD), ring(OLD, base_url=ELSEWHERE)

        assert here.signing(Purpose.CODE) != elsewhere.signing(Purpose.CODE)

    def test_key_that_left_is_none(self) -> None:
        """
        There is nothing to derive from a key that is no longer in the ring.
        """
        assert ring(NEW).derived(Purpose.CODE, ring(OLD).signing_id) is None

    def test_text_and_its_bytes_are_one_key(self) -> None:
        """
        A key given as text is the bytes of its UTF-8.
        """
        assert ring(OLD).signing_id == ring(OLD.encode()).signing_id

    def test_repr_shows_no_key(self) -> None:
        """
        A printed ring names its keys by ids that tell nothing of them.
        """
        keys = ring(OLD, NEW)

        assert keys.signing_id in repr(keys)
        assert OLD not in repr(keys)
        assert NEW not in repr(keys)

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ([], "keys is empty"),
            (OLD, "write keys=[…]"),
            (OLD.encode(), "keys is one text"),
            ([OLD, "short"], "keys[1] is 5 bytes long, at least 32"),
            ([OLD, OLD.encode()], "the same key twice"),
            ([SAMPLE_KEY], "keys[0] is a sample"),
            (["ab" * 32], "keys[0] is a sample"),
            ([OLD, 42], "keys[1] is int"),
            ([None], "keys[0] is NoneType"),
        ],
    )
    def test_weak_or_wrong_keys_are_refused(self, keys: list[str], said: str) -> None:
        """
        What cannot be a key ring is refused at start, by its place and not its text.
        """
        with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
            KeyRing(keys, base_url=HERE)

        assert OLD not in str(caught.value)

    def test_bytes_of_the_environment_are_a_key(self) -> None:
        """
        A key of bytes that are not UTF-8, as the environment hands it over, is taken.
        """
        key = bytes(range(0xC0, 0xE8)).decode("utf-8", "surrogateescape")

        assert 16 == len(ring(key).signing_id)


class TestDigest:
    @given(st.lists(st.text()), st.lists(st.text()))
    def test_other_parts_other_digest(self, one: list[str], other: list[str]) -> None:
        """
        Two lists of parts have one digest only if they are one list.
        """
        keys = ring()
        digests = {keys.digest(Purpose.THROTTLE, *parts) for parts in (one, other)}

        assert (1 if one == other else 2) == len(digests)

    def test_parts_do_not_run_together(self) -> None:
        """
        ("ab", "c") is not ("a", "bc"), nor ("abc",).
        """
        key = b"k" * 32

        assert 3 == len(
            {
                digest_under(key, "ab", "c"),
                digest_under(key, "a", "bc"),
                digest_under(key, "abc"),
            }
        )

    @given(st.text(st.characters()))
    def test_never_raises(self, typed: str) -> None:
        """
        Any text has a digest, one with lone surrogates too.
        """
        assert re.fullmatch("[0-9a-f]{64}", token_digest(typed))
        assert re.fullmatch("[0-9a-f]{64}", digest_under(b"k" * 32, typed))

    def test_lone_surrogate(self) -> None:
        """
        A lone surrogate is digested like any other character.
        """
        assert token_digest("\udcff") != token_digest("\udcfe")
