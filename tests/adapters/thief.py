"""
Somebody who has a copy of everything that a site keeps, and its source code, but not
its keys.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
import sqlite3
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, Final, cast

import attrs
from itsdangerous import Signer
from itsdangerous.encoding import base64_encode

from uness_auth.keys import Purpose, digest_under
from uness_auth.model import Account, CodeChallenge, OrderKind


# As texts break into words: what a token, a link's token, a hash may be made of.
WORDS: Final = tuple(
    re.compile(rf"[A-Za-z0-9{more}]+") for more in ("", "_-", "_.-", "_.+/=$,@:-")
)
SHORTEST: Final = 3
SESSION_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
BROWSER_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_MARKS: Final = {
    OrderKind.FIRST_LINK: ("f", Purpose.FIRST_LINK),
    OrderKind.RESET_LINK: ("r", Purpose.RESET_LINK),
}


# --- The copy -------------------------------------------------------------------


def rows_of(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """
    Return every row of every table of an SQLite file.
    """
    with closing(sqlite3.connect(database)) as connection:
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = [name for (name,) in connection.execute(named).fetchall()]
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - the file's own names
            for name in tables
            if not name.startswith("sqlite_")
        }


def pages_of(database: Path) -> list[bytes]:
    """
    Return the bytes of the file and its log: what was deleted may still be there.
    """
    beside = (database, database.with_name(f"{database.name}-wal"))
    return [path.read_bytes() for path in beside if path.exists()]


def keys_of(redis: Any) -> dict[str, object]:
    """
    Return every key of a Redis server and what it holds.
    """
    read = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
    }
    return {
        key.decode("latin-1"): read[redis.type(key)](key) for key in redis.scan_iter()
    }


def atoms_of(copied: object) -> set[str]:
    """
    Return every text and number in a copy, whole and in words.
    """
    found: set[str] = set()
    for text in _texts(copied):
        found.add(text)
        for words in WORDS:
            found.update(words.findall(text))
    return {one for one in found if SHORTEST <= len(one) <= 4_000}


def bytes_of(copied: object) -> Iterator[bytes]:
    """
    Yield every bytes in a copy, and what every text may stand for.
    """
    match copied:
        case bytes():
            yield copied
        case str():
            yield from raw_forms(copied)
        case Mapping():
            yield from bytes_of([*copied.keys(), *copied.values()])
        case list() | tuple() | set() | frozenset():
            for one in copied:
                yield from bytes_of(one)
        case _:
            return


def _texts(copied: object) -> Iterator[str]:
    match copied:
        case str():
            yield copied
            with suppress(ValueError):
                known = json.loads(copied)
                if isinstance(known, dict | list):
                    yield from _texts(known)
        case bytes():
            # Texts that lie in bytes.
            for run in re.findall(rb"[\x20-\x7e]{3,}", copied):
                yield run.decode()
        case datetime():
            yield copied.isoformat()
            yield str(int(copied.timestamp()))
        case Mapping():
            yield from _texts([*copied.keys(), *copied.values()])
        case list() | tuple() | set() | frozenset():
            for one in copied:
                yield from _texts(one)
        case _ if attrs.has(type(copied)):
            # Of any class of ours.
            yield from _texts(attrs.asdict(cast("Any", copied), recurse=False))
        case _:
            yield str(copied)


# --- What is made of it ---------------------------------------------------------


def raw_forms(atom: str) -> set[bytes]:
    """
    Return the bytes that a text may stand for.
    """
    forms = {atom.encode("utf-8", "surrogatepass")}
    with suppress(ValueError):
        forms.add(bytes.fromhex(atom))
    with suppress(ValueError, binascii.Error):
        padded = atom.translate(str.maketrans("-_", "+/")) + "=" * (-len(atom) % 4)
        forms.add(b64decode(padded, validate=True))
    return forms - {b""}


def _written(raw: bytes) -> Iterator[str]:
    yield raw.hex()
    yield b64encode(raw).decode()
    yield urlsafe_b64encode(raw).decode().rstrip("=")
    # Cut to what a cookie of 128 bits holds.
    yield urlsafe_b64encode(raw[:16]).decode().rstrip("=")


def derived(atom: str) -> Iterator[str]:
    """
    Yield what can be made of one text: encodings, digests, and cuts of them.
    """
    yield atom
    for raw in raw_forms(atom):
        yield from _written(raw)
        for digest in (
            hashlib.sha256(raw).digest(),
            hashlib.sha1(raw).digest(),  # noqa: S324 - a thief tries it
            hmac.digest(b"", raw, "sha256"),
        ):
            yield from _written(digest)


@attrs.frozen
class Thief:
    """
    Makes cookies, links and codes of what was copied.

    Attributes:
        atoms: Every text and number.

        base_url: Of the site, which everybody knows.
    """

    atoms: frozenset[str]
    base_url: str

    @classmethod
    def of(cls, copied: object, base_url: str) -> Thief:
        """
        Return the thief who has this copy.
        """
        return cls(frozenset(atoms_of(copied)), base_url)

    def of_one(self) -> set[str]:
        """
        Return what can be made of each text by itself.
        """
        return {one for atom in self.atoms for one in derived(atom)}

    def of_two(self, atoms: Iterable[str]) -> Iterator[tuple[str, str]]:
        """
        Yield the HMAC of each text under each other, as a session's cookie and as a
        browser's.
        """
        raws = [atom.encode("utf-8", "surrogatepass") for atom in atoms]
        for key, text in product(raws, raws):
            encoded = urlsafe_b64encode(hmac.digest(key, text, "sha256")).decode()
            yield encoded[:43], encoded[:21] + "A"

    def keys(self, purpose: Purpose) -> Iterator[bytes]:
        """
        Yield each text as the key for *purpose*: as it is, and as the site's own key,
        from which that one is derived.
        """
        yield b""
        for raw in {raw for atom in self.atoms for raw in raw_forms(atom)}:
            yield raw
            yield bytes.fromhex(digest_under(raw, "uness-auth", purpose, self.base_url))

    def links(self, account: Account, issued_at: datetime) -> Iterator[str]:
        """
        Yield tokens that say what a live link of the account says, under each key; and
        whatever was copied, which may be one.
        """
        yield from self.atoms
        reset, first = OrderKind.RESET_LINK, OrderKind.FIRST_LINK
        mark, purpose = _MARKS[reset if account.has_password else first]
        facts = [account.id, account.credential_version, int(issued_at.timestamp())]
        payload = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
        for key in self.keys(purpose):
            signer = Signer(
                [key],
                salt=purpose.encode(),
                key_derivation="hmac",
                digest_method=hashlib.sha256,
            )
            yield mark + signer.sign(base64_encode(payload)).decode()

    def devices(self, account: Account, now: datetime) -> Iterator[str]:
        """
        Yield cookies that say that the account was signed in to in this browser.
        """
        day = f"{int(now.timestamp() // 86_400):05}"
        browser = "A" * 22
        for key in self.keys(Purpose.DEVICE):
            used = digest_under(key, "used", browser, day, account.id)
            facts = (browser, day, account.id, str(account.credential_version))
            known = digest_under(key, "known", *facts)
            yield f"{browser}{day}{used[:32]}{known[:32]}"

    def codes(self, challenge: CodeChallenge, digits: int) -> set[str]:
        """
        Return the codes that a challenge may have: with each text as the key that it
        is derived under, as its own key and as its counter; and each number.
        """
        numbers = {int(one) for one in self.atoms if one.isascii() and one.isdigit()}
        guesses = {
            one for one in self.atoms if re.fullmatch(rf"[0-9]{{{digits}}}", one)
        }
        facts = (
            challenge.id,
            challenge.account_id,
            str(challenge.credential_version),
        )
        for key in self.keys(Purpose.CODE):
            own = bytes.fromhex(digest_under(key, *facts))
            guesses |= {hotp(own, 0, digits), hotp(key, 0, digits)}
        for atom, number in product(
            [challenge.id, challenge.key_id, challenge.browser_digest, *facts], numbers
        ):
            if number < 2**63:
                guesses |= {hotp(raw, number, digits) for raw in raw_forms(atom)}
        return guesses


def hotp(secret: bytes, counter: int, digits: int) -> str:
    """
    Return a one-time code (RFC 4226, under SHA-256 as the site's).
    """
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), "sha256")
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"
