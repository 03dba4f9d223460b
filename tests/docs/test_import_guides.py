"""
What the guides for registrars show is what the command says of the sample file.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner
from flask import Flask

from uness_auth import Site, UnessAuth
from uness_auth.cli.imports import import_
from uness_auth.flask import FlaskAuth
from uness_auth.provisioning.rows import COLUMNS
from uness_auth.testing import FastHashing, MemoryStorage, Outbox


HOWTO: Final = Path(__file__).parents[2] / "docs/howto"
SHOWN: Final = re.compile(
    r"^```console\n\$ flask (.*?)\n(.*?)^```", re.DOTALL | re.MULTILINE
)

both = pytest.mark.parametrize("page", ["import-accounts", "importer-des-comptes"])


@both
class TestGuides:
    def test_says_what_is_said(
        self, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Typed as it is shown, beside the sample file, the command answers as shown.
        """
        shutil.copy(HOWTO / "comptes-exemple.csv", tmp_path)
        monkeypatch.chdir(tmp_path)
        app = Flask("portal")
        auth = UnessAuth(
            site=Site(base_url="http://localhost"),
            stores=MemoryStorage().stores,
            mailer=Outbox(),
            hashing=FastHashing(),
        )
        FlaskAuth(auth, app)
        ((command, output),) = SHOWN.findall((HOWTO / f"{page}.md").read_text("utf-8"))
        runner: CliRunner = app.test_cli_runner()
        answer = runner.invoke(args=shlex.split(command), cli=app.cli)

        assert (0, output) == (answer.exit_code, answer.stdout)

    def test_names_every_option_and_column(self, page: str) -> None:
        """
        Nothing that a registrar may say is left out.
        """
        text = (HOWTO / f"{page}.md").read_text("utf-8")
        options = [
            one.opts[0] for one in import_.params if one.opts[0].startswith("--")
        ]

        assert [] == [one for one in (*options, *COLUMNS) if one not in text]
