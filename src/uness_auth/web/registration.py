"""
Where the pages may stand among those of an app.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..errors import ConfigurationError


# Where password managers look for the way in, outside of `Site.path`.
WELL_KNOWN: Final = "/.well-known/change-password"


def prefix_below(root: str, path: str, /, *, setting: str) -> str:
    """
    Return *path* as the routes of an app name it, without the last slash.

    Args:
        root: What the app is mounted below, without a last slash.

        path: `Site.path`.

        setting: What the framework calls *root*.

    Raises:
        uness_auth.errors.ConfigurationError: *path* lies elsewhere.
    """
    if not path.startswith(f"{root}/"):
        msg = f"Site(path={path!r}) lies outside {setting}={root!r}: begin it with {root}/"
        raise ConfigurationError(msg)
    return path.removeprefix(root).rstrip("/")


def check_free(prefix: str, paths: Iterable[str], /) -> None:
    """
    Make sure that none of the app's own *paths* lies where ours go.

    Raises:
        uness_auth.errors.ConfigurationError: One does.
    """
    taken = [one for one in paths if f"{one}/".startswith(f"{prefix}/")]
    if taken:
        msg = (
            f"Site(path=) holds {taken[0]} of the app already: give the sign-in a path "
            f"of its own, such as Site(path='/sign-in/')"
        )
        raise ConfigurationError(msg)
