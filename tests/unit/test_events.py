from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import events
from uness_auth.errors import (
    ConfigurationError,
    MailError,
    StorageError,
    UnessAuthError,
)
from uness_auth.events import (
    ATTEMPTS,
    HISTORY,
    STORE_PAUSE,
    Audit,
    Event,
    EventKind,
    log_event,
    masked_address,
    masked_network,
)
from uness_auth.model import Account, Client
from uness_auth.testing import FixedClock


NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
ACCOUNT = Account(
    id="7", address="camille@univ-exemple.fr", credential_version=1, created_at=NOW
)


class TestMaskedAddress:
    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("camille@univ-exemple.fr", "c…@univ-exemple.fr"),
            ("c@univ-exemple.fr", "c…@univ-exemple.fr"),
            ("camille", ""),
            ("", ""),
            ("@univ-exemple.fr", "…@univ-exemple.fr"),
        ],
    )
    def test_one_letter_is_left(self, address: str, expected: str) -> None:
        """
        The first letter and the domain tell a helpdesk enough.
        """
        assert expected == masked_address(address)

    @given(st.from_regex(r"[a-z]{2,9}@[a-z]{2,9}\.fr", fullmatch=True))
    def test_the_address_is_not_in_it(self, address: str) -> None:
        """
        What is masked cannot be mailed to.
        """
        assert address not in masked_address(address)
        assert len(address.partition("@")[2]) + 3 == len(masked_address(address))


class TestMaskedNetwork:
    @pytest.mark.parametrize(
        ("network", "expected"),
        [
            ("192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("2001:db8:1:2::77", "2001:db8:1::/48"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("", ""),
            ("unix", ""),
            ("192.0.2.777", ""),
        ],
    )
    def test_a_neighbourhood_is_left(self, network: str, expected: str) -> None:
        """
        /24 and /48 say from which provider, and not from which flat.
        """
        assert expected == masked_network(network)


class TestEvent:
    def test_it_is_a_fact(self) -> None:
        """
        Nobody changes an event, and what is not known of it is empty.
        """
        event = Event(kind=EventKind.SIGNED_IN, at=NOW)

        assert ("", "", "", "", "") == attrs.astuple(event)[2:7]
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(event, "reason", "other")  # noqa: B010 - mypy knows it cannot be

    def test_kinds_are_named_as_they_are_written(self) -> None:
        """
        An event's kind in a log is its name in the documentation.
        """
        assert [one.name.lower() for one in EventKind] == [
            one.value for one in EventKind
        ]


class TestLogEvent:
    def test_one_line_holds_what_is_known(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A line of ``name=value``, without the fields that are empty.
        """
        with caplog.at_level(logging.INFO, "uness_auth.events"):
            log_event(Event(kind=EventKind.SIGNED_IN, at=NOW, account_id="7"))

        expected = "kind=signed_in at=2026-09-01T08:00:00+00:00 account_id=7"
        assert [expected] == caplog.messages

    @pytest.mark.parametrize(
        "reason", ["a\nkind=signed_in", "a b", "\x1b[2J", "\u2028"]
    )
    def test_a_reason_forges_no_line(
        self, caplog: pytest.LogCaptureFixture, reason: str
    ) -> None:
        """
        What is not plain stands there quoted and escaped.
        """
        with caplog.at_level(logging.INFO, "uness_auth.events"):
            log_event(Event(kind=EventKind.SIGNED_IN, at=NOW, reason=reason))

        assert caplog.messages[0].endswith(f"reason={reason!a}")

    def test_a_log_that_is_not_wanted_is_not_written(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Where nobody hears the logger, no line is put together.
        """

        class Unheard(logging.Logger):
            def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
                return level > logging.INFO

        monkeypatch.setattr(events, "_logger", Unheard("uness_auth.events"))
        log_event(Event(kind=EventKind.SIGNED_IN, at=NOW))

        assert [] == caplog.messages


class TestAudit:
    def test_everybody_is_told_masked(self) -> None:
        """
        Each subscriber gets the fact, with address and network masked.
        """
        told: list[Event] = []
        audit = Audit(lambda: NOW, [told.append])
        audit.subscribe(told.append)

        audit.record(
            EventKind.CODE_REFUSED,
            ACCOUNT,
            client=Client(network="192.0.2.77"),
            method="code",
            reason="wrong",
        )

        expected = Event(
            kind=EventKind.CODE_REFUSED,
            at=NOW,
            account_id="7",
            address="c…@univ-exemple.fr",
            network="192.0.2.0/24",
            method="code",
            reason="wrong",
        )
        assert [expected, expected] == told

    def test_an_unknown_address_is_masked_too(self) -> None:
        """
        Without an account the typed address is told, as little of it as of others.
        """
        told: list[Event] = []

        Audit(lambda: NOW, [told.append]).record(
            EventKind.ADDRESS_UNKNOWN, address="nobody@exemple.fr"
        )

        assert [("", "n…@exemple.fr")] == [(e.account_id, e.address) for e in told]

    def test_a_subscriber_that_fails_is_passed_over(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Its failure is logged, the next one is told, and nobody is kept from signing in.
        """
        told: list[Event] = []

        def broken(event: Event) -> None:
            msg = "the disk is full"
            raise OSError(msg)

        Audit(lambda: NOW, [broken, told.append]).record(EventKind.SIGNED_OUT)

        assert [EventKind.SIGNED_OUT] == [event.kind for event in told]
        assert ["a subscriber of events failed"] == caplog.messages


class Kept:
    """
    A store of events that can be down.
    """

    def __init__(self) -> None:
        self.calls: list[list[EventKind]] = []
        self.is_down = False

    def add(self, events: Sequence[Event], /) -> None:
        """
        Note the call, and raise while it is down.
        """
        self.calls.append([one.kind for one in events])
        if self.is_down:
            raise StorageError


class TestStore:
    def test_every_event_is_stored(self) -> None:
        """
        What subscribers are told is stored, too, as it was told.
        """
        told: list[Event] = []
        stored: list[Event] = []
        audit = Audit(lambda: NOW, [told.append], keep=stored.extend)

        audit.record(EventKind.SIGNED_IN, ACCOUNT, method="code")

        assert 1 == len(told)
        assert told == stored

    def test_many_are_stored_at_once(self) -> None:
        """
        Of many accounts each subscriber is told one by one, the store in one call.
        """
        kept, told = Kept(), list[Event]()
        audit = Audit(lambda: NOW, [told.append], keep=kept.add)
        others = [attrs.evolve(ACCOUNT, id=f"{n}") for n in range(3)]

        audit.record_each(
            EventKind.ACCOUNT_CREATED, others, method="import", reason="a file"
        )

        assert [[EventKind.ACCOUNT_CREATED] * 3] == kept.calls
        assert told == [
            Event(
                kind=EventKind.ACCOUNT_CREATED,
                at=NOW,
                account_id=one.id,
                address="c…@univ-exemple.fr",
                method="import",
                reason="a file",
            )
            for one in others
        ]

    def test_one_that_is_down_is_left_alone(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        Nobody is kept from signing in; it is asked again after a pause, not before.
        """
        clock, kept, told = FixedClock(), Kept(), list[Event]()
        audit = Audit(clock, [told.append], keep=kept.add)
        kept.is_down = True

        audit.record(EventKind.SIGNED_IN)
        audit.record(EventKind.NEW_DEVICE)
        clock.tick(STORE_PAUSE - timedelta(seconds=1))
        audit.record(EventKind.SIGNED_OUT)
        kept.is_down = False
        clock.tick()
        audit.record(EventKind.LINK_SENT)
        audit.record(EventKind.LINK_OPENED)

        assert 5 == len(told)
        assert [
            [EventKind.SIGNED_IN],
            [EventKind.LINK_SENT],
            [EventKind.LINK_OPENED],
        ] == kept.calls
        assert ["events could not be stored; tried again in 10 s"] == caplog.messages

    def test_a_clock_that_went_back(self) -> None:
        """
        The pause is over where the clock is set back behind it.
        """
        clock, kept = FixedClock(), Kept()
        audit = Audit(clock, keep=kept.add)
        kept.is_down = True
        audit.record(EventKind.SIGNED_IN)
        clock.tick(timedelta(hours=-1))

        audit.record(EventKind.SIGNED_OUT)

        assert 2 == len(kept.calls)

    @pytest.mark.parametrize(
        ("reason", "expected"),
        [
            ("x" * 501, "x" * 500),
            ("550 5.1.1 \ud800 \0 no such user", "550 5.1.1 ? ? no such user"),
        ],
    )
    def test_reasons_fit_into_every_database(self, reason: str, expected: str) -> None:
        """
        What a mail server says is cut, and holds nothing that a database refuses.
        """
        told: list[Event] = []

        Audit(lambda: NOW, [told.append]).record(EventKind.MAIL_FAILED, reason=reason)

        assert [expected] == [one.reason for one in told]

    def test_each_kind_has_its_time(self) -> None:
        """
        Every kind is either of the history of accounts or an attempt of anybody's.

        What the helpdesk and a campaign ask about is history.
        """
        assert frozenset(EventKind) == ATTEMPTS | HISTORY
        assert not ATTEMPTS & HISTORY
        assert {
            EventKind.ACCOUNT_CREATED,
            EventKind.LINK_ORDERED,
            EventKind.LINK_SENT,
            EventKind.LINK_OPENED,
            EventKind.PASSWORD_SET,
            EventKind.MAIL_FAILED,
            EventKind.MAIL_DROPPED,
            EventKind.SIGNED_IN,
        } <= HISTORY


class TestErrors:
    @pytest.mark.parametrize("error", [ConfigurationError, StorageError, MailError])
    def test_one_name_catches_all(self, error: type[Exception]) -> None:
        """
        Everything raised on our own account is a `UnessAuthError`.
        """
        assert issubclass(error, UnessAuthError)
        assert issubclass(UnessAuthError, Exception)
