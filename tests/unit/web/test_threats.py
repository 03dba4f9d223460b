"""
The attackers of the threat model, each at the pages, with what they have.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from uness_auth import Policy
from uness_auth.events import EventKind
from uness_auth.model import CodeChallenge
from uness_auth.policy import DAY, HOUR, MINUTE, Budget, ThrottlePolicy


if TYPE_CHECKING:
    from tests.unit.web.conftest import Browser, Portal

CAMILLE: Final = "camille.durand@univ-exemple.fr"
PASSWORD: Final = "Cheval7+Agrafe"
OTHER_PASSWORD: Final = "Pile-Correcte8"
WRONG: Final = "Faux-0000"
POLICY: Final = Policy.uness()
COMPARED: Final = 422
THROTTLED: Final = 429

Make = Callable[..., "Portal"]


def elsewhere(portal: Portal, number: int) -> Browser:
    """
    A browser that nobody knows, on the network of this *number*.
    """
    browser = portal.browser()
    browser.peer = f"198.18.{number // 250}.{number % 250 + 1}"
    return browser


def at_home(portal: Portal) -> Browser:
    """
    Camille's own browser, in which she signed in, and out again.
    """
    browser = portal.add_with_password()
    browser.sign_in()
    browser.sign_out()
    portal.clock.tick(2 * MINUTE)
    return browser


def students(portal: Portal, count: int) -> list[str]:
    """
    Make *count* accounts that have a password, without a walk for each.
    """
    accounts = [portal.add(f"etudiant{one}@univ-exemple.fr") for one in range(count)]
    for one in accounts:
        assert portal.storage.accounts.set_password(
            one.id, f"clear:{PASSWORD}", one.credential_version
        )
    return [one.address for one in accounts]


def guess(portal: Portal, count: int, pause: timedelta, *, networks: int) -> int:
    """
    Guess Camille's password *count* times; return how many guesses were compared.
    """
    compared = 0
    for number in range(count):
        browser = elsewhere(portal, number % networks)
        answer = browser.sign_in(CAMILLE, f"{WRONG}{number}")
        assert answer.status in {COMPARED, THROTTLED}
        compared += answer.status == COMPARED
        portal.clock.tick(pause)
    return compared


def begin_code(browser: Browser, address: str = CAMILLE) -> str:
    """
    Ask for a code, and return the challenge's id; empty where there is none.
    """
    browser.identify(address)
    browser.post("ask_code", username=address)
    return getattr(browser.view, "challenge", "")


def wrong_codes(portal: Portal, browser: Browser, challenge: str) -> list[int]:
    """
    Try wrong codes at *challenge* until it takes no more.
    """
    stored = portal.contents()["challenges"]
    assert isinstance(stored, dict)
    one = stored[challenge]
    assert isinstance(one, CodeChallenge)
    statuses = []
    right = portal.outbox.code(CAMILLE)
    wrong = [f"{number:06}" for number in range(6) if f"{number:06}" != right]
    for code in wrong[: one.attempts_left]:
        answer = browser.post("confirm_code", challenge=challenge, code=code)
        statuses.append(answer.status)
    return statuses


class TestThousandNetworks:
    def test_share_one_day(self, portal: Portal) -> None:
        """
        A thousand guesses at one account in a day, each from a network of its own: 25
        are compared.
        """
        portal.add_with_password()

        assert POLICY.throttle.passwords_per_day == guess(
            portal, 1_000, timedelta(seconds=80), networks=1_000
        )

    def test_keep_no_owner_out(self, portal: Portal) -> None:
        """
        Meanwhile the owner signs in where she did before: by password and by code.
        """
        owner = at_home(portal)
        guess(portal, 200, 7 * MINUTE, networks=200)
        stranger = elsewhere(portal, 999)
        assert THROTTLED == stranger.sign_in(CAMILLE, PASSWORD).status

        owner.sign_in()
        assert owner.account is not None

        owner.sign_out()
        challenge = begin_code(owner)
        owner.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )
        assert owner.account is not None

    def test_leave_link_and_code_open_elsewhere(self, portal: Portal) -> None:
        """
        While the password waits, a browser that nobody knows gets in by code, and may
        have a link.
        """
        portal.add_with_password()
        guess(portal, 200, 7 * MINUTE, networks=200)
        owner = elsewhere(portal, 999)
        assert THROTTLED == owner.sign_in(CAMILLE, PASSWORD).status

        challenge = begin_code(owner)
        owner.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )
        assert owner.account is not None

        another = elsewhere(portal, 998)
        another.identify()
        another.post("ask_link", username=CAMILLE)
        assert ("link-sent", "") == (another.page, another.view.note)

    def test_burn_no_known_devices_mails(self, portal: Portal) -> None:
        """
        Whoever asks for all the links and codes of a day leaves the owner's browser its
        own.
        """
        owner = at_home(portal)
        for number in range(60):
            stranger = elsewhere(portal, number)
            stranger.identify()
            stranger.post("ask_link", username=CAMILLE)
            begin_code(stranger)
            portal.clock.tick(20 * MINUTE)
        last = elsewhere(portal, 100)
        last.identify()
        last.post("ask_link", username=CAMILLE)
        assert last.view.note

        owner.identify()
        owner.post("ask_link", username=CAMILLE)
        assert ("link-sent", "") == (owner.page, owner.view.note)
        assert begin_code(owner)


class TestOneNetwork:
    def test_spends_half_of_a_day(self, portal: Portal) -> None:
        """
        However long one network guesses, more than half of the account's day is left.
        """
        portal.add_with_password()

        assert POLICY.throttle.passwords_per_day // 2 == guess(
            portal, 300, 4 * MINUTE, networks=1
        )
        portal.clock.tick(HOUR)
        owner = elsewhere(portal, 1)
        owner.sign_in()
        assert owner.account is not None

    def test_tries_a_list_of_addresses(self, portal: Portal) -> None:
        """
        One guess at each of 150 accounts from one network: 100 are compared, and the
        network waits, by either way in.
        """
        addresses = students(portal, 150)
        statuses = []
        for address in addresses:
            browser = elsewhere(portal, 0)
            statuses.append(browser.sign_in(address, WRONG).status)

        most = POLICY.throttle.network_passwords.most
        assert most == statuses.count(COMPARED)
        assert len(addresses) - most == statuses.count(THROTTLED)

    def test_of_a_lecture_hall(self, portal: Portal) -> None:
        """
        500 behind one address on the morning of an exam, every sixth mistypes once:
        all are in within the minute, for only failures count.
        """
        for number, address in enumerate(students(portal, 500)):
            browser = elsewhere(portal, 0)
            if number % 6 == 0:
                assert COMPARED == browser.sign_in(address, WRONG).status
            browser.sign_in(address, PASSWORD)
            assert browser.account is not None, number

    def test_of_a_campus(self, make_portal: Make) -> None:
        """
        On a trusted network 120 may mistype thrice within ten minutes, and none waits:
        its budget is twenty times as large.
        """
        portal = make_portal(trusted_networks=["198.18.0.0/24"])
        for address in students(portal, 120):
            browser = elsewhere(portal, 0)
            for _ in range(3):
                assert COMPARED == browser.sign_in(address, WRONG).status
            browser.sign_in(address, PASSWORD)
            assert browser.account is not None


class TestOldLaptop:
    def test_signs_nobody_in(self, portal: Portal) -> None:
        """
        What a known device keeps opens no page: it asks for the password as any other.
        """
        laptop = at_home(portal)

        assert any(name.endswith("-device") for name in laptop.cookies)
        laptop.get("identify")
        assert ("identify", None) == (laptop.page, laptop.account)

    def test_has_ten_guesses_a_day(self, portal: Portal) -> None:
        """
        Whoever has the laptop has its budget, and no more.
        """
        laptop = at_home(portal)
        compared = 0
        for number in range(100):
            compared += laptop.sign_in(CAMILLE, f"{WRONG}{number}").status == COMPARED
            portal.clock.tick(14 * MINUTE)

        assert POLICY.throttle.device_passwords_per_day == compared

    def test_is_a_stranger_after_a_new_password(self, portal: Portal) -> None:
        """
        A new password, set elsewhere, takes the laptop's own budget away: it spends
        what strangers spend.
        """
        laptop = at_home(portal)
        phone = elsewhere(portal, 1)
        phone.identify()
        phone.post("ask_link", username=CAMILLE)
        phone.post(
            "link",
            token=portal.token(),
            password=OTHER_PASSWORD,
            confirmation=OTHER_PASSWORD,
        )
        assert "created" == phone.page

        for number in range(POLICY.throttle.free_passwords + 1):
            laptop.sign_in(CAMILLE, f"{WRONG}{number}")
        stranger = elsewhere(portal, 2)
        assert THROTTLED == stranger.sign_in(CAMILLE, WRONG).status

    def test_of_a_ward_is_not_mixed_up(self, portal: Portal) -> None:
        """
        A computer that several people use knows each of them, and none by another: who
        was never there has a stranger's budget.
        """
        ward = portal.browser()
        nurses = students(portal, 4)
        for address in nurses[:3]:
            ward.sign_in(address)
            ward.sign_out()
        for address in nurses:
            for number in range(POLICY.throttle.free_passwords + 1):
                stranger = elsewhere(portal, number)
                assert COMPARED == stranger.sign_in(address, WRONG).status

        seen = []
        for address in nurses:
            ward.sign_in(address)
            seen.append(ward.account is not None)
            ward.sign_out()
        assert [True, True, True, False] == seen


class TestWholeSite:
    def test_codes_pause_for_strangers(self, make_portal: Make) -> None:
        """
        When the whole site's wrong codes are spent, no code is compared, or mailed, for
        a browser that nobody knows; a known device goes on, and so does the password.
        """
        throttle = ThrottlePolicy(site_codes=(Budget(4, HOUR), Budget(100, DAY)))
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        owner = at_home(portal)
        stranger = elsewhere(portal, 1)
        statuses = wrong_codes(portal, stranger, begin_code(stranger))
        assert [COMPARED] * 4 == statuses[:4]
        portal.clock.tick(2 * MINUTE)

        another = elsewhere(portal, 2)
        assert "" == begin_code(another)
        answer = another.answer
        assert answer is not None
        assert THROTTLED == answer.status

        challenge = begin_code(owner)
        owner.post(
            "confirm_code", challenge=challenge, code=portal.outbox.code(CAMILLE)
        )
        assert owner.account is not None
        third = elsewhere(portal, 3)
        third.sign_in()
        assert third.account is not None

    def test_harvesting_ends_in_one_page(self, make_portal: Make) -> None:
        """
        When the whole site has told enough unknown addresses, one page serves everybody
        for a quarter of an hour, whatever the network.
        """
        throttle = ThrottlePolicy(site_unknown=Budget(10, 10 * MINUTE))
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        portal.add_with_password()
        pages = []
        for number in range(12):
            browser = elsewhere(portal, number)
            browser.identify(f"personne{number}@univ-exemple.fr")
            pages.append(browser.page)
        assert ["identify"] * 10 + ["password-sign-in"] * 2 == pages

        known = elsewhere(portal, 20)
        known.identify()
        assert "password-sign-in" == known.page
        portal.clock.tick(throttle.site_unknown_pause)
        later = elsewhere(portal, 21)
        later.identify("personne@univ-exemple.fr")
        assert "identify" == later.page

    def test_guessed_passwords_raise_an_alarm(self, make_portal: Make) -> None:
        """
        When the whole site's passwords are guessed at, the operator hears of it once,
        and nobody is refused for it.
        """
        throttle = ThrottlePolicy(site_passwords=Budget(10, HOUR))
        portal = make_portal(policy=Policy.uness(throttle=throttle))
        addresses = students(portal, 12)
        for number, address in enumerate(addresses):
            assert COMPARED == elsewhere(portal, number).sign_in(address, WRONG).status

        kinds = [event.kind for event in portal.events.events]
        assert 1 == kinds.count(EventKind.ALARM_RAISED)
        last = elsewhere(portal, 99)
        last.sign_in(addresses[0], PASSWORD)
        assert last.account is not None

    def test_a_year_of_guessing_codes(self) -> None:
        """
        Whoever guesses codes of the whole site all year may expect one to be right.
        """
        a_day = min(one.most for one in POLICY.throttle.site_codes if one.per == DAY)
        expected = 365 * a_day / 10**POLICY.code.digits

        assert 0.9 < expected < 1.2
