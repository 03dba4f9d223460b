"""
The example of stores of one's own keeps every contract, and carries the whole tutorial.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import pytest

from tests.contract.custom_stores import open_port
from tests.contract.custom_stores import storage as storage_module
from uness_auth import Site, StorageError
from uness_auth.events import Event, EventKind
from uness_auth.flask import current_account, recent_login_required
from uness_auth.model import Account
from uness_auth.ports import (
    Accounts,
    CodeChallenges,
    Counters,
    Events,
    Registry,
    Sessions,
    Stores,
)
from uness_auth.testing import FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, Reply
from uness_auth.testing.contracts import (
    AccountsContract,
    CodeChallengesContract,
    CountersContract,
    EventsContract,
    JoinedSessionsContract,
    JoiningSessions,
    ListedSessions,
    RegistryContract,
    SessionListsContract,
    SessionsContract,
)
from uness_auth.testing.journeys import Journeys, Portal


BASE_URL: Final = "http://localhost"
# What of an event is text and nothing else.
NAMES: Final = ("account_id", "address", "network", "method", "reason")
app: Final[Any] = import_module("custom_storage.app")


class OnOneFile:
    """
    Makes stores in an empty file.
    """

    port: str

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.file = tmp_path / "portal.db"

    def reopen(self) -> Callable[[], Any]:
        return partial(open_port, self.file, self.port)

    def make_unreachable(self) -> Any:
        return open_port(self.file.parent / "no such folder" / "portal.db", self.port)

    def stores(self, *accounts: Account) -> Stores:
        """
        Return stores that hold these accounts.
        """
        storage = app.SQLiteStorage(self.file)
        storage.create_tables()
        stores: Stores = storage.stores
        assert len(accounts) == len(registry_of(stores).apply(accounts))
        return stores


def registry_of(stores: Stores) -> Registry:
    """
    Return the registry, which these stores have.
    """
    assert stores.registry is not None
    return stores.registry


class TestSQLiteAccounts(OnOneFile, AccountsContract):
    port = "accounts"

    def make(self, *accounts: Account) -> Accounts:
        return self.stores(*accounts).accounts


class TestSQLiteRegistry(OnOneFile, RegistryContract):
    port = "registry"

    def make(self) -> Registry:
        return registry_of(self.stores())


class TestSQLiteCodeChallenges(OnOneFile, CodeChallengesContract):
    port = "code_challenges"

    def make(self) -> CodeChallenges:
        return self.stores().code_challenges


class TestSQLiteSessions(OnOneFile, SessionsContract):
    port = "sessions"

    def make(self) -> Sessions:
        return self.stores().sessions


class TestSQLiteJoinedSessions(OnOneFile, JoinedSessionsContract):
    port = "sessions"

    def make(self, *accounts: Account) -> tuple[JoiningSessions, Accounts]:
        stores = self.stores(*accounts)
        sessions: Any = stores.sessions
        return sessions, stores.accounts


class TestSQLiteSessionLists(OnOneFile, SessionListsContract):
    port = "session_lists"

    def make(self) -> ListedSessions:
        sessions: Any = self.stores().session_lists
        return cast(ListedSessions, sessions)


class TestSQLiteCounters(OnOneFile, CountersContract):
    port = "counters"

    def make(self) -> Counters:
        return self.stores().counters


class TestSQLiteEvents(OnOneFile, EventsContract):
    port = "events"

    def make(self) -> Events:
        events = self.stores().events
        assert events is not None
        return events

    def read_all(self) -> Sequence[Event]:
        columns = ", ".join(("kind", "at", *NAMES))
        with closing(sqlite3.connect(self.file)) as connection:
            rows = connection.execute(f"SELECT {columns} FROM events ORDER BY number")  # noqa: S608 - names of ours
            return [
                Event(
                    kind=EventKind(kind),
                    at=datetime.fromtimestamp(at, UTC),
                    **dict(zip(NAMES, texts, strict=True)),
                )
                for kind, at, *texts in rows
            ]


def notes() -> str:
    """
    Show a page that wants a recent sign-in.
    """
    return f"<title>Notes</title>Notes de {current_account.display_name}"


class TestJourneys(Journeys):
    """
    Every journey of the tutorial on these stores, over HTTP.
    """

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.file = tmp_path / "portal.db"

    def make(self) -> Portal:
        clock, outbox = FixedClock(), Outbox()
        auth = app.auth_on(
            self.file,
            site=Site(base_url=BASE_URL),
            mailer=outbox,
            hashing=FastHashing(),
            clock=clock,
        )
        host = app.portal.create_app(auth)
        host.add_url_rule("/notes", view_func=recent_login_required(notes))
        client = host.test_client(use_cookies=False)

        def send(
            method: str, path: str, body: bytes, headers: Mapping[str, str]
        ) -> Reply:
            answer = client.open(path, method=method, data=body, headers=dict(headers))
            return Reply(
                status=answer.status_code,
                headers=tuple(answer.headers.items()),
                body=answer.text,
            )

        def browse(sharing: HtmlBrowser | None = None, **wishes: Any) -> HtmlBrowser:
            browser = HtmlBrowser(send, BASE_URL, **wishes)
            if sharing is not None:
                browser.cookies = sharing.cookies
            return browser

        def break_mail(is_down: bool) -> None:
            outbox.is_down = is_down

        return Portal(
            auth=auth,
            clock=clock,
            mailbox=outbox,
            browse=browse,
            break_mail=break_mail,
        )


class TestApp:
    def test_starts_twice(self, tmp_path: Path) -> None:
        """
        The app makes its file and its account; a second start finds both.
        """
        for _ in range(2):
            client = app.create_app(tmp_path / "portal.db").test_client()

            assert 200 == client.get("/").status_code
            assert 303 == client.get("/private").status_code


class TestFaults:
    @pytest.fixture(name="storage")
    def _storage(self, tmp_path: Path) -> Any:
        """
        An empty storage.
        """
        storage = app.SQLiteStorage(tmp_path / "portal.db")
        storage.create_tables()
        return storage

    def test_no_value_is_told(self, tmp_path: Path) -> None:
        """
        A fault names the statement and no value of it.
        """
        stores = app.SQLiteStorage(tmp_path / "no folder" / "portal.db").stores

        with pytest.raises(StorageError) as told:
            stores.sessions.by_digest("5e" * 32)

        assert "SELECT * FROM sessions" in str(told.value)
        assert "5e" not in f"{told.value} {told.value.__cause__}"

    def test_another_process_is_not_waited_for_without_end(
        self, storage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Who finds the file locked for too long is told so, and all goes on afterwards.
        """
        monkeypatch.setattr(storage_module, "LONGEST_WAIT", 0.01)
        with closing(sqlite3.connect(tmp_path / "portal.db")) as other:
            other.execute("BEGIN IMMEDIATE")

            with pytest.raises(StorageError, match="DELETE FROM sessions"):
                storage.stores.sessions.close("5e" * 32)
            assert storage.stores.sessions.by_digest("5e" * 32) is None

        monkeypatch.undo()
        assert not storage.stores.sessions.close("5e" * 32)

    def test_other_threads_are_not_waited_for_without_end(
        self, storage: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Who does not get its turn to write is told so, and all goes on afterwards.
        """
        database = storage.stores.sessions._database  # noqa: SLF001 - to hold the turn
        with database.writer("BEGIN"):
            monkeypatch.setattr(storage_module, "LONGEST_WAIT", 0.01)
            with pytest.raises(StorageError, match="busy: DELETE FROM sessions"):
                storage.stores.sessions.close("5e" * 32)

        monkeypatch.undo()
        assert not storage.stores.sessions.close("5e" * 32)
