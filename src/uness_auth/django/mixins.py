"""
Guards for a project's own class-based views, beside Django's ``LoginRequiredMixin``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from .decorators import recent_login_required


class RecentLoginRequiredMixin:
    """
    Lets only those reach the view who proved just now who they are.

    Name it before ``View``; it is `uness_auth.django.decorators.recent_login_required`
    around the whole view, so that views with asynchronous methods are guarded too.
    """

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        """
        Return the guarded view.
        """
        view = cast("Any", super()).as_view(**initkwargs)
        return recent_login_required(view)
