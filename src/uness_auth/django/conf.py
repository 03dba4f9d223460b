"""
The settings: one dict, ``UNESS_AUTH``, and what Django's own settings say already.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, cast

from django.conf import settings
from django.db import close_old_connections
from django.shortcuts import resolve_url
from django.utils.module_loading import import_string

from ..errors import ConfigurationError
from ..events import Event
from ..keys import SHORTEST_KEY
from ..model import LANGUAGES, MailOrder, Site
from ..policy import Policy
from ..web.site import SignInSite
from ..wiring import UnessAuth
from .hashing import DjangoHashing
from .mail import DjangoMailer
from .signals import signals
from .storage import DjangoStorage


SETTING: Final = "UNESS_AUTH"
# Fields of `uness_auth.Site`.
SITE: Final = (
    "BASE_URL",
    "NAME",
    "MARK",
    "PATH",
    "HOME_PATH",
    "SENDER",
    "SUPPORT_URL",
    "HOME_URL",
    "TIME_ZONE",
    "LANGUAGES",
)
# Arguments of `uness_auth.UnessAuth` that may be named by their dotted path; what is
# found there is called, if it can be.
MADE: Final = ("STORES", "MAILER", "POLICY", "QUEUE", "HASHING")
# Those that are functions themselves.
CALLED: Final = ("MAY_SIGN_IN", "IS_LEAKED", "CLOCK")
PLAIN: Final = (
    "KEYS",
    "PROCESSES",
    "TRUSTED_PROXIES",
    "TRUSTED_NETWORKS",
    "MAIL_FOLDERS",
)
WHOLE: Final = "AUTH"
NAMES: Final = (*SITE, *MADE, *CALLED, *PLAIN, "SUBSCRIBERS", WHOLE)
INSECURE_PREFIX: Final = "django-insecure-"
# What the sign-in is made from: changed in a test, it is made anew.
READ_FROM_DJANGO: Final = frozenset(
    {
        *(SETTING, "SECRET_KEY", "SECRET_KEY_FALLBACKS", "LANGUAGE_CODE", "TIME_ZONE"),
        *("DEFAULT_FROM_EMAIL", "LOGIN_REDIRECT_URL", "EMAIL_BACKEND", "MAILERS"),
        *("AUTH_USER_MODEL", "ROOT_URLCONF"),
    }
)


class DjangoUnessAuth(UnessAuth):
    """
    A sign-in whose worker is no request: nobody else tidies its connections.
    """

    def deliver(self, order: MailOrder, /) -> None:
        """
        Compose and send one mail order, on connections as new as a request's.

        Raises:
            uness_auth.errors.MailError: It was not sent; try again later.
        """
        close_old_connections()
        try:
            super().deliver(order)
        finally:
            close_old_connections()


@cache
def get_auth() -> UnessAuth:
    """
    Return the sign-in of this project, wired once.

    Raises:
        uness_auth.errors.ConfigurationError: Naming the setting and every way out.
    """
    given = _given()
    auth = _wired(given) if WHOLE in given else _from_settings(given)
    auth.subscribe(_send_signal)
    return auth


def _wired(given: Mapping[str, Any]) -> UnessAuth:
    if len(given) > 1:
        msg = (
            f"{SETTING}['AUTH'] is a whole sign-in, and other settings stand beside it: "
            f"give them to it, or leave it out"
        )
        raise ConfigurationError(msg)
    return cast("UnessAuth", _made(_loaded(given[WHOLE])))


def _from_settings(given: Mapping[str, Any]) -> UnessAuth:
    site = site_from(given)
    wishes: dict[str, Any] = {"stores": _stores, "mailer": DjangoMailer}
    wishes |= {
        name.lower(): _loaded(given[name])
        for name in (*MADE, *CALLED)
        if given.get(name) is not None
    }
    wishes |= {
        name: _made(wishes[name]) for name in map(str.lower, MADE) if name in wishes
    }
    wishes |= {name.lower(): given[name] for name in PLAIN if name in given}
    if "keys" not in wishes:
        wishes["keys"] = keys_from_django(site)
    wishes["policy"] = policy = wishes.get("policy") or Policy.uness()
    if "hashing" not in wishes:
        wishes["hashing"] = DjangoHashing(policy.hashing)
    return DjangoUnessAuth(
        site=site,
        **wishes,
        subscribers=[_loaded(one) for one in given.get("SUBSCRIBERS", ())],
    )


@cache
def get_site() -> SignInSite:
    """
    Return the pages of `get_auth`.
    """
    return SignInSite(get_auth())


def forget(*, setting: str, **_more: object) -> None:
    """
    Make the sign-in anew when a test changed what it is made from.
    """
    if setting in READ_FROM_DJANGO:
        get_site.cache_clear()
        get_auth.cache_clear()


def site_from(given: Mapping[str, Any], /) -> Site:
    """
    Return the site: what *given* says, and for the rest what Django's settings say.
    """
    if not given.get("BASE_URL"):
        msg = (
            f"{SETTING} has no BASE_URL: say where the site answers, as "
            f"https://portail.example.fr or, for development, http://localhost:8000"
        )
        raise ConfigurationError(msg)
    fields = {name.lower(): given[name] for name in SITE if name in given}
    if "languages" in fields:
        fields["languages"] = tuple(fields["languages"])
    return Site(**{**_from_django(), **fields})


def keys_from_django(site: Site, /) -> Sequence[str] | None:
    """
    Return ``SECRET_KEY`` and what it was before, oldest first.

    Every key that the library signs with is derived from them for one purpose, under
    labels of its own: nothing else of Django's that ``SECRET_KEY`` signs can stand in
    for it, nor the other way round.

    Raises:
        uness_auth.errors.ConfigurationError: It is the one that ``startproject`` wrote,
            and the site is no loopback address.
    """
    keys = [*settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY]
    if not site.is_loopback and any(
        isinstance(key, str) and key.startswith(INSECURE_PREFIX) for key in keys
    ):
        msg = (
            f"SECRET_KEY begins with {INSECURE_PREFIX!r}, and {site.base_url} is no "
            f"loopback address: make a new one, or give {SETTING}['KEYS']"
        )
        raise ConfigurationError(msg)
    if any(len(key) < SHORTEST_KEY for key in keys):
        msg = (
            f"SECRET_KEY, or one of SECRET_KEY_FALLBACKS, is shorter than "
            f"{SHORTEST_KEY} bytes: make a new one, or give {SETTING}['KEYS']"
        )
        raise ConfigurationError(msg)
    return list(dict.fromkeys(keys))


def _given() -> Mapping[str, Any]:
    given = getattr(settings, SETTING, None)
    if not isinstance(given, Mapping):
        msg = f"the setting {SETTING} is missing: give a dict with at least BASE_URL"
        raise ConfigurationError(msg)
    names = cast("Mapping[str, Any]", given)
    unknown = [str(name) for name in names if name not in NAMES]
    if unknown:
        close = get_close_matches(unknown[0].upper(), NAMES, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(NAMES)}"
        msg = f"{SETTING}[{unknown[0]!r}] is no setting of ours: {hint}"
        raise ConfigurationError(msg)
    return names


def _from_django() -> dict[str, Any]:
    # The project's own language comes first: mails are written in it.
    main = settings.LANGUAGE_CODE.partition("-")[0].lower()
    languages = sorted(LANGUAGES, key=lambda one: one != main)
    home = "/"
    if settings.is_overridden("LOGIN_REDIRECT_URL"):
        home = resolve_url(settings.LOGIN_REDIRECT_URL)
    return {
        "time_zone": settings.TIME_ZONE,
        "languages": tuple(languages),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "home_path": home,
    }


def _loaded(value: Any) -> Any:
    return import_string(value) if isinstance(value, str) else value


def _made(value: Any) -> Any:
    is_maker = inspect.isclass(value) or inspect.isroutine(value)
    return value() if is_maker else value


def _stores() -> Any:
    return DjangoStorage().stores


def _send_signal(event: Event) -> None:
    _ = signals[event.kind].send(UnessAuth, event=event)
