"""
The pages, for one line of a project: ``path("auth/", include("uness_auth.django.urls"))``.
"""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path, re_path, register_converter
from django.urls.converters import StringConverter

from ..web.routes import ROUTES
from .views import not_found_view, serve, static_view


class TokenConverter(StringConverter):
    """
    Whatever stands where a link's token stands, so that what is none is told as such.
    """

    # Line breaks too, which a dot alone would leave to Django.
    regex: str = "(?s:.+)"


register_converter(TokenConverter, "uness_auth_token")

app_name: Final = "uness_auth"
urlpatterns: list[URLPattern] = [
    *(
        path(
            route.path.replace("{token}", "<uness_auth_token:token>"),
            serve(route),
            name=route.name,
        )
        for route in ROUTES
    ),
    path("static/<path:name>", static_view, name="static_file"),
    # What lies below ours and is no page of ours is told by us.
    # Line breaks too, which a dot alone would leave to Django.
    re_path(r"^(?P<rest>(?s:.*))\Z", not_found_view, name="not_found"),
]
