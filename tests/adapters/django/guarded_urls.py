"""
The portal's URLs, with the admin's form led to our pages as the documentation says.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.http import require_safe

from . import portal_urls


site = AdminSite()
# Django's own way to replace a view of the admin's, says our documentation.
site.login = login_required(require_safe(site.login))  # type: ignore[method-assign]

portals: list[Any] = portal_urls.urlpatterns
urlpatterns = [
    *(one for one in portals if str(one.pattern) != "admin/"),
    path("admin/", site.urls),
]
