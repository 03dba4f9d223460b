"""
Mutations of the encoded body, of its type and of its length.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.chance import Chance, mutation, rarely
from tests.adapters.fuzz.draft import TWICE, UNMEASURED, Draft
from tests.adapters.hostile import FORM
from uness_auth.web.forms import LONGEST_BODY


@mutation
def separators(draft: Draft, chance: Chance) -> None:
    """
    Fields parted otherwise.
    """
    before, after = chance.random.choice(
        [(b"&", b";"), (b"&", b"&&"), (b"&", b"&amp;"), (b"&", b"\r\n"), (b"=", b"==")]
    )
    draft.spoil.append(lambda body: body.replace(before, after))


@mutation
def truncated(draft: Draft, chance: Chance) -> None:
    """
    A body without its end; its length is right.
    """
    count = chance.random.randrange(1, 40)

    def spoil(body: bytes) -> bytes:
        # The guard's field, which comes first, has no place where all would cut it.
        return body[: max(len(body) - count, len(body.partition(b"&")[0]))]

    draft.spoil.append(spoil)


@mutation
def around_the_limit(draft: Draft, chance: Chance) -> None:
    """
    A body as long as we take, or by one byte shorter or longer.
    """
    length = LONGEST_BODY + chance.random.choice([-1, 0, 1])
    draft.spoil.append(lambda body: (body + b"&pad=").ljust(length, b"x"))


@mutation
@rarely
def huge(draft: Draft, chance: Chance) -> None:
    """
    A megabyte, of which nothing need be read.
    """
    filling = chance.pick([b"x", b"&", b"%", b"\x00", "\ufdfa".encode(), b"=1&a"])
    draft.spoil.append(
        lambda body: body + b"&pad=" + filling * (1_000_000 // len(filling))
    )
    draft.is_at_server = True


@mutation
def as_json(draft: Draft, chance: Chance) -> None:
    """
    The fields as JSON, with lists, or deeper than anybody nests.
    """
    name, other = b"username", b"email"
    known = {name.decode(): [scene.CAMILLE, scene.NADIA], other.decode(): None}
    text = chance.random.choice(
        [
            json.dumps(known),
            '{"email": "a", "email": "b"}',
            '{"email":' * 2_000,
            "[" * 10_000,
            "null",
            "",
            '{"password": {"$ne": 1}}',
            '"\\ud800"',
        ]
    )
    draft.types = [chance.pick([b"application/json", FORM.encode()])]
    draft.spoil.append(lambda _body: text.encode())


@mutation
@rarely
def as_multipart(draft: Draft, chance: Chance) -> None:
    """
    The fields in parts, in very many parts, or in none.
    """
    head = b'Content-Disposition: form-data; name="%s"'
    kind = chance.random.randrange(5)
    many = chance.random.choice([1_000, 20_000])

    def spoil(body: bytes) -> bytes:
        pairs = [one.partition(b"=") for one in body.split(b"&")]
        parts = [head % one[0] + b"\r\n\r\n" + one[2] for one in pairs]
        match kind:
            case 0:
                parts = [head % b"a" + b"\r\n\r\n"] * many
            case 1:
                parts = [head % b"a" + b'; filename="\x00"\r\n\r\n' + b"x" * 500_000]
            case 2:
                parts = [b"\r\n" * many]
            case _:
                pass
        return b"--x\r\n" + b"\r\n--x\r\n".join(parts) + (b"\r\n--x--" if kind else b"")

    draft.types = [
        chance.pick(
            [
                b"multipart/form-data; boundary=x",
                b"multipart/form-data",
                b'multipart/form-data; boundary="' + b"x" * 2_000,
                b"multipart/mixed; boundary=x",
            ]
        )
    ]
    draft.spoil.append(spoil)
    # Large ones are refused unread, and what was not read may reset the connection.
    draft.is_at_server |= kind in {0, 1, 2}


@mutation
def content_type(draft: Draft, chance: Chance) -> None:
    """
    A form that says to be something else, or in another alphabet.
    """
    form = FORM.encode()
    types = [
        *(
            form.upper(),
            form + b";",
            form + b" ; charset=utf-7",
            form + b"; charset=\xff",
        ),
        *(form + b"; charset=utf-16", form + b"; charset=idna", form + b";;;" * 500),
        *(
            form + b"," + form,
            b"text/plain",
            b"text/html",
            b"",
            b"\xe9",
            b"*/*",
            b"a/b/c",
        ),
    ]
    draft.types = [chance.pick(types)]


@mutation
@rarely
def content_types(draft: Draft, chance: Chance) -> None:
    """
    More than one type, or none.
    """
    draft.types = chance.random.choice(
        [[], [FORM.encode()] * 2, [b"a/b", FORM.encode()]]
    )
    draft.told.add(TWICE)


@mutation
def recoded(draft: Draft, chance: Chance) -> None:
    """
    A body in another encoding.
    """
    recode: Callable[[bytes], bytes] = chance.random.choice(
        [
            lambda body: body.decode("latin-1").encode("utf-16"),
            lambda body: b"\xef\xbb\xbf" + body,
            lambda body: body.decode("latin-1").encode("utf-7"),
            gzip.compress,
        ]
    )
    if recode is gzip.compress:
        draft.headers.append((b"Content-Encoding", b"gzip"))
    draft.spoil.append(recode)


@mutation
def other_bytes(draft: Draft, chance: Chance) -> None:
    """
    Some bytes of the body are others.
    """
    places = [(chance.random.random(), chance.random.randbytes(1)) for _ in range(3)]

    def spoil(body: bytes) -> bytes:
        # Counted from the end, and only behind the guard's field, which comes first.
        spoilt = bytearray(body)
        rest = body.partition(b"&")[2][-60:]
        for where, byte in places:
            if rest:
                spoilt[-1 - int(where * len(rest))] = byte[0]
        return bytes(spoilt)

    draft.spoil.append(spoil)


@mutation
def no_body(draft: Draft, _chance: Chance) -> None:
    """
    A form without fields.
    """
    draft.fields = draft.fields and []


@mutation
def body_of_a_question(draft: Draft, chance: Chance) -> None:
    """
    A form, with a method that has none.
    """
    draft.method = chance.pick([b"GET", b"HEAD"])


@mutation
@rarely
def wrong_length(draft: Draft, chance: Chance) -> None:
    """
    A Content-Length that is no number, or more than one.
    """
    lies = [[b"-1"], [b"lies"], [b"1e3"], [b"+5"], [b""], [b"0x10"], [b"1_0"], []]
    lies += [[b"9" * 400], [b"\xb2"], [b"5", b"6"], [b"5, 5"], [b" 7 "], [b"0"]]
    found = chance.random.choice(lies)
    draft.lengths = lambda _body: found
    draft.is_at_server = True
    draft.is_short = True


@mutation
@rarely
def too_long_a_length(draft: Draft, chance: Chance) -> None:
    """
    A Content-Length of more than comes.
    """
    more = chance.random.choice([1, 100, 15_000, 10**7])
    draft.lengths = lambda body: [b"%d" % (len(body) + more)]
    draft.is_at_server = True
    draft.is_short = True


@mutation
@rarely
def too_short_a_length(draft: Draft, chance: Chance) -> None:
    """
    A Content-Length of less than comes.
    """
    fewer = chance.random.randrange(1, 30)
    draft.lengths = lambda body: [b"%d" % max(0, len(body) - fewer)]
    # What is left over may reset the connection.
    draft.is_at_server = True


@mutation
@rarely
def chunked(draft: Draft, chance: Chance) -> None:
    """
    A body in chunks, whole ones or broken ones, with a length beside them or without.
    """
    kind = chance.random.randrange(5)
    has_length = chance.random.random() < 0.3

    def chunk(body: bytes) -> bytes:
        whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        return [
            whole,
            b"".join(b"1\r\n%c\r\n" % one for one in body[:300]) + b"0\r\n\r\n",
            whole[:-5],
            b"zz\r\n" + body,
            b"-1\r\n" + body + b"\r\n0\r\n\r\n",
        ][kind]

    draft.headers.append(
        (b"Transfer-Encoding", chance.pick([b"chunked", b"Chunked", b"gzip, chunked"]))
    )
    draft.chunk = chunk
    if not has_length:
        draft.lengths = lambda _body: []
    draft.told.add(UNMEASURED)
    draft.is_at_server = True
    draft.is_short = True
