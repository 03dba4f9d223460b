"""
The pages of the portal, and below ``/auth/`` the sign-in.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path
from django.views.generic import RedirectView


def home(request: HttpRequest) -> HttpResponse:
    """
    For everybody.
    """
    return render(request, "home.html")


@login_required
def private(request: HttpRequest) -> HttpResponse:
    """
    For whoever is signed in.
    """
    return render(request, "private.html")


urlpatterns = [
    path("", home, name="home"),
    path("private", private, name="private"),
    path("auth/", include("uness_auth.django.urls")),
    path(
        ".well-known/change-password",
        RedirectView.as_view(pattern_name="uness_auth:account_password"),
    ),
]
