"""
The sign-in pages as Django's views.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import attrs
from django.contrib.auth.signals import user_login_failed
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables

from ..addresses import LONGEST_ADDRESS
from ..web.forms import FormFault, read_fields
from ..web.http import SECURITY_HEADERS, Page, Redirect, Request
from ..web.logs import MASK
from ..web.routes import Route
from ..web.static import CACHE_CONTROL, read_static
from .conf import get_site
from .requests import DjangoGuard, request_from, response_from
from .sessions import signed_in, signed_out, went_on


View = Callable[..., HttpResponse]
# Where somebody may become signed in, go on in another session, and end it.
SIGNS_IN: Final = frozenset({"password", "confirm_code"})
GOES_ON: Final = "account_password"
SIGNS_OUT: Final = "sign_out"
# The statuses of a wrong password or code, and of one too many.
FAILURES: Final = frozenset({422, 429})


def serve(route: Route, /) -> View:
    """
    Return the view of *route*.
    """

    def view(request: HttpRequest, token: str = "") -> HttpResponse:
        return _serve(route, request, token)

    return _as_view(view)


def _as_view(view: View) -> View:
    """
    Return *view* as Django's own machinery is to treat it.

    No attempt may be taken back with a transaction of the request's, the CSRF guard
    runs inside, `LoginRequiredMiddleware` lets everybody in, and reports of errors
    hold neither fields nor variables.
    """
    made: Any = non_atomic_requests(sensitive_variables()(view))
    made.csrf_exempt = True
    made.login_required = False
    return cast("View", made)


def _serve(route: Route, request: Any, token: str) -> HttpResponse:
    request.sensitive_post_parameters = "__ALL__"
    body: list[bytes] = []
    ours = _remembering(request_from(request), body)
    if token:
        _mask(request, token)
    is_post = request.method == "POST"
    may_sign_in = is_post and route.name in SIGNS_IN
    may_go_on = is_post and route.name == GOES_ON
    may_sign_out = is_post and route.name == SIGNS_OUT
    if may_sign_in or may_go_on or may_sign_out:
        # Asked now: afterwards the session is another's, or over.
        _ = request.user.is_authenticated
    before = request.user
    answer = get_site().answer(route, ours, token=token, guard=DjangoGuard(request))
    match answer:
        case Redirect() if may_sign_in:
            signed_in(request, before, answer.cookies)
        case Page(cookies=cookies) if may_go_on:
            went_on(request, before, cookies)
        case Redirect() if may_sign_out:
            signed_out(request)
        case Page(status=status) if may_sign_in and status in FAILURES:
            _ = user_login_failed.send(
                sender=__name__, credentials=_credentials(body), request=request
            )
        case _:
            pass
    return response_from(request, answer)


def static_file(request: HttpRequest, name: str) -> HttpResponse:
    """
    Serve the style sheet, the script and the drawings.
    """
    found = read_static(name)
    if found is None or request.method not in {"GET", "HEAD"}:
        return response_from(request, get_site().not_found(request_from(request)))
    content, media_type = found
    headers = dict(SECURITY_HEADERS)
    del headers["Vary"]
    headers |= {"Content-Type": media_type, "Cache-Control": CACHE_CONTROL}
    return HttpResponse(content, headers=headers)


def not_found(request: HttpRequest, rest: str) -> HttpResponse:  # noqa: ARG001 - what was asked for is not echoed
    """
    Say that there is no such page below ours.
    """
    return response_from(request, get_site().not_found(request_from(request)))


def _remembering(ours: Request, body: list[bytes]) -> Request:
    def read(limit: int) -> bytes:
        body.append(ours.read(limit))
        return body[-1]

    return attrs.evolve(ours, read=read)


def _credentials(body: list[bytes]) -> dict[str, str]:
    # What was typed for a name, and never what was typed for a secret.
    fields = read_fields(body[-1] if body else b"")
    if isinstance(fields, FormFault) or "username" not in fields:
        return {}
    return {"username": fields["username"][:LONGEST_ADDRESS]}


def _mask(request: Any, token: str) -> None:
    # From here on neither a log nor a report of an error sees the link.
    request.resolver_match.kwargs["token"] = MASK
    request.path = request.path.replace(token, MASK)
    request.path_info = request.path_info.replace(token, MASK)
    for name, value in [*request.META.items()]:
        if isinstance(value, str) and token in value:
            request.META[name] = value.replace(token, MASK)


static_view: Final = _as_view(static_file)
not_found_view: Final = _as_view(not_found)
