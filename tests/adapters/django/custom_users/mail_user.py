"""
Users whose key is a UUID and whose name is the address, and none is ever inactive.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Any

import attrs
import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import override_settings

from uness_auth.django.admin import AccountAdmin, StateFilter
from uness_auth.django.adopt import adopt
from uness_auth.django.models import AccountRow
from uness_auth.django.storage import DjangoStorage
from uness_auth.ports import Stores
from uness_auth.testing.contracts.accounts import ACCOUNT, OTHER


USER: Any = get_user_model()
VERSION = ACCOUNT.credential_version


@pytest.fixture(name="stores")
def _stores(using: str) -> Stores:
    """
    The stores of an empty database.
    """
    return DjangoStorage(using).stores


class TestMailUsers:
    def test_created(self, using: str, stores: Stores) -> None:
        """
        The database gives the key, whose text is the id; the address is the name.
        """
        assert stores.registry is not None

        assert {ACCOUNT.id} == stores.registry.apply([ACCOUNT])
        user = USER.objects.using(using).get()
        assert ACCOUNT.address == user.email
        found = stores.accounts.by_id(str(user.pk))
        assert found == attrs.evolve(ACCOUNT, id=str(user.pk))
        assert found == stores.accounts.by_address(ACCOUNT.address)

    def test_disabled(self, using: str, stores: Stores) -> None:
        """
        Where the user cannot be inactive, our row says that the account is disabled.
        """
        assert stores.registry is not None
        disabled = attrs.evolve(ACCOUNT, is_disabled=True)
        _ = stores.registry.apply([disabled, OTHER])
        found = stores.accounts.by_address(ACCOUNT.address)
        assert found is not None
        assert found.is_disabled
        assert not stores.accounts.set_password(found.id, "new", VERSION)

        enabled = attrs.evolve(found, is_disabled=False)
        assert stores.registry.replace(enabled, VERSION)
        assert enabled == stores.accounts.by_id(found.id)
        assert stores.accounts.set_password(found.id, "new", VERSION)

    def test_adopted(self, using: str, stores: Stores) -> None:
        """
        Existing users become accounts without a name, from today on.
        """
        user = USER.objects.using(using).create(email="A@exemple.fr")

        assert 1 == adopt(using=using).adopted
        found = stores.accounts.by_address("a@exemple.fr")
        assert found is not None
        assert (str(user.pk), "", False) == (
            found.id,
            found.display_name,
            found.is_disabled,
        )

    def test_a_taken_address(self, using: str, stores: Stores) -> None:
        """
        A user's address is unique already: who moves to another's is refused.
        """
        assert stores.registry is not None
        _ = stores.registry.apply([ACCOUNT, OTHER])
        found = stores.accounts.by_address(OTHER.address)
        assert found is not None

        thief = attrs.evolve(found, address=ACCOUNT.address)
        assert not stores.registry.replace(thief, VERSION)

    def test_in_the_admin(self, using: str, stores: Stores) -> None:
        """
        States and search know this model, too.
        """
        assert stores.registry is not None
        _ = stores.registry.apply([attrs.evolve(ACCOUNT, is_disabled=True)])
        rows = AccountRow.objects.using(using)
        ours, request = AccountAdmin(AccountRow, admin.site), HttpRequest()
        asked = {"state": ["disabled"]}
        chosen = StateFilter(request, asked, AccountRow, ours)

        # Who is closed is a question of the sign-in's clock.
        given = {"BASE_URL": "http://localhost:8000", "KEYS": [token_urlsafe(48)]}
        with override_settings(UNESS_AUTH=given):
            found = [row.address for row in chosen.queryset(request, rows)]
        assert [ACCOUNT.address] == found
        assert "user__email" in ours.get_search_fields(request)
