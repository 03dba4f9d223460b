"""
The pages of the flows name what the flows do: answers, events, reasons, numbers.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args

import attrs
import pytest

from uness_auth import (
    directory,
    events,
    messages,
    orders,
    outcomes,
    password_check,
    policy,
    sessions,
)
from uness_auth.events import EventKind
from uness_auth.flows import (
    code_sign_in,
    identify,
    open_sessions,
    password_change,
    password_link,
    password_sign_in,
)
from uness_auth.policy import Policy


DOCS: Final = Path(__file__).parents[2] / "docs"
Rows = list[list[str]]

# Of each page: its flow, the unions it answers with, and where else its reasons stand.
FLOWS: Final[dict[str, tuple[ModuleType, tuple[Any, ...]]]] = {
    "identify": (identify, (outcomes.IdentifyAnswer,)),
    "password_link": (
        password_link,
        (
            outcomes.LinkRequestAnswer,
            outcomes.LinkAnswer,
            outcomes.PasswordSetAnswer,
        ),
    ),
    "password_sign_in": (password_sign_in, (outcomes.PasswordAnswer,)),
    "code_sign_in": (
        code_sign_in,
        (
            outcomes.CodeRequestAnswer,
            outcomes.CodeResendAnswer,
            outcomes.CodeAnswer,
        ),
    ),
    "password_change": (
        password_change,
        (outcomes.Resumed | outcomes.NotSignedIn, outcomes.PasswordChangeAnswer),
    ),
    "open_sessions": (
        open_sessions,
        (outcomes.SessionsAnswer, outcomes.CloseAnswer),
    ),
}
SHARED: Final = (directory, events, orders, messages, password_check, sessions)


def rows(text: str, first: str) -> Rows:
    """
    The rows of every table in *text* whose first column is *first*.
    """
    found: Rows = []
    is_inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            is_inside = False
        elif cells[0] == first:
            is_inside = True
        elif is_inside and not cells[0].startswith("---"):
            found.append(cells)
    return found


def page(name: str) -> str:
    """
    The page of the flow *name*.
    """
    return (DOCS / f"flows/{name}.md").read_text("utf-8")


def reasons(module: ModuleType) -> Iterator[str]:
    """
    Every private reason that *module* writes out.
    """
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(node, ast.Call):
            continue
        given = [one.value for one in node.keywords if one.arg == "reason"]
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called in {"_refuse", "_gone", "_wrong"}:
            given += node.args[-1:]
        for value in given:
            for part in ast.walk(value):
                text = part.value if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and re.search(r"\w", text):
                    yield text


def texts(module: ModuleType) -> set[str]:
    """
    Every text in the code of *module*.
    """
    tree = ast.walk(ast.parse(inspect.getsource(module)))
    return {
        node.value
        for node in tree
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("name", FLOWS)
class TestFlowPages:
    def test_every_outcome_is_named(self, name: str) -> None:
        """
        A page names each answer of its flow, and no other.
        """
        _, unions = FLOWS[name]
        listed = {row[0].strip("`") for row in rows(page(name), "outcome")}

        assert {one.__name__ for union in unions for one in get_args(union)} == listed

    def test_statuses_are_the_reference(self, name: str) -> None:
        """
        Status and page are those that the reference gives, which is tested itself.
        """
        reference = (DOCS / "reference/statuses.md").read_text("utf-8")
        known = {tuple(row[:3]) for row in rows(reference, "outcome")}
        listed = {(row[0], row[2], row[3]) for row in rows(page(name), "outcome")}

        assert listed
        assert set() == listed - known

    def test_events_of_the_flow_are_named(self, name: str) -> None:
        """
        Every kind of event that the flow records is on its page.
        """
        module, _ = FLOWS[name]
        recorded = re.findall(r"EventKind\.(\w+)", inspect.getsource(module))
        listed = {row[0].strip("`") for row in rows(page(name), "event")}

        assert listed <= {*EventKind}
        assert {EventKind[one].value for one in recorded} <= listed

    def test_reasons_of_the_flow_are_named(self, name: str) -> None:
        """
        Every private reason of the flow is on its page.
        """
        module, _ = FLOWS[name]
        listed = {
            reason
            for row in rows(page(name), "event")
            for reason in re.findall("`([^`]+)`", row[2])
        }

        assert set() == {*reasons(module)} - listed

    def test_reasons_on_the_page_exist(self, name: str) -> None:
        """
        Every private reason of the page is written in the code, or an outcome's name.
        """
        known = texts(FLOWS[name][0]).union(*map(texts, SHARED), vars(outcomes))
        listed = {
            reason
            for row in rows(page(name), "event")
            for reason in re.findall("`([^`]+)`", row[2])
        }

        assert set() == listed - known

    def test_numbers_are_fields(self, name: str) -> None:
        """
        Every number is a policy's field, printed from that very field.
        """
        parts = {
            type(getattr(Policy.uness(), part.name)).__name__: part.name
            for part in attrs.fields(Policy)
        }
        listed = rows(page(name), "field")

        assert listed
        for named, value in listed:
            group, first, *more = re.findall(r"\w+", named)
            fields = attrs.fields_dict(getattr(policy, group))
            assert {first, *more} <= {*fields}
            assert [f"{parts[group]}_{field}" for field in (first, *more)] == (
                re.findall(r"\{\{ (\w+) \}\}", value)
            )
