"""
Users of an existing project get their accounts, and keep their passwords.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import connections
from django.test import override_settings

from uness_auth.django import adopt as adoption
from uness_auth.django.adopt import Adoption, Refusal, Refused, adopt
from uness_auth.django.models import AccountRow
from uness_auth.django.storage import DjangoStorage
from uness_auth.ports import Accounts, Stores


User: Any = get_user_model()
JOINED = datetime(2024, 9, 2, 8, 15, 30, tzinfo=UTC)


@pytest.fixture(name="stores")
def _stores(using: str) -> Stores:
    """
    The stores of a project that has users, and no accounts.
    """
    return DjangoStorage(using).stores


@pytest.fixture(name="accounts")
def _accounts(stores: Stores) -> Accounts:
    """
    Its accounts.
    """
    return stores.accounts


def add(using: str, number: int, email: str, **more: Any) -> Any:
    """
    Make a user as the project did.
    """
    more = {"username": f"u{number}", "date_joined": JOINED} | more
    return User.objects.using(using).create(pk=number, email=email, **more)


def done(**counts: Any) -> Adoption:
    """
    Return a report in which nothing happened but this.
    """
    nothing = Adoption(adopted=0, followed=0, unchanged=0, refused=())
    return attrs.evolve(nothing, **counts)


class TestAdopt:
    def test_users_become_accounts(self, using: str, accounts: Accounts) -> None:
        """
        With the canonical address, the name, the day they joined and no new password.
        """
        made = make_password("secret", hasher="md5")
        _ = add(using, 7, " Camille@Exemple.fr", password=made, first_name="Camille")

        assert done(adopted=1) == adopt(using=using)
        found = accounts.by_address("camille@exemple.fr")
        assert found is not None
        assert ("7", made, "Camille", JOINED) == (
            found.id,
            found.password_hash,
            found.display_name,
            found.created_at,
        )
        assert not found.is_disabled
        assert User.objects.using(using).get(pk=7).password == made

    def test_nobody_is_made_able_to_sign_in(
        self, using: str, accounts: Accounts
    ) -> None:
        """
        Who was inactive is disabled, and who had no password has none.
        """
        _ = add(using, 1, "a@exemple.fr", is_active=False)
        _ = add(using, 2, "b@exemple.fr", password=make_password(None))

        _ = adopt(using=using)

        found = [accounts.by_id(one) for one in "12"]
        assert [(True, False), (False, False)] == [
            (one.is_disabled, one.has_password) for one in found if one
        ]

    def test_done_twice(self, using: str, accounts: Accounts) -> None:
        """
        The second time nothing changes, and the version least of all.
        """
        _ = add(using, 1, "a@exemple.fr")
        _ = adopt(using=using)
        before = accounts.by_id("1")

        assert done(unchanged=1) == adopt(using=using)
        assert before == accounts.by_id("1")

    def test_batches(
        self, using: str, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Many users are taken some at a time, each of them once.
        """
        monkeypatch.setattr(adoption, "BATCH", 2)
        for number in range(1, 6):
            _ = add(using, number, f"{number}@exemple.fr")

        assert done(adopted=5) == adopt(using=using)
        assert done(unchanged=5) == adopt(using=using)

    def test_dry(self, using: str, accounts: Accounts) -> None:
        """
        A dry run tells what would be done, and does nothing.
        """
        _ = add(using, 1, "a@exemple.fr")
        assert done(adopted=1) == adopt(using=using, is_dry=True)
        assert accounts.by_id("1") is None

        _ = adopt(using=using)
        _ = User.objects.using(using).update(email="b@exemple.fr")
        assert done(followed=1) == adopt(using=using, is_dry=True)
        assert AccountRow.objects.using(using).get().address == "a@exemple.fr"

    def test_without_a_name_or_a_day(self, using: str, accounts: Accounts) -> None:
        """
        A local time without a zone is understood as the project's own.
        """
        local = datetime(2024, 9, 2, 10, 15, 30)  # noqa: DTZ001 - as without USE_TZ
        with override_settings(USE_TZ=False):
            _ = add(using, 1, "a@exemple.fr", date_joined=local)
            _ = adopt(using=using)

        found = accounts.by_id("1")
        assert found is not None
        assert JOINED == found.created_at


class TestRefused:
    def test_ill_formed(self, using: str, accounts: Accounts) -> None:
        """
        Who has no address, or none that is one, gets no account and is listed.
        """
        _ = add(using, 1, "")
        _ = add(using, 2, "b at home")

        assert adopt(using=using) == done(
            refused=(
                Refused(user_id="1", address="", reason=Refusal.NO_ADDRESS),
                Refused(user_id="2", address="b at home", reason=Refusal.NO_ADDRESS),
            )
        )
        assert accounts.by_id("1") is None

    def test_shared(self, using: str, accounts: Accounts) -> None:
        """
        An address that two have, in whatever spelling, gives neither an account.
        """
        _ = add(using, 1, "a@exemple.fr")
        _ = add(using, 2, "A@exemple.fr")
        _ = add(using, 3, "c@exemple.fr")

        report = adopt(using=using)

        assert 1 == report.adopted
        assert [("1", Refusal.SHARED_ADDRESS), ("2", Refusal.SHARED_ADDRESS)] == [
            (one.user_id, one.reason) for one in report.refused
        ]
        assert accounts.by_address("a@exemple.fr") is None

    def test_shared_with_an_account(self, using: str, accounts: Accounts) -> None:
        """
        Who has the account keeps it, and a later user of the same address gets none.
        """
        _ = add(using, 1, "a@exemple.fr")
        _ = adopt(using=using)
        _ = add(using, 2, "A@exemple.fr")

        report = adopt(using=using)

        assert (1, ["2"]) == (report.unchanged, [one.user_id for one in report.refused])
        found = accounts.by_address("a@exemple.fr")
        assert found is not None
        assert "1" == found.id


class TestMended:
    def test_accounts_follow(self, using: str, accounts: Accounts) -> None:
        """
        What a bulk update changed is taken over, for those nobody has read since.
        """
        _ = add(using, 1, "a@exemple.fr")
        _ = adopt(using=using)
        _ = User.objects.using(using).update(email="b@exemple.fr")

        assert done(followed=1) == adopt(using=using)
        assert accounts.by_address("b@exemple.fr") is not None

    def test_a_swap_is_sorted_out(self, using: str, accounts: Accounts) -> None:
        """
        Two who swapped their addresses are both found again.
        """
        one, other = add(using, 1, "a@exemple.fr"), add(using, 2, "b@exemple.fr")
        _ = adopt(using=using)
        one.email, other.email = other.email, one.email
        one.save()
        other.save()
        assert accounts.by_id("1") is None

        assert done(followed=1, unchanged=1) == adopt(using=using)
        found = accounts.by_address("b@exemple.fr")
        assert found is not None
        assert "1" == found.id

    def test_what_cannot_be(self, using: str, accounts: Accounts) -> None:
        """
        An account whose address is gone, or another's, is listed each time.
        """
        one, _ = add(using, 1, "a@exemple.fr"), add(using, 2, "b@exemple.fr")
        _ = adopt(using=using)
        one.email = "B@exemple.fr"
        one.save()

        [refused] = adopt(using=using).refused
        assert ("1", Refusal.SHARED_ADDRESS) == (refused.user_id, refused.reason)

        one.email = "nobody"
        one.save()
        report = adopt(using=using)
        assert 2 == report.unchanged
        assert [Refusal.NO_ADDRESS] == [each.reason for each in report.refused]

        _ = User.objects.using(using).filter(pk=2).update(email="nobody")
        assert 1 == adopt(using=using).followed
        assert accounts.by_id("2") is None


class TestRaces:
    def test_somebody_was_faster(self, using: str, accounts: Accounts) -> None:
        """
        Who got an account meanwhile keeps it; whose address went meanwhile is listed.
        """
        for number in (1, 2, 3):
            _ = add(using, number, f"{number}@exemple.fr")
        meanwhile = [True]

        def after_the_look(execute: Any, sql: str, *more: Any) -> Any:
            looked = execute(sql, *more)
            if meanwhile and "accountrow" in sql:
                meanwhile.clear()
                _ = adopt(using=using)
                rows = AccountRow.objects.using(using)
                _ = rows.filter(id__in="23").delete()
                _ = rows.filter(id="1").update(address="2@exemple.fr")
            return looked

        with connections[using].execute_wrapper(after_the_look):
            report = adopt(using=using)

        assert (1, 1) == (report.adopted, report.unchanged)
        assert ["2"] == [one.user_id for one in report.refused]
