"""
What mutations draw from, and which there are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.draft import Draft, quoted
from tests.adapters.hostile import Attacker
from uness_auth.model import OrderKind


SWAPPED: Final = (
    scene.code(),
    scene.CHALLENGE,
    scene.SESSION,
    scene.BROWSER,
    scene.csrf("t" * 43),
    scene.NADIA,
    scene.CLOSED,
    scene.link(),
    scene.link("2", OrderKind.FIRST_LINK),
    "0",
    "0.0",
    "true",
    "null",
    "undefined",
    "\x00",
    "١٢٣٤٥٦",
    "".join(chr(ord(one) + 0xFEE0) for one in scene.code()),
    "\ufdfa" * 18,
    "\u2028\x0b\x0c\x1c\x85",
)


ELSEWHERE: Final = (
    "//evil.example",
    "/\\evil.example",
    "///evil.example",
    "/..//evil.example",
    "/%2e%2e//evil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "@evil.example",
    "https:evil.example",
    "http://localhost:8000@evil.example",
    "http://localhost:8000/private",
    "javascript:alert(7)",
    "/private\r\nSet-Cookie: uness-session=x",
    "/private?next=//evil.example#//evil.example",
    "/" * 1_025,
    "/é",
)


class Chance:
    """
    What mutations draw from: one random sequence, and the values of `Attacker`.
    """

    def __init__(self, seed: int) -> None:
        self.attacker = Attacker(seed, scene.csrf(""), scene.BROWSER, scene.link())
        self.random: random.Random = self.attacker.chance

    def pick(self, values: Sequence[bytes]) -> bytes:
        """
        Return one of *values*.
        """
        return self.random.choice(values)

    def value(self) -> bytes:
        """
        Return a value that nobody types, urlencoded.
        """
        text = (
            self.attacker.text()
            if self.random.random() < 0.6
            else self.random.choice(SWAPPED)
        )
        return quoted(text)

    def field(self, draft: Draft) -> int | None:
        """
        Return the place of one of the fields, if there are any.
        """
        return self.random.randrange(len(draft.fields)) if draft.fields else None


Mutate: TypeAlias = Callable[[Draft, Chance], None]
# Spelt as they are printed beside a failure.
MUTATIONS: Final[dict[str, Mutate]] = {}
# What servers refuse, or read in ways of their own, is not to crowd out the rest.
RARE: Final[set[str]] = set()
OFTEN: Final = 3


def mutation(mutate: Mutate) -> Mutate:
    """
    Add *mutate* to those there are.
    """
    MUTATIONS[mutate.__name__] = mutate
    return mutate


def rarely(mutate: Mutate) -> Mutate:
    """
    Let *mutate* be drawn less often than others.
    """
    RARE.add(mutate.__name__)
    return mutate
