"""
Score mails with SpamAssassin, without the network: ``python tools/score_mails.py FOLDER``.

Takes every ``.eml`` of the folder, prints each score, and exits with 1 where one is
1.0 or more.  What learns from mails is off, so that each run scores alike; and first
comes a mail that every filter takes for spam, so that none passes for want of rules.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


LIMIT = 1.0
# Of a filter that works: https://spamassassin.apache.org/gtube/
TEST_MAIL = (
    b"Subject: test\r\nFrom: a@example.org\r\nTo: b@example.org\r\n\r\n"
    b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
)
TEST_SCORE = 1000.0
PREFERENCES = "use_bayes 0\nuse_auto_whitelist 0\nskip_rbl_checks 1\n"


def main() -> int:
    """
    Score the mails of the folder that was named.
    """
    program = shutil.which("spamassassin")
    if program is None:
        print(
            "there is no spamassassin here: apt-get install spamassassin",
            file=sys.stderr,
        )
        return 2
    mails = sorted(Path(sys.argv[1]).glob("*.eml"))
    if not mails:
        print(f"there is no .eml in {sys.argv[1]}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        preferences = Path(folder, "user_prefs")
        preferences.write_text(PREFERENCES, encoding="utf-8")
        command = [program, "--local", "--test-mode", "--prefspath", str(preferences)]
        if score(command, TEST_MAIL)[0] < TEST_SCORE:
            print("spamassassin has no rules: run sa-update", file=sys.stderr)
            return 2
        return tell(command, mails)


def tell(command: list[str], mails: list[Path]) -> int:
    """
    Print each mail's score and its reasons; return 1 where one has too much.
    """
    worst = 0
    for mail in mails:
        found, reasons = score(command, mail.read_bytes())
        print(f"{found:5.1f}  {mail.name}  {reasons}")
        worst |= found >= LIMIT
    return worst


def score(command: list[str], mail: bytes) -> tuple[float, str]:
    """
    Return what the filter gives to *mail*, and by which rules.
    """
    done = subprocess.run(  # noqa: S603 - found on the path
        command, input=mail, capture_output=True, check=True
    )
    head = done.stdout.decode("utf-8", "replace").replace("\n\t", " ")
    found = re.search(
        r"^X-Spam-Status: .*?score=(-?[\d.]+).*? tests=(.*?) auto", head, re.MULTILINE
    )
    if found is None:
        msg = f"spamassassin gave no score: {done.stderr.decode(errors='replace')}"
        raise SystemExit(msg)
    return float(found[1]), found[2].replace(", ", ",")


if __name__ == "__main__":
    sys.exit(main())
