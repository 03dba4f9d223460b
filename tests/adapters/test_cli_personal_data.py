"""
The command line hands over what is held about a person, and erases it.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from uness_auth import Site, UnessAuth
from uness_auth.cli import uness_auth
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox


CAMILLE = "camille.durand@univ-exemple.fr"
UNKNOWN = "personne@univ-exemple.fr"
FACTS = {"account", "sessions", "events", "throttles", "not_listed", "gathered_at"}


@pytest.fixture(name="auth")
def _auth(clock: FixedClock) -> UnessAuth:
    """
    A sign-in with one account.
    """
    auth = UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=MemoryStorage().stores,
        mailer=Outbox(),
        hashing=FastHashing(),
        clock=clock,
    )
    _ = auth.provisioning.add(CAMILLE, display_name="Zoé")
    return auth


def run(auth: UnessAuth, *arguments: str) -> Result:
    """
    Run the command line on the sign-in.
    """
    return CliRunner().invoke(uness_auth, ("accounts", *arguments), obj=lambda: auth)


class Terminal(io.StringIO):
    """
    Somebody who sits there and types.
    """

    def isatty(self) -> bool:
        """
        Say that it is one.
        """
        return True


class TestExport:
    def test_on_standard_output(self, auth: UnessAuth) -> None:
        """
        It is JSON, and nothing else is said.
        """
        answer = run(auth, "export", CAMILLE)

        assert (0, "") == (answer.exit_code, answer.stderr)
        told = json.loads(answer.stdout)
        assert set(told) == FACTS
        assert "Zoé" in answer.stdout

    def test_to_a_file_of_its_own(self, auth: UnessAuth, tmp_path: Path) -> None:
        """
        The file is new, and nobody else may read it.
        """
        file = tmp_path / "camille.json"

        answer = run(auth, "export", CAMILLE, "--to", str(file))

        assert (0, "") == (answer.exit_code, answer.stderr)
        assert FACTS == set(json.loads(file.read_text("utf-8")))
        assert 0o600 == file.stat().st_mode & 0o777
        assert CAMILLE in answer.stdout

    def test_over_no_file(self, auth: UnessAuth, tmp_path: Path) -> None:
        """
        A file that is there stays as it is; one that cannot be made is told.
        """
        there = tmp_path / "letter.txt"
        _ = there.write_text("Bonjour", "utf-8")

        answers = [
            run(auth, "export", CAMILLE, "--to", str(file))
            for file in (there, tmp_path / "no such folder" / "camille.json")
        ]

        assert [1, 1] == [one.exit_code for one in answers]
        assert "is there already: name a new file" in answers[0].stderr
        assert "cannot be written" in answers[1].stderr
        assert "Bonjour" == there.read_text("utf-8")

    @pytest.mark.parametrize(
        ("address", "words"),
        [(UNKNOWN, "no account has the address"), ("a@", "is no e-mail address")],
    )
    @pytest.mark.parametrize("command", [("export",), ("erase", "--yes")])
    def test_nobody(
        self, auth: UnessAuth, command: tuple[str, ...], address: str, words: str
    ) -> None:
        """
        Of nobody there is nothing: the answer is no.
        """
        answer = run(auth, *command, address)

        assert (1, "") == (answer.exit_code, answer.stdout)
        assert words in answer.stderr


class TestErase:
    def test_when_it_is_sure(self, auth: UnessAuth) -> None:
        """
        The account is gone, and what was done is told in figures.
        """
        answer = run(auth, "erase", CAMILLE, "--yes")

        assert (0, "") == (answer.exit_code, answer.stderr)
        assert answer.stdout == (
            f"{CAMILLE} is erased: 0 sessions closed, 2 events kept as counts only.\n"
        )
        assert 1 == run(auth, "show", CAMILLE).exit_code

    def test_nobody_can_be_asked(self, auth: UnessAuth) -> None:
        """
        Without a terminal nothing is erased that nobody was asked about.
        """
        answer = run(auth, "erase", CAMILLE)

        assert (1, "") == (answer.exit_code, answer.stdout)
        assert "add --yes" in answer.stderr
        assert 0 == run(auth, "show", CAMILLE).exit_code

    @pytest.mark.parametrize(("typed", "left"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
    def test_on_a_terminal(
        self,
        auth: UnessAuth,
        monkeypatch: pytest.MonkeyPatch,
        typed: str,
        left: int,
    ) -> None:
        """
        There it asks, and only a yes is one.
        """
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        with pytest.raises(SystemExit) as ended:
            uness_auth(["accounts", "erase", CAMILLE], obj=lambda: auth)
        monkeypatch.undo()

        assert 1 - left == ended.value.code
        assert left == run(auth, "show", CAMILLE).exit_code
