"""
Frozen numbers that say how strict: every lifetime and limit stands here, once.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Self

import attrs

from .blocklist import is_too_common
from .errors import ConfigurationError
from .model import OrderKind


SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

# CNIL 2022-100, case 2, and NIST SP 800-63B-4, 4.2.1.2: a link in a mail lives one
# day at most.
LONGEST_LINK: Final = DAY
LONGEST_CODE: Final = timedelta(minutes=10)
# Codes tried, or mails sent, of one account: five times what anybody was seen to need.
MOST_IN_A_DAY: Final = 100

# An intrusion is found out within a month, or much later; CNIL 2021-122: three years.
SHORTEST_KEPT: Final = 30 * DAY
LONGEST_KEPT: Final = 3 * 366 * DAY

# In one cookie, which travels with every request: 92 bytes each.
MOST_DEVICE_ACCOUNTS: Final = 16

# In UTF-8.  Of a longer text not one byte is hashed, whoever typed it.
MOST_HASHED_BYTES: Final = 1024
BYTES_PER_CHARACTER: Final = 4

LETTERS_AND_DIGITS: Final = frozenset(string.ascii_letters + string.digits)

DOMAIN: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)

# Universities that train for health, their students' domains, teaching hospitals, the
# regional agencies, and where people in France have their own mail.  The universities
# but univ-rennes.fr are in swot (github.com/leereilly/swot, MIT); students' domains and
# hospitals were written down from memory.  One that is missing or has moved costs a
# suggestion, nothing else.
KNOWN_DOMAINS: Final = tuple(
    """
    univ-amu.fr etu.univ-amu.fr u-picardie.fr etud.u-picardie.fr univ-angers.fr
    etud.univ-angers.fr univ-antilles.fr univ-fcomte.fr edu.univ-fcomte.fr
    u-bordeaux.fr etu.u-bordeaux.fr univ-brest.fr unicaen.fr etu.unicaen.fr uca.fr
    etu.uca.fr univ-corse.fr u-bourgogne.fr etu.u-bourgogne.fr univ-grenoble-alpes.fr
    etu.univ-grenoble-alpes.fr univ-reunion.fr univ-lille.fr unilim.fr etu.unilim.fr
    univ-lyon1.fr etu.univ-lyon1.fr umontpellier.fr etu.umontpellier.fr
    univ-lorraine.fr etu.univ-lorraine.fr univ-nantes.fr etu.univ-nantes.fr
    univ-cotedazur.fr etu.univ-cotedazur.fr univ-orleans.fr etu.univ-orleans.fr
    u-paris.fr etu.u-paris.fr sorbonne-universite.fr etu.sorbonne-universite.fr
    univ-paris13.fr edu.univ-paris13.fr universite-paris-saclay.fr u-pec.fr
    etu.u-pec.fr uvsq.fr ens.uvsq.fr univ-poitiers.fr etu.univ-poitiers.fr
    univ-reims.fr etudiant.univ-reims.fr univ-rennes.fr univ-rouen.fr
    etu.univ-rouen.fr univ-st-etienne.fr etu.univ-st-etienne.fr unistra.fr
    etu.unistra.fr univ-toulouse.fr univ-tlse3.fr univ-tours.fr etu.univ-tours.fr
    aphp.fr ap-hm.fr chu-amiens.fr chu-angers.fr chu-bordeaux.fr chu-brest.fr
    chu-caen.fr chu-dijon.fr chu-grenoble.fr chu-lille.fr chu-limoges.fr chu-lyon.fr
    chu-montpellier.fr chu-nantes.fr chu-nice.fr chu-poitiers.fr chu-reims.fr
    chu-rennes.fr chu-rouen.fr chu-toulouse.fr chu-tours.fr ars.sante.fr
    gmail.com googlemail.com outlook.com outlook.fr hotmail.com hotmail.fr live.com
    live.fr msn.com yahoo.com yahoo.fr ymail.com icloud.com me.com mac.com
    protonmail.com proton.me pm.me orange.fr wanadoo.fr free.fr sfr.fr neuf.fr bbox.fr
    laposte.net numericable.fr gmx.com gmx.fr aol.com mail.com
    """.split()  # noqa: SIM905 - one to a line, nobody would read the policies below
)


def _refuse(msg: str) -> None:
    raise ConfigurationError(msg)


@attrs.frozen(kw_only=True)
class AddressPolicy:
    """
    What a mistyped address is taken for.

    Attributes:
        known_domains:
            The domains that the people of this site write from, as they stand in
            canonical addresses.  An unknown address one slip away from exactly one of
            them is told « Vouliez-vous dire … ? »; without any, nothing is suggested.
            The default suits health in France: a site elsewhere names its own.

    Raises:
        uness_auth.errors.ConfigurationError:
            If a text stands where a list is needed, or a domain is not canonical.
    """

    known_domains: tuple[str, ...] = KNOWN_DOMAINS

    def __attrs_post_init__(self) -> None:
        if isinstance(self.known_domains, str):
            _refuse(
                f"AddressPolicy(known_domains={self.known_domains!r}) is one text, a "
                f"tuple is needed: write known_domains=({self.known_domains!r},)"
            )
        for domain in self.known_domains:
            if not DOMAIN.fullmatch(domain):
                _refuse(
                    f"AddressPolicy(known_domains=) holds {domain!r}: write a domain "
                    f"as univ-exemple.fr, in lower case, without the @, an "
                    f"international name in its xn-- form"
                )


@attrs.frozen(kw_only=True)
class PasswordPolicy:
    """
    What a new password must be.  Never applied at sign-in.

    Attributes:
        min_length, max_length: In characters, both included.

        needs_uppercase, needs_lowercase, needs_digit, needs_special:
            Whether one of A-Z, a-z, 0-9 or *specials* must be there.

        specials: The special characters that count.

        is_closed: Whether nothing but letters, digits and *specials* is allowed.

        has_blocklist: Whether common passwords and the person's own words are refused.

    Raises:
        uness_auth.errors.ConfigurationError:
            If fewer than 8 characters are enough, more than can be hashed are
            allowed, or a rule cannot be met.

    Source:
        The UNESS tutorial, S5; deviations D1 and D2.
    """

    min_length: int = 8
    max_length: int = 50
    needs_uppercase: bool = True
    needs_lowercase: bool = True
    needs_digit: bool = True
    needs_special: bool = True
    specials: str = "![]{}()%$#@|+-_"
    is_closed: bool = True
    has_blocklist: bool = True

    def __attrs_post_init__(self) -> None:
        if self.min_length < 8:  # noqa: PLR2004 - CNIL and NIST: never fewer
            _refuse(
                f"PasswordPolicy(min_length={self.min_length}) can be guessed: "
                f"8 is the least"
            )
        # A longer one would be set, and never looked at when its owner signs in.
        longest = MOST_HASHED_BYTES // (1 if self.is_closed else BYTES_PER_CHARACTER)
        if not self.min_length <= self.max_length <= longest:
            _refuse(
                f"PasswordPolicy(max_length={self.max_length}) leaves no password, or "
                f"some too long to be hashed: give at least "
                f"min_length={self.min_length} and at most {longest}"
            )
        if not re.fullmatch(r"[!-/:-@\[-`{-~]*", self.specials):
            _refuse(
                "PasswordPolicy(specials=) holds something else than ASCII "
                "punctuation: letters, digits and spaces have rules of their own"
            )
        if self.needs_special and not self.specials:
            _refuse(
                "PasswordPolicy(needs_special=True, specials='') cannot be met: "
                "name the characters or set needs_special=False"
            )

    def unmet(self, text: str, *, about: Sequence[str] = ()) -> tuple[str, ...]:
        """
        Return the names of the rules that *text* breaks; empty: acceptable.

        Args:
            text: The password as typed.  Nothing is stripped or normalised.

            about: The person's own words: name, address.

        Returns:
            Among ``too_short too_long no_uppercase no_lowercase no_digit no_special
            forbidden_character too_common``, in this order.  Only a text of the
            right length is called too common.  Never raises on input.
        """
        checks = (
            ("too_short", len(text) < self.min_length),
            ("too_long", len(text) > self.max_length),
            ("no_uppercase", self.needs_uppercase and not re.search("[A-Z]", text)),
            ("no_lowercase", self.needs_lowercase and not re.search("[a-z]", text)),
            ("no_digit", self.needs_digit and not re.search("[0-9]", text)),
            ("no_special", self.needs_special and not self._has_special(text)),
            ("forbidden_character", not self._is_allowed(text)),
            ("too_common", self.has_blocklist and self._is_common(text, about)),
        )
        return tuple(name for name, is_broken in checks if is_broken)

    def _has_special(self, text: str) -> bool:
        return not set(self.specials).isdisjoint(text)

    def _is_allowed(self, text: str) -> bool:
        if not self.is_closed:
            # Lone surrogates and NUL cannot be stored or hashed anywhere.
            return not re.search("[\x00\ud800-\udfff]", text)
        return LETTERS_AND_DIGITS.union(self.specials).issuperset(text)

    def _is_common(self, text: str, about: Sequence[str]) -> bool:
        # Refused for its length, it need not be called common too, nor be looked at.
        has_length = self.min_length <= len(text) <= self.max_length
        return has_length and is_too_common(text, about=about)


@attrs.frozen(kw_only=True)
class LinkPolicy:
    """
    How long mailed links work.

    Attributes:
        first_lifetime: Of the link that creates a first password.

        reset_lifetime: Of the link that replaces one.

        leeway: By how much two of our own clocks may disagree.

    Raises:
        uness_auth.errors.ConfigurationError:
            If a lifetime is under a minute, over 24 hours, or not whole minutes.

    Source:
        CNIL 2022-100 and NIST SP 800-63B-4, 4.2.1.2: at most 24 hours.
    """

    first_lifetime: timedelta = DAY
    reset_lifetime: timedelta = HOUR
    leeway: timedelta = MINUTE

    def __attrs_post_init__(self) -> None:
        for name in ("first_lifetime", "reset_lifetime"):
            lifetime = getattr(self, name)
            if not MINUTE <= lifetime <= LONGEST_LINK or lifetime % MINUTE:
                _refuse(
                    f"LinkPolicy({name}={lifetime}): give whole minutes, from one "
                    f"minute to 24 hours"
                )
        if not timedelta(0) <= self.leeway <= 5 * MINUTE:
            _refuse(f"LinkPolicy(leeway={self.leeway}): give 0 to 5 minutes")

    def lifetime(self, kind: OrderKind, /) -> timedelta:
        """
        Return how long a link of *kind* works.
        """
        if kind.is_first:
            return self.first_lifetime
        return self.reset_lifetime


@attrs.frozen(kw_only=True)
class CodePolicy:
    """
    How sign-in codes are made and how long they work.

    Attributes:
        is_offered: Whether one may sign in by code at all.

        digits: Number of digits, 6 to 8.

        lifetime: How long a code works, counted from when it was last sent.

        window: How long the same code may be asked for again.

        attempts: Tries before the challenge is thrown away.

        pause: How long after one mail the same code may be asked for again.

    Raises:
        uness_auth.errors.ConfigurationError:
            If guessing would succeed more than once in 10,000 challenges, the
            lifetime is over 10 minutes, or the window is shorter than the lifetime.

    Source:
        NIST SP 800-63B-4, 3.1.3: at most 10 minutes; deviation D6 for the window.
    """

    is_offered: bool = True
    digits: int = 6
    lifetime: timedelta = 3 * MINUTE
    window: timedelta = 15 * MINUTE
    attempts: int = 5
    pause: timedelta = MINUTE

    def __attrs_post_init__(self) -> None:
        if not 6 <= self.digits <= 8:  # noqa: PLR2004 - fewer are guessed, HOTP has no more
            _refuse(f"CodePolicy(digits={self.digits}): choose 6, 7 or 8")
        if self.attempts < 1 or self.attempts * 10_000 > 10**self.digits:
            _refuse(
                f"CodePolicy(digits={self.digits}, attempts={self.attempts}) can be "
                f"guessed or never used: give 1 to {10 ** (self.digits - 4)} attempts"
            )
        if not 30 * SECOND <= self.lifetime <= LONGEST_CODE or self.lifetime % SECOND:
            _refuse(
                f"CodePolicy(lifetime={self.lifetime}): give whole seconds, from 30 "
                f"seconds to 10 minutes"
            )
        if not self.lifetime <= self.window <= HOUR:
            _refuse(
                f"CodePolicy(window={self.window}): give at least the lifetime, "
                f"{self.lifetime}, and at most one hour"
            )
        if not SECOND <= self.pause <= self.window:
            _refuse(
                f"CodePolicy(pause={self.pause}): give at least a second and at most "
                f"the window, {self.window}"
            )


@attrs.frozen(kw_only=True)
class SessionPolicy:
    """
    How long sessions last.

    Attributes:
        idle, absolute: Without « Se souvenir de moi ».

        remembered_idle, remembered_absolute: With it; deviation D7.

        touch_interval: How often the use of a session is written down.

        recent: How long a proof of who one is counts as recent authentication.

    Raises:
        uness_auth.errors.ConfigurationError:
            If an idle limit is over its absolute one, or under the touch interval,
            a session would outlive 30 days, or a proof of an hour ago be recent.
    """

    idle: timedelta = 2 * HOUR
    absolute: timedelta = 12 * HOUR
    remembered_idle: timedelta = 14 * DAY
    remembered_absolute: timedelta = 30 * DAY
    touch_interval: timedelta = MINUTE
    recent: timedelta = 10 * MINUTE

    def __attrs_post_init__(self) -> None:
        if not MINUTE <= self.recent <= HOUR:
            _refuse(f"SessionPolicy(recent={self.recent}): give one minute to one hour")
        if self.touch_interval < SECOND:
            _refuse(
                f"SessionPolicy(touch_interval={self.touch_interval}) writes at every "
                f"request: give a second or more"
            )
        for idle, absolute in (
            (self.idle, self.absolute),
            (self.remembered_idle, self.remembered_absolute),
        ):
            if not self.touch_interval < idle <= absolute <= 30 * DAY:
                _refuse(
                    f"SessionPolicy with idle {idle} and absolute {absolute}: the idle "
                    f"limit lies over touch_interval={self.touch_interval} and not "
                    f"over the absolute one, which is 30 days at most"
                )

    @property
    def may_remember(self) -> bool:
        """
        Whether « Se souvenir de moi » makes a session longer; if not, it is not asked.
        """
        return (
            self.remembered_idle > self.idle or self.remembered_absolute > self.absolute
        )


@attrs.frozen
class Budget:
    """
    At most *most* within *per*, which is a day at most.
    """

    most: int
    per: timedelta

    def __attrs_post_init__(self) -> None:
        if self.most < 1 or not SECOND <= self.per <= DAY:
            _refuse(
                f"Budget({self.most}, {self.per}): give at least 1, per one second to "
                f"24 hours"
            )


_ACCOUNT_BUDGETS: Final = (
    *("codes", "link_mails", "code_mails"),
    *("device_codes", "device_link_mails", "device_code_mails"),
)


@attrs.frozen(kw_only=True)
class ThrottlePolicy:
    """
    How much may be tried and mailed.

    Attributes:
        free_passwords: Wrong passwords of one account before the first wait.

        first_wait, longest_wait: The wait doubles from the one to the other.

        passwords_per_day: Wrong passwords of one account in any 24 hours.

        passwords_in_a_row: Wrong ones without a success that suspend the password.

        codes: Wrong codes of one account over all its challenges.

        link_mails, code_mails: Mails to one account.

        network_passwords, network_codes, network_unknown, network_mails:
            Of one network; the first three count failures only.

        site_codes: Wrong codes of the whole site; beyond it sign-in by code pauses
            for browsers that are no known device.

        site_unknown, site_unknown_pause: Unknown addresses of the whole site; beyond
            it one page serves every address for so long.

        site_passwords: Wrong passwords of the whole site, beyond which an alarm is
            raised; nothing is refused.

        device_kept, device_accounts: How long a known device is one, and for how many
            accounts.

        device_passwords_per_day, device_codes, device_link_mails, device_code_mails:
            Of one known device for one account, in the place of the account's.

        trusted_network_factor: What the budgets of a campus are multiplied by.

        tells_unknown: Whether an unknown address is told; deviation D5.

        for_development_only:
            Lets the budgets of accounts be weak, for tests; refused by `UnessAuth`
            anywhere but on a loopback address.

    Source:
        CNIL 2022-100, case 2: over a minute after 5 failures, 25 per 24 hours.
        NIST SP 800-63B-4, 3.2.2: 100 in a row.
    """

    free_passwords: int = 4
    first_wait: timedelta = 65 * SECOND
    longest_wait: timedelta = HOUR
    passwords_per_day: int = 25
    passwords_in_a_row: int = 100
    codes: tuple[Budget, ...] = (Budget(10, HOUR), Budget(20, DAY))
    link_mails: tuple[Budget, ...] = (
        Budget(1, MINUTE),
        Budget(3, 15 * MINUTE),
        Budget(5, HOUR),
        Budget(10, DAY),
    )
    code_mails: tuple[Budget, ...] = (Budget(5, HOUR), Budget(10, DAY))
    network_passwords: Budget = Budget(100, 10 * MINUTE)
    network_codes: Budget = Budget(50, 10 * MINUTE)
    network_unknown: Budget = Budget(30, 10 * MINUTE)
    network_mails: Budget = Budget(600, HOUR)
    site_codes: tuple[Budget, ...] = (Budget(1_000, HOUR), Budget(3_000, DAY))
    site_unknown: Budget = Budget(1_000, 10 * MINUTE)
    site_unknown_pause: timedelta = 15 * MINUTE
    site_passwords: Budget = Budget(3_000, HOUR)
    device_kept: timedelta = 180 * DAY
    device_accounts: int = 8
    device_passwords_per_day: int = 10
    device_codes: tuple[Budget, ...] = (Budget(10, DAY),)
    device_link_mails: tuple[Budget, ...] = (Budget(1, MINUTE), Budget(10, DAY))
    device_code_mails: tuple[Budget, ...] = (Budget(10, DAY),)
    trusted_network_factor: int = 20
    tells_unknown: bool = True
    for_development_only: bool = False

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.free_passwords <= 9:  # noqa: PLR2004 - CNIL: a wait after 5, a lock after 10
            _refuse(
                f"ThrottlePolicy(free_passwords={self.free_passwords}): give 0 to 9"
            )
        if not MINUTE <= self.first_wait <= self.longest_wait <= HOUR:
            _refuse(
                f"ThrottlePolicy(first_wait={self.first_wait}, "
                f"longest_wait={self.longest_wait}): the first is a minute at least, "
                f"the longest an hour at most"
            )
        if not 1 <= self.passwords_per_day <= 25:  # noqa: PLR2004 - CNIL 2022-100
            _refuse(
                f"ThrottlePolicy(passwords_per_day={self.passwords_per_day}): give 1 "
                f"to 25"
            )
        if not 1 <= self.passwords_in_a_row <= 100:  # noqa: PLR2004 - NIST 3.2.2
            _refuse(
                f"ThrottlePolicy(passwords_in_a_row={self.passwords_in_a_row}): give "
                f"1 to 100"
            )
        if self.trusted_network_factor < 1:
            _refuse(
                f"ThrottlePolicy(trusted_network_factor={self.trusted_network_factor})"
                f": give 1 or more"
            )
        if not MINUTE <= self.site_unknown_pause <= HOUR:
            _refuse(
                f"ThrottlePolicy(site_unknown_pause={self.site_unknown_pause}): give "
                f"one minute to one hour"
            )
        self._check_devices()
        for name in _ACCOUNT_BUDGETS:
            self._check_budgets(name, getattr(self, name))
        if not self.site_codes:
            _refuse("ThrottlePolicy(site_codes=) is empty: give at least one Budget")

    def _check_devices(self) -> None:
        if not DAY <= self.device_kept <= 366 * DAY:
            _refuse(
                f"ThrottlePolicy(device_kept={self.device_kept}): give one day to a "
                f"year"
            )
        if not 1 <= self.device_accounts <= MOST_DEVICE_ACCOUNTS:
            _refuse(
                f"ThrottlePolicy(device_accounts={self.device_accounts}): give 1 to "
                f"{MOST_DEVICE_ACCOUNTS}"
            )
        if not 1 <= self.device_passwords_per_day <= 25:  # noqa: PLR2004 - CNIL 2022-100
            _refuse(
                f"ThrottlePolicy(device_passwords_per_day="
                f"{self.device_passwords_per_day}): give 1 to 25"
            )

    def _check_budgets(self, name: str, budgets: tuple[Budget, ...]) -> None:
        if not budgets:
            _refuse(f"ThrottlePolicy({name}=) is empty: give at least one Budget")
        in_a_day = min(budget.most * (DAY / budget.per) for budget in budgets)
        if in_a_day > MOST_IN_A_DAY and not self.for_development_only:
            _refuse(
                f"ThrottlePolicy({name}=) lets {in_a_day:.0f} through in a day: give a "
                f"Budget that lets at most {MOST_IN_A_DAY} through"
            )


@attrs.frozen(kw_only=True)
class EventPolicy:
    """
    How long events are kept, where there is a store for them.

    Attributes:
        kept: What became of an account: its mails, links, passwords, sign-ins.

        attempts_kept:
            What came to nothing, and may have been anybody's, with the network that it
            came from: see `uness_auth.events.ATTEMPTS`.

    Raises:
        uness_auth.errors.ConfigurationError:
            If less than a month is kept, when an intrusion is still being found out,
            or more than three years.

    Source:
        CNIL 2021-122: six months to one year; up to three where that is justified.
    """

    kept: timedelta = 365 * DAY
    attempts_kept: timedelta = 183 * DAY

    def __attrs_post_init__(self) -> None:
        if not SHORTEST_KEPT <= self.attempts_kept <= self.kept <= LONGEST_KEPT:
            _refuse(
                f"EventPolicy(kept={self.kept}, attempts_kept={self.attempts_kept}): "
                f"give 30 days at least and three years at most, and keep attempts no "
                f"longer than the rest"
            )


@attrs.frozen(kw_only=True)
class HashingPolicy:
    """
    What a password hash costs, and how many run at once.

    Attributes:
        memory_cost: KiB per hash.

        memory_budget: Bytes for all processes of the site together.

        queue_per_slot: How many may wait for each slot.

        longest_wait: How long they wait before `uness_auth.outcomes.Busy`.

        largest_memory_cost, largest_time_cost, largest_parallelism:
            A stored hash that asks for more is refused, not obeyed.

    Source:
        RFC 9106, 4 (the low-memory profile); `HashingPolicy.small`: OWASP.
    """

    memory_cost: int = 65_536
    time_cost: int = 3
    parallelism: int = 4
    memory_budget: int = 256 * 1024 * 1024
    queue_per_slot: int = 8
    longest_wait: timedelta = 5 * SECOND
    largest_memory_cost: int = 262_144
    largest_time_cost: int = 10
    largest_parallelism: int = 8

    def __attrs_post_init__(self) -> None:
        # OWASP's equivalent settings: less memory asks for more passes.
        floor = {1: 47_104, 2: 19_456}.get(self.time_cost, 12_288)
        if self.time_cost < 1 or self.memory_cost < floor:
            _refuse(
                f"HashingPolicy(memory_cost={self.memory_cost}, "
                f"time_cost={self.time_cost}) is too cheap to attack: use "
                f"HashingPolicy() or HashingPolicy.small()"
            )
        if (
            self.memory_cost > self.largest_memory_cost
            or self.time_cost > self.largest_time_cost
            or not 1 <= self.parallelism <= self.largest_parallelism
        ):
            _refuse(
                f"HashingPolicy(memory_cost={self.memory_cost}, "
                f"time_cost={self.time_cost}, parallelism={self.parallelism}): give at "
                f"least one lane, and no more than its own ceilings "
                f"{self.largest_memory_cost}, {self.largest_time_cost}, "
                f"{self.largest_parallelism}"
            )
        if self.queue_per_slot < 0 or self.longest_wait < timedelta(0):
            _refuse("HashingPolicy(queue_per_slot=, longest_wait=) are not negative")

    @classmethod
    def small(cls) -> Self:
        """
        Return OWASP's setting for small machines: 19 MiB, two passes, one lane.
        """
        return cls(memory_cost=19_456, time_cost=2, parallelism=1)


@attrs.frozen(kw_only=True)
class AccountPolicy:
    """
    What becomes of accounts that a registrar closes and opens again.

    Attributes:
        reopened_with_password:
            Whether an account that is opened again keeps the password of before.  By
            default it is mailed a new first link: a year later nobody knows who else
            knows the old one.
    """

    reopened_with_password: bool = False


@attrs.frozen(kw_only=True)
class Policy:
    """
    All of it.  `uness` is the tutorial's, `strict` the standards' own.
    """

    address: AddressPolicy = AddressPolicy()
    password: PasswordPolicy = PasswordPolicy()
    link: LinkPolicy = LinkPolicy()
    code: CodePolicy = CodePolicy()
    session: SessionPolicy = SessionPolicy()
    throttle: ThrottlePolicy = ThrottlePolicy()
    hashing: HashingPolicy = HashingPolicy()
    account: AccountPolicy = AccountPolicy()
    events: EventPolicy = EventPolicy()

    @classmethod
    def uness(
        cls,
        *,
        address: AddressPolicy | None = None,
        password: PasswordPolicy | None = None,
        link: LinkPolicy | None = None,
        code: CodePolicy | None = None,
        session: SessionPolicy | None = None,
        throttle: ThrottlePolicy | None = None,
        hashing: HashingPolicy | None = None,
        account: AccountPolicy | None = None,
        events: EventPolicy | None = None,
    ) -> Self:
        """
        Return the tutorial's policy, with the parts given in place of its own.
        """
        return cls(
            address=address or AddressPolicy(),
            password=password or PasswordPolicy(),
            link=link or LinkPolicy(),
            code=code or CodePolicy(),
            session=session or SessionPolicy(),
            throttle=throttle or ThrottlePolicy(),
            hashing=hashing or HashingPolicy(),
            account=account or AccountPolicy(),
            events=events or EventPolicy(),
        )

    @classmethod
    def strict(
        cls,
        *,
        address: AddressPolicy | None = None,
        password: PasswordPolicy | None = None,
        link: LinkPolicy | None = None,
        code: CodePolicy | None = None,
        session: SessionPolicy | None = None,
        throttle: ThrottlePolicy | None = None,
        hashing: HashingPolicy | None = None,
        account: AccountPolicy | None = None,
        events: EventPolicy | None = None,
    ) -> Self:
        """
        Return what the standards ask for, with the parts given in place of its own.

        Passwords of 15 to 128 characters without composition rules, one page for
        every address, no renewed code, no session that outlives the day.  Asks for
        an `uness_auth.ports.OrderQueue`.

        Source:
            NIST SP 800-63B-4, 3.1.1.2; ASVS 5.0, 6.2.5, 6.2.9, 6.3.8, 6.5.5.
        """
        return cls.uness(
            address=address,
            password=password
            or PasswordPolicy(
                min_length=15,
                max_length=128,
                needs_uppercase=False,
                needs_lowercase=False,
                needs_digit=False,
                needs_special=False,
                is_closed=False,
            ),
            link=link,
            # The pause is as long as the code lives: it is never renewed.
            code=code
            or CodePolicy(lifetime=10 * MINUTE, window=10 * MINUTE, pause=10 * MINUTE),
            session=session
            or SessionPolicy(
                idle=30 * MINUTE,
                remembered_idle=30 * MINUTE,
                remembered_absolute=12 * HOUR,
            ),
            throttle=throttle or ThrottlePolicy(tells_unknown=False),
            hashing=hashing,
            account=account,
            events=events,
        )
