"""
Only a path of this site is a place to be led to.
"""

from __future__ import annotations

from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uness_auth.web.redirects import LONGEST_NEXT, encoded_path, safe_path


BASE_URL = "https://portail.example.fr"

GOOD = [
    "/",
    "/private",
    "/private/",
    "/a/b/c",
    "/a?b=c&d=e",
    "/a?next=/b",
    "/a?u=https://elsewhere.example/",
    "/a?x=..//y",
    "/a#part",
    "/#/route/of/a/script",
    "/caf%C3%A9",
    "/a%20b",
    "/.well-known/change-password",
    "/..a/...b/c..",
    "/@name",
    "/~name",
    "/a//b",
    "/a:b",
    "/" + "a" * (LONGEST_NEXT - 1),
]

# What browsers, proxies and URL parsers have read as another host, as a scheme, or
# as the end of a header.
EVIL = "evil.example"
ANOTHER_HOST = [
    f"//{EVIL}",
    f"///{EVIL}",
    f"////{EVIL}",
    f"//{EVIL}/",
    f"//{EVIL}/private",
    f"//{EVIL}:443/",
    f"//user@{EVIL}",
    f"//portail.example.fr@{EVIL}",
    f"//{EVIL}?portail.example.fr",
    f"//{EVIL}#portail.example.fr",
    "//",
    "///",
    "//3232235777",
    "//0xC0A80101",
    "//[::1]",
    f"//%65vil.{EVIL}",
]
BACKSLASHES = [
    f"/\\{EVIL}",
    f"\\\\{EVIL}",
    f"\\/{EVIL}",
    f"/\\/{EVIL}",
    f"//\\{EVIL}",
    f"\\{EVIL}",
    f"/private\\..\\{EVIL}",
    f"/\\\\{EVIL}",
    "/a\\b",
    "\\",
]
CONTROLS = [
    f"/\t/{EVIL}",
    f"/\n/{EVIL}",
    f"/\r/{EVIL}",
    f"/\x00/{EVIL}",
    f"/\x0b/{EVIL}",
    f"/\x0c/{EVIL}",
    f"/\x1b/{EVIL}",
    f"/\x7f/{EVIL}",
    f"\t//{EVIL}",
    f"\n//{EVIL}",
    f" //{EVIL}",
    f"\x00//{EVIL}",
    f"\x01//{EVIL}",
    "/private\r\nSet-Cookie: a=b",
    "/private\nLocation: //evil.example",
    "/private\n",
    "/private\r",
    "/private\x00",
    "/private\t",
    "/private ",
    " /private",
    "/a b",
    f"/\x85/{EVIL}",
    f"/\u2028/{EVIL}",
    f"/\u2029/{EVIL}",
    f"/\xa0/{EVIL}",
]
CLIMBING = [
    f"/..//{EVIL}",
    f"/.//{EVIL}",
    f"/../{EVIL}",
    f"/./{EVIL}",
    f"/a/..//{EVIL}",
    f"/a/../..//{EVIL}",
    f"/%2e%2e//{EVIL}",
    f"/%2E%2E//{EVIL}",
    f"/%2e.//{EVIL}",
    f"/.%2E//{EVIL}",
    f"/%2e//{EVIL}",
    f"/a/%2e%2e//{EVIL}",
    f"/..%2f/{EVIL}",
    f"/..%2F/{EVIL}",
    f"/%2e%2e%2f%2f{EVIL}",
    f"/a%2f..%2f..%2f/{EVIL}",
    "/..",
    "/.",
    "/a/..",
    "/a/.",
    "/..?a",
    "/..#a",
]
SCHEMES = [
    f"https://{EVIL}",
    f"http://{EVIL}",
    f"HTTPS://{EVIL}",
    f"https:{EVIL}",
    f"https:/{EVIL}",
    f"https:///{EVIL}",
    f"http:\\\\{EVIL}",
    f"ftp://{EVIL}",
    f"wss://{EVIL}",
    "https://portail.example.fr",
    "https://portail.example.fr/private",
    f"https://portail.example.fr.{EVIL}/",
    f"https://portail.example.fr@{EVIL}/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "javascript://portail.example.fr/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "mailto:a@evil.example",
    "blob:https://evil.example/1",
    "about:blank",
]
NO_PATHS = [
    "",
    "private",
    "private/",
    f"@{EVIL}",
    f"@{EVIL}/private",
    f":80@{EVIL}",
    f".{EVIL}",
    f"-{EVIL}",
    EVIL,
    "?next=/private",
    "#part",
    "?",
    "./private",
    "../private",
    "..",
    ".",
    ";//evil.example",
    "%2f%2fevil.example",
    "%2fprivate",
    "%5c%5cevil.example",
]
BEYOND_ASCII = [
    f"/\uff0f{EVIL}",
    f"\uff0f\uff0f{EVIL}",
    f"/\u2044{EVIL}",
    f"/\u2215{EVIL}",
    f"/\u29f8{EVIL}",
    f"/\uff3c{EVIL}",
    f"/\u3002{EVIL}",
    "/\uff0e\uff0e//evil.example",
    "/caf\xe9",
    "/\ud800",
    "/\U0001f600",
    "\ufeff/private",
    "\u200b/private",
    "/pri\u00advate",
    "/\u202eevil",
    "/\u0661",
]
TOO_LONG = ["/" + "a" * LONGEST_NEXT, "/" * 5_000, "/" + "../" * 100_000]

BAD = [
    *ANOTHER_HOST,
    *BACKSLASHES,
    *CONTROLS,
    *CLIMBING,
    *SCHEMES,
    *NO_PATHS,
    *BEYOND_ASCII,
    *TOO_LONG,
]


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
    def test_there_are_a_hundred_bad_ones(self) -> None:
        """
        The list is long, and says nothing twice.
        """
        assert 100 < len(BAD) == len(set(BAD))

    @pytest.mark.parametrize("path", GOOD)
    def test_a_path_of_this_site_is_kept(self, path: str) -> None:
        """
        What a page of ours can be asked for by comes back as it is.
        """
        assert path == safe_path(path)

    @pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:40])
    def test_everything_else_leads_nowhere(self, text: str) -> None:
        """
        Another host, a scheme, a climb, a control or an unseen character is refused.
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
        Whatever is asked, the answer is the text itself or nothing, and leads no
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
