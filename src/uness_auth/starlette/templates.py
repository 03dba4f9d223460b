"""
Our templates beside the app's own, and what both see as ``uness_auth``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.templating import Jinja2Templates

from ..model import Account
from ..web.site import SignInSite
from .visit import EXTENSION, visit_of


def with_ours(
    theirs: Jinja2Templates | None, context: Callable[[Request], dict[str, Any]], /
) -> Jinja2Templates:
    """
    Return the app's templates with ours behind them, or ours alone.

    Args:
        context: Becomes a context processor of both.
    """
    ours: BaseLoader = PackageLoader(EXTENSION)
    if theirs is None:
        env, processors = Environment(loader=ours, autoescape=True), []
    else:
        loaders = [theirs.env.loader, ours] if theirs.env.loader else [ours]
        # Escaped, whatever the app does with its own.
        env = theirs.env.overlay(loader=ChoiceLoader(loaders), autoescape=True)
        processors = theirs.context_processors
    processors.append(context)
    return Jinja2Templates(env=env, context_processors=processors)


class TemplateHelp:
    """
    What a host's templates see as ``uness_auth``.
    """

    def __init__(
        self, site: SignInSite, templates: Jinja2Templates, request: Request
    ) -> None:
        self._site = site
        self._templates = templates
        self._request = request

    @property
    def account(self) -> Account | None:
        """
        The account that is signed in, or None.
        """
        return visit_of(self._request).account

    @property
    def sign_in_url(self) -> str:
        """
        Where « Connectez-vous » leads.
        """
        return self._site.auth.site.path

    @property
    def password_url(self) -> str:
        """
        Where the signed-in person changes their password.
        """
        return self._site.password_path

    @property
    def sessions_url(self) -> str:
        """
        Where they see and close their sessions; empty where the stores list none.
        """
        return self._site.sessions_path

    def static_url(self, name: str, /) -> str:
        """
        The address of our style sheet, for pages of the same look: ``uness.css``.
        """
        return self._site.pages.static_url(name)

    @property
    def sign_out_form(self) -> Markup:
        """
        A form with one button, « Se déconnecter ».
        """
        visit = visit_of(self._request)
        # The form is one visitor's own: asking who that is keeps the page from caches.
        _ = visit.account
        view = self._site.sign_out_form(visit.request)
        template = self._templates.get_template(view.template)
        return Markup(template.render(view=view))  # noqa: S704 - our own template, escaped
