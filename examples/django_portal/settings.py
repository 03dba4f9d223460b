"""
The settings of the portal, from the environment.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

import django
from settings import REQUIRED, number_from, proxies_from

from uness_auth import ConfigurationError


ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgresql": "django.db.backends.postgresql",
    "mariadb": "django.db.backends.mysql",
    "mysql": "django.db.backends.mysql",
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def database_from(url: str) -> dict[str, str]:
    """
    Read a URL as SQLAlchemy takes it, so that every portal reads the same one.
    """
    parts = urlsplit(url)
    kind = parts.scheme.partition("+")[0]
    if kind not in ENGINES:
        msg = f"DATABASE_URL begins with {kind}: choose among {', '.join(ENGINES)}"
        raise ConfigurationError(msg)
    if "pymysql" in parts.scheme:
        import pymysql  # noqa: PLC0415 - where it is asked for it is installed

        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": ENGINES[kind],
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


def mail_from(url: str) -> dict[str, object]:
    """
    Read ``smtp://user:password@host:port`` or, for implicit TLS, ``smtps://…``.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_tls = parts.scheme == "smtps"
    return {
        "host": host,
        "port": parts.port or (465 if is_tls else 587),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": is_tls,
        "use_tls": not is_tls and host not in LOOPBACK,
        "timeout": 10,
    }


if missing := [name for name in REQUIRED if not os.environ.get(name)]:
    msg = f"the environment has no {', '.join(missing)}: set them"
    raise ConfigurationError(msg)
BASE_URL = os.environ["BASE_URL"]
KEYS = [one for one in os.environ.get("UNESS_AUTH_KEYS", "").split(",") if one]

SECRET_KEY = KEYS[-1] if KEYS else secrets.token_urlsafe(48)
# What Django itself signed under another key of the ring is good through a rotation.
SECRET_KEY_FALLBACKS = KEYS[:-1]
ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or "", "127.0.0.1", "localhost"]
ROOT_URLCONF = "django_portal.urls"
LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DEFAULT_FROM_EMAIL = f"ne-pas-repondre@{urlsplit(BASE_URL).hostname}"
DATABASES = {"default": database_from(os.environ["DATABASE_URL"])}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "uness_auth.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "uness_auth.django.middleware.SignInMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).with_name("templates")],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
PASSWORD_HASHERS = ["uness_auth.django.hashers.UnessArgon2PasswordHasher"]
if django.VERSION >= (6, 1):
    MAILERS = {
        "default": {"BACKEND": SMTP, "OPTIONS": mail_from(os.environ["SMTP_URL"])}
    }
else:
    EMAIL_BACKEND = SMTP
    _mail = mail_from(os.environ["SMTP_URL"])
    EMAIL_HOST, EMAIL_PORT = _mail["host"], _mail["port"]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["username"], _mail["password"]
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail["use_ssl"], _mail["use_tls"]
    EMAIL_TIMEOUT = _mail["timeout"]

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BASE_URL.startswith("https://")
LOGIN_URL = "uness_auth:identify"
UNESS_AUTH = {
    "BASE_URL": BASE_URL,
    "KEYS": KEYS or None,
    "TRUSTED_PROXIES": proxies_from(os.environ.get("TRUSTED_PROXIES", "")),
    "PROCESSES": number_from("WEB_CONCURRENCY", os.environ.get("WEB_CONCURRENCY", "1")),
}
