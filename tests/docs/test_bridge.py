"""
The page on databases that know coroutines alone says what is so.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final


PAGE: Final = Path(__file__).parents[2] / "docs/howto/bridge-an-async-database.md"
SAVED: Final = re.compile(
    r"Save this as `(\w+\.py)`:\n.*?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE
)


class TestTheBridge:
    def test_a_bridged_store_keeps_the_contract(self, tmp_path: Path) -> None:
        """
        The page's store passes the page's test behind the page's bridge, and nothing is
        skipped.
        """
        for name, text in SAVED.findall(PAGE.read_text("utf-8")):
            (tmp_path / name).write_text(text, encoding="utf-8")
        # A project of its own, whose settings are nobody else's.
        (tmp_path / "pytest.ini").touch()
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "-q",
                "test_counters.py",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONDONTWRITEBYTECODE": "1"},
        )

        assert 0 == done.returncode, done.stdout
        assert re.search(r"^\d+ passed in ", done.stdout, re.MULTILINE), done.stdout
