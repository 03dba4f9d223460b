"""
Events are kept.
"""

from __future__ import annotations

from django.db import migrations, models

import uness_auth.django.fields


class Migration(migrations.Migration):
    dependencies = [
        ("uness_auth", "0003_registrars_and_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", uness_auth.django.fields.ExactCharField(max_length=32)),
                ("at", uness_auth.django.fields.InstantField()),
                (
                    "account_id",
                    uness_auth.django.fields.ExactCharField(blank=True, max_length=64),
                ),
                ("address", models.CharField(blank=True, max_length=254)),
                ("network", models.CharField(blank=True, max_length=64)),
                ("method", models.CharField(blank=True, max_length=64)),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "verbose_name": "event",
                "indexes": [
                    models.Index(
                        fields=["account_id", "at"], name="uness_auth_events_account"
                    ),
                    models.Index(fields=["kind", "at"], name="uness_auth_events_kind"),
                ],
            },
        ),
    ]
