"""
Static files have an address that changes with them, and nothing else is served.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import Site
from uness_auth.web import static


SITE = Site(base_url="https://portail.example.fr", path="/compte/")


class TestStaticUrl:
    def test_the_address_carries_the_version(self) -> None:
        """
        The path of the site, the name, and the first digits of the content's digest.
        """
        content = (static.FOLDER / "uness.css").read_bytes()
        version = hashlib.sha256(content).hexdigest()[:12]

        assert f"/compte/static/uness.css?v={version}" == static.static_url(
            SITE, "uness.css"
        )


class TestReadStatic:
    @pytest.mark.parametrize("name", sorted(static.names()))
    def test_every_file(self, name: str) -> None:
        """
        Each comes with its bytes, and a type and an encoding that no browser guesses.
        """
        found = static.read_static(name)

        assert found is not None
        assert (static.FOLDER / name).read_bytes() == found[0]
        assert found[1] in {
            "text/css; charset=utf-8",
            "text/javascript; charset=utf-8",
            "image/svg+xml; charset=utf-8",
        }

    @pytest.mark.parametrize(
        "name",
        [
            "",
            ".",
            "..",
            "nothing.css",
            "../flask.py",
            "../../keys.py",
            "..\\keys.py",
            "/etc/passwd",
            "uness.css/",
            "uness.css\x00",
            "UNESS.CSS",
            "./uness.css",
            "%2e%2e/keys.py",
            "a" * 10_000,
        ],
        ids=lambda name: ascii(name)[:20],
    )
    def test_nothing_else(self, name: str) -> None:
        """
        No other name opens a file, here or elsewhere.
        """
        assert static.read_static(name) is None

    @given(
        st.text()
        | st.lists(
            st.sampled_from(
                [*static.names(), "..", ".", "/", "\\", "%2e", "\x00", "\n"]
            )
        ).map("".join)
    )
    def test_any_name(self, name: str) -> None:
        """
        A file is served under its own name, and under no other.
        """
        assert (static.read_static(name) is not None) == (name in static.names())

    def test_invented_names_are_not_kept(self) -> None:
        """
        Asking for a thousand files that are not there leaves nothing in memory.
        """
        before = static._read.cache_info().currsize  # noqa: SLF001 - no public sign of it

        for number in range(1_000):
            assert static.read_static(f"{number}.css") is None

        assert before == static._read.cache_info().currsize  # noqa: SLF001 - as above

    def test_only_types_we_know(self) -> None:
        """
        A stray file in the folder would not be served.
        """
        endings = {name.rpartition(".")[2] for name in static.names()}

        assert set(static.TYPES) == endings
