from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uness_auth.addresses import (
    LONGEST_ADDRESS,
    RESERVED_NAMES,
    AddressFault,
    canonical,
    near_domain,
)


# Runs in an interpreter of its own: what others imported here would hide it.
ASK_IN_A_FRESH_INTERPRETER = """
import sys
seen = []
sys.addaudithook(lambda name, _: seen.append(name))
from uness_auth.addresses import canonical
print("email_validator" in sys.modules)
seen.clear()
print(canonical("a@exemple.fr"))
print("dns" in sys.modules, any(name.startswith("socket.") for name in seen))
"""

# Near misses: what hostile or mistaken typing is made of.
TYPED_TEXTS = st.lists(
    st.sampled_from(
        [
            *"aAzZ019.-_+@@@ ,;<>\"'()[]\\\t\r\n\0éÉßאﬁ\u0131\u017f\u0661",
            "xn--",
            "xn--exmple-qta",
            "\u212a",
            "\u3002",
            "\uff0e",
            "\ud800",
            "\u200d",
            "\u0301",
            ".fr",
            ".local",
            "test",
        ]
    ),
    max_size=12,
).map("".join)
DOMAINS = st.text(min_size=1, max_size=12).map("a@{}.fr".format)
# Few letters, so that slips meet, and domains that are near one another.
KNOWN = st.lists(st.text("ab.-", min_size=1, max_size=5), max_size=4).map(tuple)
NEAR = st.text("ab.-c", max_size=6)
PUNYCODE = st.from_regex(r"a@xn--[a-z0-9-]{1,12}\.fr", fullmatch=True)


class TestCanonical:
    @pytest.mark.parametrize(
        ("typed", "expected"),
        [
            ("camille@univ-exemple.fr", "camille@univ-exemple.fr"),
            ("Camille.DURAND@Univ-Exemple.FR", "camille.durand@univ-exemple.fr"),
            (" \t\r\ncamille@exemple.fr\r\n\t ", "camille@exemple.fr"),
            ("o'neil+uness@exemple.ie", "o'neil+uness@exemple.ie"),
            ("c.a.m@gmail.com", "c.a.m@gmail.com"),
            ("INFO@exemple.fr", "info@exemple.fr"),
            ("a@été.fr", "a@xn--t-9fab.fr"),
            ("a@XN--T-9FAB.fr", "a@xn--t-9fab.fr"),
            ("a@straße.de", "a@xn--strae-oqa.de"),
        ],
    )
    def test_one_spelling_comes_out(self, typed: str, expected: str) -> None:
        """
        Blanks and capitals go, a domain becomes its A-labels, all else is kept.
        """
        assert expected == canonical(typed)

    @pytest.mark.parametrize("typed", ["", " ", "\t\r\n", " " * 1_000_000])
    def test_nothing_typed_is_empty(self, typed: str) -> None:
        """
        Blanks alone are nothing, however many.
        """
        assert AddressFault.EMPTY is canonical(typed)

    @pytest.mark.parametrize(
        "typed",
        ["camille", "camille@", "@exemple.fr", "@", "camille@exemple", "a@univ-x"],
    )
    def test_a_missing_part_is_told(self, typed: str) -> None:
        """
        Without an @, a part beside it, or the end of the domain it is incomplete.
        """
        assert AddressFault.INCOMPLETE is canonical(typed)

    @pytest.mark.parametrize(
        "typed",
        [
            "v@x.fr,a@e.fr",
            "v@x.fr, a@e.fr",
            "v@x.fr;a@e.fr",
            "v@x.fr a@e.fr",
            "v@x.fr <a@e.fr>",
        ],
    )
    def test_several_addresses_are_told(self, typed: str) -> None:
        """
        P2: a list of addresses is never taken for one of them.
        """
        assert AddressFault.SEVERAL is canonical(typed)

    @pytest.mark.parametrize(
        "typed",
        [
            "v@x.fr\na@e.fr",
            "v@x.fr\r\nBcc: a@e.fr",
            "Camille <a@e.fr>",
            "<a@e.fr>",
            '"a@e.fr x"@x.fr',
            '"abc"@x.fr',
            '"a b"@x.fr',
            "(comment)a@x.fr",
            "a@x.fr(comment)",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "a@[::1]",
            "a@192.0.2.1",
            "a@@x.fr",
            "a@b@x.fr",
            "a..b@x.fr",
            ".a@x.fr",
            "a.@x.fr",
            "a\\b@x.fr",
            "a@x..fr",
            "a@x.fr.",
            "a@-x.fr",
            "a@x_y.fr",
            "a@x,fr",
            "a@ab--cd.fr",
            "a@xn--.fr",
            "a@xn--a.fr",
            "mailto:a@x.fr",
            "a\0@x.fr",
            "a@x\0.fr",
            "a@x.fr\0",
            "a\ud800@x.fr",
            "a@x\udfff.fr",
            "a@x\u200b.fr",
            "a\u202e@x.fr",
            "\u00a0a@x.fr",
            "a@x.fr\u2028",
            "a@x.fr\x1c",
            "a\x7f@x.fr",
        ],
    )
    def test_what_mail_systems_read_differently_is_refused(self, typed: str) -> None:
        """
        P3: quoting, comments, literals, controls and stray dots are not allowed.
        """
        assert AddressFault.NOT_ALLOWED is canonical(typed)

    @pytest.mark.parametrize(
        "typed",
        [
            "mi\u212ae@example.org",
            "m\u0131ke@example.org",
            "m\u0130ke@example.org",
            "mikè@example.org",
            "\uff4dike@example.org",
            "mike@e\u212aample.org",
            "mike@\uff45xample.org",
            "mike@example\uff0eorg",
            "mike@example\u3002org",
            "mike@example\uff61org",
            "mike\uff20example.org",
            "mike@exa\u00admple.org",
            "mike@EXÁMPLE.org",
            "mike@exa\u0301mple.org",
            "mike@example.loca\u2113",
        ],
    )
    def test_a_look_alike_is_refused(self, typed: str) -> None:
        """
        P4: what case mapping or normalisation would turn into another address is
        refused.
        """
        assert isinstance(canonical(typed), AddressFault)

    def test_an_accent_in_the_domain_is_another_address(self) -> None:
        """
        P6: an international domain stays apart from its twin without accents.
        """
        assert "mike@xn--exmple-qta.org" == canonical("mike@exámple.org")
        assert "mike@example.org" != canonical("mike@exámple.org")

    @pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
    def test_reserved_names_are_names(self, name: str) -> None:
        """
        Intranets, demonstrations and tests have addresses too.
        """
        assert f"a@{name}" == canonical(f"a@{name}")
        assert f"a@mail.{name}" == canonical(f"A@Mail.{name.upper()}")
        assert f"a@xn--t-9fab.{name}" == canonical(f"a@été.{name}")
        assert AddressFault.NOT_ALLOWED is canonical(f"a@-x.{name}")

    def test_the_longest_address_has_254_characters(self) -> None:
        """
        254 characters are taken, blanks around them not counted; 255 are too long.
        """
        domain = ".".join(["d" * 61] * 3) + ".fr"
        longest = "a" * (LONGEST_ADDRESS - 1 - len(domain)) + "@" + domain

        assert longest == canonical(f" {longest} ")
        assert AddressFault.TOO_LONG is canonical(f"a{longest}")

    @pytest.mark.parametrize(
        "typed",
        [
            "a" * 1_000_000,
            "@" * 1_000_000,
            "a@" + "\u212a" * 1_000_000,
            "a@" + "xn--" * 250_000 + ".fr",
            "\ufdfa" * 1_000_000,
        ],
    )
    def test_a_flood_is_too_long(self, typed: str) -> None:
        """
        P51: a million characters are refused for their number, before anything else.
        """
        assert AddressFault.TOO_LONG is canonical(typed)

    @given(st.text() | TYPED_TEXTS | DOMAINS | PUNYCODE | st.emails())
    @example("a@\u06dd.fr")
    @example("a@xn--9999999999.fr")
    @example("a@" + "é" * 120 + ".fr")
    def test_any_text_is_an_address_or_a_fault(self, typed: str) -> None:
        """
        P5: never raises; what comes out is its own canonical address, in plain ASCII.
        """
        address = canonical(typed)

        if not isinstance(address, AddressFault):
            assert address == canonical(address)
            assert 1 == address.count("@")
            assert address.isascii()
            assert address.isprintable()
            assert address == address.lower()
            assert " " not in address
            assert len(address) <= LONGEST_ADDRESS

    def test_every_character_of_the_first_plane(self) -> None:
        """
        P5: what comes out is canonical already, whichever character went in, and no two
        addresses come out of one.

        In the default run of one code point in 61, every time of others.
        """
        is_large = os.environ.get("HYPOTHESIS_PROFILE") == "large"
        first = 0 if is_large else random.SystemRandom().randrange(61)
        for point in range(first, 0x10000, 1 if is_large else 61):
            mark = chr(point)
            for typed in (f"ca{mark}mille@exemple.fr", f"camille@ex{mark}emple.fr"):
                found = canonical(typed)
                if isinstance(found, AddressFault):
                    continue
                assert found == canonical(found), hex(point)
                assert found == canonical(found.upper()), hex(point)

    @given(TYPED_TEXTS | DOMAINS.map(lambda typed: typed.removeprefix("a@")))
    @example("exemple.fr")
    @example("exemple")
    @example("intranet.local")
    @example("xn--t-9fab.fr")
    @example("xn--a.fr")
    @example(f"{'a.' * 124}fr")
    @example(f"{'a' * 64}.fr")
    def test_a_plain_name_changes_nothing(self, domain: str) -> None:
        """
        A domain is told the same of behind a plain name, which is looked at no more.
        """
        plain, full = canonical("cam@" + domain), canonical("o'a@" + domain)
        told = full.replace("o'a@", "cam@") if "@" in full else full

        assert told == plain

    @given(st.characters(min_codepoint=0x80))
    def test_a_foreign_character_never_makes_an_ascii_address(self, mark: str) -> None:
        """
        P4: no character outside ASCII stands for an ASCII one, on either side.
        """
        assert isinstance(canonical(f"mi{mark}e@example.org"), AddressFault)
        found = canonical(f"mike@ex{mark}mple.org")
        assert isinstance(found, AddressFault) or found.startswith("mike@xn--")


def slips(domain: str) -> set[str]:
    """
    Everything that one slip makes of *domain*, each letter of a small alphabet tried.
    """
    cuts = [(domain[:place], domain[place:]) for place in range(len(domain) + 1)]
    letters = "ab.-c"
    return {
        *(left + right[1:] for left, right in cuts if right),
        *(left + right[1] + right[0] + right[2:] for left, right in cuts if right[1:]),
        *(
            left + letter + right[1:]
            for left, right in cuts
            if right
            for letter in letters
        ),
        *(left + letter + right for left, right in cuts for letter in letters),
    } - {domain}


class TestNearDomain:
    DOMAINS = ("univ-lyon1.fr", "univ-lyon2.fr", "univ-nantes.fr", "xn--t-9fab.fr")

    @pytest.mark.parametrize(
        "typed",
        [
            "univ-natnes.fr",
            "univ-nates.fr",
            "univ-nanttes.fr",
            "univ-nqntes.fr",
            "univ-nantes.f",
            "univ-nantes.frr",
            "niv-nantes.fr",
            "uuniv-nantes.fr",
            "nuiv-nantes.fr",
            "univ-nantes.rf",
            "univnantes.fr",
            "univ.nantes.fr",
        ],
    )
    def test_one_slip_is_seen(self, typed: str) -> None:
        """
        A character too many, missing or wrong, and two swapped, wherever they stand.
        """
        assert "univ-nantes.fr" == near_domain(typed, self.DOMAINS)

    @pytest.mark.parametrize(
        "typed",
        [
            "univ-nantes.fr",
            "univ-lyon2.fr",
            "univ-nante.r",
            "univ-nanets.com",
            "etu.univ-nantes.fr",
            "nantes.fr",
            "",
        ],
    )
    def test_what_is_known_or_far_is_left_alone(self, typed: str) -> None:
        """
        A known domain is right as it is, and two slips are too many to guess.
        """
        assert "" == near_domain(typed, self.DOMAINS)

    def test_two_that_are_near_are_none(self) -> None:
        """
        What may be either of two domains is told to be neither.
        """
        assert "" == near_domain("univ-lyon.fr", self.DOMAINS)
        assert "" == near_domain("univ-lyon3.fr", self.DOMAINS)
        assert "univ-lyon1.fr" == near_domain("univ-lyn1.fr", self.DOMAINS)

    def test_a_domain_that_is_listed_twice_is_one(self) -> None:
        """
        A list that names a domain twice has one that is near.
        """
        assert "a.fr" == near_domain("b.fr", ["a.fr", "a.fr"])

    def test_international_domains_go_by_their_labels(self) -> None:
        """
        An international domain is near in the form that its addresses have.
        """
        assert "xn--t-9fab.fr" == near_domain("xn--t-9fab.f", self.DOMAINS)
        assert canonical("a@été.fr") == f"a@{near_domain('xn-t-9fab.fr', self.DOMAINS)}"

    @given(NEAR, KNOWN)
    @example("ab", ("ba", "ab"))
    @example("", ("a",))
    def test_it_is_one_slip_from_one_domain(
        self, typed: str, known: tuple[str, ...]
    ) -> None:
        """
        What comes out is the only known domain that one slip makes of what was typed.
        """
        near = set(known) & slips(typed)
        is_told = typed not in known and len(near) == 1

        assert ("".join(near) if is_told else "") == near_domain(typed, known)


class TestImports:
    def test_nothing_touches_the_network(self) -> None:
        """
        Importing is cheap, and asking imports no resolver and opens no socket.
        """
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own text
            [sys.executable, "-c", ASK_IN_A_FRESH_INTERPRETER],
            capture_output=True,
            check=True,
            text=True,
        )

        assert ["False", "a@exemple.fr", "False False"] == done.stdout.splitlines()
