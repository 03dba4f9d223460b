"""
The tables of the first release.
"""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import uness_auth.django.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CodeChallengeRow",
            fields=[
                (
                    "id",
                    uness_auth.django.fields.ExactCharField(
                        max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("account_id", uness_auth.django.fields.ExactCharField(max_length=64)),
                ("credential_version", models.BigIntegerField()),
                ("key_id", models.CharField(max_length=64)),
                ("browser_digest", models.CharField(max_length=64)),
                ("sent_at", uness_auth.django.fields.InstantField()),
                ("expires_at", uness_auth.django.fields.InstantField()),
                (
                    "window_ends_at",
                    uness_auth.django.fields.InstantField(db_index=True),
                ),
                ("attempts_left", models.IntegerField()),
                ("is_certain", models.BooleanField()),
            ],
            options={
                "verbose_name": "code challenge",
            },
        ),
        migrations.CreateModel(
            name="CounterRow",
            fields=[
                (
                    "key",
                    uness_auth.django.fields.ExactCharField(
                        db_column="counter_key",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "text",
                    uness_auth.django.fields.ExactCharField(max_length=4000, null=True),
                ),
                ("number", models.BigIntegerField(null=True)),
                ("expires_at", uness_auth.django.fields.InstantField(db_index=True)),
            ],
            options={
                "verbose_name": "counter",
            },
        ),
        migrations.CreateModel(
            name="AccountRow",
            fields=[
                (
                    "id",
                    uness_auth.django.fields.ExactCharField(
                        max_length=64, primary_key=True, serialize=False
                    ),
                ),
                (
                    "address",
                    uness_auth.django.fields.ExactCharField(
                        max_length=254, null=True, unique=True
                    ),
                ),
                ("credential_version", models.BigIntegerField()),
                ("created_at", uness_auth.django.fields.InstantField()),
                ("display_name", models.TextField(blank=True)),
                ("language", models.CharField(blank=True, max_length=16)),
                ("is_disabled", models.BooleanField(default=False)),
                ("is_password_suspended", models.BooleanField(default=False)),
                ("seen_digest", uness_auth.django.fields.ExactCharField(max_length=64)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uness_auth",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
            },
        ),
        migrations.CreateModel(
            name="SessionRow",
            fields=[
                (
                    "digest",
                    uness_auth.django.fields.ExactCharField(
                        max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("credential_version", models.BigIntegerField()),
                ("opened_at", uness_auth.django.fields.InstantField()),
                ("last_seen_at", uness_auth.django.fields.InstantField(db_index=True)),
                ("is_remembered", models.BooleanField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="uness_auth.accountrow",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
            },
        ),
    ]
