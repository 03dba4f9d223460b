"""
``accounts import``: the difference first, then the changes; and what it says no to.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask

from uness_auth import Site, UnessAuth
from uness_auth.cli import uness_auth
from uness_auth.flask import FlaskAuth
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox


HEAD = "email;display_name;external_id\n"
ANNE = "anne@univ-exemple.fr;Anne Durand;1\n"
BOB = "bob@univ-exemple.fr;Bob Martin;2\n"

Run = Callable[..., Result]


@pytest.fixture(name="outbox")
def _outbox() -> Outbox:
    """
    What was mailed.
    """
    return Outbox()


@pytest.fixture(name="auth")
def _auth(clock: FixedClock, outbox: Outbox) -> UnessAuth:
    """
    A sign-in with nobody in it.
    """
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=MemoryStorage().stores,
        mailer=outbox,
        hashing=FastHashing(),
        clock=clock,
    )


@pytest.fixture(name="run")
def _run(auth: UnessAuth, tmp_path: Path) -> Run:
    """
    Imports a file with these lines.
    """

    def run(lines: str, *options: str) -> Result:
        file = tmp_path / "comptes.csv"
        file.write_text(HEAD + lines, encoding="utf-8")
        arguments = ["accounts", "import", str(file), *options]
        return CliRunner().invoke(uness_auth, arguments, obj=lambda: auth)

    return run


def addresses(auth: UnessAuth) -> list[str]:
    """
    Return who has an account.
    """
    everybody = auth.provisioning.registry.page("", 1_000)
    return sorted(one.address.partition("@")[0] for one in everybody)


class TestImport:
    def test_shown_and_done(self, run: Run, auth: UnessAuth) -> None:
        """
        Each change, then how many of each; and done it is.
        """
        answer = run(ANNE + BOB, "--by", "scolarite")

        assert (0, "") == (answer.exit_code, answer.stderr)
        assert [
            "created      line 2: anne@univ-exemple.fr",
            "created      line 3: bob@univ-exemple.fr",
            "created            2",
            "updated            0",
            "readdressed        0",
            "reopened           0",
            "closed             0",
            "unchanged          0",
            "rejected           0",
            "Done.",
        ] == answer.stdout.splitlines()
        assert ["anne", "bob"] == addresses(auth)

    def test_again(self, run: Run) -> None:
        """
        The same file again changes nothing.
        """
        run(ANNE + BOB)

        assert "unchanged          2" in run(ANNE + BOB).stdout

    def test_dry(self, run: Run, auth: UnessAuth) -> None:
        """
        With --dry-run it is shown, and nothing is written.
        """
        answer = run(ANNE, "--dry-run")

        assert 0 == answer.exit_code
        assert "created            1" in answer.stdout
        assert "Nothing was written." in answer.stdout
        assert [] == addresses(auth)

    def test_rejected(self, run: Run, auth: UnessAuth) -> None:
        """
        A line that is wrong stops no other, and is the answer no.
        """
        answer = run(ANNE + "bob@;Bob;2\n")

        assert 1 == answer.exit_code
        assert "comptes.csv, line 3: « bob@ » is not an e-mail address" in answer.stderr
        assert "1 rejected" in answer.stderr
        assert ["anne"] == addresses(auth)

    def test_many(self, run: Run) -> None:
        """
        Of many the first are shown, and where the others stand.
        """
        lines = "".join(f"p{n}@univ-exemple.fr;Anne Durand;{n}\n" for n in range(30))
        answer = run(lines + "x;;\n" * 25)

        assert "created      … and 10 more: see --report or --json" in answer.stdout
        assert "look at      … and 9 more" in answer.stdout
        assert "… and 5 more rejected" in answer.stderr

    def test_wrong_files(self, run: Run, tmp_path: Path) -> None:
        """
        A file that is none is wrong usage, and nothing is written.
        """
        assert 2 == run('"' + ANNE).exit_code
        missing = CliRunner().invoke(
            uness_auth, ["accounts", "import", str(tmp_path / "none.csv")]
        )
        assert 2 == missing.exit_code

    def test_encoding(self, run: Run, auth: UnessAuth, tmp_path: Path) -> None:
        """
        What Excel calls CSV is read where it is said to be that.
        """
        file = tmp_path / "excel.csv"
        file.write_bytes((HEAD + "anne@univ-exemple.fr;Hélène;1\n").encode("cp1252"))
        arguments = ["accounts", "import", str(file), "--encoding", "cp1252"]
        answer = CliRunner().invoke(uness_auth, arguments, obj=lambda: auth)

        assert 0 == answer.exit_code
        (account,) = auth.provisioning.registry.page("", 10)
        assert "Hélène" == account.display_name


class TestNumbers:
    def test_missing(self, run: Run, auth: UnessAuth) -> None:
        """
        Who is in no line is told, and closed under their number only.
        """
        run(ANNE + BOB, "--by", "scolarite")

        told = run(ANNE, "--by", "scolarite")
        assert "1 open accounts of « scolarite » are in no line" in told.stdout
        wrong = run(ANNE, "--by", "scolarite", "--close-missing", "2")
        assert (1, "Nothing was written.") == (
            wrong.exit_code,
            wrong.stdout.splitlines()[-1],
        )
        assert "1 accounts are in no line, not 2" in wrong.stderr
        done = run(ANNE, "--by", "scolarite", "--close-missing", "1")
        assert "closed       bob@univ-exemple.fr" in done.stdout
        account = auth.provisioning.accounts.by_address("bob@univ-exemple.fr")
        assert account is not None
        assert account.is_disabled

    def test_missing_of_nobody(self, run: Run) -> None:
        """
        Whose accounts are missing has to be said.
        """
        answer = run(ANNE, "--close-missing", "0")

        assert 2 == answer.exit_code
        assert "Name the registrar" in answer.stderr

    def test_readdressed(self, run: Run, outbox: Outbox) -> None:
        """
        Another address under the number of them, and the old one hears of it.
        """
        run(ANNE)
        moved = ANNE.replace("anne@", "anne.durand@")

        assert "give --readdress 1" in run(moved).stderr
        answer = run(moved, "--readdress", "1")
        assert 0 == answer.exit_code
        assert "line 2: anne@univ-exemple.fr -> anne.durand@univ-exemple.fr" in (
            answer.stdout
        )
        assert 1 == outbox.count("anne@univ-exemple.fr")

    def test_taken_over(self, run: Run) -> None:
        """
        Who was added by hand comes under a registrar under their number only.
        """
        run(ANNE)

        assert "give --take-over 1" in run(ANNE, "--by", "scolarite").stderr
        answer = run(ANNE, "--by", "scolarite", "--take-over", "1")
        assert "line 2: anne@univ-exemple.fr (provisioned_by)" in answer.stdout


class TestLookalikes:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("anne.durand@autre-exemple.fr;Durand Anne;9\n", "has the same name"),
            (
                "an.ne@univ-exemple.fr;;9\n",
                "it is spelt nearly like anne@univ-exemple.fr",
            ),
        ],
    )
    def test_told(self, run: Run, line: str, words: str) -> None:
        """
        Who may be there already is told, and nothing is decided.
        """
        run(ANNE)
        answer = run(ANNE + line)

        assert "look at      line 3: " in answer.stdout
        assert words in answer.stdout
        assert "created            1" in answer.stdout

    def test_in_the_file(self, run: Run) -> None:
        """
        A line further up is named; and a frequent domain that is nearly this one.
        """
        many = "".join(f"p{n}@univ-exemple.fr;;{n}\n" for n in range(20))
        answer = run(many + "x@univ-exempel.fr;;99\np.1@univ-exemple.fr;;98\n")

        assert "is x@univ-exemple.fr meant?" in answer.stdout
        assert "nearly like p1@univ-exemple.fr in line 3" in answer.stdout


class TestForPrograms:
    def test_as_json(self, run: Run) -> None:
        """
        One object for each change and each rejected line, then the counts.
        """
        answer = run(ANNE + "bob@;Bob;2\n", "--json")
        *rows, summary = map(json.loads, answer.stdout.splitlines())

        assert ["created", "rejected"] == [one["what"] for one in rows]
        assert [2, 3] == [one["line"] for one in rows]
        assert (1, True, []) == (
            summary["counts"]["created"],
            summary["is_applied"],
            summary["faults"],
        )
        assert 1 == answer.exit_code

    def test_report(self, run: Run, tmp_path: Path) -> None:
        """
        A sheet of what became of each line that changes something or nothing.
        """
        report = tmp_path / "rapport.csv"
        run(ANNE, "--report", str(report))
        moved = ANNE.replace("anne@", "anne.durand@")
        twin = "ann.e.durand@univ-exemple.fr;;7\n"
        run(moved + BOB + twin, "--report", str(report), "--readdress", "1")
        with report.open(encoding="utf-8-sig", newline="") as opened:
            found = list(csv.DictReader(opened, delimiter=";"))

        assert {"created", "readdressed", "look at"} == {one["what"] for one in found}
        assert "before: anne@univ-exemple.fr" in [one["reason"] for one in found]

    def test_a_report_over_the_file_itself(
        self, run: Run, auth: UnessAuth, tmp_path: Path
    ) -> None:
        """
        The registrar's list is not lost for a report about it.
        """
        answer = run(ANNE, "--report", str(tmp_path / "comptes.csv"))

        assert 2 == answer.exit_code
        assert "name another" in answer.stderr
        assert HEAD + ANNE == (tmp_path / "comptes.csv").read_text(encoding="utf-8")
        assert [] == addresses(auth)

    def test_a_report_that_cannot_be_written(
        self, run: Run, auth: UnessAuth, tmp_path: Path
    ) -> None:
        """
        It is told before anything is written.
        """
        answer = run(ANNE, "--report", str(tmp_path / "nowhere" / "rapport.csv"))

        assert 2 == answer.exit_code
        assert [] == addresses(auth)

    def test_late_rejections(self, run: Run, auth: UnessAuth) -> None:
        """
        What others changed while it was written is told as well.
        """
        run(ANNE)
        auth.subscribe(lambda _event: self._erase(auth))
        answer = run(ANNE.replace("Durand", "D.") + BOB)

        assert 1 == answer.exit_code
        assert "line 2: its account is gone" in answer.stderr

    def _erase(self, auth: UnessAuth) -> None:
        for account in auth.provisioning.registry.page("", 10):
            if account.address.startswith("anne"):
                auth.provisioning.registry.erase(account.id)


@contextmanager
def terminal(typed: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Let this process read and write on a terminal where *typed* was typed.
    """
    typist, ours = os.openpty()
    os.write(typist, typed)
    with (
        os.fdopen(os.dup(ours), encoding="utf-8") as stdin,
        os.fdopen(ours, "w", encoding="utf-8") as stdout,
        monkeypatch.context() as patched,
    ):
        patched.setattr(sys, "stdin", stdin)
        patched.setattr(sys, "stdout", stdout)
        yield
    os.close(typist)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals")
class TestOnATerminal:
    @pytest.fixture(name="arguments")
    def _arguments(self, tmp_path: Path) -> list[str]:
        """
        An import of one line.
        """
        file = tmp_path / "comptes.csv"
        file.write_text(HEAD + ANNE, encoding="utf-8")
        return ["accounts", "import", str(file)]

    def test_asks(
        self, auth: UnessAuth, arguments: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Nothing is written before somebody said yes.
        """
        with (
            terminal(b"n\n", monkeypatch),
            pytest.raises(click.ClickException, match="nothing was written"),
        ):
            uness_auth.main(arguments, obj=lambda: auth, standalone_mode=False)
        assert [] == addresses(auth)
        with terminal(b"y\n", monkeypatch):
            uness_auth.main(arguments, obj=lambda: auth, standalone_mode=False)
        assert ["anne"] == addresses(auth)

    def test_yes(
        self, auth: UnessAuth, arguments: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        With --yes nobody is asked.
        """
        with terminal(b"", monkeypatch):
            uness_auth.main(
                [*arguments, "--yes"], obj=lambda: auth, standalone_mode=False
            )

        assert ["anne"] == addresses(auth)


class TestFlask:
    def test_is_a_door(self, auth: UnessAuth, tmp_path: Path) -> None:
        """
        ``flask uness-auth accounts import …`` is the same command.
        """
        file = tmp_path / "comptes.csv"
        file.write_text(HEAD + ANNE, encoding="utf-8")
        app = Flask("portal")
        FlaskAuth(auth, app)
        arguments = ["uness-auth", "accounts", "import", str(file)]
        answer = app.test_cli_runner().invoke(args=arguments)

        assert (0, ["anne"]) == (answer.exit_code, addresses(auth))
