"""
The adapter for Starlette and FastAPI: request in, page or redirect out, cookies,
registration.
"""

from __future__ import annotations

from .adapter import StarletteAuth
from .host import (
    current_account,
    login_required,
    optional_account,
    recent_account,
    recent_login_required,
)
from .templates import TemplateHelp
from .threads import SPARE_THREADS, THREADS
from .users import CurrentUser


__all__ = [
    "SPARE_THREADS",
    "THREADS",
    "CurrentUser",
    "StarletteAuth",
    "TemplateHelp",
    "current_account",
    "login_required",
    "optional_account",
    "recent_account",
    "recent_login_required",
]
