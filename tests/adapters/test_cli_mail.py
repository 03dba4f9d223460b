"""
Previews of the mails: all of them, to nobody, with nothing in them that works.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from uness_auth import Site, UnessAuth
from uness_auth.cli import uness_auth
from uness_auth.cli.mail import ADDRESS
from uness_auth.model import LANGUAGES, Client, OrderKind
from uness_auth.outcomes import LinkInvalid
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, Outbox


Run = Callable[..., Result]


@pytest.fixture(name="outbox")
def _outbox() -> Outbox:
    return Outbox()


@pytest.fixture(name="auth")
def _auth(outbox: Outbox, tmp_path: Path) -> UnessAuth:
    """
    A sign-in whose host has a layout of its own.
    """
    folder = tmp_path / "layouts/uness_auth/mail"
    folder.mkdir(parents=True)
    (folder / "code.txt").write_text("Our own: $code\n", encoding="utf-8")
    return UnessAuth(
        site=Site(base_url="http://localhost", sender="Uness <a@univ-exemple.fr>"),
        stores=MemoryStorage().stores,
        mailer=outbox,
        hashing=FastHashing(),
        mail_folders=[tmp_path / "layouts"],
    )


@pytest.fixture(name="run")
def _run(auth: UnessAuth) -> Run:
    """
    Runs ``mail preview …`` on the sign-in.
    """

    def run(*arguments: str) -> Result:
        given = ["mail", "preview", *arguments]
        return CliRunner().invoke(uness_auth, given, obj=lambda: auth)

    return run


class TestPreview:
    @pytest.mark.parametrize("kind", list(OrderKind))
    def test_shown(self, run: Run, outbox: Outbox, kind: OrderKind) -> None:
        """
        Each kind is shown in each language, and mailed to nobody.
        """
        answer = run(str(kind))

        assert 0 == answer.exit_code
        assert all(f"{kind}, {one}\n" in answer.stdout for one in LANGUAGES)
        assert [] == outbox.messages

    def test_own_layouts(self, run: Run) -> None:
        """
        It is the mail as the host has it.
        """
        assert re.search(r"Our own: \d{6}\n", run("code").stdout)

    def test_links_open_nothing(self, run: Run, auth: UnessAuth) -> None:
        """
        The link is signed with a key that nobody keeps.
        """
        (token, *_) = re.findall(r"/link/(\S+)", run("reset_link").stdout)

        assert isinstance(auth.password_link.open(token, Client()), LinkInvalid)

    def test_as_json(self, run: Run) -> None:
        """
        One object for each language, with both parts.
        """
        lines = run("password_changed", "--json").stdout.splitlines()
        found = [json.loads(line) for line in lines]

        assert [*LANGUAGES] == [one["language"] for one in found]
        assert all("<html" in one["html"] and one["text"] for one in found)

    def test_written(self, run: Run, tmp_path: Path) -> None:
        """
        Text, HTML and .eml of every kind in every language, as any program opens them.
        """
        folder = tmp_path / "new/mails"
        answer = run("--all", "--to", str(folder))
        names = {
            f"{kind}.{language}.{suffix}"
            for kind in OrderKind
            for language in LANGUAGES
            for suffix in ("txt", "html", "eml")
        }
        raw = (folder / "first_link.fr.eml").read_bytes()
        mail = message_from_bytes(raw, policy=policy.default)
        text = mail.get_body(("plain",))

        assert names == {path.name for path in folder.iterdir()}
        assert sorted(answer.stdout.split()) == sorted(map(str, folder.iterdir()))
        assert (ADDRESS, "fr") == (mail["To"], mail["Content-Language"])
        assert raw.isascii()
        assert text is not None
        assert (folder / "first_link.fr.txt").read_text("utf-8") == str(
            text.get_content()
        ).replace("\r\n", "\n")

    def test_files_as_json(self, run: Run, tmp_path: Path) -> None:
        """
        Which files there are, for a program.
        """
        lines = run("code", "--to", str(tmp_path / "m"), "--json").stdout.splitlines()

        assert all(Path(json.loads(line)["file"]).is_file() for line in lines)

    @pytest.mark.parametrize("given", [[], ["code", "--all"], ["letter"]])
    def test_wrong_usage(self, run: Run, given: list[str]) -> None:
        """
        One kind or all of them.
        """
        answer = run(*given)

        assert 2 == answer.exit_code
        assert "password_changed" in answer.stderr

    def test_what_cannot_be_composed(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        A mail that there cannot be is the answer no, and says why.
        """
        # By its name alone the package has the group.
        module = importlib.import_module("uness_auth.cli.mail")
        monkeypatch.setattr(module, "ADDRESS", "nobody")
        answer = run("code")

        assert 1 == answer.exit_code
        assert "the stored address cannot be mailed" in answer.stderr

    def test_no_place_to_write(self, run: Run, tmp_path: Path) -> None:
        """
        A folder that cannot be made is the answer no.
        """
        (tmp_path / "file").touch()
        answer = run("code", "--to", str(tmp_path / "file/mails"))

        assert 1 == answer.exit_code
        assert "cannot be written to" in answer.stderr
