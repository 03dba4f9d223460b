"""
Mutations of a form's fields.
"""

from __future__ import annotations

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.chance import ELSEWHERE, Chance, mutation
from tests.adapters.fuzz.draft import CSRF_FIELD, Draft, quoted


@mutation
def value(draft: Draft, chance: Chance) -> None:
    """
    Another value in one of the fields.
    """
    at = chance.field(draft)
    if draft.fields is not None and at is not None:
        draft.fields[at] = (draft.fields[at][0], chance.value())


@mutation
def values(draft: Draft, chance: Chance) -> None:
    """
    One other value in every field but the guard's.
    """
    found = chance.value()
    draft.fields = draft.fields and [
        one if one[0] == CSRF_FIELD else (one[0], found) for one in draft.fields
    ]


@mutation
def missing(draft: Draft, chance: Chance) -> None:
    """
    A field fewer.
    """
    at = chance.field(draft)
    if draft.fields is not None and at is not None:
        del draft.fields[at]


@mutation
def twice(draft: Draft, chance: Chance) -> None:
    """
    A field again, with the same value or another.
    """
    at = chance.field(draft)
    if draft.fields is not None and at is not None:
        name, found = draft.fields[at]
        other = chance.pick([found, chance.value(), b""])
        draft.fields.insert(chance.random.randrange(at + 1), (name, other))


@mutation
def renamed(draft: Draft, chance: Chance) -> None:
    """
    A field under another name, beside its own or instead of it.
    """
    at = chance.field(draft)
    if draft.fields is not None and at is not None:
        name, found = draft.fields[at]
        forms = [
            b"%s[]",
            b"%s[0]",
            b"%s%%5B%%5D",
            b"%s.x",
            b"+%s",
            b"%s%%00",
            b"%s%%0A",
        ]
        other = chance.pick(forms) % name
        if chance.random.random() < 0.5:
            draft.fields[at] = (other, found)
        else:
            draft.fields.append((other, chance.value()))


@mutation
def broken_percent(draft: Draft, chance: Chance) -> None:
    """
    A value that is no text, or no percent encoding.
    """
    broken = b"%ff %ED%A0%80 %C0%AF %C1%81 %F4%90%80%80 % %zz %0 %u0041 \xff \xc3( =&".split()
    at = chance.field(draft)
    if draft.fields is not None and at is not None:
        name, found = draft.fields[at]
        draft.fields[at] = (name, found + chance.pick(broken))


@mutation
def more_fields(draft: Draft, chance: Chance) -> None:
    """
    Fields that nobody asked for, a few or too many.
    """
    names = (
        b"_method id account_id is_admin user role csrf2 __proto__ constructor".split()
    )
    count = chance.random.choice([1, 5, 30, 2_000])
    draft.fields = draft.fields and [
        *draft.fields,
        *(
            (chance.pick(names) + b"%d" % number, chance.pick([b"1", b"", b"%00"]))
            for number in range(count)
        ),
    ]


@mutation
def csrf(draft: Draft, chance: Chance) -> None:
    """
    Another value of the guard's field.
    """
    draft.fields = draft.fields and [
        (name, chance.value() if name == CSRF_FIELD else found)
        for name, found in draft.fields
    ]


@mutation
def somebody_else(draft: Draft, chance: Chance) -> None:
    """
    Another address, spelt in some way, or more than one in one field.
    """
    first, second = scene.CAMILLE, scene.NADIA
    text = chance.random.choice(
        [
            *(second, scene.CLOSED, "personne@univ-exemple.fr", f"  {first.upper()} "),
            *(f"{first}{gap}{second}" for gap in (",", ";", " ", "\r\n", "\x00", "%")),
            *(f"{first} <a@evil.example>", f'"{first} x"@evil.example', f"<{first}>"),
            *(f"{first}\r\nBcc: a@evil.example", first.replace("i", "\u0131")),
            *(
                first.replace("@", "@xn--"),
                first.replace(".fr", "\u3002fr"),
                f"{first}.",
            ),
        ]
    )
    draft.fields = draft.fields and [
        (name, quoted(text) if name in {b"email", b"username"} else found)
        for name, found in draft.fields
    ]


@mutation
def next_field(draft: Draft, chance: Chance) -> None:
    """
    Somewhere else to be led to.
    """
    path = quoted(chance.random.choice(ELSEWHERE))
    draft.fields = draft.fields and [
        *(one for one in draft.fields if one[0] != b"next"),
        (b"next", path),
    ]
