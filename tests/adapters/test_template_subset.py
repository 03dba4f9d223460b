"""
One template set for two engines: a linter for what both read the same way.

What is refused was tried: the engines answer it differently, or one not at all.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

import uness_auth


FOLDER = Path(uness_auth.__file__).parent / "templates" / "uness_auth"
# Mails are layouts of string.Template and read by neither engine.
FILES = sorted(
    path.relative_to(FOLDER).as_posix()
    for path in FOLDER.rglob("*.html")
    if path.parent.name != "mail"
)

# Names that one engine or the other, or a framework around it, already owns.
OWNED = frozenset(
    {"block", "config", "cycler", "debug", "dict", "forloop", "g", "joiner", "lipsum"}
    | {"loop", "messages", "namespace", "perms", "range", "request", "self", "session"}
    | {"super", "user", "view"}
)

TAG = re.compile(r"\{[%{#].*?[%}#]\}", re.DOTALL)
NAME = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
PATH = rf"{NAME}(?:\.(?:{NAME}|[0-9]+))*"
OPERAND = rf'(?:{PATH}|"[^"{{}}%\\]*")'
TERM = rf"(?:not {OPERAND}|{OPERAND}(?: (?:==|!=|<|>|in|not in) {OPERAND})?)"
CONDITION = re.compile(rf"{TERM}(?: (?:and|or) {TERM})*")
WORDS = frozenset({"and", "or", "not", "in"})

VARIABLE = re.compile(rf"\{{\{{ ({PATH}) \}}\}}")
COMMENT = re.compile(r"\{# [^{}\n]* #\}")
STATEMENT = re.compile(r"\{% ([a-z]+)(?: ([^\n]*?))? %\}")
EXTENDS = re.compile(r'"uness_auth/[a-z_]+\.html"')
INCLUDE = re.compile(r'"uness_auth/parts/[a-z_]+\.html"')
LOOP = re.compile(rf"({NAME}) in ({PATH})")


@attrs.define
class Linter:
    """
    Walks the tags of one template and collects what is not in the subset.
    """

    text: str
    faults: list[str] = attrs.field(factory=list)
    # The open tags, innermost last: what opened them, and the name they carry.
    open: list[tuple[str, str]] = attrs.field(factory=list)

    def run(self) -> list[str]:
        """
        Return the faults; none: both engines read the template the same way.
        """
        if self.text.endswith("\n"):
            # Jinja drops the last line end, Django keeps it.
            self.faults.append("ends with a line end")
        if "\r" in self.text:
            self.faults.append("holds a carriage return")
        if re.search(r"\{[%{#]|[%}#]\}", TAG.sub("", self.text)):
            self.faults.append("half a tag")
        for tag in TAG.finditer(self.text):
            self.check(tag[0], tag.start())
        self.faults += [f"{kind} is never closed" for kind, _ in self.open]
        return self.faults

    def check(self, tag: str, position: int) -> None:
        """
        Check one tag.
        """
        if found := VARIABLE.fullmatch(tag):
            self.path(found[1], tag)
        elif found := STATEMENT.fullmatch(tag):
            self.statement(found[1], found[2] or "", tag, position)
        elif not COMMENT.fullmatch(tag):
            self.faults.append(tag)

    def statement(self, word: str, rest: str, tag: str, position: int) -> None:
        """
        Check one tag that is no variable.
        """
        match word:
            case "extends":
                is_right = EXTENDS.fullmatch(rest) is not None and position == 0
            case "include":
                is_right = INCLUDE.fullmatch(rest) is not None
            case "block":
                is_right = re.fullmatch(NAME, rest) is not None and not self.loops()
                self.open.append((word, rest))
            case "for":
                is_right = self.loop(rest, tag)
            case "if":
                is_right = self.condition(rest, tag)
                self.open.append((word, ""))
            case "elif":
                is_right = self.condition(rest, tag) and self.is_in("if")
            case "else":
                # In a for it would be {% empty %}, which Jinja spells else.
                is_right = rest == "" and self.is_in("if")
            case "endblock" | "endfor" | "endif":
                is_right = self.close(word.removeprefix("end"), rest)
            case _:
                is_right = False
        if not is_right:
            self.faults.append(tag)

    def loop(self, rest: str, tag: str) -> bool:
        found = LOOP.fullmatch(rest)
        self.open.append(("for", found[1] if found else ""))
        if found is None or found[1] in OWNED | WORDS or found[1] in self.loops()[:-1]:
            return False
        self.path(found[2], tag)
        return True

    def condition(self, rest: str, tag: str) -> bool:
        if not CONDITION.fullmatch(rest):
            return False
        for word in re.findall(PATH, re.sub(r'"[^"]*"', "", rest)):
            if word not in WORDS:
                self.path(word, tag)
        return True

    def close(self, kind: str, rest: str) -> bool:
        if not self.is_in(kind):
            return False
        _, name = self.open.pop()
        return rest == (name if kind == "block" else "")

    def path(self, path: str, tag: str) -> None:
        root = path.partition(".")[0]
        if root not in ("view", *self.loops()) or path == "view":
            self.faults.append(tag)

    def is_in(self, kind: str) -> bool:
        return bool(self.open) and self.open[-1][0] == kind

    def loops(self) -> list[str]:
        return [name for kind, name in self.open if kind == "for"]


def faults(text: str) -> list[str]:
    """
    Return what of *text* is not in the subset.
    """
    return Linter(text).run()


def page(body: str) -> str:
    """
    Return a page with *body* in its block, as a person would write it.
    """
    return (
        '{% extends "uness_auth/base.html" %}\n'
        f"{{% block card %}}{body}{{% endblock card %}}"
    )


ALLOWED = (
    "{{ view.title }}",
    "{{ view.rules.0 }}",
    "{# why this stands here #}",
    '{% include "uness_auth/parts/alert.html" %}',
    "{% if view.a %}a{% elif not view.b %}b{% else %}c{% endif %}",
    "{% if view.a and view.b or not view.c %}a{% endif %}",
    '{% if view.a == "b" and view.c in view.d and view.e not in view.f %}a{% endif %}',
    "{% if view.a < view.b %}a{% endif %}",
    "{% for line in view.lines %}{{ line.text }}{% endfor %}",
    "{% for a in view.list %}{% for b in a.list %}{{ b }}{% endfor %}{% endfor %}",
    '{% for line in view.lines %}{% include "uness_auth/parts/line.html" %}{% endfor %}',
)

FORBIDDEN = (
    # What a name may be.
    "{{ title }}",
    "{{ view }}",
    "{{ request.path }}",
    "{{ view._secret }}",
    "{{ view.__class__ }}",
    "{{ line.text }}",
    "{% for line in view.lines %}{% endfor %}{{ line.text }}",
    "{% for loop in view.lines %}{% endfor %}",
    "{% for view in view.lines %}{% endfor %}",
    "{% for line in view.lines %}{% for line in view.more %}{% endfor %}{% endfor %}",
    "{% for line in lines %}{% endfor %}",
    "{% for a, b in view.pairs %}{% endfor %}",
    # Loop counters, empty, and what Jinja calls else.
    "{% for line in view.lines %}{{ loop.index }}{% endfor %}",
    "{% for line in view.lines %}{{ forloop.counter }}{% endfor %}",
    "{% for line in view.lines %}{% empty %}{% endfor %}",
    "{% for line in view.lines %}{% else %}{% endfor %}",
    "{% for line in view.lines reversed %}{% endfor %}",
    "{% for line in view.lines if line.text %}{% endfor %}",
    # Expressions.
    "{{ view.title() }}",
    "{{ view.lines[0] }}",
    "{{ view.count + 1 }}",
    "{{ view.a if view.b else view.c }}",
    "{{ view.title|upper }}",
    "{{ view.title | safe }}",
    '{{ "text" }}',
    "{{ 1 }}",
    "{{view.title}}",
    "{{ view.title\n}}",
    "{%- if view.a -%}a{%- endif -%}",
    "{% if (view.a) %}a{% endif %}",
    "{% if view.a is none %}a{% endif %}",
    "{% if view.a is defined %}a{% endif %}",
    "{% if view.a < view.b < view.c %}a{% endif %}",
    "{% if view.a <= view.b %}a{% endif %}",
    "{% if view.a==view.b %}a{% endif %}",
    "{% if not view.a == view.b %}a{% endif %}",
    "{% if view.a|length %}a{% endif %}",
    "{% if view.a == None %}a{% endif %}",
    "{% if view.a == 1 %}a{% endif %}",
    "{% if user.name %}a{% endif %}",
    "{% if view.a %}a{% elif %}b{% endif %}",
    "{% if view.a\n%}a{% endif %}",
    # Tags of one engine alone.
    "{% set a = view.b %}",
    "{% with a=view.b %}{% endwith %}",
    "{% with a = view.b %}{% endwith %}",
    "{% raw %}{% endraw %}",
    "{% verbatim %}{% endverbatim %}",
    "{% comment %}{% endcomment %}",
    "{% csrf_token %}",
    "{% load static %}",
    '{% url "home" %}',
    '{% trans "word" %}',
    "{% macro a() %}{% endmacro %}",
    "{{ super() }}",
    "{{ block.super }}",
    "{# two\nlines #}",
    '{% include "uness_auth/parts/alert.html" with a=view.b %}',
    '{% include "uness_auth/parts/alert.html" ignore missing %}',
    "{% include view.part %}",
    "{% include 'uness_auth/parts/alert.html' %}",
    '{% include "elsewhere/alert.html" %}',
    # Nesting.
    "{% for line in view.lines %}{% block row %}{% endblock row %}{% endfor %}",
    "{% block inner %}{% endblock %}",
    "{% block inner %}{% endblock other %}",
    "{% if view.a %}",
    "{% endif %}",
    "{% if view.a %}{% endfor %}",
    "{% else %}",
    "{{ view.title }",
    "{% if view.a }}a{% endif %}",
    "a %} b",
)


class TestLinter:
    @pytest.mark.parametrize("body", ALLOWED)
    def test_the_subset_passes(self, body: str) -> None:
        """
        What both engines read the same way is no fault.
        """
        assert [] == faults(page(body))

    @pytest.mark.parametrize("body", FORBIDDEN)
    def test_anything_else_is_named(self, body: str) -> None:
        """
        What the engines read differently is a fault.
        """
        assert [] != faults(page(body))

    @pytest.mark.parametrize(
        "text",
        [
            'a{% extends "uness_auth/base.html" %}',
            '\n{% extends "uness_auth/base.html" %}',
            '{# a #}{% extends "uness_auth/base.html" %}',
            "{% extends view.base %}",
            "{{ view.a }}\n",
            "{{ view.a }}\r\n{{ view.b }}",
        ],
    )
    def test_the_edges_of_a_file(self, text: str) -> None:
        """
        Nothing stands before extends, and no line end closes the file.
        """
        assert [] != faults(text)


class TestTemplates:
    def test_there_are_some(self) -> None:
        """
        The walk finds templates, or the test below would prove nothing.
        """
        assert {"base.html", "identify.html", "parts/alert.html"} <= set(FILES)

    @pytest.mark.parametrize("name", FILES)
    def test_are_in_the_subset(self, name: str) -> None:
        """
        Both engines read every template of ours the same way.
        """
        assert [] == faults((FOLDER / name).read_bytes().decode())

    @pytest.mark.parametrize("name", FILES)
    def test_run_under_our_own_content_policy(self, name: str) -> None:
        """
        No template holds an inline style, an inline script or an address.
        """
        text = (FOLDER / name).read_text(encoding="utf-8")

        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        assert not re.search(r"https?:|//[a-z]", text)
        assert re.findall(r"<script[^>]*>", text) == re.findall(
            r'<script src="\{\{ view\.frame\.script_url \}\}" defer>', text
        )
