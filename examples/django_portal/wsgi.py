"""
The portal under a real server: ``gunicorn django_portal.wsgi:app`` in ``examples/``.

``django-admin migrate`` makes the tables, once, before it starts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_portal.settings")

from django.core.wsgi import get_wsgi_application


app = get_wsgi_application()
