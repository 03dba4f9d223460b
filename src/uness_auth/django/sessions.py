"""
Who is signed in: our session first, and Django's own where there is none of ours.

Whatever calls Django's ``login()`` in a request (the admin's form, another backend) is
given a session of ours, so that no key in Django's table of sessions signs anybody in.
"""

from __future__ import annotations

import logging
from typing import Any, Final, cast

from django.contrib import auth
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token

from ..errors import StorageError
from ..outcomes import NotSignedIn, ResumeAnswer, Resumed, SignInVetoed
from ..web.http import Cookie
from .conf import get_site
from .requests import request_from, response_from


# Attributes of a request.
BEGUN: Final = "_uness_auth_begun"
RESUMED: Final = "_uness_auth_resumed"
USER: Final = "_uness_auth_user"
FAILED: Final = "_uness_auth_failed"
ANSWERED: Final = "_uness_auth_answered"
COOKIES: Final = "_uness_auth_cookies"

_logger: Final = logging.getLogger(__name__)
_KEYS: Final = (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY)


def resume(request: HttpRequest, /) -> ResumeAnswer:
    """
    Say who is signed in by a session of ours, looking once a request.

    Raises:
        uness_auth.errors.StorageError: Nobody is taken for signed in.
    """
    found = getattr(request, RESUMED, None)
    if found is None:
        # Said before: looked at is what keeps the page from caches.
        setattr(request, RESUMED, NotSignedIn())
        try:
            found = get_site().resume(request_from(request))
        except StorageError:
            setattr(request, FAILED, True)
            raise
        setattr(request, RESUMED, found)
    return cast("ResumeAnswer", found)


def user_of(request: HttpRequest, theirs: Any, /) -> Any:
    """
    Return the user who is signed in; *theirs* is who Django's own session says it is.
    """
    if not hasattr(request, USER):
        setattr(request, USER, _user_of(request, theirs))
    return getattr(request, USER)


def _user_of(request: HttpRequest, theirs: Any) -> Any:
    match resume(request):
        case Resumed(account=account):
            return find_user(account.id)
        case _:
            return unless_closed(request, theirs)


def unless_closed(request: HttpRequest, theirs: Any, /) -> Any:
    """
    Return *theirs*, whom Django's own session signed in, or nobody: its account is closed.

    Django's backends look at ``is_active`` alone, which knows of no days.

    Raises:
        uness_auth.errors.StorageError: Nobody is taken for signed in.
    """
    if not theirs.is_authenticated:
        return theirs
    auth = get_site().auth
    try:
        account = auth.sessions.accounts.by_id(str(theirs.pk))
    except StorageError:
        setattr(request, FAILED, True)
        raise
    is_closed = account is not None and account.is_closed(auth.clock())
    return AnonymousUser() if is_closed else theirs


def find_user(account_id: str, /) -> Any:
    """
    Return the user whose account this is, or nobody.
    """
    users = get_user_model()._default_manager
    try:
        # Not first(): that would sort, which costs a third more at every request.
        found = next(iter(users.filter(pk=account_id)), None)
    except (ValueError, ValidationError):
        # Accounts that are kept elsewhere may have ids that no user can have.
        found = None
    if found is None:
        _logger.error("account %s has no user: its id is no primary key", account_id)
        return AnonymousUser()
    return found


def store_failed(request: Any, /) -> HttpResponse:
    """
    Return the page that says that a store failed; nobody is signed in on it.
    """
    setattr(request, FAILED, False)
    # The project's own layout, which surrounds it, may ask.
    setattr(request, RESUMED, NotSignedIn())
    request.user = AnonymousUser()
    return response_from(request, get_site().store_failed(request_from(request)))


def signed_in(request: Any, before: Any, cookies: tuple[Cookie, ...], /) -> None:
    """
    Tell Django that somebody signed in on our pages, as its ``login()`` would.
    """
    user = _begin_session(request, before, cookies)
    if user is not None and user.is_authenticated:
        _ = user_logged_in.send(sender=type(user), request=request, user=user)


def went_on(request: Any, before: Any, cookies: tuple[Cookie, ...], /) -> None:
    """
    Tell Django that somebody goes on in a new session, if *cookies* hold one: their
    password is another, and they signed in before.
    """
    _ = _begin_session(request, before, cookies)


def _begin_session(request: Any, before: Any, cookies: tuple[Cookie, ...]) -> Any:
    site = get_site()
    name = site.cookies.name("session")
    tokens = [one.cookie_value for one in cookies if one.name == name]
    match site.auth.sessions.resume("".join(tokens)):
        case Resumed(account=account) as found:
            user = find_user(account.id)
        case _:
            # There is none, or it was ended already, by somebody else.
            return None
    # Whoever was signed in here before leaves nothing behind; what a visitor gathered
    # before they signed in is kept, under another key.
    if before.is_authenticated and before.pk != user.pk:
        request.session.flush()
    elif not request.session.is_empty():
        request.session.cycle_key()
    _forget_django_sign_in(request)
    _become(request, user, found)
    rotate_token(request)
    setattr(request, ANSWERED, True)
    return user


def signed_out(request: Any, /) -> None:
    """
    Tell Django that somebody signed out on our pages: its session ends with ours.
    """
    setattr(request, ANSWERED, True)
    auth.logout(request)
    rotate_token(request)


def take_over(*, request: Any, user: Any, **_more: object) -> None:
    """
    Give whom Django's ``login()`` signed in a session of ours: its signal calls this.

    Who has no account, and who signs in outside of a request, as the test client's
    ``force_login()`` does, is left to Django's session.
    """
    if not hasattr(request, BEGUN) or hasattr(request, ANSWERED):
        return
    site = get_site()
    account = site.auth.sessions.accounts.by_id(str(user.pk))
    if account is None:
        return
    # A backend may let in whom the registrar has closed out; we do not.
    cookies = (
        SignInVetoed()
        if account.is_closed(site.auth.clock())
        else site.sign_in(account, request_from(request), method="django")
    )
    if isinstance(cookies, SignInVetoed):
        request.session.flush()
        _become(request, AnonymousUser(), NotSignedIn())
        return
    _forget_django_sign_in(request)
    setattr(request, COOKIES, cookies)


def close_session(*, request: Any, **_more: object) -> None:
    """
    End our session with Django's: the signal of ``logout()`` calls this.
    """
    if not hasattr(request, BEGUN) or hasattr(request, ANSWERED):
        return
    setattr(request, COOKIES, get_site().sign_out(request_from(request)))
    _become(request, AnonymousUser(), NotSignedIn())


def _forget_django_sign_in(request: Any) -> None:
    for key in _KEYS:
        _ = request.session.pop(key, None)


def _become(request: Any, user: Any, found: ResumeAnswer) -> None:
    setattr(request, RESUMED, found)
    setattr(request, USER, user)
    request.user = user
