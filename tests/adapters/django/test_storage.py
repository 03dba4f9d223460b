"""
What only the stores on Django's ORM do: transactions of the host's, faults, new users.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import attrs
import pytest
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import OperationalError, connections, transaction
from django.test import TestCase

from tests.adapters.django.databases import alias
from tests.adapters.django.users.models import Essay, MailUser, Paper, TextUser
from uness_auth.django.models import (
    AccountRow,
    CodeChallengeRow,
    CounterRow,
    EventRow,
    SessionRow,
)
from uness_auth.django.storage import DjangoStorage, database
from uness_auth.django.storage.accounts import Directory
from uness_auth.django.storage.database import Database, TakenError
from uness_auth.django.storage.newcomers import Newcomers
from uness_auth.django.storage.users import Users, users
from uness_auth.errors import ConfigurationError, StorageError
from uness_auth.model import Account
from uness_auth.ports import Registry, Stores, TimedStore
from uness_auth.testing.contracts.accounts import ACCOUNT, OTHER
from uness_auth.testing.contracts.base import NOW
from uness_auth.testing.contracts.code_challenges import CHALLENGE
from uness_auth.testing.contracts.counters import KEY, SOON
from uness_auth.testing.contracts.sessions import SESSION


USER: Any = get_user_model()
VERSION = ACCOUNT.credential_version


MADE_OUT = {"found", "state", "is_current", "digest", "account"}
# How Django is told not to wait long, by vendor.
HASTY: dict[str, dict[str, Any]] = {
    "sqlite": {"timeout": 0.2},
    "postgresql": {"options": "-c lock_timeout=200ms"},
    "mysql": {"init_command": "SET SESSION innodb_lock_wait_timeout = 1"},
}


@pytest.fixture(name="stores")
def _stores(using: str) -> Stores:
    """
    The stores of an empty database.
    """
    return DjangoStorage(using).stores


@pytest.fixture(name="registry")
def _registry(stores: Stores) -> Registry:
    """
    Its registry.
    """
    assert stores.registry is not None
    return stores.registry


def made_out(look: Callable[[], object]) -> list[str]:
    """
    Return, in order, what our storage does with a row while it looks for an account.
    """
    called: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        is_ours = "uness_auth/django/storage" in code.co_filename
        if event == "call" and is_ours and code.co_name in MADE_OUT:
            called.append(code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        look()
    finally:
        sys.setprofile(before)
    return called


class TestEqualWork:
    @pytest.mark.parametrize("method", ["by_id", "by_address"])
    def test_nobody_is_made_out_as_somebody_is(
        self, stores: Stores, registry: Registry, method: str
    ) -> None:
        """
        What is done with a row once it is read is done where there is none (P33).
        """
        registry.apply([ACCOUNT])
        look = getattr(stores.accounts, method)
        key = ACCOUNT.id if method == "by_id" else ACCOUNT.address
        known = made_out(lambda: look(key))

        assert ["found", "state", "is_current", "digest", "account"] == known
        assert known == made_out(lambda: look(f"0{key}"))


class TestEnclosed:
    def test_accounts_go_with_the_transaction(
        self, using: str, stores: Stores, registry: Registry
    ) -> None:
        """
        An account that a host makes together with rows of its own goes with them.
        """
        stores.sessions.add(SESSION)
        with transaction.atomic(using):
            assert {ACCOUNT.id} == registry.apply([ACCOUNT])
            assert stores.accounts.set_password(ACCOUNT.id, "new", VERSION)
            assert stores.sessions.close(SESSION.digest)
            transaction.set_rollback(True, using)

        assert stores.accounts.by_id(ACCOUNT.id) is None
        assert stores.sessions.by_digest(SESSION.digest) == SESSION
        assert 0 == USER.objects.using(using).count()

    def test_a_taken_key_spoils_nothing(
        self, using: str, stores: Stores, registry: Registry
    ) -> None:
        """
        A step that fails is undone alone: the host's transaction goes on.
        """
        stores.sessions.add(SESSION)
        with transaction.atomic(using):
            with pytest.raises(TakenError):
                stores.sessions.add(SESSION)
            assert {ACCOUNT.id} == registry.apply([ACCOUNT])

        assert stores.accounts.by_id(ACCOUNT.id) == ACCOUNT

    def test_attempts_are_not_given_back(self, using: str, stores: Stores) -> None:
        """
        What a rollback must not undo refuses to run where one could.
        """
        stores.code_challenges.add(CHALLENGE)
        counters, challenges = stores.counters, stores.code_challenges
        steps: list[Callable[[], object]] = [
            lambda: challenges.spend_attempt(CHALLENGE.id),
            lambda: challenges.consume(CHALLENGE.id),
            lambda: challenges.renew(CHALLENGE.id, NOW, NOW, SOON),
            lambda: counters.add(KEY, 1, SOON),
            lambda: counters.swap(KEY, None, "x", SOON),
            lambda: counters.swap(KEY, "x", "y", SOON),
        ]

        for step in steps:
            with (
                transaction.atomic(using),
                pytest.raises(ConfigurationError, match="non_atomic_requests"),
            ):
                _ = step()
        spent = challenges.spend_attempt(CHALLENGE.id)
        assert spent == attrs.evolve(CHALLENGE, attempts_left=4)

    def test_the_servers_clock(self, stores: Stores) -> None:
        """
        The database says what time it is; here it is this machine's.
        """
        assert isinstance(stores.counters, TimedStore)
        apart = stores.counters.server_time() - datetime.now(UTC)

        assert abs(apart) < timedelta(minutes=1)

    def test_by_hand(self, using: str, stores: Stores) -> None:
        """
        Nor do they run where the host commits by hand.
        """
        transaction.set_autocommit(False, using)
        try:
            with pytest.raises(ConfigurationError):
                _ = stores.counters.add(KEY, 1, SOON)
        finally:
            transaction.rollback(using)
            transaction.set_autocommit(True, using)

        assert 1 == stores.counters.add(KEY, 1, SOON)

    def test_a_test_case_of_djangos(self, using: str, stores: Stores) -> None:
        """
        Django's own TestCase may enclose everything: its rollback is no host's.
        """
        counted: list[int] = []

        class Trial(TestCase):
            databases = {using}  # noqa: RUF012 - Django's own word

            def test_it(self) -> None:
                counted.append(stores.counters.add(KEY, 1, SOON))
                counted.append(stores.counters.add(KEY, 1, SOON))

        Trial("test_it").debug()

        assert [1, 2] == counted
        assert 0 == stores.counters.add(KEY, 0, SOON)

    def test_enclosed_reads_are_not_repeated(self, using: str) -> None:
        """
        In a transaction a fault is told at once: whatever follows would fail as well.
        """
        tried: list[int] = []

        def work() -> None:
            tried.append(1)
            raise OperationalError(1213)

        with transaction.atomic(using):
            with pytest.raises(StorageError):
                Database(using).read("try", work)
            with pytest.raises(StorageError):
                Database(using).write("try", work)

        assert [1, 1] == tried


class TestFaults:
    @pytest.mark.parametrize("code", [1213, 1020])
    def test_a_lost_race_is_run_again(self, using: str, code: int) -> None:
        """
        What the database rolled back for others' sake is tried three more times.
        """
        tried: list[int] = []

        def work() -> str:
            tried.append(code)
            if len(tried) < 4:
                raise OperationalError(code, "lost")
            return "done"

        assert "done" == Database(using).write("try", work)

    def test_it_is_given_up(self, using: str) -> None:
        """
        After the fourth time it is told.
        """
        tried: list[int] = []

        def work() -> None:
            tried.append(1)
            raise OperationalError(1213, "lost")

        with pytest.raises(StorageError):
            Database(using).write("try", work)
        assert 4 == len(tried)

    def test_serialization_failures(self, using: str) -> None:
        """
        PostgreSQL tells by its state that a race was lost.
        """
        tried: list[int] = []

        class LostError(Exception):
            sqlstate = "40001"

        def work() -> int:
            tried.append(1)
            if len(tried) == 1:
                raise OperationalError("lost") from LostError()
            return len(tried)

        assert 2 == Database(using).write("try", work)

    # SQLite has no connection that could be cut.
    @pytest.mark.parametrize("place", ["postgresql", "mariadb"], indirect=True)
    def test_a_cut_connection_is_replaced(self, using: str, stores: Stores) -> None:
        """
        The step after a cut finds another connection; a read does not even notice.
        """
        cut(using)
        assert stores.accounts.by_id(ACCOUNT.id) is None

        cut(using)
        with pytest.raises(StorageError):
            _ = stores.counters.add(KEY, 1, SOON)
        assert 1 == stores.counters.add(KEY, 1, SOON)

    def test_a_lock_is_not_waited_for_for_ever(
        self, using: str, place: str, registry: Registry
    ) -> None:
        """
        Somebody who holds a row for long costs a step what the options say, and no more.

        Nothing is half done, and all is well when the row is free.
        """
        _ = registry.apply([ACCOUNT])
        vendor = connections[using].vendor
        with alias("hasty", place, **HASTY[vendor]):
            hasty = DjangoStorage("hasty").stores
            with transaction.atomic(using):
                _ = AccountRow.objects.using(using).update(language="en")
                began = time.monotonic()
                with pytest.raises(StorageError):
                    _ = hasty.accounts.set_password(ACCOUNT.id, "new", VERSION)
                took = time.monotonic() - began
                transaction.set_rollback(True, using)

            assert took < 5
            assert hasty.accounts.by_id(ACCOUNT.id) == ACCOUNT
            assert hasty.accounts.set_password(ACCOUNT.id, "new", VERSION)

    @pytest.mark.parametrize("place", ["sqlite"], indirect=True)
    def test_writers_who_wait_too_long(
        self, using: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        On SQLite, where writers take turns, one whose turn does not come is told.
        """
        monkeypatch.setattr(database, "LONGEST_TURN", 0.01)
        one = Database(using)

        with pytest.raises(StorageError):
            one.write("try", lambda: one.write("try", lambda: None))

    def test_unknown_alias(self) -> None:
        """
        An alias that is not there is named at once.
        """
        with pytest.raises(ConfigurationError, match="no such alias"):
            _ = DjangoStorage("nowhere")

    def test_unknown_database(self, tmp_path: Any) -> None:
        """
        So is a database that the steps are not written for.
        """
        with alias("odd", f"sqlite:///{tmp_path}/x.db"):
            connections["odd"].vendor = "oracle"
            with pytest.raises(ConfigurationError, match="PostgreSQL and MariaDB"):
                _ = DjangoStorage("odd")

    def test_instants_say_where_they_are(self, stores: Stores) -> None:
        """
        An instant without a zone is refused.
        """
        naive = attrs.evolve(SESSION, opened_at=NOW.replace(tzinfo=None))
        with pytest.raises(StorageError):
            stores.sessions.add(naive)

    def test_a_user_who_never_stands_still(
        self, using: str, stores: Stores, registry: Registry
    ) -> None:
        """
        Where the user changes at every look, nothing is answered.
        """
        _ = registry.apply([ACCOUNT])
        is_ours = [True]

        def change_first(execute: Any, sql: str, *more: Any) -> Any:
            if is_ours[0] and sql.startswith("SELECT"):
                is_ours[0] = False
                password = f"x${secrets.token_hex(8)}"
                _ = USER.objects.using(using).update(password=password)
                is_ours[0] = True
            return execute(sql, *more)

        with (
            connections[using].execute_wrapper(change_first),
            pytest.raises(StorageError, match="8 times"),
        ):
            _ = stores.accounts.by_id(ACCOUNT.id)

    def test_ids_that_nobody_has(self, stores: Stores) -> None:
        """
        What cannot be stored is nobody's id, and nothing is set.
        """
        assert not stores.accounts.set_password("\ud800", "new", 1)
        assert not stores.accounts.rehash("\0", "new", 1)


class TestNewcomers:
    def test_django_signs_in_by_the_address(
        self, using: str, registry: Registry
    ) -> None:
        """
        A new user's name is the address, and the password an unusable one.
        """
        _ = registry.apply([attrs.evolve(ACCOUNT, password_hash="")])

        user = USER.objects.using(using).get()
        assert (ACCOUNT.address, ACCOUNT.address) == (user.username, user.email)
        assert not user.has_usable_password()

    def test_a_long_or_taken_name(self, using: str, registry: Registry) -> None:
        """
        Where the address is too long for a name, or somebody's, another name is made.
        """
        _ = USER.objects.using(using).create(pk=1, username=ACCOUNT.address.upper())
        _ = USER.objects.using(using).create(pk=2, username=OTHER.address)
        long = attrs.evolve(
            ACCOUNT, id="4713", address=f"{'a' * 60}@{'b' * 60}.{'c' * 60}.fr"
        )

        assert 3 == len(registry.apply([ACCOUNT, OTHER, long]))
        names = {user.email: user.username for user in USER.objects.using(using).all()}
        assert OTHER.address != names[OTHER.address]
        assert 32 == len(names[long.address])

    def test_keys_of_the_database(self, using: str, stores: Stores) -> None:
        """
        Where an id cannot be a key, the database gives one, and that is the id.
        """
        assert stores.registry is not None
        random = attrs.evolve(ACCOUNT, id="f" * 32)

        assert {random.id} == stores.registry.apply([random])
        found = stores.accounts.by_address(ACCOUNT.address)
        assert found is not None
        assert found.id == str(USER.objects.using(using).get().pk)

    def test_keys_are_counted_on(self, using: str, registry: Registry) -> None:
        """
        After a key that was said, the database gives the next ones.
        """
        _ = registry.apply([ACCOUNT])

        made = USER.objects.using(using).create(username="next")

        assert int(ACCOUNT.id) < made.pk

    def test_users_without_an_account(self, using: str, registry: Registry) -> None:
        """
        Whose address, or key, a user has already is not made a second time.
        """
        users = USER.objects.using(using)
        _ = users.create(pk=1, username="a", email=ACCOUNT.address.title())
        _ = users.create(username="b", pk=OTHER.id)

        assert frozenset() == registry.apply([ACCOUNT, OTHER])
        assert 2 == users.count()

    def test_the_projects_receivers_hear(self, using: str, registry: Registry) -> None:
        """
        A project that makes rows for its users is told of new ones.
        """
        heard: list[str] = []

        def hear(instance: Any, created: bool, **_more: object) -> None:
            heard.extend([instance.email] * created)

        from django.db.models.signals import post_save  # noqa: PLC0415

        post_save.connect(hear, sender=USER)
        try:
            _ = registry.apply([ACCOUNT])
        finally:
            post_save.disconnect(hear, sender=USER)

        assert [ACCOUNT.address] == heard

    def test_what_else_a_user_needs(self, using: str) -> None:
        """
        The project says what more a new user has.
        """

        def name(account: Account) -> Mapping[str, Any]:
            return {"first_name": account.display_name}

        registry = DjangoStorage(using, new_user=name).stores.registry
        assert registry is not None
        _ = registry.apply([ACCOUNT])

        assert ACCOUNT.display_name == USER.objects.using(using).get().first_name

    def test_somebody_was_faster(self, using: str, registry: Registry) -> None:
        """
        An account that another call added after our look is not added again.
        """
        is_first = [True]

        def add_meanwhile(execute: Any, sql: str, *more: Any) -> Any:
            looked = execute(sql, *more)
            if is_first[0] and "LOWER(" in sql:
                is_first[0] = False
                assert {ACCOUNT.id} == registry.apply([ACCOUNT])
            return looked

        with connections[using].execute_wrapper(add_meanwhile):
            assert {OTHER.id} == registry.apply([ACCOUNT, OTHER])
        assert [ACCOUNT, OTHER] == list(registry.page("", 10))

    def test_names_that_are_no_texts(self, using: str) -> None:
        """
        Where users sign in by something else than a text, the project gives it.
        """
        directory = Directory(
            Database(using), attrs.evolve(users(), name="date_joined")
        )
        newcomers = Newcomers(directory, lambda _: {"date_joined": NOW})

        assert {ACCOUNT.id} == newcomers.add([ACCOUNT])
        made = USER.objects.using(using).get()
        assert ("", NOW) == (made.username, made.date_joined)

    def test_a_user_that_cannot_be_made(self, using: str) -> None:
        """
        Where the database refuses a user that nobody is in the way of, it is told.
        """
        registry = DjangoStorage(using, new_user=lambda _: {"first_name": None}).stores
        assert registry.registry is not None

        with pytest.raises(StorageError, match="new_user="):
            _ = registry.registry.apply([ACCOUNT])
        assert 0 == USER.objects.using(using).count()


class TestErased:
    def test_with_the_user(self, using: str, registry: Registry) -> None:
        """
        An erased account takes its user along.
        """
        _ = registry.apply([ACCOUNT, OTHER])

        assert registry.erase(ACCOUNT.id)
        assert [OTHER.address] == [one.email for one in USER.objects.using(using).all()]

    def test_what_the_project_protects(self, using: str, registry: Registry) -> None:
        """
        A user whom other records need stays, account and all, and it is told.
        """
        _ = registry.apply([ACCOUNT])
        _ = Paper.objects.using(using).create(author_id=ACCOUNT.id)

        with pytest.raises(StorageError, match="still need"):
            _ = registry.erase(ACCOUNT.id)
        assert [ACCOUNT] == list(registry.page("", 10))


class TestTables:
    def test_fixtures(self, using: str, registry: Registry) -> None:
        """
        What Django dumps it can load: instants, too.
        """
        _ = registry.apply([ACCOUNT])
        rows = AccountRow.objects.using(using)
        dumped = serializers.serialize("json", rows.all())
        _ = rows.all().delete()

        for row in serializers.deserialize("json", dumped, using=using):
            row.save(using=using)
        assert [ACCOUNT] == list(registry.page("", 10))

    def test_indexes(self, using: str) -> None:
        """
        What is looked up and purged by has an index, and nothing else has.
        """
        connection = connections[using]
        found: dict[str, set[str]] = {}
        for model in (
            AccountRow,
            CodeChallengeRow,
            SessionRow,
            CounterRow,
            EventRow,
        ):
            table = model._meta.db_table
            with connection.cursor() as cursor:
                told = connection.introspection.get_constraints(cursor, table)
            found[model.__name__] = {
                "+".join(one["columns"])
                for one in told.values()
                if one["index"] or one["unique"] or one["primary_key"]
            }

        assert found == {
            "AccountRow": {
                "id",
                "user_id",
                "address",
                "provisioned_by+external_id",
            },
            "CodeChallengeRow": {"id", "window_ends_at"},
            "SessionRow": {"digest", "account_id", "last_seen_at"},
            "CounterRow": {"counter_key", "expires_at"},
            "EventRow": {"id", "account_id+at", "kind+at"},
        }

    def test_one_read_for_a_request(self, using: str, stores: Stores) -> None:
        """
        A session comes with its account in one read, and a read writes nothing.
        """
        assert stores.registry is not None
        _ = stores.registry.apply([ACCOUNT])
        stores.sessions.add(SESSION)
        sessions: Any = stores.sessions
        seen: list[str] = []

        def note(execute: Any, sql: str, *more: Any) -> Any:
            seen.append(sql.split(maxsplit=1)[0])
            return execute(sql, *more)

        with connections[using].execute_wrapper(note):
            assert (SESSION, ACCOUNT) == sessions.with_account(SESSION.digest)

        assert ["SELECT"] == seen

    def test_rows_have_names(self) -> None:
        """
        A row says what it is, and no secret.
        """
        rows = {
            str(AccountRow(id="7", address="a@exemple.fr")),
            str(AccountRow(id="7")),
            str(CodeChallengeRow(id="c0")),
            str(SessionRow(digest="d", account_id="7")),
            str(CounterRow(key="k")),
            str(EventRow(kind="signed_in", account_id="7")),
        }

        assert rows == {
            "a@exemple.fr",
            "account 7",
            "signed_in of account 7",
            "c0",
            "a session of account 7",
            "k",
        }


class TestUsers:
    def test_other_models(self) -> None:
        """
        Names of fields are the model's to choose; not every user can be inactive.
        """
        text, mail = Users.of(TextUser), Users.of(MailUser)

        assert ("password", "mail", "is_active") == text.watched
        assert ("password", "email") == mail.watched
        assert (None, None) == (text.name, mail.name)
        assert (False, True) == (text.makes_keys, mail.makes_keys)
        assert "é" == text.key("é")
        assert text.key("é" * 65) is None
        assert text.key("") is None
        assert mail.key("f" * 32) is None

    def test_a_model_that_extends_another(self) -> None:
        """
        Its keys are the other's.
        """
        essays = Users(model=Essay, email="", name=None, has_active=False)

        assert 7 == essays.key("7")
        assert essays.counts_keys
        assert ('"users_paper"', "id") == essays.counter

    def test_no_address(self) -> None:
        """
        A model whose users have no address is refused, with the way out.
        """
        with pytest.raises(ConfigurationError, match="EMAIL_FIELD"):
            _ = Users.of(Nameless)


class Nameless:
    """
    What a user model without an address looks like.
    """

    _meta = Paper._meta
    USERNAME_FIELD = "id"

    @classmethod
    def get_email_field_name(cls) -> str:
        return "email"


def cut(using: str) -> None:
    """
    Have the server end this thread's connection.
    """
    connection = connections[using]
    question = {
        "postgresql": "SELECT pg_backend_pid()",
        "mysql": "SELECT CONNECTION_ID()",
    }
    with connection.cursor() as cursor:
        cursor.execute(question[connection.vendor])
        (number,) = cursor.fetchone()
    other = connections.create_connection(using)
    with other.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s)", [number])
        else:
            cursor.execute(f"KILL {number:d}")
    other.close()
