"""
Make src/uness_auth/blocklist.txt.gz, the list of common passwords and words.

Run by hand when a source or `uness_auth.blocklist.folded` changes, in an environment
with Django and zxcvbn beside this library: ``python tools/make_blocklist.py``.  The
same sources give the same bytes.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from uness_auth.blocklist import EXPECTED_WORDS, SHORTEST_WORD, folded


HERE = Path(__file__).parent
TARGET = HERE.parent / "src" / "uness_auth" / "blocklist.txt.gz"

# How much of each of zxcvbn's lists, most frequent first.  Further down come words
# that nobody would try, and that a passphrase may well be made of.
SHARES = {
    "passwords": 30_000,
    "female_names": 4_000,
    "male_names": 1_000,
    "surnames": 10_000,
    "english_wikipedia": 10_000,
}


def main() -> None:
    """
    Write the list and say how large it is.
    """
    words = sorted(set(_kept(_sources())))
    TARGET.write_bytes(gzip.compress("\n".join(words).encode("ascii"), 9, mtime=0))
    print(f"{len(words)} words, {TARGET.stat().st_size} bytes")


def _sources() -> Iterator[str]:
    django = resources.files("django") / "contrib/auth/common-passwords.txt.gz"
    yield from gzip.decompress(django.read_bytes()).decode().split()
    for name, share in SHARES.items():
        yield from FREQUENCY_LISTS[name][:share]
    ours = (HERE / "blocklist_words.txt").read_text(encoding="utf-8")
    for line in ours.splitlines():
        if not line.startswith("#"):
            yield from line.split()
    yield from EXPECTED_WORDS.split()


def _kept(words: Iterable[str]) -> Iterator[str]:
    return (
        word
        for word in map(folded, words)
        if word.isascii() and len(word) >= SHORTEST_WORD
    )


if __name__ == "__main__":
    main()
