"""
The routes of the sign-in pages, as data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from . import account, handlers
from .account_pages import AGAIN, PASSWORD, SESSIONS
from .http import Answer
from .turn import Turn


Handler: TypeAlias = Callable[[Turn], Answer]


@attrs.frozen(kw_only=True)
class Route:
    """
    One path below `uness_auth.Site.path`, and what it does by method.

    Attributes:
        path: ``link/{token}`` has the link's token in its place.

        may_hash: Whether it may take a hashing slot: an asynchronous adapter runs
            these under a limiter of their own.

        is_csrf_exempt: Whether the form carries no CSRF value: who knows the link's
            token needs no victim, and the post signs nobody in.
    """

    name: str
    path: str
    handlers: Mapping[str, Handler]
    may_hash: bool = False
    is_csrf_exempt: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """
        The methods it answers, HEAD with GET: what an Allow header names.
        """
        more = ("HEAD",) if "GET" in self.handlers else ()
        return tuple(sorted((*self.handlers, *more)))


def _by_method(
    *, get: Handler | None = None, post: Handler | None = None
) -> Mapping[str, Handler]:
    given = {"GET": get, "POST": post}
    return MappingProxyType({name: one for name, one in given.items() if one})


ROUTES: Final = (
    Route(
        name="identify",
        path="",
        handlers=_by_method(get=handlers.show_identify, post=handlers.identify),
    ),
    Route(
        name="password",
        path="password",
        handlers=_by_method(get=handlers.back_to_start, post=handlers.sign_in),
        may_hash=True,
    ),
    Route(
        name="ask_link",
        path="link",
        handlers=_by_method(get=handlers.back_to_start, post=handlers.ask_link),
    ),
    Route(
        name="link",
        path="link/{token}",
        handlers=_by_method(get=handlers.show_link, post=handlers.set_password),
        may_hash=True,
        is_csrf_exempt=True,
    ),
    Route(
        name="ask_code",
        path="code",
        handlers=_by_method(get=handlers.back_to_start, post=handlers.ask_code),
    ),
    Route(
        name="confirm_code",
        path="code/confirm",
        handlers=_by_method(get=handlers.back_to_start, post=handlers.confirm_code),
    ),
    Route(
        name="sign_out",
        path="sign-out",
        handlers=_by_method(get=handlers.back_to_start, post=handlers.sign_out),
    ),
    Route(
        name="signed_out",
        path="signed-out",
        handlers=_by_method(get=handlers.show_signed_out),
    ),
    Route(
        name="again",
        path=AGAIN,
        handlers=_by_method(get=account.show_again),
    ),
    Route(
        name="account_password",
        path=PASSWORD,
        handlers=_by_method(get=account.show_password, post=account.change_password),
        may_hash=True,
    ),
    Route(
        name="account_sessions",
        path=SESSIONS,
        handlers=_by_method(get=account.show_sessions, post=account.close_sessions),
    ),
)
