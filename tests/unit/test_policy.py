from __future__ import annotations

import string
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import policy
from uness_auth.addresses import canonical
from uness_auth.errors import ConfigurationError
from uness_auth.model import OrderKind
from uness_auth.policy import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    AccountPolicy,
    AddressPolicy,
    Budget,
    CodePolicy,
    EventPolicy,
    HashingPolicy,
    LinkPolicy,
    PasswordPolicy,
    Policy,
    SessionPolicy,
    ThrottlePolicy,
)


# The tutorial's fifteen, as it prints them.
SPECIALS = "![]{}()%$#@|+-_"

# Breaks no rule, and may be cut or lengthened.
GOOD = "xK9!mTq2(wLr"

RULES = (
    "too_short",
    "too_long",
    "no_uppercase",
    "no_lowercase",
    "no_digit",
    "no_special",
    "forbidden_character",
    "too_common",
)

MOMENT = timedelta(microseconds=1)

TYPED_TEXTS = st.text() | st.text(
    alphabet=string.ascii_letters + string.digits + SPECIALS, max_size=60
)


def only(policy: PasswordPolicy, text: str) -> str:
    """
    Return the one rule that *text* breaks, or all of them.
    """
    return " ".join(policy.unmet(text))


def shown(one: partial[object] | str) -> str:
    """
    Name a case by what is made in it.
    """
    return one if isinstance(one, str) else str(one).partition("policy.")[2]


class TestUnmet:
    @pytest.mark.parametrize(
        ("password", "expected"),
        [
            (GOOD, ""),
            ("xK9!mTq", "too_short"),
            ("xK9!mTq2", ""),
            (GOOD * 4 + "xK", ""),
            (GOOD * 4 + "xK9", "too_long"),
            ("xk9!mtq2(wlr", "no_uppercase"),
            ("XK9!MTQ2(WLR", "no_lowercase"),
            ("xKn!mTqz(wLr", "no_digit"),
            ("xK9bmTq2cwLr", "no_special"),
            ("xK9!mTq2 wLr", "forbidden_character"),
            ("xK9!mTq2(wLr\n", "forbidden_character"),
            ("xK9!mTq2*wLr", "forbidden_character"),
            ("xK9!mTq2(wLé", "forbidden_character"),
            ("xK9!mTq2(wL\0", "forbidden_character"),
            ("xK9!mTq2(wL\ud800", "forbidden_character"),
            ("Soleil59!", "too_common"),
        ],
    )
    def test_each_rule_is_named_alone(self, password: str, expected: str) -> None:
        """
        A password that breaks one rule is told that one; 8 and 50 are both included.
        """
        assert expected == only(PasswordPolicy(), password)

    @pytest.mark.parametrize(
        ("password", "expected"),
        [
            ("", ("too_short", *RULES[2:6])),
            ("É", ("too_short", *RULES[2:7])),
            ("\u212a" * 51, ("too_long", *RULES[2:7])),
            ("sol eil9999", ("no_uppercase", "no_special", *RULES[6:])),
        ],
    )
    def test_all_are_named_at_once_in_order(
        self, password: str, expected: tuple[str, ...]
    ) -> None:
        """
        Nobody mends one rule to be told of the next.
        """
        assert expected == PasswordPolicy().unmet(password)

    @pytest.mark.parametrize("mark", SPECIALS)
    def test_each_of_the_fifteen_counts(self, mark: str) -> None:
        """
        Any one of the tutorial's special characters is allowed and enough.
        """
        assert () == PasswordPolicy().unmet(f"xK9bmTq2{mark}wLr")

    @pytest.mark.parametrize(
        "mark", sorted({*string.punctuation, *" \t\x7f\u00a0£§é"} - set(SPECIALS))
    )
    def test_no_other_special_is_allowed(self, mark: str) -> None:
        """
        Other characters are refused, and none counts as a special one.
        """
        unmet = PasswordPolicy().unmet(f"xK9bmTq2{mark}wLr")

        assert ("no_special", "forbidden_character") == unmet

    @pytest.mark.parametrize("digit", ["٣", "²", "\uff13", "Ⅷ", "½"])
    def test_only_ascii_counts(self, digit: str) -> None:
        """
        A digit is one of 0-9, a letter one of A-Z and a-z, as the page says.
        """
        assert "no_digit" in PasswordPolicy().unmet(f"xKn!mTqz({digit}")
        assert "no_uppercase" in PasswordPolicy().unmet(f"xÉ9!(mtq{digit}")

    def test_own_words_are_too_common(self) -> None:
        """
        *about* reaches the blocklist.
        """
        rules = PasswordPolicy()

        assert () == rules.unmet("Qivraxo!2905")
        assert ("too_common",) == rules.unmet("Qivraxo!2905", about=["Ana Qivraxo"])

    def test_rules_may_be_left_out(self) -> None:
        """
        What is not asked for is not told.
        """
        rules = PasswordPolicy(
            needs_uppercase=False,
            needs_lowercase=False,
            needs_digit=False,
            needs_special=False,
            is_closed=False,
            has_blocklist=False,
        )

        assert () == rules.unmet("        ")
        assert ("too_short",) == rules.unmet("       ")
        assert ("forbidden_character",) == rules.unmet("nul \0 inside")
        assert ("forbidden_character",) == rules.unmet("lone \udfff surrogate")

    @pytest.mark.parametrize("text", ["a" * 1_000_000, "\ufdfa" * 1_000_000])
    def test_a_flood_is_refused(self, text: str) -> None:
        """
        A million characters are too long, and never looked up.
        """
        unmet = PasswordPolicy().unmet(text)

        assert "too_long" in unmet
        assert "too_common" not in unmet

    @given(TYPED_TEXTS, st.lists(st.text() | st.emails(), max_size=2))
    def test_nothing_unmet_means_that_every_rule_holds(
        self, text: str, about: list[str]
    ) -> None:
        """
        Never raises; names are known, in order; none is left out.
        """
        unmet = PasswordPolicy().unmet(text, about=about)

        assert unmet == tuple(name for name in RULES if name in unmet)
        assert ("too_short" in unmet) == (len(text) < 8)
        assert ("too_long" in unmet) == (len(text) > 50)
        for name, marks in (
            ("no_uppercase", string.ascii_uppercase),
            ("no_lowercase", string.ascii_lowercase),
            ("no_digit", string.digits),
            ("no_special", SPECIALS),
        ):
            assert (name in unmet) == (not any(mark in marks for mark in text))
        allowed = string.ascii_letters + string.digits + SPECIALS
        assert ("forbidden_character" in unmet) == bool(set(text) - set(allowed))

    @given(TYPED_TEXTS)
    def test_the_strict_rules_never_raise(self, text: str) -> None:
        """
        Without composition rules only length, common words and NUL are told.
        """
        expected = {"too_short", "too_long", "forbidden_character", "too_common"}

        assert set(Policy.strict().password.unmet(text)) <= expected


class TestDefaults:
    def test_password(self) -> None:
        """
        The tutorial's six rules, and the blocklist.
        """
        rules = PasswordPolicy()

        assert (8, 50, SPECIALS) == (rules.min_length, rules.max_length, rules.specials)
        assert 15 == len(set(rules.specials))
        assert {True} == {
            rules.needs_uppercase,
            rules.needs_lowercase,
            rules.needs_digit,
            rules.needs_special,
            rules.is_closed,
            rules.has_blocklist,
        }

    def test_link(self) -> None:
        """
        24 hours for the first link, one for a reset, a minute between clocks.
        """
        expected = LinkPolicy(
            first_lifetime=timedelta(hours=24),
            reset_lifetime=timedelta(hours=1),
            leeway=timedelta(seconds=60),
        )
        assert expected == LinkPolicy()

    def test_code(self) -> None:
        """
        6 digits, 3 minutes, 15 minutes to ask again, 5 tries, one mail a minute.
        """
        expected = CodePolicy(
            is_offered=True,
            digits=6,
            lifetime=timedelta(minutes=3),
            window=timedelta(minutes=15),
            attempts=5,
            pause=timedelta(seconds=60),
        )
        assert expected == CodePolicy()

    def test_session(self) -> None:
        """
        2 and 12 hours, 14 and 30 days when remembered, written once a minute.
        """
        expected = SessionPolicy(
            idle=timedelta(hours=2),
            absolute=timedelta(hours=12),
            remembered_idle=timedelta(days=14),
            remembered_absolute=timedelta(days=30),
            touch_interval=timedelta(minutes=1),
        )
        assert expected == SessionPolicy()

    def test_throttle(self) -> None:
        """
        The numbers of the threat model, one by one.
        """
        expected = ThrottlePolicy(
            free_passwords=4,
            first_wait=timedelta(seconds=65),
            longest_wait=timedelta(hours=1),
            passwords_per_day=25,
            passwords_in_a_row=100,
            codes=(Budget(10, timedelta(hours=1)), Budget(20, timedelta(hours=24))),
            link_mails=(
                Budget(1, timedelta(seconds=60)),
                Budget(3, timedelta(minutes=15)),
                Budget(5, timedelta(hours=1)),
                Budget(10, timedelta(hours=24)),
            ),
            code_mails=(Budget(5, timedelta(hours=1)), Budget(10, timedelta(days=1))),
            network_passwords=Budget(100, timedelta(minutes=10)),
            network_codes=Budget(50, timedelta(minutes=10)),
            network_unknown=Budget(30, timedelta(minutes=10)),
            network_mails=Budget(600, timedelta(hours=1)),
            site_codes=(
                Budget(1_000, timedelta(hours=1)),
                Budget(3_000, timedelta(hours=24)),
            ),
            site_unknown=Budget(1_000, timedelta(minutes=10)),
            site_unknown_pause=timedelta(minutes=15),
            site_passwords=Budget(3_000, timedelta(hours=1)),
            device_kept=timedelta(days=180),
            device_accounts=8,
            device_passwords_per_day=10,
            device_codes=(Budget(10, timedelta(hours=24)),),
            device_link_mails=(
                Budget(1, timedelta(seconds=60)),
                Budget(10, timedelta(hours=24)),
            ),
            device_code_mails=(Budget(10, timedelta(hours=24)),),
            trusted_network_factor=20,
            tells_unknown=True,
        )
        assert expected == ThrottlePolicy()

    def test_events(self) -> None:
        """
        A year, and six months of what may have been anybody's: CNIL 2021-122.
        """
        expected = EventPolicy(kept=365 * DAY, attempts_kept=183 * DAY)
        assert expected == EventPolicy()

    def test_hashing(self) -> None:
        """
        RFC 9106's low-memory profile within 256 MiB; OWASP's for small machines.
        """
        rules, small = HashingPolicy(), HashingPolicy.small()

        expected = (65_536, 3, 4)
        assert expected == (rules.memory_cost, rules.time_cost, rules.parallelism)
        assert 256 * 2**20 == rules.memory_budget
        assert (8, 5 * SECOND) == (rules.queue_per_slot, rules.longest_wait)
        expected = (262_144, 10, 8)
        assert expected == (
            rules.largest_memory_cost,
            rules.largest_time_cost,
            rules.largest_parallelism,
        )
        expected = (19_456, 2, 1)
        assert expected == (small.memory_cost, small.time_cost, small.parallelism)


class TestLifetime:
    def test_is_that_of_the_kind(self) -> None:
        """
        A first link and a reset link each live as long as their field says.
        """
        link = LinkPolicy(first_lifetime=5 * HOUR, reset_lifetime=5 * MINUTE)

        assert 5 * HOUR == link.lifetime(OrderKind.FIRST_LINK)
        assert 5 * MINUTE == link.lifetime(OrderKind.RESET_LINK)


class TestRefusals:
    @pytest.mark.parametrize(
        ("make", "named"),
        [
            (partial(PasswordPolicy, min_length=7), "min_length=7"),
            (partial(PasswordPolicy, max_length=7), "max_length=7"),
            (partial(PasswordPolicy, max_length=1025), "at most 1024"),
            (partial(PasswordPolicy, max_length=257, is_closed=False), "at most 256"),
            (partial(PasswordPolicy, specials=""), "needs_special=True"),
            (partial(PasswordPolicy, specials="!a"), "specials="),
            (partial(PasswordPolicy, specials="!0"), "specials="),
            (partial(PasswordPolicy, specials="! "), "specials="),
            (partial(PasswordPolicy, specials="!\n"), "specials="),
            (partial(PasswordPolicy, specials="é"), "specials="),
            (partial(LinkPolicy, first_lifetime=DAY + MINUTE), "first_lifetime="),
            (partial(LinkPolicy, first_lifetime=59 * SECOND), "first_lifetime="),
            (partial(LinkPolicy, first_lifetime=90 * SECOND), "first_lifetime="),
            (partial(LinkPolicy, reset_lifetime=DAY + MINUTE), "reset_lifetime="),
            (partial(LinkPolicy, reset_lifetime=timedelta(0)), "reset_lifetime="),
            (partial(LinkPolicy, reset_lifetime=HOUR + SECOND), "reset_lifetime="),
            (partial(LinkPolicy, leeway=-SECOND), "leeway="),
            (partial(LinkPolicy, leeway=5 * MINUTE + SECOND), "leeway="),
            (partial(CodePolicy, digits=5), "digits=5"),
            (partial(CodePolicy, digits=9), "digits=9"),
            (partial(CodePolicy, attempts=0), "1 to 100 attempts"),
            (partial(CodePolicy, attempts=101), "1 to 100 attempts"),
            (partial(CodePolicy, digits=7, attempts=1001), "1 to 1000 attempts"),
            (partial(CodePolicy, lifetime=29 * SECOND), "lifetime="),
            (partial(CodePolicy, lifetime=10 * MINUTE + SECOND), "lifetime="),
            (partial(CodePolicy, lifetime=MINUTE + MOMENT), "lifetime="),
            (partial(CodePolicy, window=3 * MINUTE - SECOND), "window="),
            (partial(CodePolicy, window=HOUR + SECOND), "window="),
            (partial(CodePolicy, pause=SECOND - MOMENT), "pause="),
            (partial(CodePolicy, pause=15 * MINUTE + SECOND), "pause="),
            (partial(SessionPolicy, idle=13 * HOUR), "idle 13:00:00"),
            (partial(SessionPolicy, idle=MINUTE), "touch_interval="),
            (partial(SessionPolicy, absolute=31 * DAY), "absolute 31 days"),
            (partial(SessionPolicy, remembered_idle=31 * DAY), "idle 31 days"),
            (partial(SessionPolicy, remembered_absolute=31 * DAY), "absolute 31 days"),
            (partial(SessionPolicy, touch_interval=timedelta(0)), "every request"),
            (partial(SessionPolicy, touch_interval=-MINUTE), "every request"),
            (partial(Budget, 0, MINUTE), "Budget(0, "),
            (partial(Budget, 1, SECOND - MOMENT), "Budget(1, "),
            (partial(Budget, 1, DAY + SECOND), "Budget(1, "),
            (partial(ThrottlePolicy, free_passwords=-1), "free_passwords=-1"),
            (partial(ThrottlePolicy, free_passwords=10), "free_passwords=10"),
            (partial(ThrottlePolicy, first_wait=59 * SECOND), "first_wait="),
            (partial(ThrottlePolicy, longest_wait=MINUTE), "longest_wait="),
            (partial(ThrottlePolicy, longest_wait=HOUR + SECOND), "longest_wait="),
            (partial(ThrottlePolicy, passwords_per_day=0), "passwords_per_day=0"),
            (partial(ThrottlePolicy, passwords_per_day=26), "passwords_per_day=26"),
            (partial(ThrottlePolicy, passwords_in_a_row=0), "passwords_in_a_row=0"),
            (partial(ThrottlePolicy, passwords_in_a_row=101), "passwords_in_a_row=101"),
            (partial(ThrottlePolicy, trusted_network_factor=0), "network_factor=0"),
            (partial(ThrottlePolicy, codes=()), "(codes=)"),
            (partial(ThrottlePolicy, link_mails=()), "(link_mails=)"),
            (partial(ThrottlePolicy, code_mails=()), "(code_mails=)"),
            (partial(ThrottlePolicy, site_codes=()), "(site_codes=)"),
            (
                partial(ThrottlePolicy, site_unknown_pause=MINUTE - SECOND),
                "site_unknown_pause=",
            ),
            (
                partial(ThrottlePolicy, site_unknown_pause=HOUR + SECOND),
                "site_unknown_pause=",
            ),
            (partial(ThrottlePolicy, device_kept=DAY - SECOND), "device_kept="),
            (partial(ThrottlePolicy, device_kept=367 * DAY), "device_kept="),
            (partial(ThrottlePolicy, device_accounts=0), "device_accounts=0"),
            (partial(ThrottlePolicy, device_accounts=17), "device_accounts=17"),
            (
                partial(ThrottlePolicy, device_passwords_per_day=0),
                "device_passwords_per_day=0",
            ),
            (
                partial(ThrottlePolicy, device_passwords_per_day=26),
                "device_passwords_per_day=26",
            ),
            (partial(ThrottlePolicy, device_codes=()), "(device_codes=)"),
            (partial(ThrottlePolicy, device_link_mails=()), "(device_link_mails=)"),
            (
                partial(ThrottlePolicy, device_code_mails=(Budget(101, DAY),)),
                "(device_code_mails=)",
            ),
            (partial(SessionPolicy, recent=MINUTE - SECOND), "recent="),
            (partial(SessionPolicy, recent=HOUR + SECOND), "recent="),
            (partial(EventPolicy, kept=366 * DAY * 3 + SECOND), "kept=1098 days"),
            (partial(EventPolicy, attempts_kept=30 * DAY - SECOND), "kept=29 days"),
            (partial(EventPolicy, kept=182 * DAY), "no longer than the rest"),
            (partial(HashingPolicy, memory_cost=12_287), "memory_cost=12287"),
            (partial(HashingPolicy, time_cost=2, memory_cost=19_455), "=19455"),
            (partial(HashingPolicy, time_cost=1, memory_cost=47_103), "=47103"),
            (partial(HashingPolicy, time_cost=0), "time_cost=0"),
            (partial(HashingPolicy, memory_cost=262_145), "ceilings 262144"),
            (partial(HashingPolicy, time_cost=11), "time_cost=11"),
            (partial(HashingPolicy, parallelism=0), "parallelism=0"),
            (partial(HashingPolicy, parallelism=9), "parallelism=9"),
            (partial(HashingPolicy, queue_per_slot=-1), "queue_per_slot="),
            (partial(HashingPolicy, longest_wait=-SECOND), "longest_wait="),
        ],
        ids=shown,
    )
    def test_a_weak_policy_is_refused(self, make: partial[object], named: str) -> None:
        """
        What is just over the edge is refused, and the message names the field.
        """
        with pytest.raises(ConfigurationError) as caught:
            make()

        assert named in str(caught.value)

    @pytest.mark.parametrize(
        "make",
        [
            partial(PasswordPolicy, min_length=8, max_length=8),
            partial(PasswordPolicy, max_length=1024),
            partial(PasswordPolicy, max_length=256, is_closed=False),
            partial(PasswordPolicy, specials="", needs_special=False),
            partial(PasswordPolicy, specials=string.punctuation),
            partial(LinkPolicy, first_lifetime=MINUTE, reset_lifetime=DAY),
            partial(LinkPolicy, leeway=timedelta(0)),
            partial(LinkPolicy, leeway=5 * MINUTE),
            partial(CodePolicy, digits=6, attempts=100),
            partial(CodePolicy, digits=8, attempts=1),
            partial(CodePolicy, lifetime=30 * SECOND, window=30 * SECOND, pause=SECOND),
            partial(CodePolicy, lifetime=10 * MINUTE, window=HOUR, pause=HOUR),
            partial(SessionPolicy, idle=12 * HOUR, remembered_idle=30 * DAY),
            partial(SessionPolicy, idle=2 * SECOND, touch_interval=SECOND),
            partial(Budget, 1, SECOND),
            partial(Budget, 1, DAY),
            partial(ThrottlePolicy, free_passwords=0, first_wait=MINUTE),
            partial(ThrottlePolicy, free_passwords=9, first_wait=HOUR),
            partial(ThrottlePolicy, passwords_per_day=1, passwords_in_a_row=1),
            partial(ThrottlePolicy, trusted_network_factor=1),
            partial(ThrottlePolicy, site_unknown_pause=MINUTE),
            partial(ThrottlePolicy, site_unknown_pause=HOUR),
            partial(ThrottlePolicy, device_kept=DAY, device_accounts=1),
            partial(ThrottlePolicy, device_kept=366 * DAY, device_accounts=16),
            partial(ThrottlePolicy, device_passwords_per_day=25),
            partial(SessionPolicy, recent=MINUTE),
            partial(SessionPolicy, recent=HOUR),
            partial(EventPolicy, kept=366 * DAY * 3, attempts_kept=30 * DAY),
            partial(HashingPolicy, time_cost=1, memory_cost=47_104, parallelism=1),
            partial(HashingPolicy, time_cost=10, memory_cost=12_288, parallelism=8),
            partial(HashingPolicy, memory_cost=262_144),
            partial(HashingPolicy, queue_per_slot=0, longest_wait=timedelta(0)),
        ],
        ids=shown,
    )
    def test_the_edge_itself_is_allowed(self, make: partial[object]) -> None:
        """
        Every limit that a message names may be used.
        """
        assert make() == make()


class TestAddressPolicy:
    def test_known_domains_are_canonical(self) -> None:
        """
        The default's domains stand as in addresses, each once.
        """
        domains = AddressPolicy().known_domains

        assert [f"a@{one}" for one in domains] == [
            canonical(f"a@{one}") for one in domains
        ]
        assert len(set(domains)) == len(domains)

    @pytest.mark.parametrize(
        "domain",
        [
            "",
            "univ-exemple",
            "Univ-Exemple.fr",
            "@univ-exemple.fr",
            "a@univ-exemple.fr",
            "été.fr",
            "univ-exemple.fr.",
            ".fr",
            "-x.fr",
            "x-.fr",
            "univ exemple.fr",
            "univ-exemple.fr\n",
        ],
    )
    def test_another_spelling_is_refused(self, domain: str) -> None:
        """
        What no canonical address ends in would never be near anything.
        """
        with pytest.raises(ConfigurationError, match="write a domain as"):
            AddressPolicy(known_domains=("univ-exemple.fr", domain))

    def test_one_text_is_refused(self) -> None:
        """
        A text is no list: its letters would be domains.
        """
        with pytest.raises(ConfigurationError, match="is one text, a tuple is needed"):
            AddressPolicy(known_domains="univ-exemple.fr")  # type: ignore[arg-type] # what is refused

    def test_none_may_be_known(self) -> None:
        """
        A site that knows no domains suggests nothing.
        """
        assert () == AddressPolicy(known_domains=()).known_domains


class TestPolicy:
    def test_uness_is_the_default(self) -> None:
        """
        `Policy()` and `Policy.uness()` are the same.
        """
        assert Policy() == Policy.uness()

    @pytest.mark.parametrize("profile", [Policy.uness, Policy.strict])
    def test_parts_are_replaced(self, profile: Callable[..., Policy]) -> None:
        """
        Each part given stands in place of the profile's own, the rest stays.
        """
        parts = {
            "address": AddressPolicy(known_domains=("univ-exemple.fr",)),
            "password": PasswordPolicy(min_length=12),
            "link": LinkPolicy(reset_lifetime=2 * HOUR),
            "code": CodePolicy(digits=8),
            "session": SessionPolicy(idle=HOUR),
            "throttle": ThrottlePolicy(passwords_per_day=20),
            "hashing": HashingPolicy.small(),
            "account": AccountPolicy(reopened_with_password=True),
            "events": EventPolicy(kept=400 * DAY),
        }

        for name, part in parts.items():
            expected = attrs.asdict(profile(), recurse=False) | {name: part}
            assert expected == attrs.asdict(profile(**{name: part}), recurse=False)
        assert set(parts) == set(attrs.fields_dict(Policy))

    def test_strict_is_the_standards(self) -> None:
        """
        15 to 128 characters of any kind, one page for every address, short sessions.
        """
        strict = Policy.strict()

        password = strict.password
        assert (15, 128) == (password.min_length, password.max_length)
        assert not password.is_closed
        assert password.has_blocklist
        assert () == password.unmet("quatre mots tirés au sort ici")
        assert not strict.throttle.tells_unknown
        assert strict.code.lifetime == strict.code.window
        assert strict.session.remembered_absolute <= strict.session.absolute
        assert LinkPolicy() == strict.link

    @pytest.mark.parametrize(
        "part",
        [one for one in vars(policy).values() if attrs.has(one)],
        ids=lambda one: one.__name__,
    )
    def test_policies_are_frozen(self, part: type[attrs.AttrsInstance]) -> None:
        """
        What was checked at start stays as it was.
        """
        made = object.__new__(part)

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, attrs.fields(part)[0].name, 0)


class TestForDevelopment:
    @pytest.mark.parametrize("name", ["codes", "link_mails", "code_mails"])
    def test_weak_account_budgets(self, name: str) -> None:
        """
        More than a hundred in a day are refused, unless it is for development only.
        """
        plenty = (Budget(100, timedelta(seconds=1)),)
        given: dict[str, Any] = {name: plenty}

        with pytest.raises(ConfigurationError, match=f"{name}=.* at most 100"):
            ThrottlePolicy(**given)
        policy = ThrottlePolicy(**given, for_development_only=True)
        assert plenty == getattr(policy, name)
