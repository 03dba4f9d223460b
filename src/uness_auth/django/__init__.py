"""
The sign-in for Django projects: put ``"uness_auth.django"`` into ``INSTALLED_APPS``.
"""

from __future__ import annotations
