"""
User models that differ from Django's in what projects differ in.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

from uness_auth.django.fields import ExactCharField


class TextUser(AbstractBaseUser):
    """
    Keys, addresses and hashes of any length: what the contracts ask of a store.
    """

    id: Any = ExactCharField(max_length=64, primary_key=True)
    mail: Any = ExactCharField(max_length=254)
    password: Any = models.TextField()
    is_active: Any = models.BooleanField(default=True)

    USERNAME_FIELD = "mail"
    EMAIL_FIELD = "mail"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[Any] = BaseUserManager()

    class Meta:
        swappable = "AUTH_USER_MODEL"


class MailUser(AbstractBaseUser):
    """
    A UUID for a key, the address for a name, and nobody is ever inactive.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email: Any = models.EmailField(unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[Any] = BaseUserManager()

    class Meta:
        swappable = "AUTH_USER_MODEL"


class Paper(models.Model):
    """
    What a project keeps, whoever leaves.
    """

    author: Any = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return f"paper {self.pk}"


class Essay(Paper):
    """
    A paper with more to it, in a table of its own.
    """

    title: Any = models.CharField(max_length=100)
