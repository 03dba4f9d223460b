"""
Sessions say when their owner proved who they are, in which browser, and where.

They are found by their account, too.
"""

from __future__ import annotations

from django.db import migrations, models

import uness_auth.django.fields


class Migration(migrations.Migration):
    dependencies = [
        ("uness_auth", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="sessionrow",
            name="authenticated_at",
            field=uness_auth.django.fields.InstantField(null=True),
        ),
        migrations.AddField(
            model_name="sessionrow",
            name="browser",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
        migrations.AddField(
            model_name="sessionrow",
            name="network",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
        migrations.AddIndex(
            model_name="sessionrow",
            index=models.Index(fields=["account"], name="uness_auth_sessions_account"),
        ),
    ]
