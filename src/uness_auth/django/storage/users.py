"""
What the project's user model is like, and what an account takes from its user.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from typing import Any, Final

import attrs
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import is_password_usable, make_password
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import AutoField, Field, Model

from ...errors import ConfigurationError


PASSWORD: Final = "password"  # noqa: S105 - the name of a field
ACTIVE: Final = "is_active"


@attrs.frozen(kw_only=True)
class UserState:
    """
    What Django may change of an account without us.

    Attributes:
        password_hash: Empty where the user's password is unusable.

        email: As the user has it, canonical or not.
    """

    password_hash: str = attrs.field(repr=False)
    email: str
    is_active: bool

    @property
    def digest(self) -> str:
        """
        SHA-256, hex: differs where any of the three does.
        """
        parts = [self.password_hash, self.email, self.is_active]
        return sha256(json.dumps(parts).encode()).hexdigest()


@attrs.frozen(kw_only=True)
class Users:
    """
    The project's user model, whichever it is.

    Attributes:
        email: The name of the field with the address.

        name: The name of the field that Django signs in by, unless it is the address.

        has_active: Whether a user can be made inactive.
    """

    model: type[Model]
    email: str
    name: str | None
    has_active: bool

    @classmethod
    def of(cls, model: type[Any], /) -> Users:
        """
        Look at *model*.

        Raises:
            uness_auth.errors.ConfigurationError: Its users have no address.
        """
        email = model.get_email_field_name()
        if _field(model, email) is None:
            msg = (
                f"{model._meta.label} has no field {email!r} for the address: add one, "
                f"or say with EMAIL_FIELD which it is"
            )
            raise ConfigurationError(msg)
        name = model.USERNAME_FIELD
        return cls(
            model=model,
            email=email,
            name=None if name == email else name,
            has_active=_field(model, ACTIVE) is not None,
        )

    @property
    def watched(self) -> tuple[str, ...]:
        """
        The names of the fields that `UserState` is made of.
        """
        return (PASSWORD, self.email, *([ACTIVE] if self.has_active else []))

    @property
    def objects(self) -> Any:
        """
        All of them: a manager of the project may hide some.
        """
        return self.model._base_manager

    def is_untouched(self, saved: Iterable[str] | None, /) -> bool:
        """
        Say whether a save of these fields (None: of all) left the state alone.
        """
        return saved is not None and set(saved).isdisjoint(self.watched)

    def state(self, values: Sequence[Any], /) -> UserState:
        """
        Return the state in *values*, which are those of `watched`.
        """
        password, email, *active = values
        is_usable = bool(password) and is_password_usable(password)
        return UserState(
            password_hash=password if is_usable else "",
            email=email or "",
            is_active=all(active),
        )

    def fields(self, state: UserState, /) -> dict[str, Any]:
        """
        Return the fields of a user in this state.
        """
        # No password is an unusable one: an empty field would be one to some backends.
        values = [state.password_hash or make_password(None), state.email]
        return dict(zip(self.watched, [*values, state.is_active], strict=False))

    def changes(self, before: UserState, after: UserState, /) -> dict[str, Any]:
        """
        Return the fields that make the user of *before* that of *after*.
        """
        was, will_be = self.fields(before), self.fields(after)
        if before.password_hash == after.password_hash:
            # An unusable password differs from itself, and stays.
            will_be[PASSWORD] = was[PASSWORD]
        return {name: one for name, one in will_be.items() if was[name] != one}

    def key(self, account_id: str, /) -> Any:
        """
        Return *account_id* as primary key; None where that cannot be its text.
        """
        field = _last_parent(self.model)
        try:
            key = field.to_python(account_id)
            field.run_validators(key)
        except ValidationError:
            return None
        return key if account_id and str(key) == account_id else None

    @property
    def counts_keys(self) -> bool:
        """
        Whether the database gives keys by counting.
        """
        return isinstance(_last_parent(self.model), AutoField)

    @property
    def counter(self) -> tuple[str, str]:
        """
        The table and the column whose keys the database counts.
        """
        field = _last_parent(self.model)
        return f'"{field.model._meta.db_table}"', str(field.column)

    @property
    def makes_keys(self) -> bool:
        """
        Whether a user gets a key when none is said.
        """
        field = _last_parent(self.model)
        return self.counts_keys or field.has_default() or field.has_db_default()


@cache
def users() -> Users:
    """
    Return the user model that ``AUTH_USER_MODEL`` names.
    """
    return Users.of(get_user_model())


def _field(model: type[Model], name: str) -> Field[Any, Any] | None:
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, Field) else None


def _last_parent(model: type[Model]) -> Field[Any, Any]:
    # Of a model that extends another the key is a link to the other's.
    field = model._meta.pk
    while field.remote_field is not None:
        field = field.remote_field.model._meta.pk
    return field
