"""
``python -m uness_auth``, and the command ``uness-auth``.
"""

from __future__ import annotations

import sys
from typing import Final


WITHOUT_CLICK: Final = "uness-auth needs click: pip install 'uness-auth[cli,sql]'\n"


def main() -> None:
    """
    Run the command line, or say what it needs.
    """
    try:
        # Here, so that a missing click is told in our words.
        from .cli.standalone import standalone  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        if exc.name != "click":
            raise
        _ = sys.stderr.write(WITHOUT_CLICK)
        sys.exit(2)
    standalone(prog_name="uness-auth")


if __name__ == "__main__":
    main()
