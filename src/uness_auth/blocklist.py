"""
Passwords that are tried first: common ones, words with trimmings, one's own name.

Composition rules make people write ``Soleil2026!``, and whoever guesses knows it.  So
a password is judged by what is left of it once everything predictable is taken out:

1. *Plain*: case and accents go.  ``Médecine`` is ``medecine``.
2. *Leet*: ``@`` and ``4`` are read as a, ``0`` as o, ``$`` and ``5`` as s, and so on.
   ``1 ! |`` stand for i as well as for l, so i, l and these are one letter here, in
   the lists too: nothing has to be tried both ways.
3. *Separators* inside a word are skipped: ``Bon-jour``.
4. *Expected words* are cut out wherever they stand: the person's own, those of
   `EXPECTED_WORDS`, dates, and four or more letters in the order of the alphabet or
   of a keyboard.  If fewer than `LEAST_LEFT` characters are left beside them, outer
   digits and specials not counted, the password is too common: ``xUness2026!``.
5. *One word of the list*, with any digits and specials around it, written once or
   several times, with up to two letters more: too common.  Two words of the list are
   not: a passphrase is what we would like people to choose.
6. *Runs* such as ``aaa``, ``1234``, ``azerty``, ``@wsx`` count as one character each;
   fewer than `LEAST_LEFT` in all is too common: ``Abcd1234!``, ``1qaz@WSX``.

The list holds words after steps 1 to 3, made once by ``tools/make_blocklist.py``; its
sources and their licences stand in ``blocklist.LICENSE.txt``.
"""

from __future__ import annotations

import gzip
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final


# ASVS 5.0, 6.1.2, asks for context words and leaves the measure to us: fewer than five
# characters beside one can be tried out.
LEAST_LEFT: Final = 5

# No policy allows a longer password, and a longer own word is no word.
LONGEST: Final = 1024

# Shorter words turn up in random text: they count only where they are all there is.
SHORTEST_INSIDE: Final = 4
SHORTEST_WORD: Final = 3

# Words this long are recognised with other things strewn in, and with letters too many.
# Shorter ones are not: nearly everything is a short word and two letters more.
SHORTEST_STREWN: Final = 6
SHORTEST_EXTENDED: Final = 6
LETTERS_TOO_MANY: Final = 2

# How many of the digits and specials around a word may belong to it, as in « $oleil ».
OUTER_LEET: Final = 4

SHORTEST_RUN: Final = 3

LEET: Final = str.maketrans("@4830269!1|i$57+(", "aabeozggllllssttc")
LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})

# Stands where something was cut out, so that what is left does not grow together.
GAP: Final = "\0"

# A year, with a day and a month before it or not.
DATE: Final = re.compile(
    r"(?:[0-3][0-9][\W_]?){0,2}(?:19[5-9][0-9]|20[0-2][0-9]|203[0-5])"
)

# What lies side by side, read from left to right; from right to left is added below.
# Columns begin with their digit, or with what Shift makes of it.
_ROWS: Final = """
abcdefghijklmnopqrstuvwxyz 01234567890 !@#$%^&*()_+ &é"'(-è_çà)
azertyuiop qsdfghjklm wxcvbn qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm
1qaz 2wsx 3edc 4rfv 5tgb 6yhn 7ujm !qaz @wsx #edc $rfv %tgb ^yhn &ujm
1aqw 2zsx 2edc 1aqa &aqw azsx qsde 7410 8520 9630 741 852 963
"""
ROWS: Final = f"{_ROWS}{_ROWS[::-1]}"

# Short, and cut out of the middle: what one expects of people at this place, writing
# French.  Everything else belongs in the list.
EXPECTED_WORDS: Final = """
uness sides theia cockpit moodle portail compte connexion formation plateforme
externat internat externe interne internes residanat medecine medecin docteur pharmacie
pharma maieutique odontologie dentaire infirmier infirmiere kinesitherapie sante sport
staps clinique hopital urgence urgences reanimation anatomie biologie cardiologie
pediatrie chirurgie chirurgien psychiatrie patient carabin paces etudiant etudiante
professeur enseignant scolarite universite faculte campus promo concours examen licence
master doctorat
password passwd motdepasse motdepass passe secret admin administrateur login azerty
qwerty bonjour bonsoir salut merci bienvenue soleil jetaime amour
janvier fevrier avril juillet septembre octobre novembre decembre
lundi mardi mercredi jeudi vendredi samedi dimanche printemps automne hiver
january february march april august september october november december
monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter
"""


def is_too_common(text: str, /, *, about: Sequence[str] = ()) -> bool:
    """
    Say whether *text* is a password that somebody would try.

    Args:
        text: The password as typed.  Above 1,024 characters it is not judged.

        about: The person's own words, as they stand: names, e-mail addresses.

    Returns:
        Whether it is.  Never raises on bad input.

    Source:
        NIST SP 800-63B-4, 3.1.1.2; ASVS 5.0, 6.1.2, 6.2.4 and 6.2.11.
    """
    if len(text) > LONGEST:
        return False
    plain = _once(_plain(text))
    own = _own_words(about)
    undated = DATE.sub(GAP, plain)
    rest = _cut(undated, own)
    if _is_one_word(undated, own) or _is_one_word(rest, own):
        return True
    # Trimmings are worth nothing beside an expected word, and something by themselves.
    left = plain if rest == plain else _inner(rest)
    return sum(map(_weight, left.split(GAP))) < LEAST_LEFT


def folded(text: str, /) -> str:
    """
    Return the letters of *text* as the list has them: plain, read as leet.

    Digits and specials at the ends are trimmings and go first.
    """
    return _letters(_inner(_plain(text)).translate(LEET))


@cache
def words() -> frozenset[str]:
    """
    Return the list.  Read when first asked for: most processes set no password.
    """
    packed = resources.files("uness_auth").joinpath("blocklist.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode("ascii").split())


@cache
def _expected_words() -> frozenset[str]:
    return frozenset(map(folded, EXPECTED_WORDS.split()))


def _plain(text: str) -> str:
    """
    Return *text* without case and accents.
    """
    # Decomposed twice: capitals hide in mathematical letters, marks in capitals.
    spelt = unicodedata.normalize("NFKD", text).casefold()
    spelt = unicodedata.normalize("NFKD", spelt).translate(LIGATURES)
    return "".join(mark for mark in spelt if not unicodedata.combining(mark))


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _stays(mark: str) -> bool:
    return mark == GAP or mark.isalpha()


def _inner(text: str) -> str:
    """
    Return *text* without the digits and specials at its ends.
    """
    start, end = _inner_span(text)
    return text[start:end]


def _inner_span(text: str) -> tuple[int, int]:
    places = [place for place, mark in enumerate(text) if _stays(mark)]
    return (places[0], places[-1] + 1) if places else (0, 0)


def _once(text: str) -> str:
    """
    Return what *text* repeats from end to end, or *text*.
    """
    # Where a text is found again in its own double tells its period.
    return text[: (text + text).find(text, 1)]


def _own_words(about: Iterable[str]) -> frozenset[str]:
    """
    Return the words of names and addresses, alone and written together.
    """
    found: set[str] = set()
    for one in about:
        # The two sides of an address apart: nobody writes them as one word.
        for side in _plain(one[:LONGEST]).split("@"):
            alone = [folded(part) for part in re.findall(r"[^\W\d_]+", side)]
            found.update(alone, map(folded, re.findall(r"\w+", side)))
            found.update(("".join(alone), "".join(reversed(alone))))
    return frozenset(word for word in found if len(word) >= SHORTEST_WORD)


def _cut(text: str, own: frozenset[str]) -> str:
    """
    Return *text* with a gap for every expected word and every longer run of letters.
    """
    inside = [word for word in own | _expected_words() if len(word) >= SHORTEST_INSIDE]
    longest_first = sorted(inside, key=lambda word: (-len(word), word))
    while True:
        leet = text.translate(LEET)
        places = [place for place, mark in enumerate(leet) if _stays(mark)]
        shown = "".join(leet[place] for place in places)
        word = next((word for word in longest_first if word in shown), None)
        if word is None:
            break
        first = shown.index(word)
        last = first + len(word) - 1
        text = f"{text[: places[first]]}{GAP}{text[places[last] + 1 :]}"

    return "".join(
        GAP if run.isalpha() and len(run) >= SHORTEST_INSIDE else run
        for run in _runs(text)
    )


def _weight(text: str) -> int:
    """
    Return how many characters of *text* one would have to guess.

    Read as it stands, and read apart: ``a1b2c3d4`` is ``abcd`` and ``1234``.
    """
    kinds = (str.isalpha, str.isdigit, _is_special)
    apart = ("".join(filter(kind, text)) for kind in kinds)
    return min(_count(text), sum(map(_count, apart)))


def _is_special(mark: str) -> bool:
    return not mark.isalnum()


def _count(text: str) -> int:
    return sum(1 for _ in _runs(text))


def _runs(text: str) -> Iterator[str]:
    """
    Split *text* into runs of three and more, and single characters between them.
    """
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and _is_run(text[start : end + 1]):
            end += 1
        if end - start < SHORTEST_RUN:
            end = start + 1
        yield text[start:end]
        start = end


def _is_run(text: str) -> bool:
    return text in ROWS or text == text[0] * len(text)


def _is_one_word(text: str, own: frozenset[str]) -> bool:
    """
    Say whether *text* is one word of the list, or of the person's, with trimmings.
    """
    pieces = [piece for piece in text.split(GAP) if _inner(piece)]
    return len(pieces) == 1 and any(
        word in words() or word in own for word in _readings(pieces[0])
    )


def _readings(text: str) -> set[str]:
    """
    Return the words that *text* may be meant as.
    """
    start, end = _inner_span(text)
    starts = range(max(0, start - OUTER_LEET), start + 1)
    ends = range(end, min(len(text), end + OUTER_LEET) + 1)
    leet = [
        text[first:last].translate(LEET)
        for first, last in itertools.product(starts, ends)
    ]
    whole = [one for one in leet if one.isalpha() and len(one) >= SHORTEST_WORD]
    # With digits and specials strewn in, standing for nothing.
    strewn = [*map(_letters, leet), _letters(text).translate(LEET)]
    found = {*whole, *(one for one in strewn if len(one) >= SHORTEST_STREWN)}
    repeated = [once for one in found if len(once := _once(one)) >= SHORTEST_WORD]
    return found.union(repeated, *map(_shortened, whole))


def _shortened(word: str) -> Iterator[str]:
    """
    Yield *word* with one or two letters less at its ends, if enough is left.
    """
    for head in range(LETTERS_TOO_MANY + 1):
        for tail in range(LETTERS_TOO_MANY - head + 1):
            shorter = word[head : len(word) - tail]
            if len(shorter) >= SHORTEST_EXTENDED:
                yield shorter
