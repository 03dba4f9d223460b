"""
What a file of accounts would change: whose account a line is about, and what is refused.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.provisioning.desks import (
    OTHERS,
    WHO,
    Desk,
    counts,
    lines,
    reasons,
    row,
)
from uness_auth import ConfigurationError
from uness_auth.model import Account
from uness_auth.provisioning import ChangeKind, Rejected, Row
from uness_auth.testing import FixedClock


ADDRESSES = ("email",)
ADDRESSES_AND_IDS = ("email", "external_id")


@pytest.fixture(name="desk")
def _desk(clock: FixedClock) -> Desk:
    """
    An empty one.
    """
    return Desk(clock)


class TestWhoseLine:
    def test_new(self, desk: Desk) -> None:
        """
        A line whose address and external id nobody has is a new account.
        """
        found = desk.compare(
            row(2, "a", external_id="1", display_name="A", language="en")
        )
        (change,) = found.changes

        assert {"created": 1} == counts(found)
        assert (ChangeKind.CREATED, 2, None, ()) == (
            change.kind,
            change.line,
            change.before,
            change.fields,
        )
        assert ("a@example.fr", "A", "en", "1", WHO) == (
            change.after.address,
            change.after.display_name,
            change.after.language,
            change.after.external_id,
            change.after.provisioned_by,
        )
        assert [] == desk.everybody()

    def test_by_address(self, desk: Desk) -> None:
        """
        Without an external id the address says whose line it is; the id may come later.
        """
        desk.bring(row(2, "a"))

        assert {"unchanged": 1} == counts(desk.compare(row(2, "a")))
        found = desk.compare(row(2, "a", external_id="1"))
        assert ("external_id",) == found.changes[0].fields

    def test_by_external_id_first(self, desk: Desk) -> None:
        """
        Whoever has the external id is meant, though somebody else has the address.
        """
        desk.bring(row(2, "a", external_id="1"), row(3, "b", external_id="2"))
        found = desk.compare(row(2, "b", external_id="1"), readdress=0)

        assert "no line moves away" in reasons(found)[2]

    def test_external_ids_are_each_registrars_own(self, desk: Desk) -> None:
        """
        The same number at another registrar is somebody else.
        """
        desk.bring(row(2, "a", external_id="1"), by=OTHERS)

        assert {"created": 1} == counts(desk.compare(row(2, "b", external_id="1")))

    def test_the_line_names_its_registrar(self, desk: Desk) -> None:
        """
        Without ``by`` each line speaks for whom it names.
        """
        rows = [row(2, "a", provisioned_by=WHO), row(3, "b")]
        desk.bring(*rows, by="")

        assert [WHO, ""] == [desk.account(name).provisioned_by for name in ("a", "b")]
        assert {"unchanged": 2} == counts(desk.compare(*rows, by=""))

    def test_the_line_names_another_registrar(self, desk: Desk) -> None:
        """
        With ``by`` a line may name nobody else.
        """
        found = desk.compare(
            row(2, "a", provisioned_by=OTHERS), row(3, "b", provisioned_by=WHO)
        )

        assert {2: f"the line is of « {OTHERS} », the import of « {WHO} »"} == (
            reasons(found)
        )
        assert {"created": 1, "rejected": 1} == counts(found)

    def test_twins_that_the_registrar_makes_one(self, desk: Desk) -> None:
        """
        An empty cell and the registrar's name are one registrar: its ids are one.
        """
        found = desk.compare(
            row(2, "a", external_id="1"),
            row(3, "b", external_id="1", provisioned_by=WHO),
        )

        assert {3: "line 2 has the same external_id"} == reasons(found)

    def test_another_external_id(self, desk: Desk) -> None:
        """
        An address that is somebody else's by now does not hand the account over.
        """
        desk.bring(row(2, "a", external_id="1"))
        found = desk.compare(row(2, "a", external_id="2"))

        assert {"rejected": 1} == counts(found)
        assert "another external_id" in reasons(found)[2]
        desk.bring(row(2, "a"))
        assert {"updated": 1} == counts(desk.compare(row(2, "a", external_id="2")))


class TestOwnership:
    @pytest.mark.parametrize("by", [WHO, ""])
    def test_of_another_registrar(self, desk: Desk, by: str) -> None:
        """
        An account of another registrar is left alone, and only its name is told.
        """
        desk.bring(row(2, "a", display_name="Secret", external_id="77"), by=OTHERS)
        found = desk.compare(row(2, "a", display_name="Mine"), by=by)

        assert {2: f"the address belongs to an account of « {OTHERS} »"} == (
            reasons(found)
        )

    def test_added_by_hand(self, desk: Desk) -> None:
        """
        Who was added by hand comes under a registrar under its number only.

        Otherwise one import would take it over, and the next hand it to any address.
        """
        desk.bring(row(2, "a"), by="")

        assert "--take-over 1" in reasons(desk.compare(row(2, "a")))[2]
        (fault,) = desk.compare(row(2, "a"), take_over=2).faults
        assert fault.startswith("1 accounts were added by hand, not 2")
        found = desk.compare(row(2, "a"), take_over=1)
        assert () == found.faults
        assert [True] == [one.is_take_over for one in found.changes]

    def test_nobodys_number_is_not_taken_over(self, desk: Desk) -> None:
        """
        An account that was added by hand may have a number that is somebody else's here.
        """
        desk.bring(row(2, "a", external_id="1"))
        desk.bring(row(2, "b", external_id="1"), by="")
        done = desk.bring(row(2, "b"), columns=ADDRESSES, take_over=1)

        assert {"updated": 1} == counts(done)
        assert (WHO, "") == (
            desk.account("b").provisioned_by,
            desk.account("b").external_id,
        )

    def test_an_address_that_is_taken(self, desk: Desk) -> None:
        """
        Nobody moves to an address of another registrar, or of nobody's.
        """
        desk.bring(row(2, "a", external_id="1"))
        desk.bring(row(2, "b"), by=OTHERS)
        desk.bring(row(2, "c"), by="")

        assert (
            f"« {OTHERS} »"
            in (reasons(desk.compare(row(2, "b", external_id="1"), readdress=1))[2])
        )
        assert (
            "added by hand"
            in (reasons(desk.compare(row(2, "c", external_id="1"), readdress=1))[2])
        )


class TestColumns:
    def test_a_column_that_is_missing_says_nothing(self, desk: Desk) -> None:
        """
        What the file has no column for stays as it is.
        """
        full = row(
            2,
            "a",
            display_name="A",
            language="en",
            external_id="1",
            valid_from=date(2026, 9, 1),
            valid_until=date(2027, 8, 31),
        )
        desk.bring(full)

        assert {"unchanged": 1} == counts(desk.compare(row(2, "a"), columns=ADDRESSES))

    def test_an_empty_cell_empties(self, desk: Desk) -> None:
        """
        Each field but the address can be emptied.
        """
        desk.bring(
            row(
                2,
                "a",
                display_name="A",
                language="en",
                external_id="1",
                valid_from=date(2026, 9, 1),
                valid_until=date(2027, 8, 31),
            )
        )
        desk.bring(row(2, "a"))
        account = desk.account("a")

        assert ("", "", "", None, None) == (
            account.display_name,
            account.language,
            account.external_id,
            account.valid_from,
            account.valid_until,
        )

    def test_days_are_the_sites(self, desk: Desk) -> None:
        """
        The first day begins, and the last one ends, at midnight in the site's zone.
        """
        desk.bring(
            row(2, "a", valid_from=date(2026, 9, 1), valid_until=date(2027, 1, 31))
        )
        account = desk.account("a")

        assert datetime(2026, 8, 31, 22, tzinfo=UTC) == account.valid_from
        assert datetime(2027, 1, 31, 23, tzinfo=UTC) == account.valid_until

    def test_days_that_do_not_go_together(self, desk: Desk) -> None:
        """
        A file with one of the two columns cannot close somebody for ever.
        """
        desk.bring(row(2, "a", valid_from=date(2027, 9, 1)))
        found = desk.compare(
            row(2, "a", valid_until=date(2027, 8, 31)), columns=("email", "valid_until")
        )

        assert "before its first" in reasons(found)[2]


class TestReaddress:
    def test_needs_its_number(self, desk: Desk) -> None:
        """
        Without it the line is rejected; with another one nothing may be written.
        """
        desk.bring(row(2, "a", external_id="1"))
        line = row(2, "new", external_id="1")

        assert "--readdress 1" in reasons(desk.compare(line))[2]
        assert desk.compare(line, readdress=2).faults
        found = desk.compare(line, readdress=1)
        assert {"readdressed": 1} == counts(found)
        assert ("address",) == found.changes[0].fields

    def test_a_shifted_column(self, desk: Desk) -> None:
        """
        Everybody's number beside their neighbour's address moves nobody.
        """
        names = [f"p{number}" for number in range(30)]
        people = [row(n, name, external_id=f"{n}") for n, name in enumerate(names, 2)]
        desk.bring(*people)
        shifted = [attrs.evolve(one, external_id=f"{one.line + 1}") for one in people]

        found = desk.compare(*shifted)
        assert {"rejected": 30} == counts(found)
        assert "no line moves away" in reasons(found)[2]
        assert "line 30 has to give up the address first" in reasons(found)[31]
        assert desk.compare(*shifted, readdress=1).faults

    def test_a_chain(self, desk: Desk) -> None:
        """
        Who moves away makes room: for another, and for somebody new.
        """
        desk.bring(row(2, "a", external_id="1"), row(3, "b", external_id="2"))
        moves = [
            row(2, "b", external_id="1"),
            row(3, "c", external_id="2"),
            row(4, "a", external_id="3"),
        ]
        found = desk.compare(*moves, readdress=2)

        assert [3, 2, 4] == [one.line for one in found.changes]
        assert {"created": 1, "readdressed": 2} == counts(
            desk.bring(*moves, readdress=2)
        )
        assert {"unchanged": 3} == counts(desk.compare(*moves))

    def test_a_chain_that_is_not_let(self, desk: Desk) -> None:
        """
        Whoever waits for an address is told what it waits for.
        """
        desk.bring(row(2, "a", external_id="1"), row(3, "b", external_id="2"))
        found = desk.compare(
            row(2, "b", external_id="1"),
            row(3, "c", external_id="2"),
            row(4, "a", external_id="3"),
        )

        assert {"rejected": 3} == counts(found)
        assert [True] * 3 == ["--readdress 2" in one for one in reasons(found).values()]

    def test_a_circle(self, desk: Desk) -> None:
        """
        Two that change their addresses with one another are told how to.
        """
        desk.bring(row(2, "a", external_id="1"), row(3, "b", external_id="2"))
        found = desk.compare(
            row(2, "b", external_id="1"), row(3, "a", external_id="2"), readdress=0
        )

        assert {"rejected": 2} == counts(found)
        assert "line 3 has to give up the address first" in reasons(found)[2]

    def test_a_chain_that_ends_at_a_wall(self, desk: Desk) -> None:
        """
        Where one cannot move, those behind it cannot either.
        """
        desk.bring(row(2, "a", external_id="1"), row(3, "b", external_id="2"))
        desk.bring(row(2, "c"), by=OTHERS)
        found = desk.compare(
            row(2, "b", external_id="1"), row(3, "c", external_id="2"), readdress=0
        )

        assert "line 3 has to give up" in reasons(found)[2]
        assert OTHERS in reasons(found)[3]

    def test_somebody_new_behind_a_rejected_line(self, desk: Desk) -> None:
        """
        An address that its holder's line cannot give up is not given away.
        """
        desk.bring(row(2, "a", external_id="1", valid_from=date(2027, 9, 1)))
        found = desk.compare(
            row(2, "b", external_id="1", valid_until=date(2027, 8, 31)),
            row(3, "a", external_id="2"),
            columns=(*ADDRESSES_AND_IDS, "valid_until"),
        )

        assert "before its first" in reasons(found)[2]
        assert "no line moves away" in reasons(found)[3]


class TestReopened:
    def test_a_closed_account(self, desk: Desk) -> None:
        """
        Whom the file names again may come back, without the old password.
        """
        desk.bring(row(2, "a"))
        desk.give_password("a")
        desk.provisioning().disable("a@example.fr")
        before = desk.account("a")
        found = desk.bring(row(2, "a"))
        after = desk.account("a")

        assert {"reopened": 1} == counts(found)
        assert (False, False) == (after.is_disabled, after.has_password)
        assert before.credential_version + 1 == after.credential_version

    def test_one_whose_days_are_over(self, desk: Desk) -> None:
        """
        A new last day opens it again; the old one leaves it closed.
        """
        old = row(2, "a", valid_until=date(2026, 8, 31))
        desk.bring(old)

        assert {"unchanged": 1} == counts(desk.compare(old))
        assert {"reopened": 1} == counts(
            desk.compare(row(2, "a", valid_until=date(2027, 8, 31)))
        )

    def test_with_another_address(self, desk: Desk) -> None:
        """
        It is one step, and counts as a change of address.
        """
        desk.bring(row(2, "a", external_id="1"))
        desk.provisioning().disable("a@example.fr")
        before = desk.account("a")
        found = desk.bring(row(2, "b", external_id="1"), readdress=1)

        assert {"readdressed": 1} == counts(found)
        assert attrs.evolve(
            before,
            address="b@example.fr",
            is_disabled=False,
            credential_version=before.credential_version + 1,
        ) == desk.account("b")

    def test_days_that_end_are_an_update(self, desk: Desk, clock: FixedClock) -> None:
        """
        A last day that is past ends the account, and closes nothing for ever.
        """
        desk.bring(row(2, "a"))
        found = desk.bring(row(2, "a", valid_until=date(2026, 8, 31)))

        assert {"updated": 1} == counts(found)
        assert desk.account("a").is_closed(clock())


class TestMissing:
    def test_under_their_number(self, desk: Desk) -> None:
        """
        Who is in no line is closed only where exactly so many are expected.
        """
        desk.bring(*(row(n, f"p{n}") for n in range(2, 6)))
        left = [row(2, "p2")]

        found = desk.compare(*left)
        assert (3, {"unchanged": 1}) == (found.missing, counts(found))
        assert desk.compare(*left, close_missing=2).faults
        assert {"closed": 3, "unchanged": 1} == (
            counts(desk.bring(*left, close_missing=3))
        )
        assert [False, True, True, True] == [
            desk.account(f"p{n}").is_disabled for n in range(2, 6)
        ]
        assert 0 == desk.compare(*left).missing

    def test_of_others_nobody_is(self, desk: Desk) -> None:
        """
        Accounts of others, and those added by hand, are none of this registrar's.
        """
        desk.bring(row(2, "a"), by=OTHERS)
        desk.bring(row(2, "b"), by="")

        assert 0 == desk.compare(row(2, "c")).missing
        assert 0 == desk.compare(row(2, "c"), by="").missing

    def test_over_already(self, desk: Desk) -> None:
        """
        Who is closed, or whose days are over, is not closed once more; who has not
        begun is.
        """
        desk.bring(
            row(2, "a"),
            row(3, "b", valid_until=date(2026, 8, 31)),
            row(4, "c", valid_from=date(2027, 9, 1)),
        )
        desk.provisioning().disable("a@example.fr")

        assert 1 == desk.compare(row(2, "d")).missing

    def test_who_is_named_by_a_rejected_line(self, desk: Desk) -> None:
        """
        A line that is wrong names whom it means all the same.
        """
        desk.bring(row(2, "a"), row(3, "b", external_id="2"), row(4, "c"))
        found = desk.compare(
            Rejected(line=2, reason="« de » is not a language", email="A@example.fr"),
            Rejected(line=3, reason="the cell is empty", email="", external_id="2"),
        )

        assert 1 == found.missing

    def test_whose(self, desk: Desk) -> None:
        """
        Without the registrar nobody can be missing.
        """
        with pytest.raises(ConfigurationError, match="whose accounts are missing"):
            desk.compare(row(2, "a"), by="", close_missing=1)

    @pytest.mark.parametrize("by", ["x" * 65, "a\nb"])
    def test_no_name_of_a_registrar(self, desk: Desk, by: str) -> None:
        """
        What no account can keep is no registrar's name.
        """
        with pytest.raises(ConfigurationError, match="no name of a registrar"):
            desk.compare(row(2, "a"), by=by)


class TestFaults:
    def test_nothing_is_written(self, desk: Desk) -> None:
        """
        With a fault not even the other lines are.
        """
        found = desk.compare(row(2, "a"), close_missing=7)

        with pytest.raises(
            ConfigurationError, match="0 accounts are in no line, not 7"
        ):
            desk.provisioning().apply(found)
        assert [] == desk.everybody()


# --- Any file on any site ---------------------------------------------------------------

NAMES = st.sampled_from("abcdef")
IDS = st.sampled_from(["", "1", "2", "3", "4"])
DAYS = st.sampled_from([None, date(2026, 8, 31), date(2027, 8, 31)])
REGISTRARS = st.sampled_from(["", WHO, OTHERS])


@st.composite
def files(draw: st.DrawFn) -> list[Row]:
    """
    Any lines, as the reader lets them through: no address and no id twice.
    """
    names = draw(st.lists(NAMES, unique=True, max_size=6))
    found, seen = [], set()
    for line, name in enumerate(names, 2):
        external_id = draw(IDS)
        if external_id in seen:
            external_id = ""
        seen.add(external_id)
        found.append(
            row(
                line,
                name,
                external_id=external_id,
                display_name=draw(st.sampled_from(["", "A", "B"])),
                valid_until=draw(DAYS),
            )
        )
    return found


def numbers(desk: Desk, rows: list[Row], by: str, columns: Any) -> dict[str, int]:
    """
    Return the numbers that a registrar finds and gives, until they are those.
    """
    given: dict[str, int] = {"readdress": 99, "take_over": 99}
    if by:
        given["close_missing"] = 99
    for _ in range(4):
        found = desk.compare(*rows, by=by, columns=columns, **given)
        given["readdress"] = len(found.of(ChangeKind.READDRESSED))
        given["take_over"] = sum(one.is_take_over for one in found.changes)
        if by:
            given["close_missing"] = found.missing
    return given


COLUMNS = st.sampled_from(
    [
        ("email", "external_id", "display_name", "valid_until"),
        ("email", "display_name"),
        ("email", "external_id"),
    ]
)


class TestAnyFile:
    @given(st.lists(st.tuples(files(), REGISTRARS, COLUMNS), min_size=1, max_size=3))
    def test_said_and_done(self, imports: list[tuple[list[Row], str, Any]]) -> None:
        """
        What is said is done, another registrar's are left alone, and again is nothing.
        """
        desk = Desk(FixedClock())
        for all_rows, by, columns in imports:
            rows = all_rows
            if "external_id" not in columns:
                rows = [attrs.evolve(one, external_id="") for one in all_rows]
            given_numbers = numbers(desk, rows, by, columns)
            before = {one.id: one for one in desk.everybody()}
            found = desk.compare(*rows, by=by, columns=columns, **given_numbers)
            assert () == found.faults
            done = desk.provisioning().apply(found)

            assert done.counts == found.counts
            assert len(rows) + len(found.of(ChangeKind.CLOSED)) == (
                sum(found.counts.values())
            )
            after = {one.id: one for one in desk.everybody()}
            assert_left_alone(before, after, by)
            again = desk.compare(*rows, by=by, columns=columns)
            assert () == again.changes
            assert reasons(again).keys() == reasons(found).keys()


def assert_left_alone(
    before: dict[str, Account], after: dict[str, Account], by: str
) -> None:
    """
    Expect that another registrar's accounts are as they were, and that versions move
    where anything of a person's own is void.
    """
    for account in before.values():
        now = after[account.id]
        if account.provisioned_by not in ("", by):
            assert account == now
        is_void = (
            account.address != now.address or account.is_disabled != now.is_disabled
        )
        assert now.credential_version - account.credential_version in (
            (1,) if is_void else (0, 1)
        )


class TestWithoutDays:
    def test_the_clock_alone_reopens_nobody(self, desk: Desk) -> None:
        """
        A file without days does not open again whose days are over.
        """
        desk.bring(row(2, "a", valid_until=date(2026, 11, 30)))
        desk.clock.tick(timedelta(days=30))

        assert {"unchanged": 1} == counts(desk.compare(row(2, "a"), columns=ADDRESSES))
        assert [] == lines(desk.compare(row(2, "a")), ChangeKind.UPDATED)
