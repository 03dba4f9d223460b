"""
« Why can't she sign in? »: state, history and advice, in words and without a secret.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from uness_auth import Site, UnessAuth
from uness_auth.events import Event, EventKind
from uness_auth.model import Account, Client, OrderKind, Session
from uness_auth.outcomes import (
    AccountAdded,
    AddressMalformed,
    AddressUnknown,
    Scope,
    SignedIn,
)
from uness_auth.provisioning import AccountState, NextStep, Step, Timeline
from uness_auth.provisioning.next_steps import RULES
from uness_auth.provisioning.timeline import state_of
from uness_auth.provisioning.wording import (
    BUDGET_WORDS,
    EVENT_WORDS,
    KIND_WORDS,
    RULE_WORDS,
    STEP_WORDS,
    event_words,
    first_day,
    last_day,
    moment,
    refusal_words,
    session_words,
    state_words,
    step_words,
)
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, FixedClock, Outbox


NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
SITE = Site(base_url="http://localhost")
ADA = "ada@univ-exemple.fr"
PASSWORD = "Velo-9Rouge"
ACCOUNT = Account(
    id="ada", address=ADA, credential_version=7, created_at=NOW, password_hash="clear:x"
)
HERE = Client(network="192.0.2.7", browser="Firefox, Windows", browser_digest="b" * 64)


@pytest.fixture(name="outbox")
def _outbox() -> Outbox:
    """
    An empty one.
    """
    return Outbox()


@pytest.fixture(name="storage")
def _storage() -> MemoryStorage:
    """
    Empty stores.
    """
    return MemoryStorage()


@pytest.fixture(name="auth")
def _auth(storage: MemoryStorage, outbox: Outbox, clock: FixedClock) -> UnessAuth:
    """
    A site with Ada, who has no password yet.
    """
    auth = UnessAuth(
        site=SITE,
        stores=storage.stores,
        mailer=outbox,
        hashing=FastHashing(),
        clock=clock,
    )
    assert isinstance(auth.provisioning.add(ADA, account_id="ada"), AccountAdded)
    return auth


def timeline(auth: UnessAuth) -> Timeline:
    """
    Return Ada's.
    """
    found = auth.provisioning.timeline(ADA)
    assert isinstance(found, Timeline)
    return found


def told(auth: UnessAuth) -> list[str]:
    """
    Return what happened to Ada, oldest first.
    """
    events = timeline(auth).events
    assert events is not None
    return [event_words(one, SITE) for one in events]


class TestTimeline:
    def test_of_nobody(self, auth: UnessAuth) -> None:
        """
        What is no address, or nobody's, is said.
        """
        assert AddressUnknown() == auth.provisioning.timeline("bea@univ-exemple.fr")
        assert isinstance(auth.provisioning.timeline("ada@"), AddressMalformed)

    def test_a_whole_story(
        self, auth: UnessAuth, outbox: Outbox, clock: FixedClock
    ) -> None:
        """
        From the first link to the sign-in, oldest first, each step with its advice.
        """
        assert NextStep.SEND_LINK is timeline(auth).steps[0].step
        auth.identify.begin(ADA, HERE)
        assert NextStep.LOOK_IN_SPAM is timeline(auth).steps[0].step
        token = outbox.link(ADA).rpartition("/")[2]
        clock.tick()
        auth.password_link.open(token, HERE)
        assert NextStep.USE_LINK is timeline(auth).steps[0].step
        auth.password_link.set_password(token, "abc", "xyz", HERE)
        assert NextStep.MEET_RULES is timeline(auth).steps[0].step
        auth.password_link.set_password(token, PASSWORD, PASSWORD, HERE)
        auth.password_sign_in.sign_in(ADA, "wrong", HERE, is_remembered=False)
        assert NextStep.RESET_FORGOTTEN is timeline(auth).steps[0].step
        clock.tick()
        signed_in = auth.password_sign_in.sign_in(
            ADA, PASSWORD, HERE, is_remembered=True
        )
        assert isinstance(signed_in, SignedIn)
        found = timeline(auth)

        assert NextStep.NOTHING is found.steps[0].step
        assert AccountState.ACTIVE is found.state
        assert [
            "account created",
            "ordered: the link that creates the password",
            "accepted by the mail server: the link that creates the password",
            "opened from Firefox, Windows: the link that creates the password",
            (
                "new password refused: too short, no capital letter, no digit, no "
                "special character, the two did not match"
            ),
            "used: the link that creates the password",
            "password created",
            "password refused: it was wrong",
            "password accepted",
            "signed in from Firefox, Windows",
            "first sign-in in this browser: Firefox, Windows",
            "accepted by the mail server: a notice of a new browser",
        ] == told(auth)

    def test_sessions(self, auth: UnessAuth, clock: FixedClock) -> None:
        """
        Those that are open, by browser and network, and nothing that opens them.
        """
        account = auth.provisioning.accounts.by_address(ADA)
        assert account is not None
        auth.sessions.open(account, HERE, method="test", is_remembered=False)
        clock.tick(timedelta(hours=3))
        auth.sessions.open(account, HERE, method="test", is_remembered=True)
        sessions = timeline(auth).sessions

        assert sessions is not None
        assert ["Firefox, Windows"] == [one.browser for one in sessions]
        assert "" == sessions[0].digest

    def test_holds_no_hash(self, auth: UnessAuth, storage: MemoryStorage) -> None:
        """
        Whoever prints all of it tells no hash.
        """
        account = storage.accounts.by_id("ada")
        assert account is not None
        assert storage.accounts.set_password(
            "ada", "clear:secret", account.credential_version
        )
        found = timeline(auth)

        assert AccountState.ACTIVE is found.state
        assert "clear:secret" not in str(attrs.asdict(found))

    def test_without_stores_for_it(
        self, storage: MemoryStorage, clock: FixedClock, auth: UnessAuth
    ) -> None:
        """
        Where events or sessions are not kept, the state still says what to do.
        """
        stores = attrs.evolve(storage.stores, events=None, session_lists=None)
        bare = UnessAuth(site=SITE, stores=stores, mailer=Outbox(), clock=clock)
        assert auth is not bare
        found = bare.provisioning.timeline(ADA)

        assert isinstance(found, Timeline)
        assert (None, None) == (found.events, found.sessions)
        assert (Step(step=NextStep.SEND_LINK),) == found.steps


class TestState:
    @pytest.mark.parametrize(
        ("facts", "words"),
        [
            ({"is_disabled": True, "valid_until": NOW}, "disabled"),
            (
                {"valid_from": datetime(2026, 11, 30, 23, tzinfo=UTC)},
                "not open before 2026-12-01",
            ),
            (
                {"valid_until": datetime(2026, 10, 31, 23, tzinfo=UTC)},
                "closed, its last day was 2026-10-31",
            ),
            ({"is_password_suspended": True}, "password suspended"),
            ({}, "active"),
            ({"password_hash": ""}, "no password yet"),
        ],
    )
    def test_in_words(self, facts: dict[str, Any], words: str) -> None:
        """
        Days are the site's: the last one is the last that the account was open.
        """
        account = attrs.evolve(ACCOUNT, **facts)

        assert words == state_words(account, state_of(account, NOW), SITE)


class TestWords:
    def test_tables_are_complete(self) -> None:
        """
        Whatever may happen, be mailed, spent, broken or done has its words.
        """
        assert set(EventKind) == set(EVENT_WORDS)
        assert set(OrderKind) == set(KIND_WORDS)
        assert set(Scope) == set(BUDGET_WORDS)
        assert set(RULE_WORDS) == RULES
        assert set(NextStep) == set(STEP_WORDS)

    @pytest.mark.parametrize(
        "reason", ["", "as it is", "until 2026-11-22T14:00:00+00:00"]
    )
    @pytest.mark.parametrize("method", ["", "first_link", "account_codes", "unknown"])
    @pytest.mark.parametrize("kind", list(EventKind))
    def test_every_event_can_be_said(
        self, kind: EventKind, method: str, reason: str
    ) -> None:
        """
        With whatever method and reason an event has.
        """
        words = event_words(
            Event(kind=kind, at=NOW, method=method, reason=reason), SITE
        )

        assert words
        assert not words.endswith((":", " "))

    @pytest.mark.parametrize("has_password", [True, False])
    @pytest.mark.parametrize("step", list(NextStep))
    def test_every_step_can_be_said(
        self, step: NextStep, *, has_password: bool
    ) -> None:
        """
        In whole sentences, whatever is known of it.
        """
        account = attrs.evolve(
            ACCOUNT,
            provisioned_by="scolarité" if has_password else "",
            password_hash="",
        )
        found = Timeline(
            account=account,
            state=AccountState.ACTIVE if has_password else AccountState.NO_PASSWORD,
            sessions=None,
            events=None,
            steps=(),
        )
        whole = Step(step=step, at=NOW, until=NOW, detail="too_short")
        bare = Step(
            step=step, detail="" if step is not NextStep.MEET_RULES else "differs"
        )

        for one in (whole, bare):
            words = step_words(one, found, SITE)
            assert re.fullmatch(r"[A-Z«].*\.", words)
            assert "None" not in words

    def test_times_are_the_sites(self) -> None:
        """
        Not UTC, and not the machine's.
        """
        assert "2026-11-22 14:32" == moment(NOW, SITE)
        assert "2026-12-01" == first_day(datetime(2026, 11, 30, 23, tzinfo=UTC), SITE)
        assert "2026-11-30" == last_day(datetime(2026, 11, 30, 23, tzinfo=UTC), SITE)

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            (
                "recipient refused: mail server m:25 refused the recipient: 550 5.1.1",
                (
                    "mail server m:25 refused the recipient: 550 5.1.1 (there is no "
                    "such mailbox)"
                ),
            ),
            ("recipient refused: 550", "550"),
            ("recipient refused: 550 5.9.9", "550 5.9.9"),
            ("mail server m:25: timed out", "mail server m:25: timed out"),
        ],
    )
    def test_what_a_server_means(self, reason: str, words: str) -> None:
        """
        Its numbers are explained where they say why.
        """
        assert words == refusal_words(reason)

    def test_a_session(self) -> None:
        """
        By browser and network, as far as they are known.
        """
        session = Session(
            digest="",
            account_id="ada",
            credential_version=7,
            opened_at=NOW,
            last_seen_at=NOW,
            is_remembered=True,
            browser="Firefox, Windows",
            network="192.0.2.0/24",
        )
        bare = attrs.evolve(session, browser="", network="", is_remembered=False)

        assert (
            "Firefox, Windows, 192.0.2.0/24, remembered, opened 2026-11-22 14:32, last "
            "used 2026-11-22 14:32"
        ) == session_words(session, SITE)
        assert session_words(bare, SITE).startswith("an unknown browser, opened")
