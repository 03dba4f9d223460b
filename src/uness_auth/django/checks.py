"""
System checks: every wrong or insecure setting by name, with the way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.db import connections
from django.db.models import Model
from django.http.request import validate_host
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, resolve, reverse

from ..errors import ConfigurationError
from ..model import Site
from .conf import SETTING, WHOLE, get_auth
from .models import AccountRow, CodeChallengeRow, CounterRow, EventRow, SessionRow


OURS: Final = "uness_auth.django.middleware.SignInMiddleware"
DJANGOS: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"
CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"
HASHER: Final = "uness_auth.django.hashers.UnessArgon2PasswordHasher"
URLS: Final = 'path("auth/", include("uness_auth.django.urls"))'
MODELS: Final[tuple[type[Model], ...]] = (
    AccountRow,
    CodeChallengeRow,
    SessionRow,
    CounterRow,
    EventRow,
)
NO_SENDER: Final = "webmaster@localhost"


def check_settings(**_more: object) -> list[CheckMessage]:
    """
    E001: whatever `uness_auth.django.conf.get_auth` refuses.
    """
    try:
        _ = get_auth()
    except ConfigurationError as exc:
        fault, _, hint = str(exc).partition(": ")
        return [_error("E001", fault, hint or None)]
    except ImportError as exc:
        # A dotted path that leads nowhere.
        return [_error("E001", f"{SETTING}: {exc}", "Correct the dotted path.")]
    return []


def check_project(**_more: object) -> list[CheckMessage]:
    """
    What else of the project the sign-in relies on: middleware, hashers, URLs.
    """
    return [*_middleware(), *_hashers(), *_urls()]


def check_deployment(**_more: object) -> list[CheckMessage]:
    """
    What is right in development and not in production: ``check --deploy``.
    """
    site = _site()
    return [] if site is None else [*_deployment(site)]


def check_tables(
    *, databases: Sequence[str] | None = None, **_more: object
) -> list[CheckMessage]:
    """
    W011: what needs the database, and so runs with ``check --database`` and ``migrate``.
    """
    if _site() is None:
        return []
    missing = [
        alias
        for alias in databases or ()
        if settings.DATABASES.get(alias) is not None and _lacks_some(alias)
    ]
    # A warning: `migrate` itself, which would make them, stops at an error.
    return [
        _caution(
            "W011",
            f"The database {alias!r} lacks tables of the sign-in, or columns of them.",
            "Run `manage.py migrate`.",
        )
        for alias in missing
    ]


def _lacks_some(alias: str) -> bool:
    # Where there are no tables at all, nobody has begun.
    connection = connections[alias]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        return bool(tables) and any(
            model._meta.db_table not in tables
            or not _columns(model)
            <= {
                column.name
                for column in connection.introspection.get_table_description(
                    cursor, model._meta.db_table
                )
            }
            for model in MODELS
        )


def _columns(model: type[Model]) -> set[str]:
    return {str(field.column) for field in model._meta.concrete_fields}


def _middleware() -> Iterator[CheckMessage]:
    names = list(settings.MIDDLEWARE)
    if OURS not in names:
        hint = f"Put it into MIDDLEWARE, after {DJANGOS!r}."
        yield _error("E002", f"MIDDLEWARE lacks {OURS!r}: nobody is signed in.", hint)
    elif DJANGOS not in names or names.index(DJANGOS) > names.index(OURS):
        hint = f"Put {DJANGOS!r} before it in MIDDLEWARE."
        yield _error("E003", f"{OURS!r} does not come after Django's own.", hint)
    if CSRF not in names:
        hint = "Put it into MIDDLEWARE: it sets the cookie that every form is held to."
        yield _error("E004", f"MIDDLEWARE lacks {CSRF!r}.", hint)


def _hashers() -> Iterator[CheckMessage]:
    given: Mapping[str, Any] = getattr(settings, SETTING, None) or {}
    has_own = given.get("HASHING") is not None or WHOLE in given
    if not has_own and next(iter(settings.PASSWORD_HASHERS), "") != HASHER:
        yield _error(
            "E005",
            f"PASSWORD_HASHERS does not begin with {HASHER!r}.",
            "Put it first, and leave those behind it that your users' passwords were "
            "hashed with: otherwise two hashers undo each other's work.",
        )


def _urls() -> Iterator[CheckMessage]:
    site = _site()
    if site is None:
        return
    try:
        found = reverse("uness_auth:identify")
    except NoReverseMatch:
        yield _error("E006", "The URLs have no sign-in pages.", f"Add {URLS}.")
        return
    if found != site.path:
        yield _error(
            "E007",
            f"The sign-in pages are at {found!r}, and {SETTING} says {site.path!r}.",
            f"Set {SETTING}['PATH'] to {found!r}, or include the URLs there.",
        )
    login = resolve_url(settings.LOGIN_URL)
    if urlsplit(login).path != found:
        yield _caution(
            "W001",
            f"LOGIN_URL leads to {login!r}, and the sign-in pages are at {found!r}.",
            'Set LOGIN_URL = "uness_auth:identify".',
        )


def _deployment(site: Site) -> Iterator[CheckMessage]:
    if not site.is_https:
        yield _caution(
            "W002",
            f"{SETTING}['BASE_URL'] is {site.base_url}, a loopback address.",
            "Say where the site answers: https://portail.example.fr.",
        )
        return
    hosts = settings.ALLOWED_HOSTS
    if not validate_host(site.host, hosts):
        yield _caution(
            "W003",
            f"ALLOWED_HOSTS does not allow {site.host!r}, the host of BASE_URL.",
            f"Add {site.host!r} to ALLOWED_HOSTS.",
        )
    if NO_SENDER in site.sender:
        yield _caution(
            "W004",
            f"The mails come from {site.sender}.",
            f"Set DEFAULT_FROM_EMAIL, or {SETTING}['SENDER'].",
        )
    is_proxied = bool(get_auth().trusted_proxies)
    if (
        is_proxied
        and settings.SECURE_PROXY_SSL_HEADER is None
        and site.base_url not in settings.CSRF_TRUSTED_ORIGINS
    ):
        yield _caution(
            "W005",
            "There are trusted proxies, and Django is not told which header of theirs "
            "says that a request came by https: it would refuse every form.",
            "Set SECURE_PROXY_SSL_HEADER, if your proxy sets that header itself, or "
            f"CSRF_TRUSTED_ORIGINS = [{site.base_url!r}].",
        )
    if _has_open_door():
        yield _caution(
            "W006",
            "The admin's own form signs in beside our pages, and counts no wrong "
            "passwords: whoever knows a name may guess without end.",
            "Lead it to our pages, before admin.site.urls is named in your urls.py: "
            "admin.site.login = login_required(require_safe(admin.site.login)).",
        )


def _has_open_door() -> bool:
    if not apps.is_installed("django.contrib.admin"):
        return False
    # It imports models of the admin's.
    from django.contrib.admin.sites import AdminSite, all_sites  # noqa: PLC0415

    for name in {site.name for site in all_sites}:
        try:
            view = resolve(reverse(f"{name}:login")).func
        except NoReverseMatch:
            continue
        if getattr(view, "__func__", None) is AdminSite.login:
            return True
    return False


def _site() -> Site | None:
    try:
        return get_auth().site
    except (ConfigurationError, ImportError):
        # `check_settings` says so.
        return None


def _error(number: str, message: str, hint: str | None) -> CheckMessage:
    return Error(message, hint=hint, id=f"uness_auth.{number}")


def _caution(number: str, message: str, hint: str) -> CheckMessage:
    return Caution(message, hint=hint, id=f"uness_auth.{number}")
