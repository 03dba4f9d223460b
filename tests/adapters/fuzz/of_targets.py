"""
Mutations of a request's first line.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import quote

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.chance import ELSEWHERE, Chance, mutation, rarely
from tests.adapters.fuzz.draft import METHODS, PATH, Draft, quoted
from uness_auth.model import OrderKind


WRONG_METHODS: Final = b"HEAD PUT PATCH DELETE OPTIONS TRACE CONNECT FOO post".split()
LINKS: Final = (
    scene.link("1", OrderKind.FIRST_LINK),
    scene.link("2", OrderKind.FIRST_LINK),
    scene.link("2"),
    scene.link("3"),
    scene.link("4711"),
    scene.link(version=scene.VERSION - 1),
    scene.link(version=scene.VERSION + 1),
    scene.link(age=timedelta(days=2)),
    scene.link(age=timedelta(days=-2)),
    scene.link(base_url="http://localhost:9000"),
    "f" + scene.link()[1:],
    scene.SESSION,
    scene.csrf(""),
    scene.code(),
    f"{scene.link()}/confirm",
    f"confirm/{scene.link()}",
)


@mutation
def token(draft: Draft, chance: Chance) -> None:
    """
    Another link.
    """
    found = (
        chance.attacker.token()
        if chance.random.random() < 0.5
        else chance.random.choice(LINKS)
    )
    safe = chance.random.choice(["", "/", "/.:@!$&'()*+,;="])
    encoded = quote(found.encode("utf-8", "surrogatepass"), safe=safe)
    draft.path = PATH + b"link/" + encoded.encode()


@mutation
def encoded_path(draft: Draft, chance: Chance) -> None:
    """
    A letter of the path as its code, once, twice or wrongly.
    """
    draft.path = draft.path or PATH
    at = chance.random.randrange(len(draft.path))
    one = draft.path[at]
    forms = [b"%%%02x" % one, b"%%%02X" % one, b"%%25%02x" % one, b"%%u00%02x" % one]
    draft.path = draft.path[:at] + chance.pick(forms) + draft.path[at + 1 :]


@mutation
def inserted_in_path(draft: Draft, chance: Chance) -> None:
    """
    Something in the path that does not belong there.
    """
    what = b"%00 %0a %0d%0a %2f %5c %2e%2e%2f ../ ./ // ; ;x=1 %ff %C0%AF %ED%A0%80 %e9"
    what += b" %F0%9F%98%80 %EF%BF%BD %E2%80%AE ~ * @ : %25 %zz % %3f %23 +"
    at = chance.random.choice([1, len(PATH), len(draft.path)])
    draft.path = draft.path[:at] + chance.pick(what.split()) + draft.path[at:]


@mutation
@rarely
def target(draft: Draft, chance: Chance) -> None:
    """
    No path, but another form of the target, or one that no server takes.
    """
    forms = [
        *(b"http://evil.example" + draft.path, b"http://localhost:8000" + draft.path),
        *(b"//evil.example" + draft.path, b"*", b"evil.example:443", b"", b"auth/"),
        *(draft.path + b"\xff", draft.path + b"\xc3\xa9", draft.path + b"\x00"),
        *(draft.path + b" x", draft.path + b"\t"),
        *(
            b"/" + draft.path,
            draft.path + b"/" + b"a" * 5_000,
            b"/auth/" + b"../" * 2_000,
        ),
        *(b"/auth/" + b"a" * 70_000, b"/auth/../private", b"/./auth/", b"/AUTH/"),
    ]
    draft.path = chance.pick(forms)
    draft.is_at_server = True


@mutation
def query(draft: Draft, chance: Chance) -> None:
    """
    A query of any kind.
    """
    path = quoted(chance.random.choice(ELSEWHERE))
    draft.query = chance.pick(
        [
            b"next=" + path,
            b"next=" + path + b"&next=/private",
            b"next[]=" + path,
            b"next=" + chance.value()[:3_000],
            chance.value()[:3_000],
            b"&".join([b"a=1"] * 1_000),
            b"%ff=%ff&next=%ED%A0%80",
            b"next=%",
            b"=&;=;",
            b"?" * 50,
            b"email=" + quoted(scene.NADIA),
        ]
    )


@mutation
@rarely
def method(draft: Draft, chance: Chance) -> None:
    """
    Another method.
    """
    draft.method = chance.pick(WRONG_METHODS)
    draft.told.add(METHODS)


@mutation
@rarely
def odd_method(draft: Draft, chance: Chance) -> None:
    """
    A method that is no word.
    """
    odd = [b"", b"G\xcbT", b"GET\x00", b"A" * 5_000, b"GET/", b"\r\nGET", b"PO ST"]
    draft.method = chance.pick(odd)
    draft.told.add(METHODS)
    draft.is_at_server = True


@mutation
@rarely
def version(draft: Draft, chance: Chance) -> None:
    """
    Another version of HTTP.
    """
    versions = b"HTTP/1.0 HTTP/2.0 HTTP/0.9 HTTP/9.9 http/1.1 HTTP/1 HTTP/1.1x ICAP/1.0"
    draft.version = chance.pick(versions.split())
    if draft.version != b"HTTP/1.0":
        # Of HTTP/0.9 nobody knows where it ends.
        draft.is_at_server = draft.is_short = True
