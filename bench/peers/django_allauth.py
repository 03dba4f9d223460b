"""
django-allauth: the address and the password, "login by code", a link to reset.

Its limits count in the cache, here in this process's memory; ours count in the database.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import django_project
from people import ADDRESS, GREETING, PASSWORD, expect
from wsgi import Visitor


# Its limits at work, and never reached.  It keeps a list of the tries in the period:
# of a second, so that the list stays as short as it is in life.
LIMIT = "1000000/s/ip"
LIMITS = (
    "login",
    "login_failed",
    "request_login_code",
    "reset_password",
    "reset_password_from_key",
)


class AllAuth:
    """
    What is measured of the peer.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        self.app = django_project.set_up(
            folder,
            _urls,
            is_storm=is_storm,
            apps=("allauth", "allauth.account"),
            middleware=(
                *django_project.MIDDLEWARE,
                "allauth.account.middleware.AccountMiddleware",
            ),
            AUTHENTICATION_BACKENDS=[
                "allauth.account.auth_backends.AuthenticationBackend"
            ],
            ACCOUNT_LOGIN_METHODS={"email"},
            ACCOUNT_SIGNUP_FIELDS=["email*", "password1*"],
            ACCOUNT_EMAIL_VERIFICATION="mandatory",
            ACCOUNT_LOGIN_BY_CODE_ENABLED=True,
            ACCOUNT_RATE_LIMITS=dict.fromkeys(LIMITS, LIMIT),
            LOGIN_URL="/accounts/login/",
        )

    def prepare(self) -> None:
        """
        Add the user with a verified address, and sign in once.
        """
        from allauth.account.models import EmailAddress  # noqa: PLC0415 - needs the settings
        from allauth.account.utils import user_pk_to_url_str  # noqa: PLC0415 - likewise
        from django.contrib.auth.models import User  # noqa: PLC0415 - likewise

        user = User.objects.create_user(
            ADDRESS, ADDRESS, PASSWORD, first_name="Camille", last_name="Durand"
        )
        EmailAddress.objects.create(
            user=user, email=ADDRESS, verified=True, primary=True
        )
        key = f"{user_pk_to_url_str(user)}-d0a1b2-{'b' * 32}"
        self.forged = f"/accounts/password/reset/key/{key}/"
        self.signed_in = self.sign_in()

    def sign_in(self) -> Visitor:
        """
        Three requests: the page, its form, the private page.
        """
        visitor = Visitor(self.app)
        visitor.get("/accounts/login/?next=/private")
        visitor.post(
            "/accounts/login/?next=/private",
            csrfmiddlewaretoken=visitor.hidden("csrfmiddlewaretoken"),
            next="/private",
            login=ADDRESS,
            password=PASSWORD,
        )
        expect(GREETING in visitor.get("/private"), visitor.status)
        return visitor

    def sign_in_by_code(self) -> None:
        """
        Five requests: the page, the code asked for, its page, the code, the private one.
        """
        from django.core import mail  # noqa: PLC0415 - needs the settings

        mail.outbox = []
        visitor = Visitor(self.app)
        visitor.get("/accounts/login/code/?next=/private")
        visitor.post(
            "/accounts/login/code/?next=/private",
            csrfmiddlewaretoken=visitor.hidden("csrfmiddlewaretoken"),
            next="/private",
            email=ADDRESS,
        )
        visitor.get(visitor.location)
        found = re.search(
            r"^([A-Z0-9]+(?:-[A-Z0-9]+)?)$", mail.outbox[0].body, re.MULTILINE
        )
        expect(found, mail.outbox[0].body)
        visitor.post(
            "/accounts/login/code/confirm/?next=/private",
            csrfmiddlewaretoken=visitor.hidden("csrfmiddlewaretoken"),
            next="/private",
            code=found[1] if found else "",
        )
        expect(GREETING in visitor.get("/private"), visitor.status)

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
        visitor = Visitor(self.app)
        page = visitor.get(self.forged)
        expect(visitor.status.startswith("200") and 'type="password"' not in page, page)


def _urls() -> Sequence[object]:
    from django.urls import include, path  # noqa: PLC0415 - needs the settings

    return path("accounts/", include("allauth.urls")), django_project.private_page()
