"""
The kit's shortcut: a test client that is signed in already.
"""

from __future__ import annotations

import pytest
from flask import Flask

from uness_auth import Site, UnessAuth
from uness_auth.flask import FlaskAuth, current_account, login_required
from uness_auth.testing import MemoryStorage, Outbox, sign_in


def make_app(*, may_sign_in: bool = True) -> Flask:
    """
    Return a host with one account.
    """
    auth = UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=MemoryStorage().stores,
        mailer=Outbox(),
        may_sign_in=lambda _account: may_sign_in,
    )
    auth.provisioning.add("camille@univ-exemple.fr", display_name="Camille")
    app = Flask(__name__)
    FlaskAuth(auth, app)

    @app.get("/private")
    @login_required
    def private() -> str:
        return f"Bonjour {current_account.display_name}"

    return app


class TestSignIn:
    def test_signed_in(self) -> None:
        """
        The next request is the account's, as after a real sign-in.
        """
        client = make_app().test_client()

        sign_in(client, "Camille@univ-exemple.fr")

        assert "Bonjour Camille" == client.get("/private").text

    def test_nobody(self) -> None:
        """
        An address without an account is told.
        """
        with pytest.raises(LookupError, match="no account"):
            sign_in(make_app().test_client(), "nobody@univ-exemple.fr")

    def test_closed(self) -> None:
        """
        A closed account signs in here no more than at the door.
        """
        app = make_app()
        app.extensions["uness_auth"].auth.provisioning.disable(
            "camille@univ-exemple.fr"
        )

        with pytest.raises(LookupError, match="the account is disabled"):
            sign_in(app.test_client(), "camille@univ-exemple.fr")

    def test_vetoed(self) -> None:
        """
        The host's veto holds here too.
        """
        with pytest.raises(LookupError, match="vetoed"):
            sign_in(
                make_app(may_sign_in=False).test_client(), "camille@univ-exemple.fr"
            )
