"""
What an operator is told to type can be typed, from the top of the page to its end.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from uness_auth.cli.standalone import standalone


PAGE: Final = (Path(__file__).parents[2] / "docs/howto/operate.md").read_text("utf-8")


class TestCommands:
    def test_they_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        Every command of the page is done, in the order in which it is read.
        """
        monkeypatch.chdir(tmp_path)
        environ: dict[str, str] = {}
        typed = re.findall(r"^\$ (export|uness-auth) (.+)$", PAGE, re.MULTILINE)
        for program, text in typed:
            if program == "export":
                name, _, value = text.partition("=")
                environ[name] = value
                continue
            arguments = shlex.split(text)
            if arguments == ["doctor"]:
                # There is neither a mail server nor a site here.
                arguments.append("--offline")
            done = CliRunner(env=environ).invoke(standalone, arguments)

            assert (0, "") == (done.exit_code, done.stderr), text
        assert {"portal.db", "previews"} <= {one.name for one in tmp_path.iterdir()}
