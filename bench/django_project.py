"""
A Django project for one side: SQLite, the middleware of every new project, one user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from people import KEY


APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
)
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
CONTEXT_PROCESSORS = (
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)


class FreeHasher(BasePasswordHasher):
    """
    Costs nothing and protects nothing: the measure is the work around the hash.
    """

    algorithm = "free"

    def encode(self, password: str, salt: str) -> str:
        """
        Return the password as it is.
        """
        return f"free${salt}${password}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """
        Return the parts.
        """
        algorithm, salt, password = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": password}

    def verify(self, password: str, encoded: str) -> bool:
        """
        Compare.
        """
        return encoded == self.encode(password, self.decode(encoded)["salt"])

    def must_update(self, encoded: str) -> bool:  # noqa: ARG002 - Django's signature
        """
        Never.
        """
        return False


class SameArgon2Hasher(Argon2PasswordHasher):
    """
    Argon2 with the parameters of every other side's storm.
    """

    time_cost = 3
    memory_cost = 65536
    parallelism = 4


def set_up(
    folder: Path,
    urls: Callable[[], Sequence[object]],
    *,
    is_storm: bool,
    apps: Sequence[str] = (),
    middleware: Sequence[str] = MIDDLEWARE,
    templates: dict[str, str] | None = None,
    hashers: Sequence[str] = (),
    **more: Any,
) -> Any:
    """
    Configure Django, make the tables and return the WSGI app.
    """
    own = SameArgon2Hasher if is_storm else FreeHasher
    settings.configure(
        SECRET_KEY=KEY,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=[*APPS, *apps],
        MIDDLEWARE=list(middleware),
        ROOT_URLCONF=(),
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "django.db",
                # Kept open: Django's own default is a new connection a request.
                "CONN_MAX_AGE": None,
                "OPTIONS": {
                    "timeout": 60,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL",
                },
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": list(CONTEXT_PROCESSORS),
                    "loaders": [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                (
                                    "django.template.loaders.locmem.Loader",
                                    templates or {},
                                ),
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                },
            }
        ],
        LANGUAGE_CODE="fr",
        USE_TZ=True,
        STATIC_URL="/static/",
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        PASSWORD_HASHERS=list(hashers) or [f"{__name__}.{own.__name__}"],
        LOGIN_REDIRECT_URL="/private",
        **more,
    )
    django.setup()
    settings.ROOT_URLCONF = tuple(urls())
    call_command("migrate", verbosity=0)
    return get_wsgi_application()


def private_page() -> object:
    """
    Return the path of a page that only a signed-in user sees.
    """
    from django.contrib.auth.decorators import login_required  # noqa: PLC0415 - needs the settings
    from django.http import HttpRequest, HttpResponse  # noqa: PLC0415 - likewise
    from django.urls import path  # noqa: PLC0415 - likewise

    @login_required
    def private(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"Bonjour {request.user.get_full_name()}")

    return path("private", private)
