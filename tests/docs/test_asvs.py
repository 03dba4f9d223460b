"""
The pages for whoever signs a site off: each requirement has a row, each claim a test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Final

import attrs
import pytest

from uness_auth.blocklist import EXPECTED_WORDS
from uness_auth.keys import Purpose
from uness_auth.mailers.background import RETRY_WAITS, BackgroundQueue
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.storage.redis import RedisStorage
from uness_auth.storage.sql import SQLStorage
from uness_auth.storage.sql.backend import POOL_SIZE
from uness_auth.web.routes import ROUTES


ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs/explanation"
ASVS: Final = (FOLDER / "asvs.md").read_text("utf-8")
OTHERS: Final = (FOLDER / "standards.md").read_text("utf-8")
DEVIATIONS: Final = (FOLDER / "deviations.md").read_text("utf-8")
THREATS: Final = (FOLDER / "threat-model.md").read_text("utf-8")
PAGES: Final = {"asvs": ASVS, "standards": OTHERS}

# What of ASVS 5.0.0 touches a sign-in, by level: its numbers are not ours to choose.
SCOPE: Final = {
    1: """
1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.2 2.1.1 2.2.1 2.2.2 2.3.1 3.2.1 3.2.2 3.3.1
3.4.1 3.4.2 3.5.1 3.5.2 3.5.3 4.1.1 5.2.1 6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5
6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2
9.1.1 9.1.2 9.1.3 9.2.1 11.3.1 11.3.2 11.4.1 12.1.1 12.2.1 12.2.2 14.2.1 14.3.1
15.1.1 15.2.1 15.3.1
""",
    2: """
1.3.7 1.3.10 1.3.11 1.5.2 2.1.2 2.1.3 2.2.3 2.3.2 2.3.3 2.3.4 2.4.1 3.3.2 3.3.3
3.3.4 3.4.3 3.4.4 3.4.5 3.4.6 3.5.4 3.5.5 3.7.1 3.7.2 4.1.2 4.1.3 6.1.2 6.1.3
6.2.9 6.2.10 6.2.11 6.2.12 6.3.3 6.3.4 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5
6.6.1 6.6.2 6.6.3 6.8.1 6.8.2 6.8.3 6.8.4 7.1.1 7.1.2 7.1.3 7.3.1 7.3.2 7.4.3
7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2 9.2.2 9.2.3 9.2.4 11.1.1 11.1.2 11.2.1
11.2.2 11.2.3 11.4.2 11.4.3 11.4.4 11.5.1 12.3.1 12.3.2 13.3.1 13.4.2 13.4.4
14.1.1 14.1.2 14.2.2 14.2.3 14.2.4 14.3.2 14.3.3 15.1.2 15.1.3 15.2.2 15.2.3
15.3.3 15.3.4 15.3.5 15.3.6 15.3.7 16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5
16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3
""",
    3: """
1.2.10 1.3.12 2.3.5 2.4.2 3.1.1 3.2.3 3.3.5 3.4.7 3.4.8 3.5.6 3.5.7 3.5.8 3.6.1
3.7.3 3.7.4 3.7.5 4.1.4 4.1.5 6.3.5 6.3.6 6.3.7 6.3.8 6.4.5 6.4.6 6.5.6 6.5.7
6.5.8 6.6.4 6.7.1 6.7.2 7.5.3 11.2.4 11.2.5 11.5.2 13.1.2 13.1.3 13.1.4 13.2.6
13.3.4 13.4.6 14.2.5 14.2.6 14.2.7 14.2.8 15.4.1 15.4.2 15.4.3 15.4.4 16.5.4
""",
}
# The same of the other texts, by paragraph and subject.
STANDARDS: Final = """
3.1.1.2 length
3.1.1.2 composition
3.1.1.2 characters
3.1.1.2 Unicode
3.1.1.2 blocklist
3.1.1.2 managers
3.1.1.2 whole
3.1.1.2 hints
3.1.1.2 storage
3.1.1.2 pepper
3.1.3.1
3.1.3
3.2.2 run
3.2.2 waits
4.2.1.2
4.2.3
5.1 secret
5.1 restart
5.1 forms
5.1.1
2.1.3
2.2.3
case 1
case 2, entropy
case 2, restriction
storage
transport
renewal
reset
new address
neutral message
logs
ANSSI, tries
ANSSI, storage
ANSSI, length
ANSSI, factors
ANSSI, channel
EXI 22
EXI 25
EXI 26
RGAA 11.1
RGAA 11.10
RGAA 11.11
RGAA 11.13
RGAA 13.1
WCAG 3.3.8
WCAG 3.3.7
WCAG 2.1.1
WCAG 1.4.3, 1.4.10
RFC 9106, 4
RFC 4226, 4
RFC 4226, 5.2
RFC 4226, 5.3
RFC 4226, 7.3
RFC 5321, 4.5.4.1
RFC 6265bis
RFC 3834
RFC 8314
"""

STATES: Final = re.compile(
    r"met|not met|host|does not apply|deviates: (D[1-8])(?:; strict: met)?"
)
# A module below tests, or of the library; a class; a function.
NAMED: Final = re.compile(r"`([a-z_][\w.]*(?:::\w+){1,2})`")


@attrs.frozen
class Row:
    """
    One requirement.
    """

    number: str
    level: str
    state: str
    reason: str


def rows(page: str) -> Iterator[Row]:
    """
    Every requirement of the page; without a level on the page of the other texts.
    """
    for table in re.findall(
        r"^\| requirement \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGES[page], re.MULTILINE
    ):
        for line in table.splitlines():
            number, *level, _, state, reason = (
                cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]
            )
            yield Row(number, "".join(level), state, reason)


ROWS: Final = [(page, row) for page in PAGES for row in rows(page)]
every_row = pytest.mark.parametrize(
    "row", [row for _, row in ROWS], ids=[f"{page} {row.number}" for page, row in ROWS]
)


def names_in(tree: ast.Module) -> Iterator[str]:
    """
    What may be named of a module: its classes, their tests, and its functions.
    """
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield node.name
            yield from (
                f"{node.name}::{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
            )


@cache
def named(path: Path) -> frozenset[str]:
    """
    The same of a file.  Nothing is imported, let alone run.
    """
    return frozenset(names_in(ast.parse(path.read_text("utf-8"))))


def exists(name: str) -> bool:
    """
    Whether there is a test of this name.
    """
    module, _, rest = name.partition("::")
    folder = ROOT / ("src" if module.startswith("uness_auth.") else "tests")
    path = folder / f"{module.replace('.', '/')}.py"
    return path.is_file() and rest in named(path)


class TestNames:
    @pytest.mark.parametrize(
        ("page", "name"),
        [
            (path.stem, name)
            for path in sorted(FOLDER.glob("*.md"))
            for name in dict.fromkeys(NAMED.findall(path.read_text("utf-8")))
        ],
    )
    def test_named_tests_exist(self, page: str, name: str) -> None:
        """
        Each test that a page of the explanations names is there.
        """
        assert exists(name), page

    @pytest.mark.parametrize(
        "name",
        [
            "unit.test_codes::TestDerive::test_no_such",
            "unit.test_codes::test_no_such",
            "unit.test_no_such::TestDerive",
            "unit.test_codes::TestSame::test_has_the_policys_digits",
            "uness_auth.codes::Codes::derive",
        ],
    )
    def test_others_do_not(self, name: str) -> None:
        """
        The look-up can fail, or the test above would prove nothing.
        """
        assert not exists(name)


class TestRows:
    def test_every_requirement_has_its_row(self) -> None:
        """
        The tables have each requirement in scope once, under its level, and no other.
        """
        wanted = sorted(
            (number, str(level))
            for level, numbers in SCOPE.items()
            for number in numbers.split()
        )

        assert wanted == sorted((row.number, row.level) for row in rows("asvs"))

    def test_they_are_in_order(self) -> None:
        """
        Whoever looks a number up finds it where it belongs.
        """
        numbers = [
            [int(part) for part in row.number.split(".")] for row in rows("asvs")
        ]

        assert numbers == sorted(numbers)

    def test_every_other_requirement_has_its_row(self) -> None:
        """
        So has each of the other texts, in their order.
        """
        assert STANDARDS.strip().splitlines() == [
            row.number for row in rows("standards")
        ]

    @every_row
    def test_has_a_state(self, row: Row) -> None:
        """
        A row says one of five things, and nothing else.
        """
        assert STATES.fullmatch(row.state)

    @every_row
    def test_shows_what_it_claims(self, row: Row) -> None:
        """
        What is met or made up for names a test; anything else says why.
        """
        is_claimed = row.state == "met" or row.state.startswith("deviates")

        assert len(row.reason) > len("As above") - 1
        assert not is_claimed or NAMED.search(row.reason)

    @every_row
    def test_deviations_are_published(self, row: Row) -> None:
        """
        A deviation has its section, which says what the strict policy makes of it.
        """
        found = STATES.fullmatch(row.state)
        assert found
        if found[1] is None:
            return
        section = sections(DEVIATIONS)[found[1]]

        assert ("strict" in row.state) == (
            "**Under the strict policy**: gone" in section
        )


def remaining(level: str, *, strict: bool) -> list[str]:
    """
    What of a level deviates or is not met.
    """
    found = []
    for row in rows("asvs"):
        is_over = strict and row.state.endswith("; strict: met")
        if row.level == level and row.state == "not met":
            found.append(f"{row.number} (not met)")
        elif row.level == level and "deviates" in row.state and not is_over:
            found.append(f"{row.number} ({row.state[10:12]})")
    return found


class TestSummary:
    @pytest.mark.parametrize("level", ["1", "2", "3"])
    def test_what_remains(self, level: str) -> None:
        """
        The table at the top is made of the rows below it.
        """
        usual, strict = (remaining(level, strict=strict) for strict in (False, True))

        line = f"| {level} | {', '.join(usual)} | {', '.join(strict)} |"
        assert line in ASVS.splitlines()

    def test_the_guide_says_the_same(self) -> None:
        """
        Whoever chooses a policy for a level is told what remains of it.
        """
        page = (ROOT / "docs/howto/choose-a-policy.md").read_text("utf-8")
        first, second = (remaining(level, strict=True) for level in ("1", "2"))
        usual = [one for level in ("1", "2") for one in remaining(level, strict=False)]

        for claim, policy, found in (
            ("nothing: the tutorial as it is", "uness", usual),
            ("level 1", "strict", first),
            ("level 2", "strict", [*first, *second]),
        ):
            line = f"| {claim} | `Policy.{policy}()` | {', '.join(found)} |"
            assert line in page.splitlines()

    def test_one_part_is_enough_for_level_1(self) -> None:
        """
        With the strict rules for passwords alone nothing of level 1 deviates but D8.
        """
        others = {"D2", "D3", "D4", "D5", "D6", "D7"}

        assert [] == [
            one for one in remaining("1", strict=False) if one[-3:-1] in others
        ]


def sections(page: str) -> dict[str, str]:
    """
    The sections of the deviations by their number.
    """
    return dict(
        re.findall(
            r"^## (D\d): [^\n]+\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
        )
    )


class TestDeviations:
    def test_there_are_eight(self) -> None:
        """
        D1 to D8, in order.
        """
        assert [f"D{number}" for number in range(1, 9)] == list(sections(DEVIATIONS))

    @pytest.mark.parametrize("number", sections(DEVIATIONS))
    def test_each_is_made_up_for(self, number: str) -> None:
        """
        Each says what was advised, what makes up for it, what shows that, and what
        becomes of it under the strict policy.
        """
        section = sections(DEVIATIONS)[number]

        for part in (
            "Advised",
            "Made up for by",
            "Shown by",
            "Under the strict policy",
        ):
            assert f"- **{part}**" in section
        assert NAMED.search(section.partition("**Shown by**")[2].partition("\n- ")[0])


class TestThreats:
    def test_every_threat_names_a_test(self) -> None:
        """
        Who attacks is told with what they have, what they try, what holds, and which
        tests show it.
        """
        threats = re.findall(
            r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", THREATS, re.MULTILINE | re.DOTALL
        )

        assert len(threats) > 15
        for title, text in threats:
            for word in ("Has", "Tries", "What holds", "Shown by"):
                assert f"\n{word}\n: " in text, title
            assert NAMED.search(text.partition("\nShown by\n")[2]), title


class TestInventories:
    def test_ways_in(self) -> None:
        """
        Each way in that the page lists is a route.
        """
        listed = set(re.findall(r"^\| [^|]*\(`(\w+)`\) \|", ASVS, re.MULTILINE))

        assert {"password", "confirm_code"} <= listed <= {one.name for one in ROUTES}

    def test_words_of_the_place(self) -> None:
        """
        The page includes the list from the source, and there is one.
        """
        source = (ROOT / "src/uness_auth/blocklist.py").read_text("utf-8")
        start = re.findall(r"^:start-after: \"(.*)\"$", ASVS, re.MULTILINE)

        assert 1 == len(start)
        assert source.partition(start[0])[2].startswith(' """\nuness ')
        assert len(EXPECTED_WORDS.split()) > 100

    def test_keys(self) -> None:
        """
        Every purpose of a key is in the inventory, and no other.
        """
        table = ASVS.partition("## Keys and algorithms")[2].partition("\n## ")[0]
        cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)

        assert sorted(Purpose) == sorted(
            name for cell in cells for name in re.findall("`([^`]+)`", cell)
        )

    def test_loggers(self) -> None:
        """
        Every logger that a source of the library makes is told.
        """
        made = set()
        for path in sorted((ROOT / "src/uness_auth").rglob("*.py")):
            module = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
            names = {
                "__name__": module.removesuffix(".__init__"),
                "__package__": module.rpartition(".")[0],
            }
            made |= {
                names.get(name, name.strip('"'))
                for name in re.findall(
                    r"^_logger.*getLogger\((.+)\)$",
                    path.read_text("utf-8"),
                    re.MULTILINE,
                )
            }
        table = ASVS.partition("## What is logged")[2].partition("\n## ")[0]

        assert "uness_auth.events" in made
        assert made == set(re.findall(r"`(uness_auth\.[\w.]+)`", table))

    def test_connections(self) -> None:
        """
        The figures are those of the code.
        """
        table = ASVS.partition("## Connections, waits and retries")[2]
        mailer = SMTPMailer("localhost", security="none")
        total = mailer.total_timeout
        sql = signature(SQLStorage).parameters["longest_wait"].default
        redis = signature(RedisStorage).parameters["longest_wait"].default
        size = signature(BackgroundQueue).parameters["size"].default

        for told in (
            f"| {POOL_SIZE} per process",
            f"| {sql.seconds} seconds in all, `longest_wait` | 503",
            f"| {redis.seconds} seconds in all, `longest_wait` | 503",
            f"| {mailer.timeout.seconds} seconds an answer, {total.seconds} in all |",
            f"| {size:,} orders per process |",
        ):
            assert told in table
        assert [5, 15, 60, 300] == [wait.seconds for wait in RETRY_WAITS]
        assert "after 5 seconds, 15, a minute, five, until" in table
