"""
Known devices: a cookie that knows several accounts, names none, and signs nobody in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.devices import COOKIE_SHAPE, Device, Devices
from uness_auth.keys import KeyRing
from uness_auth.policy import DAY, ThrottlePolicy


NOW = datetime.fromisoformat("2026-11-22T13:32:00+00:00")
OLD, NEW = (
    "old-key-of-the-tests-0123456789abcdef",
    "new-key-of-the-tests-abcdef0123456789",
)
SITE = "https://a.example"


def devices(*keys: str, base_url: str = SITE, accounts: int = 8) -> Devices:
    """
    Return what reads cookies under these keys.
    """
    policy = ThrottlePolicy(device_accounts=accounts)
    return Devices(KeyRing(list(keys or (OLD,)), base_url=base_url), policy)


def shared(*account_ids: str, accounts: int = 8) -> str:
    """
    Return the cookie of a browser in which all of them were signed in to.
    """
    cookie = ""
    for account_id in account_ids:
        cookie = devices(accounts=accounts).joined(cookie, account_id, 7, NOW)
    return cookie


class TestRead:
    def test_knows_its_account(self) -> None:
        """
        Signed in to under this version: known.
        """
        found = devices().read(shared("42"), "42", 7, NOW)

        assert (True, True) == (found.is_used, found.is_known)
        assert found.id not in repr(found)

    def test_another_version_is_no_stranger(self) -> None:
        """
        After a new password the browser is used, and not trusted.
        """
        found = devices().read(shared("42"), "42", 8, NOW)

        assert (True, False) == (found.is_used, found.is_known)

    @pytest.mark.parametrize("account_id", ["43", "4", "422", "", "4\uff12"])
    def test_other_accounts_are_strangers(self, account_id: str) -> None:
        """
        A cookie of one account says nothing of others.
        """
        assert Device() == devices().read(shared("42"), account_id, 7, NOW)

    def test_knows_several(self) -> None:
        """
        A ward computer knows eight accounts, each under an id of its own.
        """
        ward = shared(*"abcdefgh")
        found = [devices().read(ward, one, 7, NOW) for one in "abcdefgh"]

        assert all(one.is_known for one in found)
        assert 8 == len({one.id for one in found})
        assert COOKIE_SHAPE.fullmatch(ward)

    def test_names_nobody(self) -> None:
        """
        Who finds the cookie cannot tell whose it is without the key.
        """
        address_like = "camille.durand"
        cookie = shared(address_like)

        assert address_like not in cookie
        assert Device() == devices(NEW).read(cookie, address_like, 7, NOW)

    def test_lasts_as_long_as_the_policy_says(self) -> None:
        """
        180 days after the last sign-in the browser is a stranger.
        """
        cookie = shared("42")

        assert devices().read(cookie, "42", 7, NOW + 179 * DAY).is_known
        assert Device() == devices().read(cookie, "42", 7, NOW + 180 * DAY)

    def test_a_clock_that_is_ahead(self) -> None:
        """
        A cookie of another process' tomorrow is taken, one of next week is not.
        """
        cookie = shared("42")

        assert devices().read(cookie, "42", 7, NOW - DAY).is_known
        assert Device() == devices().read(cookie, "42", 7, NOW - 2 * DAY)

    def test_of_this_site_alone(self) -> None:
        """
        Two sites with one key do not take each other's cookies.
        """
        other = devices(OLD, base_url="https://b.example")

        assert Device() == other.read(shared("42"), "42", 7, NOW)

    def test_keys_rotate(self) -> None:
        """
        P45: a new key knows what the old one wrote, until the old one is removed.
        """
        cookie = shared("42")
        renewed = devices(OLD, NEW).joined(cookie, "42", 7, NOW)

        assert devices(OLD, NEW).read(cookie, "42", 7, NOW).is_known
        assert devices(NEW).read(renewed, "42", 7, NOW).is_known
        assert Device() == devices(NEW).read(cookie, "42", 7, NOW)

    @given(st.text(max_size=200) | st.text("0123456789abcdef.-_AZ", max_size=700))
    def test_any_text(self, text: str) -> None:
        """
        Any other text is a stranger's.
        """
        assert Device() == devices().read(text, "42", 7, NOW)

    @given(st.integers(0, 74), st.characters(codec="ascii"))
    def test_no_mark_can_be_changed(self, at: int, mark: str) -> None:
        """
        A cookie with one character changed knows nobody, or no less than before.
        """
        cookie = shared("42")
        forged = cookie[:at] + mark + cookie[at + 1 :]
        found = devices().read(forged, "42", 7, NOW)

        assert forged == cookie or not found.is_known


class TestJoined:
    def test_keeps_the_id(self) -> None:
        """
        Signing in again keeps the account's id, so that its device's budget goes on.
        """
        before = shared("42", "43")
        after = devices().joined(before, "42", 8, NOW + DAY)
        found = devices().read(after, "42", 8, NOW + DAY)

        assert devices().read(before, "42", 7, NOW).id == found.id
        assert found.is_known
        assert not devices().read(after, "42", 7, NOW + DAY).is_known
        assert devices().read(after, "43", 7, NOW + DAY).is_known

    def test_leaves_out_the_one_unused_for_longest(self) -> None:
        """
        The ninth account takes the place of the one that signed in longest ago.
        """
        ward = shared(*"abcdefgh", "a", "i")
        known = {
            one for one in "abcdefghi" if devices().read(ward, one, 7, NOW).is_used
        }

        assert set("acdefghi") == known

    def test_fewer_by_policy(self) -> None:
        """
        The policy says how many.
        """
        ward = shared(*"abc", accounts=2)
        known = {one for one in "abc" if devices().read(ward, one, 7, NOW).is_used}

        assert set("bc") == known

    def test_drops_what_is_over(self) -> None:
        """
        Entries whose time is over are not carried along.
        """
        later = NOW + timedelta(days=200)
        cookie = devices().joined(shared("42"), "43", 7, later)

        assert 91 == len(cookie)

    def test_a_planted_cookie_is_not_taken_over(self) -> None:
        """
        P40: an id that somebody planted does not become the account's.
        """
        planted = f"{'p' * 22}20779{'0' * 64}"
        cookie = devices().joined(planted, "42", 7, NOW)
        found = devices().read(cookie, "42", 7, NOW)

        assert found.is_known
        assert "p" * 22 != found.id

    def test_anothers_cookie_is_worth_nothing_for_mine(self) -> None:
        """
        Who plants a cookie of their own learns nothing that opens the victim's budget.
        """
        own = shared("attacker")
        _ = devices().joined(own, "victim", 7, NOW)

        assert Device() == devices().read(own, "victim", 7, NOW)

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        """
        Whatever the browser sent, the new cookie has the shape of ours.
        """
        cookie = devices().joined(text, "42", 7, NOW)

        assert COOKIE_SHAPE.fullmatch(cookie)
        assert devices().read(cookie, "42", 7, NOW).is_known


class TestPolicy:
    def test_more_would_not_be_read(self) -> None:
        """
        The largest number of accounts still has the cookie's shape, and travels.
        """
        most = devices(accounts=16)
        cookie = ""
        for number in range(20):
            cookie = most.joined(cookie, str(number), 7, NOW)

        assert COOKIE_SHAPE.fullmatch(cookie)
        assert len(cookie) < 2_000
        assert most.read(cookie, "19", 7, NOW).is_known
        assert attrs.asdict(most.read(cookie, "3", 7, NOW)) == {
            "id": "",
            "is_known": False,
        }
