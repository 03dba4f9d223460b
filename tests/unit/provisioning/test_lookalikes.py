"""
Lookalikes: who may be there already under another spelling.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.provisioning import Likeness, Lookalike, Row, lookalikes
from uness_auth.provisioning.lookalikes import folded_name, spelling


CAMILLE = "camille.durand@univ-exemple.fr"
MANY = [(f"a{number}@univ-lyon1.fr", "") for number in range(20)]


def rows(*people: tuple[str, str]) -> list[Row]:
    """
    Return rows, from line 2 on, of addresses and names.
    """
    return [
        Row(line=line, address=address, display_name=name)
        for line, (address, name) in enumerate(people, start=2)
    ]


def pairs(found: Sequence[Lookalike]) -> list[tuple[int, str, int, str]]:
    """
    Return lookalikes without the row's own address.
    """
    return [(one.line, one.other_address, one.other_line, one.why) for one in found]


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "Zoé Durand-Œuvrard",
            "DURAND OEUVRARD Zoe",
            "durand-oeuvrard, zoé",
            "Zoe\u0301  Durand Œuvrard",
            "\uff3aOÉ DURAND_ŒUVRARD",
        ],
    )
    def test_the_same(self, name: str) -> None:
        """
        Case, accents, hyphens and the order of words make no other name.
        """
        assert "durand oeuvrard zoe" == folded_name(name)

    @pytest.mark.parametrize("name", ["", "Camille", "-- ' --", "Zoé\u0301"])
    def test_too_short(self, name: str) -> None:
        """
        One word is no name that only one person has.
        """
        assert "" == folded_name(name)

    def test_two_addresses(self) -> None:
        """
        A name that an account or a row above has is reported with it.
        """
        found = lookalikes(
            rows(
                ("zoe@a.example", "Zoé Petit"),
                ("new@a.example", "Durand Camille"),
                ("z.petit@b.example", "PETIT Zoe"),
                ("else@a.example", "Léa Petit"),
            ),
            [(CAMILLE, "Camille Durand")],
        )

        assert [
            Lookalike(
                line=3,
                address="new@a.example",
                other_address=CAMILLE,
                why=Likeness.NAME,
            ),
            Lookalike(
                line=4,
                address="z.petit@b.example",
                other_address="zoe@a.example",
                other_line=2,
                why=Likeness.NAME,
            ),
        ] == found

    def test_many_of_a_name(self) -> None:
        """
        Of a hundred with one name each is reported once.
        """
        people = [(f"x{'y' * n}@a.example", "Marie Martin") for n in range(100)]

        assert 99 == len(lookalikes(rows(*people), []))

    def test_a_name_is_no_address(self) -> None:
        """
        What one row is called and another's address is are different things.
        """
        assert [] == lookalikes(rows(("a@b.example", ""), ("c@b.example", "a b")), [])


class TestSpellings:
    @pytest.mark.parametrize(
        "other",
        [
            "camilledurand@univ-exemple.fr",
            "camille_durand@univ-exemple.fr",
            "camille-durand@univ-exemple.fr",
            "camille.durand+2026@univ-exemple.fr",
            "cami11e.durand@univ-exemple.fr",
            "carnille.durand@univ-exemple.fr",
            "camille.durand@univ-exemp1e.fr",
            "camille.durand@univ-exernple.fr",
            # Under these, un\u0456v with a Cyrillic letter, and \u00fbniv.
            "camille.durand@xn--unv-exemple-0vj.fr",
            "camille.durand@xn--niv-exemple-ghb.fr",
        ],
    )
    def test_alike(self, other: str) -> None:
        """
        What a reader takes for the same address is reported, in the file and without.
        """
        expected = [(2, CAMILLE, 0, "spelling")]

        assert expected == pairs(lookalikes(rows((other, "")), [(CAMILLE, "")]))
        assert [(3, CAMILLE, 2, "spelling")] == pairs(
            lookalikes(rows((CAMILLE, ""), (other, "")), [])
        )

    @pytest.mark.parametrize(
        "other",
        [
            "camille.durant@univ-exemple.fr",
            "camille.durand@univ-autre.fr",
            "camille.durand@univexemple.fr",
            "camille@univ-exemple.fr",
        ],
    )
    def test_different(self, other: str) -> None:
        """
        Another letter is another address.
        """
        assert [] == lookalikes(rows((other, "")), [(CAMILLE, "")])

    def test_nothing_but_separators(self) -> None:
        """
        An address of which nothing would remain is compared as it stands.
        """
        assert spelling("+a@x.example") != spelling("+b@x.example")
        assert spelling("__@x.example") != spelling("-@x.example")

    def test_both_at_once(self) -> None:
        """
        Whoever is alike in two ways is reported once.
        """
        found = lookalikes(
            rows(("camilledurand@univ-exemple.fr", "Camille Durand")),
            [(CAMILLE, "Camille Durand")],
        )

        assert [(2, CAMILLE, 0, "spelling")] == pairs(found)

    def test_no_punycode(self) -> None:
        """
        A label that only looks like an international one is compared as it stands.
        """
        assert "a@xn--\u00e9x.fr".replace("\u00e9", "e") == spelling("a@xn--\u00e9x.fr")


class TestDomains:
    @pytest.mark.parametrize(
        "domain",
        [
            "univ-lyon1.f",
            "univ-lyo1.fr",
            "univ-lyonn1.fr",
            "univ-lion1.fr",
            "univ-lyno1.fr",
            "nuiv-lyon1.fr",
            "univ-lyon1.frr",
        ],
    )
    def test_one_slip(self, domain: str) -> None:
        """
        A letter too many, missing, another or swapped: the frequent domain is told.
        """
        found = lookalikes(rows((f"new@{domain}", "")), MANY)

        assert [(2, "new@univ-lyon1.fr", 0, "domain")] == pairs(found)

    def test_in_the_file(self) -> None:
        """
        What is frequent, the file says too, and whom it may be is named with its line.
        """
        found = lookalikes(
            rows(*MANY, ("a7@univ-lyon.fr", "")), [("x@univ-lyon.fr", "")]
        )

        assert [(22, "a7@univ-lyon1.fr", 9, "domain")] == pairs(found)

    @pytest.mark.parametrize(
        "domain",
        ["univ-lyon1.fr", "univ-lyn1o.fr", "univ-lyo.fr", "univ-paris1.fr", "lyon1.fr"],
    )
    def test_no_slip(self, domain: str) -> None:
        """
        The domain itself, and what is further away, are nothing to tell.
        """
        assert [] == lookalikes(rows((f"new@{domain}", "")), MANY)

    def test_one_of_two_universities(self) -> None:
        """
        A domain that many have beside another is none of its slips.
        """
        others = [(f"b{number}@univ-lyon2.fr", "") for number in range(3)]

        assert [] == lookalikes(rows(("new@univ-lyon2.fr", "")), [*MANY, *others])
        assert [] == lookalikes(rows(("new@univ-lyon2.fr", "")), MANY[:9])

    def test_the_more_frequent(self) -> None:
        """
        Between two frequent ones the more frequent is told.
        """
        others = [(f"b{number}@univ-lyon2.fr", "") for number in range(30)]
        found = lookalikes(rows(("new@univ-lyon.fr", "")), [*MANY, *others])

        assert [(2, "new@univ-lyon2.fr", 0, "domain")] == pairs(found)


class TestLookalikes:
    def test_whoever_has_an_account(self) -> None:
        """
        A row whose address is an account's is nobody new, wherever it stands; a new row
        that is like it is reported with it.
        """
        same = "Camille Durand"
        file = rows(("camille@new.example", same), (CAMILLE, same))
        accounts = [(CAMILLE, ""), ("c.durand@a.example", same)]

        assert [(2, "c.durand@a.example", 0, "name")] == pairs(
            lookalikes(file, iter(accounts))
        )
        assert [(2, CAMILLE, 3, "name")] == pairs(lookalikes(file, [(CAMILLE, same)]))

    def test_nobody(self) -> None:
        """
        Of nothing comes nothing.
        """
        assert [] == lookalikes([], MANY)
        assert [] == lookalikes(rows((CAMILLE, "")), [])

    @given(
        st.lists(st.tuples(st.text(), st.text())),
        st.lists(st.tuples(st.text(), st.text())),
    )
    def test_any_text(
        self, people: list[tuple[str, str]], known: list[tuple[str, str]]
    ) -> None:
        """
        Whatever addresses and names are, no row is like itself, and each that is told
        is there.
        """
        file = rows(*people)
        found = lookalikes(file, known)
        there = {address for address, _ in [*people, *known]}

        assert [] == [one for one in found if one.address == one.other_address]
        assert {one.other_address for one in found} <= there
