"""
Renders our pages with the project's own template engine, and our folder behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.template import Engine, engines
from django.template.backends.django import DjangoTemplates
from django.template.context import make_context


FOLDER: Final = Path(__file__).parents[1] / "templates"
FILES: Final = "django.template.loaders.filesystem.Loader"
CACHED: Final = "django.template.loaders.cached.Loader"


def render(request: HttpRequest, template: str, view: object) -> str:
    """
    Return the page *template*, which the project may have one of its own for.
    """
    context = make_context({"view": view}, request, autoescape=True)
    return str(engine().get_template(template).render(context))


@cache
def engine() -> Engine:
    """
    Return an engine that looks where the project's does, and then among our pages.

    Our folder cannot be found as one of an app's: one set of templates serves every
    framework, and lies beside the adapters.  So the project's settings need not name
    it, and a project's ``templates/uness_auth/`` goes before, whichever way its
    engine finds that.
    """
    theirs = _project()
    loaders: list[Any] = [*_plain(theirs.loaders), (FILES, [FOLDER])]
    return Engine(
        dirs=theirs.dirs,
        context_processors=theirs.context_processors,
        debug=theirs.debug,
        # In development a page is read anew each time, as Django's engine does.
        loaders=loaders if settings.DEBUG else [(CACHED, loaders)],
        string_if_invalid=theirs.string_if_invalid,
        file_charset=theirs.file_charset,
        libraries=theirs.libraries,
        builtins=theirs.builtins[len(Engine.default_builtins) :],
    )


def forget(*, setting: str, **_more: object) -> None:
    """
    Make the engine anew when a test changed what it is made from.
    """
    if setting in {"TEMPLATES", "DEBUG", "INSTALLED_APPS"}:
        engine.cache_clear()


setting_changed.connect(forget, dispatch_uid="uness_auth.templates")


def _project() -> Engine:
    for backend in engines.all():
        if isinstance(backend, DjangoTemplates):
            return backend.engine
    # A project whose own templates are all Jinja's.
    return Engine()


def _plain(loaders: Sequence[Any]) -> Sequence[Any]:
    # Django keeps what it found by wrapping its loaders in one.
    match loaders:
        case [(str(name), [*inner])] if name == CACHED:
            return inner
        case _:
            return loaders
