"""
The command line: answers on one stream, complaints on the other, and its exit codes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result
from flask import Flask

from uness_auth import Site, StorageError, UnessAuth
from uness_auth.cli import uness_auth
from uness_auth.cli.accounts import PAGE
from uness_auth.flask import FlaskAuth
from uness_auth.model import Client
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.wiring import PURGE_LIMIT


CAMILLE = "camille.durand@univ-exemple.fr"
UNKNOWN = "personne@univ-exemple.fr"

Run = Callable[..., Result]


@pytest.fixture(name="auth")
def _auth(clock: FixedClock) -> UnessAuth:
    """
    A sign-in with nobody in it.
    """
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=MemoryStorage().stores,
        mailer=Outbox(),
        hashing=FastHashing(),
        clock=clock,
    )


@pytest.fixture(name="run")
def _run(auth: UnessAuth) -> Run:
    """
    Runs the command line on the sign-in.
    """

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(uness_auth, arguments, obj=lambda: auth)

    return run


class TestAdd:
    def test_an_account(self, run: Run, auth: UnessAuth) -> None:
        """
        The account is there, with what was said of it.
        """
        answer = run(
            "accounts", "add", CAMILLE, "--name", "Camille", "--language", "en"
        )
        account = auth.provisioning.accounts.by_address(CAMILLE)

        assert (0, f"{CAMILLE} may sign in.\n", "") == (
            answer.exit_code,
            answer.stdout,
            answer.stderr,
        )
        assert account is not None
        assert ("Camille", "en") == (account.display_name, account.language)

    @pytest.mark.parametrize(
        ("address", "words"),
        [(CAMILLE, "has an account already"), ("camille@", "is no e-mail address")],
    )
    def test_refused(self, run: Run, address: str, words: str) -> None:
        """
        What is there, or is no address, is the answer no.
        """
        run("accounts", "add", CAMILLE)
        answer = run("accounts", "add", address)

        assert (1, "") == (answer.exit_code, answer.stdout)
        assert words in answer.stderr

    def test_wrong_usage(self, run: Run) -> None:
        """
        A language that there is not is wrong usage.
        """
        assert 2 == run("accounts", "add", CAMILLE, "--language", "de").exit_code


class TestChanges:
    @pytest.mark.parametrize(
        ("command", "words"),
        [
            ("disable", "is disabled"),
            ("enable", "may sign in again"),
            ("sign-out", "is signed out everywhere"),
        ],
    )
    def test_each(self, run: Run, auth: UnessAuth, command: str, words: str) -> None:
        """
        What was made under the account's version before is void.
        """
        run("accounts", "add", CAMILLE)
        before = auth.provisioning.accounts.by_address(CAMILLE)
        answer = run("accounts", command, CAMILLE)
        after = auth.provisioning.accounts.by_address(CAMILLE)

        assert (0, f"{CAMILLE} {words}.\n") == (answer.exit_code, answer.stdout)
        assert before is not None
        assert after is not None
        assert before.credential_version + 1 == after.credential_version
        assert (command == "disable") == after.is_disabled

    @pytest.mark.parametrize("command", ["disable", "enable", "sign-out", "show"])
    @pytest.mark.parametrize(
        ("address", "words"),
        [(UNKNOWN, "see `accounts list`"), ("camille@", "is no e-mail address")],
    )
    def test_of_nobody(self, run: Run, command: str, address: str, words: str) -> None:
        """
        Of nobody there is nothing to change or show.
        """
        answer = run("accounts", command, address)

        assert (1, "") == (answer.exit_code, answer.stdout)
        assert words in answer.stderr


class TestList:
    @pytest.fixture(autouse=True)
    def _states(self, auth: UnessAuth, clock: FixedClock) -> None:
        states: list[dict[str, Any]] = [
            {},
            {"password_hash": "clear:x"},
            {"password_hash": "clear:x", "is_password_suspended": True},
            {"is_disabled": True},
            {"valid_from": clock() + timedelta(seconds=1)},
            {"password_hash": "clear:x", "valid_until": clock()},
            {"valid_from": clock(), "valid_until": clock() + timedelta(seconds=1)},
        ]
        for number, facts in enumerate(states):
            address = f"a{number}@univ-exemple.fr"
            added = auth.provisioning.add(address, account_id=f"a{number}")
            account = getattr(added, "account")  # noqa: B009 - added or not
            assert auth.provisioning.registry.replace(
                attrs.evolve(account, **facts), account.credential_version
            )
            if facts.get("is_password_suspended"):
                auth.provisioning.accounts.disable_password(
                    account.id, account.credential_version
                )

    def test_states(self, run: Run) -> None:
        """
        One line each, in the order of the ids.
        """
        assert [
            "a0@univ-exemple.fr\tno password yet",
            "a1@univ-exemple.fr\tactive",
            "a2@univ-exemple.fr\tpassword suspended",
            "a3@univ-exemple.fr\tdisabled",
            "a4@univ-exemple.fr\tnot open yet",
            "a5@univ-exemple.fr\tended",
            "a6@univ-exemple.fr\tno password yet",
        ] == run("accounts", "list").stdout.splitlines()

    def test_as_json(self, run: Run) -> None:
        """
        One object a line, without the hash.
        """
        lines = run("accounts", "list", "--json").stdout.splitlines()
        shown = json.loads(
            run("accounts", "show", "a1@univ-exemple.fr", "--json").stdout
        )

        assert 7 == len(lines)
        assert json.loads(lines[1]).items() <= shown.items()
        assert "clear:x" not in lines[1]
        assert "active" == shown["state"]

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            (["--by", "scolarite"], ["a1"]),
            (["--by", "scolarite", "--state", "disabled"], []),
            (["--state", "disabled"], ["a3"]),
            (["--state", "no-password-yet"], ["a0", "a6"]),
            (["--state", "not-open-yet"], ["a4"]),
            (["--state", "ended"], ["a5"]),
        ],
    )
    def test_some_of_them(
        self, run: Run, auth: UnessAuth, options: list[str], found: list[str]
    ) -> None:
        """
        Those of one registrar, and those in one state.
        """
        account = auth.provisioning.accounts.by_id("a1")
        assert account is not None
        assert auth.provisioning.registry.replace(
            attrs.evolve(account, provisioned_by="scolarite"),
            account.credential_version,
        )
        lines = run("accounts", "list", "--json", *options).stdout.splitlines()

        assert found == [json.loads(line)["id"] for line in lines]
        assert 2 == run("accounts", "list", "--state", "odd").exit_code

    def test_more_than_a_page(self, run: Run, auth: UnessAuth) -> None:
        """
        However many there are.
        """
        for number in range(PAGE):
            auth.provisioning.add(f"b{number}@univ-exemple.fr")

        assert PAGE + 7 == len(run("accounts", "list").stdout.splitlines())


class TestKeys:
    def test_new(self, run: Run) -> None:
        """
        A key is long, and another each time.
        """
        one, other = (run("keys", "new").stdout.strip() for _ in range(2))

        assert one != other
        assert 64 == len(one)


class TestPurge:
    @pytest.mark.parametrize("count", [3, PURGE_LIMIT + 2])
    def test_all_of_it(
        self, run: Run, auth: UnessAuth, clock: FixedClock, count: int
    ) -> None:
        """
        All that has long expired goes, however much it is.
        """
        auth.provisioning.add(CAMILLE)
        account = auth.provisioning.accounts.by_address(CAMILLE)
        assert account is not None
        for _ in range(count):
            auth.sessions.open(account, Client(), method="test", is_remembered=False)
        clock.tick(timedelta(days=400))

        # Each session, what was told of it, and that the account was created.
        assert f"{4 * count + 1} rows removed.\n" == run("purge").stdout
        assert '{"removed": 0}\n' == run("purge", "--json").stdout


class TestFlask:
    def test_is_a_door(self, auth: UnessAuth) -> None:
        """
        ``flask uness-auth …`` runs the same commands on the app's sign-in.
        """
        app = Flask("portal")
        FlaskAuth(auth, app)
        runner = app.test_cli_runner()
        answer = runner.invoke(args=["uness-auth", "accounts", "add", CAMILLE])

        assert (0, f"{CAMILLE} may sign in.\n") == (answer.exit_code, answer.stdout)
        assert auth.provisioning.accounts.by_address(CAMILLE) is not None


class TestComplaints:
    def test_a_store_that_is_down(self) -> None:
        """
        What an operator has to mend is a complaint, not a traceback.
        """

        def get_auth() -> UnessAuth:
            msg = "the database is away"
            raise StorageError(msg)

        answer = CliRunner().invoke(uness_auth, ["accounts", "list"], obj=get_auth)

        assert (1, "Error: StorageError: the database is away\n") == (
            answer.exit_code,
            answer.stderr,
        )
