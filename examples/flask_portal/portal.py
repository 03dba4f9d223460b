"""
A portal on Flask: a page for everybody, and one that needs a sign-in.
"""

from __future__ import annotations

from flask import Flask, render_template

from uness_auth import UnessAuth
from uness_auth.flask import FlaskAuth, login_required


def create_app(auth: UnessAuth) -> Flask:
    """
    Return the portal with the sign-in of *auth*.
    """
    app = Flask(__name__)
    FlaskAuth(auth, app)

    @app.get("/")
    def home() -> str:
        return render_template("home.html")

    @app.get("/private")
    @login_required
    def private() -> str:
        return render_template("private.html")

    return app
