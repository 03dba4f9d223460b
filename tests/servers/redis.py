"""
Redis, of this machine: there is no wheel of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from .server import Server, Unavailable
from .valkey import Valkey


VARIABLE: Final = "UNESS_TEST_REDIS"


def server() -> Server:
    """
    Return a server that is ours to stop; it is run as Valkey, which was born of it.
    """
    if binary := shutil.which("redis-server"):
        return Server(Valkey(Path(binary)))
    raise Unavailable("Redis", "apt-get install redis-server", VARIABLE)
