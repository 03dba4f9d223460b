"""
Pages stand below the root of their app, and on nobody else's place.
"""

from __future__ import annotations

import re

import pytest

from uness_auth.errors import ConfigurationError
from uness_auth.web.registration import check_free, prefix_below


class TestPrefixBelow:
    @pytest.mark.parametrize(
        ("root", "path", "prefix"),
        [
            ("", "/auth/", "/auth"),
            ("/portal", "/portal/auth/", "/auth"),
            ("/portal", "/portal/portal/", "/portal"),
            ("/portal", "/portal/a/b/", "/a/b"),
        ],
    )
    def test_takes_the_root_off(self, root: str, path: str, prefix: str) -> None:
        """
        An app names its routes without what it is mounted below.
        """
        assert prefix == prefix_below(root, path, setting="ROOT")

    @pytest.mark.parametrize("path", ["/auth/", "/portals/auth/", "/a/portal/auth/"])
    def test_refuses_what_lies_elsewhere(self, path: str) -> None:
        """
        A path outside of the root is refused, in the framework's own words.
        """
        msg = f"Site(path='{path}') lies outside ROOT='/portal': begin it with /portal/"
        with pytest.raises(ConfigurationError, match=f"^{re.escape(msg)}$"):
            prefix_below("/portal", path, setting="ROOT")


class TestCheckFree:
    @pytest.mark.parametrize(
        "path", ["/auth", "/auth/", "/auth/profile", "/auth/{rest}"]
    )
    def test_refuses_a_place_that_is_taken(self, path: str) -> None:
        """
        A page of the app at our place or below it is named.
        """
        with pytest.raises(
            ConfigurationError, match=re.escape(f"holds {path} of the app already")
        ):
            check_free("/auth", ["/", path])

    @pytest.mark.parametrize("path", ["", "/", "/authors", "/a/auth/", "/{rest:path}"])
    def test_leaves_the_others(self, path: str) -> None:
        """
        Pages beside ours are the app's own affair.
        """
        check_free("/auth", [path])
