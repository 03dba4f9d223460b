"""
How the documentation is built: ``nox -s docs``.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import metadata

import attrs
import django
from django.conf import settings
from docutils.nodes import Element, TextElement
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import uness_auth
from uness_auth.policy import DAY, HOUR, MINUTE, SECOND, Budget, Policy


project = "uness-auth"
author = "The uness-auth developers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's own name
release = metadata.version(project)
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "py:obj"
# Type variables are described nowhere, and neither is what is private.
nitpick_ignore_regex = [
    ("py:class", r"uness_auth\..*\.[A-Z]"),
    ("py:class", r"uness_auth\..*\._\w+"),
]

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    # attrs writes these; what they do is in the class's own words.
    "exclude-members": "__init__, __new__",
}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [
    ("Atomicity", "notes_style"),
    ("Timing", "notes_style"),
    ("Source", "notes_style"),
]

# Django's models want a project before they can be imported.
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "uness_auth.django",
    ]
)
django.setup()


# --- One number, one place --------------------------------------------------------


UNITS = (("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", SECOND))


def _words(value: object) -> str:
    match value:
        case timedelta():
            # « 24 hours » is how people speak of one day's lifetime.
            name, unit = next(
                (name, unit)
                for name, unit in UNITS
                if not value % unit and (value, unit) != (DAY, DAY)
            )
            return f"{value // unit} {name}{'s' if value != unit else ''}"
        case Budget(most=most, per=per):
            return f"{most} per {_words(per).removeprefix('1 ')}"
        case tuple():
            return ", ".join(map(_words, value))
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def _numbers(policy: Policy) -> dict[str, str]:
    """
    Return every field of *policy* as a text: ``{{ code_lifetime }}`` in a page.
    """
    return {
        f"{part.name}_{field.name}": _words(getattr(rules, field.name))
        for part in attrs.fields(Policy)
        for rules in [getattr(policy, part.name)]
        for field in attrs.fields(type(rules))
    }


myst_substitutions = _numbers(Policy.uness())


# --- References -------------------------------------------------------------------

PACKAGE = "uness_auth"


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: TextElement
) -> Element | None:
    """
    Lead a public or short name to where it is described; let a foreign one be code.

    A full name of this package must lead somewhere: what is not answered here is
    reported, and a report is an error.
    """
    if node.get("refdomain") != "py":
        return None
    python = env.domains.python_domain
    target = str(node["reftarget"])
    if target.startswith(f"{PACKAGE}."):
        home = _home(target)
    else:
        found = python.find_obj(env, "", "", target, None, searchmode=1)
        # A class is named once in the house; a field's name leads anywhere.
        if target[:1].islower() or len(found) != 1:
            return content
        home = found[0][0]
    return python.resolve_xref(
        env, node["refdoc"], app.builder, "obj", home, node, content
    )


def _home(target: str) -> str:
    """
    Return the name under which what the package's root offers is described.
    """
    name, dot, rest = target.removeprefix(f"{PACKAGE}.").partition(".")
    if name not in uness_auth.__all__:
        return target
    return f"{getattr(uness_auth, name).__module__}.{name}{dot}{rest}"


def setup(app: Sphinx) -> None:
    """
    Hook into the build.
    """
    app.connect("missing-reference", _resolve)
