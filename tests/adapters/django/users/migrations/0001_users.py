"""
The users.
"""

from __future__ import annotations

import uuid

from django.db import migrations, models

import uness_auth.django.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="MailUser",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="last login"
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("email", models.EmailField(max_length=254, unique=True)),
            ],
            options={
                "swappable": "AUTH_USER_MODEL",
            },
        ),
        migrations.CreateModel(
            name="TextUser",
            fields=[
                (
                    "last_login",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="last login"
                    ),
                ),
                (
                    "id",
                    uness_auth.django.fields.ExactCharField(
                        max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("mail", uness_auth.django.fields.ExactCharField(max_length=254)),
                ("password", models.TextField()),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "swappable": "AUTH_USER_MODEL",
            },
        ),
    ]
