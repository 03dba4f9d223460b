"""
Accounts say which registrar provisioned them, under which id, and for which days.
"""

from __future__ import annotations

from django.db import migrations, models

import uness_auth.django.fields


class Migration(migrations.Migration):
    dependencies = [
        ("uness_auth", "0002_session_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="accountrow",
            name="provisioned_by",
            field=uness_auth.django.fields.ExactCharField(
                blank=True, db_default="", max_length=64
            ),
        ),
        migrations.AddField(
            model_name="accountrow",
            name="external_id",
            field=uness_auth.django.fields.ExactCharField(
                blank=True, max_length=128, null=True
            ),
        ),
        migrations.AddField(
            model_name="accountrow",
            name="valid_from",
            field=uness_auth.django.fields.InstantField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="accountrow",
            name="valid_until",
            field=uness_auth.django.fields.InstantField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="accountrow",
            constraint=models.UniqueConstraint(
                fields=("provisioned_by", "external_id"),
                name="uness_auth_accounts_external",
            ),
        ),
    ]
