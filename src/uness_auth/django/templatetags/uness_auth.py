"""
What a project's templates use: ``{% load uness_auth %}``.
"""

from __future__ import annotations

from typing import Any, Final

from django.template import Context, Library
from django.utils.safestring import SafeString, mark_safe

from ..conf import get_site
from ..requests import DjangoGuard, request_from
from ..sessions import resume
from ..templates import render


register: Final = Library()


@register.simple_tag(takes_context=True)
def sign_out_form(context: Context) -> SafeString:
    """
    A form with one button, « Se déconnecter ».
    """
    request: Any = context["request"]
    # The form is one visitor's own: asking who that is keeps the page from caches.
    _ = resume(request)
    view = get_site().sign_out_form(request_from(request), guard=DjangoGuard(request))
    return mark_safe(render(request, view.template, view))  # noqa: S308 - our own template, escaped


@register.simple_tag
def uness_static(name: str) -> str:
    """
    The address of our style sheet, for pages of the same look: ``uness.css``.
    """
    # Django's text is a class of its own, which no path takes.
    return get_site().pages.static_url("".join(name))
