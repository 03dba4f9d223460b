"""
Ours on Django, its stores on the ORM.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import django_project
from ours import People, WSGIJourneys, policy

from uness_auth.testing import Outbox


class OursOnDjango(WSGIJourneys):
    """
    What is measured of ours.
    """

    csrf = "csrfmiddlewaretoken"

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        self.outbox = Outbox()
        argon2 = "uness_auth.django.hashers.UnessArgon2PasswordHasher"
        self.app = django_project.set_up(
            folder,
            _urls,
            is_storm=is_storm,
            apps=("uness_auth.django",),
            middleware=(
                *django_project.MIDDLEWARE,
                "uness_auth.django.middleware.SignInMiddleware",
            ),
            hashers=[argon2] if is_storm else (),
            LOGIN_URL="/auth/",
            UNESS_AUTH={
                "BASE_URL": "http://localhost",
                "MAILER": self.outbox,
                "POLICY": policy(),
            },
        )

    def prepare(self) -> None:
        """
        Add the people, and sign one in.
        """
        from uness_auth.django import conf, hashing  # noqa: PLC0415 - needs the settings

        hasher = hashing.DjangoHashing(policy().hashing)
        self.people = People(conf.get_auth(), hasher)
        _name_all()
        super().prepare()


def _name_all() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs the settings

    # What the page of every side on Django greets.
    User.objects.update(first_name="Camille", last_name="Durand")


def _urls() -> Sequence[object]:
    from django.urls import include, path  # noqa: PLC0415 - needs the settings

    return (
        path("auth/", include("uness_auth.django.urls")),
        django_project.private_page(),
    )
