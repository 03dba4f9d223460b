from __future__ import annotations

import logging
from datetime import UTC, datetime

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
    Audit,
    Event,
    EventKind,
    log_event,
    masked_address,
    masked_network,
)
from uness_auth.model import Account, Client


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


class TestErrors:
    @pytest.mark.parametrize("error", [ConfigurationError, StorageError, MailError])
    def test_one_name_catches_all(self, error: type[Exception]) -> None:
        """
        Everything raised on our own account is a `UnessAuthError`.
        """
        assert issubclass(error, UnessAuthError)
        assert issubclass(UnessAuthError, Exception)
