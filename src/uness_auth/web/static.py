"""
The style sheet, the script and the drawings: strings of the view, cacheable for ever.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from ..model import Site


FOLDER: Final = files("uness_auth") / "static" / "uness_auth"
# The address changes with the content, so a browser never asks twice.
CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
}


def static_url(site: Site, name: str, /) -> str:
    """
    Return the versioned address of a static file.
    """
    return f"{site.path}static/{name}?v={version_of(name)}"


@cache
def version_of(name: str, /) -> str:
    """
    Return the first digits of the file's digest.
    """
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


@cache
def names() -> frozenset[str]:
    """
    Return the names of the files that are served: those of a type we know.
    """
    return frozenset(one.name for one in FOLDER.iterdir() if _ending(one.name) in TYPES)


def read_static(name: str, /) -> tuple[bytes, str] | None:
    """
    Return content and media type of a static file, or None: there is no such file.
    """
    # Asked before anything is cached: names that visitors invent must not fill memory.
    return _read(name) if name in names() else None


@cache
def _read(name: str, /) -> tuple[bytes, str]:
    return (FOLDER / name).read_bytes(), TYPES[_ending(name)]


def _ending(name: str) -> str:
    return name.rpartition(".")[2]
