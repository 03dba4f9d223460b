"""
What Django's user lacks, and the records that no other model of a project has.

What each look-up and each purge asks for has an index, and nothing else has.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models, router
from django.db.models.signals import post_save

from ..addresses import LONGEST_ADDRESS
from ..events import LONGEST_REASON
from .fields import ExactCharField, InstantField


class AccountRow(models.Model):
    """
    What makes an account of a user: a user without it is none.

    The password, the address as it was typed and ``is_active`` stay the user's.

    Attributes:
        id: The user's primary key, as text.

        address:
            The canonical address; None as long as the user's own is none, or belongs
            to another account: then nobody is found here.

        is_disabled: Only where the user model has no ``is_active``.

        seen_digest:
            SHA-256, hex, of the user's password hash, address and ``is_active`` as
            this row last saw them.  Where it differs from what the user has now,
            somebody else changed one of them, and the version moves.
    """

    id: models.Field[str, str] = ExactCharField(max_length=64, primary_key=True)
    user: models.OneToOneField[Any, Any] = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uness_auth"
    )
    address: models.Field[str | None, str | None] = ExactCharField(
        max_length=LONGEST_ADDRESS, unique=True, null=True
    )
    credential_version: models.BigIntegerField[int, int] = models.BigIntegerField()
    created_at = InstantField()
    display_name: models.TextField[str, str] = models.TextField(blank=True)
    language: models.CharField[str, str] = models.CharField(max_length=16, blank=True)
    is_disabled: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    is_password_suspended: models.BooleanField[bool, bool] = models.BooleanField(
        default=False
    )
    seen_digest: models.Field[str, str] = ExactCharField(max_length=64)
    # The default is for processes of the release before, which know nothing of it.
    provisioned_by: models.Field[str, str] = ExactCharField(
        max_length=64, blank=True, db_default=""
    )
    external_id: models.Field[str | None, str | None] = ExactCharField(
        max_length=128, null=True, blank=True
    )
    valid_from = InstantField(null=True, blank=True)
    valid_until = InstantField(null=True, blank=True)

    class Meta:
        verbose_name = "account"
        # NULLs differ: many accounts have no external id.
        constraints = (
            models.UniqueConstraint(
                fields=("provisioned_by", "external_id"),
                name="uness_auth_accounts_external",
            ),
        )

    def __str__(self) -> str:
        return self.address or f"account {self.id}"


class CodeChallengeRow(models.Model):
    """
    An `uness_auth.model.CodeChallenge`.
    """

    id: models.Field[str, str] = ExactCharField(max_length=64, primary_key=True)
    # No foreign key: the challenge of a decoy belongs to no account.
    account_id: models.Field[str, str] = ExactCharField(max_length=64)
    credential_version: models.BigIntegerField[int, int] = models.BigIntegerField()
    key_id: models.CharField[str, str] = models.CharField(max_length=64)
    browser_digest: models.CharField[str, str] = models.CharField(max_length=64)
    sent_at = InstantField()
    expires_at = InstantField()
    window_ends_at = InstantField(db_index=True)
    attempts_left: models.IntegerField[int, int] = models.IntegerField()
    is_certain: models.BooleanField[bool, bool] = models.BooleanField()

    class Meta:
        verbose_name = "code challenge"

    def __str__(self) -> str:
        return self.id


class SessionRow(models.Model):
    """
    An `uness_auth.model.Session`.
    """

    digest: models.Field[str, str] = ExactCharField(max_length=64, primary_key=True)
    # No constraint, because stores may be mixed, and the index is the one below: Django
    # would name its own by a digest.
    account_id: str
    account: models.ForeignKey[AccountRow, AccountRow] = models.ForeignKey(
        AccountRow,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    credential_version: models.BigIntegerField[int, int] = models.BigIntegerField()
    opened_at = InstantField()
    last_seen_at = InstantField(db_index=True)
    is_remembered: models.BooleanField[bool, bool] = models.BooleanField()
    authenticated_at = InstantField(null=True)
    # The defaults are for processes of the release before, which know nothing of them.
    browser: models.CharField[str, str] = models.CharField(
        max_length=64, blank=True, db_default=""
    )
    network: models.CharField[str, str] = models.CharField(
        max_length=64, blank=True, db_default=""
    )

    class Meta:
        verbose_name = "session"
        # By account alone: an index that held the last use as well would be written
        # with every touch, to sort the few sessions that an account has.
        indexes = (
            models.Index(fields=("account",), name="uness_auth_sessions_account"),
        )

    def __str__(self) -> str:
        return f"a session of account {self.account_id}"


class CounterRow(models.Model):
    """
    What a throttle counts: a text, which is swapped, or a number, which is added.
    """

    # KEY is a word of SQL.
    key: models.Field[str, str] = ExactCharField(
        max_length=64, primary_key=True, db_column="counter_key"
    )
    text: models.Field[str | None, str | None] = ExactCharField(
        max_length=4_000, null=True
    )
    number: models.BigIntegerField[int | None, int | None] = models.BigIntegerField(
        null=True
    )
    expires_at = InstantField(db_index=True)

    class Meta:
        verbose_name = "counter"

    def __str__(self) -> str:
        return self.key


class EventRow(models.Model):
    """
    An `uness_auth.events.Event`, numbered as it was written.
    """

    id: models.BigAutoField[int, int] = models.BigAutoField(primary_key=True)
    kind: models.Field[str, str] = ExactCharField(max_length=32)
    at = InstantField()
    # No foreign key: what concerns nobody has none, and what is erased has none left.
    account_id: models.Field[str, str] = ExactCharField(max_length=64, blank=True)
    address: models.CharField[str, str] = models.CharField(
        max_length=LONGEST_ADDRESS, blank=True
    )
    network: models.CharField[str, str] = models.CharField(max_length=64, blank=True)
    method: models.CharField[str, str] = models.CharField(max_length=64, blank=True)
    reason: models.CharField[str, str] = models.CharField(
        max_length=LONGEST_REASON, blank=True
    )

    class Meta:
        verbose_name = "event"
        # For an account, and for what has had its time, each in the order of time.
        indexes = (
            models.Index(fields=("account_id", "at"), name="uness_auth_events_account"),
            models.Index(fields=("kind", "at"), name="uness_auth_events_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of account {self.account_id}"


def follow_saved_user(
    sender: object,  # noqa: ARG001 - Django's signature
    *,
    instance: Any,
    created: bool,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    **_more: object,
) -> None:
    """
    Let an account follow its user at once, where Django tells that it was saved.

    What Django does not tell (a queryset's ``update``, plain SQL) is found when the
    account is next read.
    """
    # Here, because a model's module is imported before there are any models.
    from .storage.users import users  # noqa: PLC0415

    is_elsewhere = not router.allow_migrate_model(using, AccountRow)
    if created or raw or is_elsewhere or users().is_untouched(update_fields):
        return
    from .storage import DjangoStorage  # noqa: PLC0415

    DjangoStorage(using).follow(instance.pk)


post_save.connect(
    follow_saved_user,
    sender=settings.AUTH_USER_MODEL,
    dispatch_uid="uness_auth.follow_saved_user",
)
