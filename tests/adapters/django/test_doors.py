"""
Three doors to one command line: the same commands, words and exit codes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs
import pytest
from click.testing import CliRunner
from flask import Flask

from tests.adapters.django.portal import BASE_URL, empty_database, installed
from uness_auth import Site, UnessAuth
from uness_auth.cli.standalone import standalone
from uness_auth.django.management.commands.uness_auth import run as run_django
from uness_auth.flask import FlaskAuth
from uness_auth.storage.sql import SQLStorage
from uness_auth.testing import FastHashing, Outbox
from uness_auth.testing.journeys import CAMILLE


UNKNOWN: Final = "personne@univ-exemple.fr"
FILE: Final = str(Path(__file__).parents[3] / "examples/accounts.csv")
# In this order: each finds what those before it left.
COMMANDS: Final = (
    ("accounts", "list"),
    ("accounts", "add", CAMILLE, "--name", "Camille Durand"),
    ("accounts", "add", CAMILLE),
    ("accounts", "add", "camille@"),
    ("accounts", "add", CAMILLE, "--language", "de"),
    ("accounts", "list"),
    ("accounts", "list", "--json"),
    ("accounts", "show", CAMILLE, "--json"),
    ("accounts", "show", UNKNOWN),
    ("accounts", "disable", CAMILLE),
    ("accounts", "enable", CAMILLE),
    ("accounts", "sign-out", UNKNOWN),
    ("accounts", "readdress", UNKNOWN, f"d.{UNKNOWN}"),
    ("accounts", "export", UNKNOWN),
    ("accounts", "erase", UNKNOWN, "--yes"),
    ("accounts", "import", FILE, "--by", "scolarite", "--dry-run"),
    ("accounts", "import", FILE, "--by", "scolarite", "--json"),
    ("accounts", "list", "--by", "scolarite"),
    ("accounts", "ad"),
    ("keys", "new"),
    ("mail", "preview", "first_link"),
    ("mail", "preview", "code", "--json"),
    ("mail", "preview"),
    ("purge",),
    ("purge", "--json"),
    ("doctor", "--offline", "--json"),
    ("doctor", "--nonsense"),
)
# What is another one each time, or the name of the door.
CHANGES: Final = (
    (re.compile(r"(?s)^Usage:.*?\n\n"), ""),
    (re.compile(r'"(id|created_at)": "[^"]*"'), r'"\1": ""'),
    (re.compile(r"(?m)^[\w-]{64}$"), "a key"),
    (re.compile(r"link/[\w.-]+"), "link/"),
    (re.compile(r"\d{6}"), "a code"),
    (re.compile(r"\d{1,2}(:| h )\d\d"), "a time"),
)


@attrs.frozen
class Answer:
    """
    What a command said, and how it ended.
    """

    code: int
    out: str
    err: str


Door: TypeAlias = Callable[..., Answer]


def flask_door(storage: SQLStorage) -> Door:
    """
    ``flask uness-auth …``.
    """
    storage.create_schema()
    app = Flask("portal")
    auth = UnessAuth(
        site=Site(base_url=BASE_URL, sender="webmaster@localhost"),
        stores=storage.stores,
        mailer=Outbox(),
        hashing=FastHashing(),
    )
    FlaskAuth(auth, app)

    def run(*arguments: str) -> Answer:
        done = app.test_cli_runner().invoke(args=["uness-auth", *arguments])
        return Answer(done.exit_code, done.stdout, done.stderr)

    return run


def own_door(folder: Path) -> Door:
    """
    ``uness-auth --database URL …``.
    """
    database = f"sqlite:///{folder}/own.db"
    environ = {
        "BASE_URL": BASE_URL,
        "SMTP_URL": "smtp://localhost",
        "SENDER": "webmaster@localhost",
    }

    def run(*arguments: str) -> Answer:
        given = ["--database", database, *arguments]
        done = CliRunner(env=environ).invoke(standalone, given)
        return Answer(done.exit_code, done.stdout, done.stderr)

    assert 0 == run("database", "upgrade").code
    return run


def django_door(capsys: pytest.CaptureFixture[str]) -> Door:
    """
    ``manage.py uness_auth …``.
    """

    def run(*arguments: str) -> Answer:
        code = run_django([*arguments], prog_name="manage.py uness_auth")
        return Answer(code, *capsys.readouterr())

    return run


def compared(answer: Answer, command: tuple[str, ...]) -> tuple[Any, ...]:
    """
    Return what of an answer is the same whatever the site is.
    """
    if command[:2] == ("doctor", "--offline"):
        # Of sites with other stores, other things are found.
        lines = [json.loads(line) for line in answer.out.splitlines()]
        fields = {tuple(line) for line in lines}
        return (
            answer.code,
            fields,
            {one["check"] for one in lines} - {"Django", "tables"},
        )
    out, err = answer.out, answer.err
    if command[1:2] == ("list",):
        # In the order of ids, which are random.
        out = "\n".join(sorted(out.splitlines()))
    for pattern, mark in CHANGES:
        out, err = pattern.sub(mark, out), pattern.sub(mark, err)
    return answer.code, out, err


class TestDoors:
    def test_same_words(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        Each command answers the same through each door, and ends alike.
        """
        storage = SQLStorage(f"sqlite:///{tmp_path}/flask.db")
        with (
            closing(storage),
            installed(more={"DEFAULT_FROM_EMAIL": "webmaster@localhost"}),
        ):
            empty_database()
            doors = [flask_door(storage), own_door(tmp_path), django_door(capsys)]
            codes = set()
            for command in COMMANDS:
                flask, own, django = (
                    compared(door(*command), command) for door in doors
                )
                codes.add(flask[0])

                assert flask == own, command
                assert flask == django, command
        assert {0, 1, 2} == codes
