"""
The URLs of the tests' portal, and its own pages.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import alogout, get_user_model, login, logout
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import RequestContext, Template
from django.urls import include, path
from django.views import View
from django.views.decorators.http import condition
from django.views.generic import RedirectView

from uness_auth.django.decorators import recent_login_required
from uness_auth.django.mixins import RecentLoginRequiredMixin


def page(request: HttpRequest, text: str) -> HttpResponse:
    """
    Render *text* as a template.
    """
    return HttpResponse(Template(text).render(RequestContext(request)))


def home(_request: HttpRequest) -> HttpResponse:
    """
    For everybody.
    """
    return HttpResponse(
        '<title>Portail</title><a href="/auth/">Connectez-vous</a>', charset="utf-8"
    )


@login_required
def private(request: HttpRequest) -> HttpResponse:
    """
    For whoever is signed in.
    """
    return page(
        request,
        "{% load uness_auth %}<title>Accueil</title>"
        "Bonjour {{ user.uness_auth.display_name }} {% sign_out_form %}"
        '{% uness_static "uness.css" %}',
    )


@recent_login_required
def notes(request: Any) -> HttpResponse:
    """
    For whoever proved just now who they are.
    """
    name = request.user.uness_auth.display_name
    return HttpResponse(f"<title>Notes</title>Notes de {name}")


@recent_login_required
async def notes_later(request: Any) -> HttpResponse:
    """
    For whoever proved it just now, from the event loop.
    """
    return HttpResponse(f"notes of {await request.auser()}")


class ClassyNotes(RecentLoginRequiredMixin, View):
    """
    For whoever proved it just now, as a class.
    """

    def get(self, request: Any) -> HttpResponse:
        """
        Name the user.
        """
        return HttpResponse(f"notes of {request.user.email}")


@login_required
@condition(etag_func=lambda request: f'"{request.user.pk}"')
def statement(request: Any) -> HttpResponse:
    """
    For whoever is signed in, and not sent again while it stays the same.
    """
    return HttpResponse(f"<title>Relevé</title>Relevé de {request.user.email}")


class Classy(LoginRequiredMixin, View):
    """
    For whoever is signed in, as a class.
    """

    def get(self, request: Any) -> HttpResponse:
        """
        Name the user.
        """
        return HttpResponse(f"classy {request.user.email}")


@permission_required("auth.add_group", raise_exception=True)
def permitted(_request: HttpRequest) -> HttpResponse:
    """
    For whoever may add groups.
    """
    return HttpResponse("permitted")


def leave(request: HttpRequest) -> HttpResponse:
    """
    Sign out as Django does.
    """
    logout(request)
    messages.success(request, "A bientôt")
    return redirect("/messages")


def let_in(request: HttpRequest) -> HttpResponse:
    """
    Sign somebody in as a host's own backend would, which asks nobody.
    """
    user = get_user_model()._default_manager.get(email=request.GET["email"])
    login(request, user, "django.contrib.auth.backends.AllowAllUsersModelBackend")
    return HttpResponse("let in")


def told(request: HttpRequest) -> HttpResponse:
    """
    Say what messages there are.
    """
    return page(request, "{% for message in messages %}{{ message }}{% endfor %}")


def cart(request: HttpRequest) -> HttpResponse:
    """
    Keep something in Django's session.
    """
    request.session["cart"] = request.session.get("cart", 0) + 1
    return HttpResponse(str(request.session["cart"]))


def who(request: HttpRequest) -> HttpResponse:
    """
    Say who asks.
    """
    return HttpResponse(f"<title>who</title>{request.user} {request.user.pk}")


async def later(request: Any) -> HttpResponse:
    """
    Say who asks, from the event loop.
    """
    user = await request.auser()
    return HttpResponse(f"{user} {(await request.auser()).pk}")


async def leave_later(request: Any) -> HttpResponse:
    """
    Sign out from the event loop, and say who is left.
    """
    await alogout(request)
    return HttpResponse(f"{await request.auser()}")


urlpatterns = [
    path("leave-later", leave_later),
    path("", home),
    path("private", private),
    path("notes", notes),
    path("notes-later", notes_later),
    path("classy-notes", ClassyNotes.as_view()),
    path("statement", statement),
    path("classy", Classy.as_view()),
    path("permitted", permitted),
    path("leave", leave),
    path("let-in", let_in),
    path("messages", told),
    path("cart", cart),
    path("who", who),
    path("later", later),
    path("admin/", admin.site.urls),
    path("auth/", include("uness_auth.django.urls")),
    path(
        ".well-known/change-password",
        RedirectView.as_view(pattern_name="uness_auth:account_password"),
    ),
]
