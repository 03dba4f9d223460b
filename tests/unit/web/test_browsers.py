"""
The names of browsers, as people know them.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.web.browsers import browser_name


# As the browsers send it; the numbers of the versions do not matter.
SEEN = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Firefox, Windows",
    ),
    (
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
        ),
        "Edge, Windows",
    ),
    (
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.0 Safari/605.1.15"
        ),
        "Safari, macOS",
    ),
    (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
        ),
        "Safari, iPhone",
    ),
    (
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1"
        ),
        "Chrome, iPhone",
    ),
    (
        (
            "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
            "like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15"
        ),
        "Firefox, iPad",
    ),
    (
        (
            "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like "
            "Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36"
        ),
        "Samsung Internet, Android",
    ),
    (
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36 OPR/120.0.0.0"
        ),
        "Opera, Linux",
    ),
    (
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Chrome/142.0.0.0 Safari/537.36"
        ),
        "Chrome, ChromeOS",
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko", "Windows"),
    ("curl/8.5.0", ""),
]


WORDS = {
    *("Edge", "Opera", "Samsung Internet", "Firefox", "Chrome", "Safari"),
    *("iPhone", "iPad", "Android", "ChromeOS", "Windows", "macOS", "Linux"),
}


class TestBrowserName:
    @pytest.mark.parametrize(("user_agent", "name"), SEEN, ids=[two for _, two in SEEN])
    def test_as_people_know_it(self, user_agent: str, name: str) -> None:
        """
        Family and system, the one that it is rather than those that it claims to be.
        """
        assert name == browser_name(user_agent)

    @given(st.text())
    def test_holds_nothing_of_the_header(self, user_agent: str) -> None:
        """
        Whatever is claimed, the name is short and made of our own words.
        """
        name = browser_name(user_agent + " Firefox/1 <b>Windows</b>")

        assert set(name.split(", ")) <= WORDS
        assert len(name) <= 64
        assert "<" not in name

    def test_is_not_read_to_its_end(self) -> None:
        """
        A header of a megabyte costs what one of a kilobyte does.
        """
        assert "" == browser_name("x" * 10**6 + "Firefox/1")
        assert "" == browser_name("")
