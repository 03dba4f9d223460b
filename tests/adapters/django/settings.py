"""
The project that the tests of Django run in.

``UNESS_TEST_DJANGO_DATABASE`` may name its database by a URL,
``UNESS_TEST_DJANGO_USER`` a user model of `tests.adapters.django.users`, and
``UNESS_TEST_DJANGO_TZ=0`` has times without zones.
"""

from __future__ import annotations

import os
from typing import Any

from tests.adapters.django.databases import settings_of


SECRET_KEY = "not a secret: for tests alone"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "tests.adapters.django.urls"
USE_TZ = os.environ.get("UNESS_TEST_DJANGO_TZ", "1") == "1"
TIME_ZONE = "Europe/Paris"
LANGUAGE_CODE = "fr"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "uness_auth.django",
    "tests.adapters.django.users",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# In memory: a test that needs a database takes one, and gives it an alias of its own.
DATABASES = {
    "default": settings_of(os.environ.get("UNESS_TEST_DJANGO_DATABASE", "sqlite://"))
}
if _user := os.environ.get("UNESS_TEST_DJANGO_USER"):
    AUTH_USER_MODEL = f"users.{_user}"

PASSWORD_HASHERS = [
    "uness_auth.django.hashers.UnessArgon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.MD5PasswordHasher",
]
