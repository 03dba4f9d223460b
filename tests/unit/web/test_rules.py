from __future__ import annotations

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.policy import PasswordPolicy, Policy
from uness_auth.texts import texts_for
from uness_auth.web.rules import fault_lines, for_managers, rules
from uness_auth.web.views import Around


UNESS = PasswordPolicy()
STRICT = Policy.strict().password
# Every character that can stand for more than itself, somewhere.
ALL_SPECIALS = attrs.evolve(UNESS, specials="!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
FRENCH = texts_for("fr")
NAMES = (
    ("too_short", "too_long"),
    ("no_uppercase",),
    ("no_lowercase",),
    ("no_digit",),
    ("no_special",),
    ("forbidden_character",),
)

EIGHT = "minlength: 8; maxlength: 50;"
LETTERS = "required: lower; required: upper;"
# The hyphen comes first and the bracket last: nothing can be escaped there.
SPECIALS = "[-!#$%()+@[_{|}]]"
ANY = "allowed: ascii-printable;"


def written(around: Around) -> str:
    """
    Return the sentence as it is read.
    """
    return f"{around.before}{around.marked}{around.after}".replace("\xa0", " ")


def is_met(pattern: str, text: str) -> bool:
    """
    Say what the script would, whose ``$`` is the very end.
    """
    end = r"\Z" if pattern.endswith("$") else ""
    return re.search(pattern.removesuffix("$") + end, text, re.DOTALL) is not None


class TestRules:
    def test_are_the_tutorials(self) -> None:
        """
        S5 lists the rules in the tutorial's words.
        """
        listed = rules(UNESS, FRENCH)

        assert "Votre mot de passe doit contenir :" == listed.heading.replace(
            "\xa0", " "
        )
        assert [
            "entre 8 et 50 caractères",
            "au moins 1 lettre Majuscule A-Z",
            "au moins 1 lettre minuscule a-z",
            "au moins 1 chiffre 0-9",
            "au moins 1 caractère spécial parmi ![]{}()%$#@|+-_",
            "les espaces et les autres caractères ne sont pas autorisés.",
        ] == [written(rule.text) for rule in listed.rules]
        assert "![]{}()%$#@|+-_" == listed.rules[4].text.marked

    def test_only_what_is_forbidden_is_told_at_once(self) -> None:
        """
        Nobody has finished typing: the other rules wait until they are met.
        """
        listed = rules(UNESS, FRENCH)

        assert [False] * 5 + [True] == [rule.is_forbidding for rule in listed.rules]

    def test_without_composition_there_is_one(self) -> None:
        """
        An open alphabet without composition rules has a length alone.
        """
        listed = rules(STRICT, FRENCH)

        assert ["entre 15 et 128 caractères"] == [
            written(rule.text) for rule in listed.rules
        ]

    @pytest.mark.parametrize("position", range(6))
    def test_unmet_ones_are_marked(self, position: int) -> None:
        """
        Each name of a broken rule marks its line, and no other.
        """
        for name in NAMES[position]:
            listed = rules(UNESS, FRENCH, (name,))

            assert [position == each for each in range(6)] == [
                rule.is_unmet for rule in listed.rules
            ]

    @pytest.mark.parametrize(
        "policy", [UNESS, STRICT, ALL_SPECIALS], ids=["uness", "strict", "all"]
    )
    @given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
    def test_the_script_judges_as_the_policy(
        self, policy: PasswordPolicy, text: str
    ) -> None:
        """
        A pattern is met exactly when the policy names none of its rules.
        """
        unmet = policy.unmet(text)
        listed = rules(policy, FRENCH, unmet)

        assert [not rule.is_unmet for rule in listed.rules] == [
            is_met(rule.pattern, text) for rule in listed.rules
        ]

    @pytest.mark.parametrize("mark", ALL_SPECIALS.specials)
    def test_every_special_is_found(self, mark: str) -> None:
        """
        Each special character meets the rule that asks for one, and is allowed.
        """
        listed = rules(ALL_SPECIALS, FRENCH).rules

        assert is_met(listed[4].pattern, mark)
        assert is_met(listed[5].pattern, mark)
        assert not is_met(
            rules(UNESS, FRENCH).rules[5].pattern, "\N{LATIN SMALL LETTER E WITH ACUTE}"
        )

    def test_patterns_are_javascripts(self) -> None:
        """
        Under the flag u, only characters with a meaning may carry a backslash.
        """
        for rule in rules(ALL_SPECIALS, FRENCH).rules:
            escaped = re.findall(r"\\(.)", rule.pattern)

            assert set() == set(escaped) - set("^$\\.*+?()[]{}|/-")


class TestFaultLines:
    def test_name_every_rule(self) -> None:
        """
        Each broken rule has a line of its own, with the policy's own numbers.
        """
        names = ("too_short", "too_long", *(name for (name, *_) in NAMES[1:]))
        lines = fault_lines(UNESS, FRENCH, (*names, "too_common"))

        assert [
            "il doit contenir au moins 8 caractères",
            "il doit contenir au plus 50 caractères",
            "il doit contenir au moins 1 lettre Majuscule A-Z",
            "il doit contenir au moins 1 lettre minuscule a-z",
            "il doit contenir au moins 1 chiffre 0-9",
            "il doit contenir au moins 1 caractère spécial parmi ![]{}()%$#@|+-_",
            "il contient un espace ou un caractère qui n'est pas autorisé",
            "il est trop courant, ou trop proche de votre nom ou de votre adresse",
        ] == [written(line.text) for line in lines]
        assert {"#password"} == {line.href for line in lines}

    def test_a_space_is_no_fault_in_an_open_alphabet(self) -> None:
        """
        Where spaces are allowed the sentence does not blame them.
        """
        (line,) = fault_lines(STRICT, FRENCH, ("forbidden_character",))

        assert "il contient un caractère qui ne peut pas être enregistré" == written(
            line.text
        )


class TestForManagers:
    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            (UNESS, f"{EIGHT} {LETTERS} required: digit; required: {SPECIALS};"),
            (STRICT, "minlength: 15; maxlength: 128;"),
            (
                attrs.evolve(UNESS, needs_special=False, needs_digit=False),
                f"{EIGHT} {LETTERS} allowed: digit, {SPECIALS};",
            ),
            (
                attrs.evolve(UNESS, needs_special=False, specials=""),
                f"{EIGHT} {LETTERS} required: digit;",
            ),
            (
                attrs.evolve(UNESS, specials="!"),
                f"{EIGHT} {LETTERS} required: digit; required: [!];",
            ),
            (
                attrs.evolve(UNESS, is_closed=False, needs_uppercase=False),
                f"{EIGHT} required: lower; required: digit; required: {SPECIALS}; {ANY}",
            ),
        ],
        ids=["uness", "strict", "two", "no-specials", "one-special", "open"],
    )
    def test_say_the_policy(self, policy: PasswordPolicy, expected: str) -> None:
        """
        Password managers make what the policy accepts.
        """
        assert expected == for_managers(policy)
