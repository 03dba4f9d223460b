"""
The portal on this machine, as ``examples/run.py`` starts it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask_portal.portal import create_app
from settings import auth_from
from werkzeug.serving import BaseWSGIServer, make_server

from uness_auth import UnessAuth


__all__ = ["auth_from", "server_for"]


def server_for(
    auth: UnessAuth, inbox: Callable[[], str] | None, host: str, port: int
) -> BaseWSGIServer:
    """
    Return a server of the portal, listening already; with *inbox* it has an inbox.
    """
    app = create_app(auth)
    if inbox is not None:
        app.add_url_rule("/inbox", "inbox", inbox)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    return make_server(host, port, app, threaded=True)
