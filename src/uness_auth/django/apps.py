"""
The app, as Django's registry knows it.
"""

from __future__ import annotations

from django.apps import AppConfig


class UnessAuthConfig(AppConfig):
    """
    The sign-in as one app of a project.
    """

    name = "uness_auth.django"
    label = "uness_auth"
    verbose_name = "UNESS sign-in"
    default_auto_field = "django.db.models.BigAutoField"
