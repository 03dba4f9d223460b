"""
The portal on this machine, as ``examples/run.py`` starts it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

import django
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

from uness_auth import UnessAuth


def auth_from(environ: Mapping[str, str]) -> UnessAuth:
    """
    Start Django from the environment, make its tables and return its sign-in.
    """
    os.environ.update(environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_portal.settings")
    django.setup()
    call_command("migrate", verbosity=0)

    from uness_auth.django.conf import get_auth  # noqa: PLC0415 - it wants the settings

    return get_auth()


def server_for(
    _auth: UnessAuth, inbox: Callable[[], str] | None, host: str, port: int
) -> ThreadedWSGIServer:
    """
    Return a server of the portal, listening already; with *inbox* it has an inbox.
    """
    from django_portal import urls  # noqa: PLC0415 - as above

    if inbox is not None:
        urls.urlpatterns.append(path("inbox", lambda _request: HttpResponse(inbox())))
    server = ThreadedWSGIServer((host, port), WSGIRequestHandler, ipv6=":" in host)
    server.set_app(get_wsgi_application())
    # After the application, which sets Django's logs up once more.
    logging.getLogger("django.server").setLevel(logging.WARNING)
    return server
