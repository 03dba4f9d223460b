"""
Hostile requests to Flask.
"""

from __future__ import annotations

from flask import Flask, render_template_string

from tests.adapters.hostile import HostileRequests, Send, Sent
from uness_auth import UnessAuth
from uness_auth.flask import FlaskAuth, current_account, login_required
from uness_auth.testing.browser import Reply


class TestHostileRequestsToFlask(HostileRequests):
    """
    Through its test client, whose environment a request may spoil.
    """

    def connect(self, auth: UnessAuth) -> Send:
        app = Flask("portal")
        FlaskAuth(auth, app)

        @app.get("/private")
        @login_required
        def private() -> str:
            return render_template_string(
                "Bonjour {{ who.address }}", who=current_account
            )

        client = app.test_client(use_cookies=False)

        def send(sent: Sent) -> Reply:
            answer = client.open(
                sent.path,
                method=sent.method,
                query_string=sent.query.decode("latin-1"),
                data=sent.body,
                environ_overrides=sent.environ,
            )
            return Reply(
                status=answer.status_code,
                headers=tuple(answer.headers.items()),
                body=answer.text,
            )

        return send
