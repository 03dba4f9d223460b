"""
The portal under a real server: ``uvicorn fastapi_portal.asgi:app`` in ``examples/``.
"""

from __future__ import annotations

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fastapi_portal.portal import create_app
from settings import auth_from


app = create_app(auth_from())
