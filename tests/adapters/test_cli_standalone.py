"""
The command line without an application: what it needs, what it warns of, what it makes.
"""

from __future__ import annotations

import json
import re
import runpy
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner, Result

from uness_auth import ConfigurationError, MailError, Site, UnessAuth, __main__
from uness_auth.cli import uness_auth
from uness_auth.cli.standalone import (
    NEEDS,
    Needs,
    NoMailer,
    StandAlone,
    keys_from,
    number_from,
    proxies_from,
    standalone,
)
from uness_auth.doctor import Finding, Severity
from uness_auth.doctor.stores import check_stores
from uness_auth.storage.sql import SQLStorage, schema


CAMILLE: Final = "camille.durand@univ-exemple.fr"
SECRET: Final = "pl4nted-secret"
KEY: Final = f"{SECRET}-0123456789-abcdefghijklmnop"
NOTHING: Final = dict.fromkeys(
    ["DATABASE_URL", "BASE_URL", "SMTP_URL", "TRUSTED_PROXIES", "UNESS_AUTH_KEYS"]
)

Run = Callable[..., Result]


@pytest.fixture(name="run")
def _run() -> Run:
    """
    Runs ``uness-auth …`` with an environment of its own.
    """

    def run(*arguments: str, **environ: str) -> Result:
        return CliRunner(env={**NOTHING, **environ}).invoke(standalone, arguments)

    return run


@pytest.fixture(name="database")
def _database(tmp_path: Path, run: Run) -> str:
    """
    The URL of a database with tables.
    """
    url = f"sqlite:///{tmp_path}/portal.db"
    assert 0 == run("database", "upgrade", DATABASE_URL=url).exit_code
    return url


class TestNeeds:
    @pytest.mark.parametrize(
        ("command", "missing"),
        [
            (["accounts", "list"], ["DATABASE_URL"]),
            (["purge"], ["DATABASE_URL"]),
            (["database", "upgrade"], ["DATABASE_URL"]),
            (["mail", "preview", "code"], ["BASE_URL"]),
            (["accounts", "invite", "--all"], ["DATABASE_URL", "BASE_URL", "SMTP_URL"]),
            (
                ["accounts", "readdress", CAMILLE, f"d.{CAMILLE}"],
                ["DATABASE_URL", "BASE_URL", "SMTP_URL"],
            ),
            (["accounts", "import", __file__, "--by", "a"], ["DATABASE_URL"]),
            (
                ["accounts", "import", __file__, "--readdress", "1"],
                ["DATABASE_URL", "BASE_URL", "SMTP_URL"],
            ),
        ],
    )
    def test_says_what_is_missing(
        self, run: Run, command: list[str], missing: list[str]
    ) -> None:
        """
        A command names each thing that it needs, by option and variable; no more.
        """
        answer = run(*command)

        assert (2, "") == (answer.exit_code, answer.stdout)
        assert missing == [
            name for name in NOTHING if re.search(rf"\b{name}\b", answer.stderr)
        ]

    def test_nothing(self, run: Run) -> None:
        """
        A key can be made before there is anything.
        """
        assert 0 == run("keys", "new").exit_code

    def test_a_database_alone(self, run: Run, database: str) -> None:
        """
        Accounts need no mail server, no key and no base URL.
        """
        added = run("accounts", "add", CAMILLE, DATABASE_URL=database)

        assert (0, "") == (added.exit_code, added.stderr)
        assert CAMILLE in run("--database", database, "accounts", "list").stdout
        assert 0 == run("purge", DATABASE_URL=database).exit_code

    def test_a_site_alone(self, run: Run) -> None:
        """
        A preview needs no database; path and sender are those of the site.
        """
        answer = run(
            *("--base-url", "https://portail.example.fr", "--path", "/in/"),
            *("mail", "preview", "first_link"),
        )

        assert 0 == answer.exit_code
        assert "https://portail.example.fr/in/link/" in answer.stdout

    def test_every_name_is_a_command(self) -> None:
        """
        What is said of needs is said of commands that there are.
        """
        for names in NEEDS:
            command: Any = uness_auth
            for name in names:
                command = command.commands[name]
            assert isinstance(command, click.Command)

    def test_unnamed_commands_need_all(self, database: str) -> None:
        """
        A command that nothing is said of gets no key that nobody has.
        """

        @click.command("mailing")
        @click.pass_context
        def mailing(context: click.Context) -> None:
            given = {"sender": "", "path": "", "time_zone": "", "processes": ""}
            for smtp, keys in (("", ()), ("smtp://localhost", ())):
                door = StandAlone(
                    database=database,
                    base_url="https://portail.example.fr",
                    smtp=smtp,
                    trusted_proxies="",
                    keys=keys,
                    context=context,
                    **given,
                )
                with pytest.raises(ConfigurationError) as caught:
                    door()
                click.echo(str(caught.value))

        group = click.Group(commands={"mailing": mailing})
        needs, keys = CliRunner().invoke(group, ["mailing"]).stdout.splitlines()

        assert ("mailing",) not in NEEDS
        assert Needs.KEYS in Needs.ALL
        assert "--smtp URL" in needs
        assert "keys is missing" in keys

    def test_no_mailer(self) -> None:
        """
        What stands for no mail server sends nothing.
        """
        with pytest.raises(MailError, match="SMTP_URL"):
            NoMailer().send(None, CAMILLE)  # type: ignore[arg-type]  # no mail


class TestDatabase:
    def test_no_tables(self, run: Run, tmp_path: Path) -> None:
        """
        A database without tables is told with the way out, which works.
        """
        url = f"sqlite:///{tmp_path}/new.db"
        refused = run("--database", url, "accounts", "list")
        made = run("--database", url, "database", "upgrade", "--json")
        again = run("--database", url, "database", "upgrade")

        assert 2 == refused.exit_code
        assert "`uness-auth database upgrade`" in refused.stderr
        assert {"before": 0, "after": schema.VERSION} == json.loads(made.stdout)
        assert f"The tables are at version {schema.VERSION} already.\n" == again.stdout

    def test_makes_them(self, run: Run, tmp_path: Path) -> None:
        """
        It says from where to where.
        """
        answer = run("--database", f"sqlite:///{tmp_path}/a.db", "database", "upgrade")

        assert answer.stdout.endswith("they were at 0.\n")

    def test_newer_tables(self, run: Run, database: str) -> None:
        """
        Tables of a newer release are left as they are.
        """
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE uness_auth_schema SET version = 99")
        connection.close()
        answer = run("--database", database, "database", "upgrade")

        assert 2 == answer.exit_code
        assert "99" in answer.stderr

    @pytest.mark.parametrize("url", ["nonsense", "oracle://host/db"])
    def test_no_such_database(self, run: Run, url: str) -> None:
        """
        What is no database of ours is wrong usage.
        """
        assert 2 == run("--database", url, "accounts", "list").exit_code

    def test_not_installed(
        self, run: Run, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Without SQLAlchemy it says what to install.
        """
        for name in [
            one for one in sys.modules if one.startswith("uness_auth.storage.sql")
        ]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
        answer = run("--database", database, "accounts", "list")

        assert 2 == answer.exit_code
        assert "uness-auth[cli,sql]" in answer.stderr


class TestOptions:
    @pytest.mark.parametrize(
        ("given", "variable"),
        [
            (
                ["--database", f"postgresql://portal:{SECRET}@127.0.0.1:1/p"],
                "DATABASE_URL",
            ),
            (
                ["--database", f"mariadb://127.0.0.1:1/p?password={SECRET}"],
                "DATABASE_URL",
            ),
            (["--smtp", f"smtp://portal:{SECRET}@127.0.0.1"], "SMTP_URL"),
            (["--smtp", f"smtp://portal:{SECRET}@[127.0.0.1"], "SMTP_URL"),
        ],
    )
    def test_passwords_on_the_command_line(
        self, run: Run, given: list[str], variable: str
    ) -> None:
        """
        A password where everybody can read it is warned of, and not repeated.
        """
        answer = run(*given, "keys", "new")

        assert f"set {variable} instead" in answer.stderr
        assert SECRET not in answer.output

    def test_elsewhere(self, run: Run) -> None:
        """
        In the environment it may be; and what has none needs no warning.
        """
        quiet = run("keys", "new", SMTP_URL=f"smtp://portal:{SECRET}@127.0.0.1")
        plain = run("--database", "postgresql://127.0.0.1/p", "keys", "new")

        assert ("", "") == (quiet.stderr, plain.stderr)

    @pytest.mark.parametrize("mode", [0o600, 0o644])
    def test_keys_file(self, run: Run, tmp_path: Path, mode: int) -> None:
        """
        A file of keys that others can read is warned of.
        """
        file = tmp_path / "keys"
        file.write_text(f"{KEY}\n\n", encoding="utf-8")
        file.chmod(mode)
        answer = run("--keys-file", str(file), "keys", "new")

        assert 0 == answer.exit_code
        assert (mode != 0o600) == ("chmod 600" in answer.stderr)
        assert SECRET not in answer.output
        assert (KEY,) == keys_from(file, "ignored")
        assert ("a", "b") == keys_from(None, "a,b,")

    def test_numbers(self) -> None:
        """
        Proxies are a number or networks; what must be a number is one.
        """
        assert [None, 2, ["10.0.0.0/8", "::1"]] == [
            proxies_from(one) for one in ("", "2", "10.0.0.0/8,::1")
        ]
        assert 4 == number_from("--processes", "4")
        with pytest.raises(ConfigurationError, match="'four'"):
            number_from("--processes", "four")

    def test_repr(self, run: Run, database: str) -> None:
        """
        What it holds of secrets is not in its repr.
        """
        door = StandAlone(
            database=f"postgresql://a:{SECRET}@b/c",
            base_url="",
            smtp=f"smtp://a:{SECRET}@b",
            sender="",
            path="",
            time_zone="",
            trusted_proxies="",
            processes="",
            keys=(KEY,),
            context=click.Context(standalone),
        )

        assert SECRET not in repr(door)


class TestDoctor:
    def test_well(self, run: Run, database: str) -> None:
        """
        A site as it is before it is opened: nothing serious but what is not there yet.
        """
        answer = run(
            *("doctor", "--offline", "--json"),
            DATABASE_URL=database,
            BASE_URL="https://portail.example.fr",
            SMTP_URL=f"smtp://portal:{SECRET}@mail.example.fr",
            UNESS_AUTH_KEYS=KEY,
            TRUSTED_PROXIES="1",
            TIME_ZONE="Indian/Reunion",
        )
        found = [json.loads(line) for line in answer.stdout.splitlines()]

        assert 0 == answer.exit_code
        assert {"ok", "note"} == {one["severity"] for one in found}
        assert "Indian/Reunion" in answer.stdout
        assert SECRET not in answer.output

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"DATABASE_URL": ""}, "--database URL"),
            ({"SMTP_URL": ""}, "--smtp URL"),
            ({"UNESS_AUTH_KEYS": ""}, "keys is missing"),
            ({"UNESS_AUTH_KEYS": f"{SECRET}-short"}, "at least 32 are needed"),
            ({"UNESS_AUTH_KEYS": f"{KEY},{KEY}"}, "the same key twice"),
            ({"TRUSTED_PROXIES": ""}, "trusted_proxies is missing"),
            ({"TRUSTED_PROXIES": "a"}, "trusted_proxies"),
            ({"BASE_URL": "http://portail.example.fr"}, "in clear"),
            ({"SMTP_URL": f"smtp://u:{SECRET}@h:x"}, "URL of the mail server"),
            ({"SENDER": "nobody"}, "not one address"),
            ({"WEB_CONCURRENCY": "many"}, "no number"),
            ({"WEB_CONCURRENCY": "9"}, "memory_budget"),
            ({"TIME_ZONE": "Europe/Nowhere"}, "Europe/Nowhere"),
            (
                {"DATABASE_URL": f"postgresql://portal:{SECRET}@127.0.0.1:1/p"},
                "StorageError",
            ),
            ({"DATABASE_URL": f"nonsense:{SECRET}"}, "no database URL"),
        ],
    )
    def test_a_wrong_set_up(
        self, run: Run, database: str, changed: dict[str, str], words: str
    ) -> None:
        """
        What cannot be wired is a finding, with its way out and without a secret.
        """
        environ = {
            "DATABASE_URL": database,
            "BASE_URL": "https://portail.example.fr",
            "SMTP_URL": f"smtp://portal:{SECRET}@mail.example.fr",
            "UNESS_AUTH_KEYS": KEY,
            "TRUSTED_PROXIES": "1",
            **changed,
        }
        answer = run("doctor", "--offline", **environ)

        assert 1 == answer.exit_code
        assert answer.stdout.startswith("serious  set-up: ")
        assert words in answer.stdout
        assert "1 serious" in answer.stdout
        assert SECRET not in answer.output

    def test_old_tables(self, run: Run, database: str) -> None:
        """
        Tables of an older release are told, and how to upgrade them.
        """
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            connection.execute("UPDATE uness_auth_schema SET version = 1")
        connection.close()
        answer = run(
            "doctor",
            DATABASE_URL=database,
            BASE_URL="http://localhost",
            SMTP_URL="smtp://localhost",
        )

        assert 1 == answer.exit_code
        assert "has schema version 1" in answer.stdout
        assert "`uness-auth database upgrade`" in answer.stdout

    def test_a_table_is_gone(self, database: str) -> None:
        """
        A table that somebody dropped is named by who needs it.
        """
        with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
            connection.execute("DROP TABLE uness_auth_counters")
        connection.close()
        (finding,) = serious_of_stores(database)

        assert "counters (SQLCounters) does not answer" in finding.what
        assert "no such table" in finding.what

    def test_read_only(self, database: str) -> None:
        """
        A database that takes no writes is told before the first sign-in is.
        """
        file = database.removeprefix("sqlite:///")
        findings = serious_of_stores(f"sqlite:///file:{file}?mode=ro&uri=true")

        assert ["code_challenges", "sessions", "counters"] == [
            one.what.partition(" ")[0] for one in findings
        ]
        assert all("readonly database" in one.what for one in findings)


def serious_of_stores(url: str) -> list[Finding]:
    """
    Return what is serious about the stores in a database.
    """
    storage = SQLStorage(url)
    auth = UnessAuth(
        site=Site(base_url="http://localhost"), stores=storage.stores, mailer=NoMailer()
    )
    with closing(storage):
        return [one for one in check_stores(auth) if one.severity is Severity.SERIOUS]


class TestMain:
    def test_runs(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        """
        ``python -m uness_auth keys new`` prints a key.
        """
        monkeypatch.setattr(sys, "argv", ["uness-auth", "keys", "new"])
        monkeypatch.delitem(sys.modules, "uness_auth.__main__")
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("uness_auth", run_name="__main__")

        assert 0 == ended.value.code
        assert 64 == len(capsys.readouterr().out.strip())

    def without(self, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Run it where *module* is not installed.
        """
        for name in [one for one in sys.modules if one.startswith("uness_auth.cli")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
        __main__.main()

    def test_without_click(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        """
        Without click it says what to install, and ends with 2.
        """
        with pytest.raises(SystemExit) as ended:
            self.without("click", monkeypatch)

        assert 2 == ended.value.code
        assert "uness-auth[cli,sql]" in capsys.readouterr().err

    def test_anything_else_that_is_missing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        What else is missing is not put down to click.
        """
        with pytest.raises(ModuleNotFoundError, match="json"):
            self.without("json", monkeypatch)
