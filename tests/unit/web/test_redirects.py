"""
Only a path of this site is a place to be led to.
"""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.redirects import BAD, GOOD
from uness_auth.web.redirects import encoded_path, safe_path


BASE_URL = "https://portail.example.fr"


def is_on_this_site(path: str) -> bool:
    """
    Whether every way to put *path* behind the base URL stays on its host.
    """
    together = urlsplit(BASE_URL + path)
    joined = urlsplit(urljoin(BASE_URL + "/auth/", path))
    return all(
        (one.scheme, one.netloc) == ("https", "portail.example.fr")
        for one in (together, joined)
    )


class TestSafePath:
    def test_there_are_two_hundred_bad_ones(self) -> None:
        """
        The list is long, and says nothing twice.
        """
        assert 200 <= len(BAD) == len(set(BAD))

    @pytest.mark.parametrize("path", GOOD)
    def test_a_path_of_this_site_is_kept(self, path: str) -> None:
        """
        What a page of ours can be asked for by comes back as it is.
        """
        assert path == safe_path(path)

    @pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:40])
    def test_everything_else_leads_nowhere(self, text: str) -> None:
        """
        P49: another host, a scheme, a climb, a control or an unseen character is
        refused.
        """
        assert "" == safe_path(text)

    @given(
        st.one_of(
            st.text(),
            st.text(alphabet="/\\.%2eEfF5cC@:?# \t\r\n\x00ab[]", max_size=24),
            st.sampled_from(BAD).flatmap(
                lambda bad: st.text(max_size=3).map(lambda more: "/" + more + bad)
            ),
        )
    )
    @example("/a?//evil.example")
    @example("/#//evil.example")
    def test_any_text(self, text: str) -> None:
        """
        P49: whatever is asked, the answer is the text itself or nothing, and leads no
        browser and no parser to another host.
        """
        path = safe_path(text)

        assert path in ("", text)
        assert is_on_this_site(path)


class TestEncodedPath:
    @pytest.mark.parametrize(
        ("path", "query", "expected"),
        [
            ("/private", b"", "/private"),
            ("/private", b"a=b&c=%26", "/private?a=b&c=%26"),
            ("/café", b"", "/caf%C3%A9"),
            ("/a?b#c", b"", "/a%3Fb%23c"),
            ("/a b", b"q=a+b", "/a%20b?q=a+b"),
            ("/", b"\xff=\xc3\xa9", "/?%FF=%C3%A9"),
        ],
    )
    def test_letter_by_letter(self, path: str, query: bytes, expected: str) -> None:
        """
        What comes back asks for the same page.
        """
        assert expected == encoded_path(path, query)

    @given(st.text(), st.binary())
    def test_anything(self, path: str, query: bytes) -> None:
        """
        Printable ASCII, and a path that reads as it was.
        """
        actual = encoded_path(path.encode("utf-8", "replace").decode(), query)
        before, _, _ = actual.partition("?")

        assert actual.isascii()
        assert actual.isprintable()
        assert path.encode("utf-8", "replace").decode() == unquote(before)
