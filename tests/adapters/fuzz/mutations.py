"""
Requests that are right but for something: plain data, made by chance from a seed.

Each starts from what a browser of Camille's would send to one of the routes, whichever
there are, with the fields that docs/reference/statuses.md lists; a few mutations follow.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.adapters.fuzz import (  # noqa: F401 - they add the mutations
    of_bodies,
    of_fields,
    of_headers,
    of_targets,
    scene,
)
from tests.adapters.fuzz.chance import MUTATIONS, OFTEN, RARE, Chance
from tests.adapters.fuzz.draft import (
    CSRF,
    CSRF_FIELD,
    PATH,
    Draft,
    Mutated,
    finished,
    quoted,
)
from tests.docs.test_statuses import plain, tables
from uness_auth.web.routes import ROUTES, Route


# Mutations at once.
HOW_MANY: Final = (0, *[1] * 14, *[2] * 4, 3)
# Pages beside ours, and what is nearly ours.
BESIDE: Final = (
    b"/private",
    b"/",
    b"/auth",
    b"/.well-known/change-password",
    b"/auth/static/uness.css",
    b"/auth/static/nothing.css",
    b"/auth/nothing",
)
RIGHT: Final[Mapping[str, str]] = {
    "email": scene.CAMILLE,
    "username": scene.CAMILLE,
    "password": scene.PASSWORD,
    "current": scene.PASSWORD,
    "confirmation": scene.PASSWORD,
    "challenge": scene.CHALLENGE,
    "code": scene.code(),
    "remember": "on",
    "any": "1",
    "next": "/private",
}
# Without them a form may mean something else.
OPTIONAL: Final = {"challenge", "remember", "any", "next"}


def requests(seed: int, count: int) -> Iterator[Mutated]:
    """
    Yield *count* requests, the same for one *seed*.
    """
    chance = Chance(seed)
    names = [
        one for one in sorted(MUTATIONS) for _ in range(1 if one in RARE else OFTEN)
    ]
    listed = fields_in_the_docs()
    for number in range(count):
        draft = drafted(chance.random, listed)
        what = chance.random.sample(names, chance.random.choice(HOW_MANY))
        for name in what:
            MUTATIONS[name](draft, chance)
        yield finished(number, draft, what)


def fields_in_the_docs() -> Mapping[str, Sequence[str]]:
    """
    Return the fields of each route, as docs/reference/statuses.md lists them.
    """
    return {
        plain(row[0]): plain(row[3]).split(", ") if plain(row[3]) else []
        for row in tables()["Routes"]
    }


def drafted(chance: random.Random, listed: Mapping[str, Sequence[str]]) -> Draft:
    """
    Return a request that is right, to one of the routes or beside them.

    Args:
        listed: The fields of each route.
    """
    session = scene.SESSION if chance.random() < 0.3 else ""
    if chance.random() < 0.1:
        draft = Draft(method=b"GET", path=chance.choice(BESIDE), session=session)
    else:
        route = chance.choice(ROUTES)
        method = "POST" if chance.random() < 0.75 else "GET"
        if method not in route.methods:
            method = route.methods[0]
        draft = Draft(
            method=method.encode(),
            path=PATH + route.path.replace("{token}", scene.link()).encode(),
            session=session,
            fields=fields(chance, route, listed[route.name])
            if method == "POST"
            else None,
        )
    draft.headers = [
        (b"User-Agent", b"Mozilla/5.0"),
        (b"Accept-Language", b"fr"),
        (b"X-Forwarded-For", b"192.0.2.7"),
    ]
    if draft.method == b"POST" and chance.random() < 0.5:
        draft.headers.append((b"Origin", scene.BASE_URL.encode()))
    held = f"uness-browser={scene.BROWSER}"
    held += f"; uness-session={session}" if session else ""
    draft.cookies = [held.encode()]
    return draft


def fields(
    chance: random.Random, route: Route, names: Sequence[str]
) -> list[tuple[bytes, bytes]]:
    """
    Return the fields of a route's form, with values that are right.
    """
    found = [] if route.is_csrf_exempt else [(CSRF_FIELD, CSRF)]
    for name in [*names, *(() if route.is_csrf_exempt else ("next",))]:
        if name in OPTIONAL and name != "challenge" and chance.random() < 0.5:
            continue
        if name == "challenge" and "code" not in names and chance.random() < 0.5:
            continue
        found.append((quoted(name), quoted(right(name))))
    return found


def right(name: str) -> str:
    """
    Return what a browser of Camille's would send for a field, of whatever route.
    """
    return RIGHT.get(name, scene.PASSWORD if "password" in name else "1")
