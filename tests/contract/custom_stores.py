"""
The stores of ``examples/custom_storage``, as any process opens them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final


ROOT: Final = Path(__file__).parents[2]

# A process that a contract starts looks for modules where this one does.
sys.path += [str(ROOT), str(ROOT / "examples")]
storage: Final[Any] = import_module("custom_storage.storage")


def open_port(file: Path, port: str) -> Any:
    """
    Return the store for one port, in a file that is there or not.
    """
    return getattr(storage.SQLiteStorage(file).stores, port)
