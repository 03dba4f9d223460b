"""
The app for ``INSTALLED_APPS``.
"""

from __future__ import annotations

from typing import Final

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.checks import Tags, register
from django.core.signals import setting_changed

from ..web.logs import ACCESS_LOGGERS, mask_link_tokens


# They name the path of a request that failed.
DJANGO_LOGGERS: Final = ("django.request", "django.server", "django.security.csrf")


class UnessAuthConfig(AppConfig):
    """
    Connects the sign-in to Django: checks, signals, logs.
    """

    name = "uness_auth.django"
    label = "uness_auth"
    verbose_name = "UNESS sign-in"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """
        Register everything, once there are models.
        """
        # They import models, which there are none of before.
        from . import checks, conf, sessions  # noqa: PLC0415

        _ = register(checks.check_settings, Tags.security)
        _ = register(checks.check_project, Tags.security)
        _ = register(checks.check_deployment, Tags.security, deploy=True)
        _ = register(checks.check_tables, Tags.database)
        user_logged_in.connect(sessions.take_over, dispatch_uid="uness_auth.take_over")
        user_logged_out.connect(
            sessions.close_session, dispatch_uid="uness_auth.close_session"
        )
        setting_changed.connect(conf.forget, dispatch_uid="uness_auth.forget")
        mask_link_tokens((*ACCESS_LOGGERS, *DJANGO_LOGGERS))
