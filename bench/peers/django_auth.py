"""
Plain Django: the views of ``django.contrib.auth`` and one template.

It does less than ours: no limit on wrong passwords, no sign-in by code.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import django_project
from people import ADDRESS, GREETING, PASSWORD, expect
from wsgi import Visitor


LOGIN = """<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">
<title>Connexion</title><link rel="stylesheet" href="/static/style.css"></head>
<body><main><h1>Connexion</h1><form method="post" novalidate>{% csrf_token %}
{{ form.as_p }}<input type="hidden" name="next" value="{{ next }}">
<button>Se connecter</button></form></main></body></html>"""
CONFIRM = """<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">
<title>Mot de passe</title></head><body>{% if validlink %}<form method="post">
{% csrf_token %}{{ form.as_p }}<button>Enregistrer</button></form>
{% else %}<h1>Ce lien n'est plus valable</h1>{% endif %}</body></html>"""


class PlainDjango:
    """
    What is measured of the peer.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        self.app = django_project.set_up(
            folder,
            _urls,
            is_storm=is_storm,
            templates={
                "registration/login.html": LOGIN,
                "registration/password_reset_confirm.html": CONFIRM,
            },
            LOGIN_URL="/login/",
        )

    def prepare(self) -> None:
        """
        Add the user, sign in once and forge a link for them.
        """
        from django.contrib.auth.models import User  # noqa: PLC0415 - needs the settings
        from django.utils.encoding import force_bytes  # noqa: PLC0415 - likewise
        from django.utils.http import urlsafe_base64_encode  # noqa: PLC0415 - likewise

        user = User.objects.create_user(
            ADDRESS, ADDRESS, PASSWORD, first_name="Camille", last_name="Durand"
        )
        uid = urlsafe_base64_encode(force_bytes(user.pk))
        self.forged = f"/reset/{uid}/d0a1b2-{'b' * 32}/"
        self.signed_in = self.sign_in()

    def sign_in(self) -> Visitor:
        """
        Three requests: the page, its form, the private page.
        """
        visitor = Visitor(self.app)
        visitor.get("/login/?next=/private")
        visitor.post(
            "/login/?next=/private",
            csrfmiddlewaretoken=visitor.hidden("csrfmiddlewaretoken"),
            next="/private",
            username=ADDRESS,
            password=PASSWORD,
        )
        expect(GREETING in visitor.get("/private"), visitor.status)
        return visitor

    def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = self.signed_in.get("/private")
        expect(GREETING in page, self.signed_in.status)

    def forged_link(self) -> None:
        """
        One request with a link that is not ours.
        """
        page = Visitor(self.app).get(self.forged)
        expect("plus valable" in page, page)


def _urls() -> Sequence[object]:
    from django.contrib.auth import views  # noqa: PLC0415 - needs the settings
    from django.urls import path  # noqa: PLC0415 - likewise

    confirm: Any = views.PasswordResetConfirmView.as_view()
    return (
        path("login/", views.LoginView.as_view(), name="login"),
        path("reset/<uidb64>/<token>/", confirm, name="password_reset_confirm"),
        django_project.private_page(),
    )
