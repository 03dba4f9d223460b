"""
Accept-Language is a wish, and bad ones are no wish.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.web.languages import preferred


LANGUAGES = ("fr", "en")


class TestPreferred:
    @pytest.mark.parametrize(
        ("header", "language"),
        [
            ("", "fr"),
            ("en", "en"),
            ("fr", "fr"),
            ("EN-gb", "en"),
            ("en-US,en;q=0.9,fr;q=0.8", "en"),
            ("fr-CH, en;q=0.9", "fr"),
            ("de, en;q=0.5", "en"),
            ("de;q=1.0", "fr"),
            ("en;q=0.1, fr;q=0.2", "fr"),
            ("en;q=0.5, fr;q=0.5", "en"),
            ("en;q=0", "fr"),
            ("en; q=0.3", "en"),
            ("*", "fr"),
            ("en;level=1", "en"),
        ],
    )
    def test_the_best_of_ours(self, header: str, language: str) -> None:
        """
        The heaviest wish that we speak, else the site's first language.
        """
        assert language == preferred(header, LANGUAGES)

    @pytest.mark.parametrize(
        "header",
        [
            "en;q=nan",
            "en;q=-1",
            "en;q=",
            "en;q=x",
            ";q=1",
            ",,,",
            "\x00",
            "é",
            "en_US",
            "english",
            "a" * 100_000 + ",en",
            "de," * 70 + "en",
        ],
        ids=lambda header: ascii(header)[:20],
    )
    def test_what_is_no_wish(self, header: str) -> None:
        """
        Weights that are none, tags that are none and what lies beyond the first two
        hundred characters are passed over.
        """
        assert "fr" == preferred(header, LANGUAGES)

    @given(
        st.one_of(st.text(), st.text(alphabet="enfr-;q=.,01*\x00 ")),
        st.sampled_from([("fr",), ("en", "fr"), LANGUAGES]),
    )
    def test_any_text(self, header: str, languages: tuple[str, ...]) -> None:
        """
        Any header gets one of the site's languages.
        """
        assert preferred(header, languages) in languages
