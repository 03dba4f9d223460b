"""
S8: a code, in the browser that asked, a few tries, once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from uness_auth import CodePolicy, MailError, Policy, ThrottlePolicy, UnessAuth
from uness_auth.addresses import AddressFault
from uness_auth.events import EventKind
from uness_auth.model import Client, OrderKind
from uness_auth.outcomes import (
    AddressMalformed,
    AddressUnknown,
    ChallengeGone,
    CodeExpired,
    CodeSent,
    MailPaused,
    NothingTyped,
    NotSignedIn,
    Resumed,
    Scope,
    SignedIn,
    SignInVetoed,
    Throttled,
    WrongCode,
)
from uness_auth.policy import MINUTE, SECOND, Budget
from uness_auth.storage.memory import MemoryCodeChallenges, MemoryStorage
from uness_auth.testing import EventLog, FixedClock, Outbox


HERE = Client(network="192.0.2.7", browser_digest="b" * 64)
PHONE = Client(network="198.51.100.9", browser_digest="c" * 64)
COOKIELESS = Client(network="192.0.2.7")
CAMILLE = "camille@univ-exemple.fr"
DOMINIQUE = "dominique@univ-exemple.fr"
EMMANUEL = "emmanuel@univ-exemple.fr"
NOBODY = "nobody@univ-exemple.fr"
OLD = "first-key-of-the-tests-0123456789abcdef"
NEW = "second-key-of-the-tests-0123456789abcde"


@attrs.frozen
class Desk:
    """
    A site, its mails, its events and its clock.
    """

    auth: UnessAuth
    outbox: Outbox
    log: EventLog
    clock: FixedClock

    def ask(self, client: Client = HERE, address: str = DOMINIQUE) -> tuple[str, str]:
        """
        Ask for a code; return challenge and code.
        """
        answer = self.auth.code_sign_in.begin(address, client)
        assert isinstance(answer, CodeSent)
        return answer.challenge_id, self.outbox.code(address)

    def type(self, challenge_id: str, code: str, client: Client = HERE) -> object:
        """
        Type *code*.
        """
        return self.auth.code_sign_in.confirm(challenge_id, code, client)

    def again(self, challenge_id: str, client: Client = HERE) -> object:
        """
        Ask for the same code again.
        """
        return self.auth.code_sign_in.resend(challenge_id, client)

    def reason(self) -> str:
        """
        Return why a code was refused last.
        """
        return self.log.last(EventKind.CODE_REFUSED).reason


@pytest.fixture(name="desk")
def _desk(auth: UnessAuth, outbox: Outbox, log: EventLog, clock: FixedClock) -> Desk:
    """
    Everything at hand.
    """
    return Desk(auth, outbox, log, clock)


@pytest.fixture(name="make_desk")
def _make_desk(
    make_auth: Callable[..., UnessAuth],
    outbox: Outbox,
    log: EventLog,
    clock: FixedClock,
) -> Callable[..., Desk]:
    """
    Wire a site otherwise.
    """

    def make(**given: Any) -> Desk:
        return Desk(make_auth(**given), outbox, log, clock)

    return make


def other(code: str) -> str:
    """
    Return a code that is not *code*.
    """
    return f"{(int(code) + 1) % 1_000_000:06d}"


class TestBegin:
    @pytest.mark.parametrize("address", [CAMILLE, DOMINIQUE])
    def test_code_is_mailed(self, desk: Desk, address: str) -> None:
        """
        Whoever has an account is mailed a code, with a password or without one.
        """
        challenge_id, code = desk.ask(address=address.upper().lower())

        assert [address] == [to for to, _ in desk.outbox.messages]
        assert 32 == len(challenge_id)
        assert isinstance(desk.type(challenge_id, code), SignedIn)
        assert [
            EventKind.CODE_ORDERED,
            EventKind.CODE_SENT,
            EventKind.CODE_ACCEPTED,
            EventKind.SIGNED_IN,
            EventKind.NEW_DEVICE,
            EventKind.NOTICE_SENT,
        ] == desk.log.kinds()

    def test_no_mail_to_unknown(self, desk: Desk) -> None:
        """
        Unknown, disabled and malformed addresses are told, and nobody is mailed.
        """
        begin = desk.auth.code_sign_in.begin

        assert AddressUnknown() == begin(NOBODY, HERE)
        assert AddressUnknown() == begin(EMMANUEL, HERE)
        assert AddressMalformed(fault=AddressFault.EMPTY) == begin("", HERE)
        assert [] == desk.outbox.messages

    def test_no_code_is_stored(self, desk: Desk, storage: MemoryStorage) -> None:
        """
        What is stored holds no code and no cookie.
        """
        challenge_id, code = desk.ask()
        stored = storage.code_challenges.spend_attempt(challenge_id)

        assert stored is not None
        assert code not in str(attrs.asdict(stored))

    def test_five_an_hour(self, desk: Desk) -> None:
        """
        The sixth mail of an hour is refused, with both times and no dead challenge.
        """
        for _ in range(5):
            desk.ask()
            desk.clock.tick(MINUTE)
        sent_at = desk.clock() - MINUTE

        assert MailPaused(
            sent_at=sent_at,
            until=sent_at + timedelta(minutes=56),
            kind=OrderKind.CODE,
        ) == desk.auth.code_sign_in.begin(DOMINIQUE, PHONE)
        assert 5 == len(desk.outbox.messages)

    def test_mailer_that_fails(self, desk: Desk, storage: MemoryStorage) -> None:
        """
        A code that could not be mailed leaves no challenge and costs no budget.
        """
        desk.outbox.is_down = True
        for _ in range(20):
            with pytest.raises(MailError):
                desk.auth.code_sign_in.begin(DOMINIQUE, HERE)
        assert 0 == storage.code_challenges.purge(desk.clock() + timedelta(days=9), 99)
        desk.outbox.is_down = False

        desk.ask()

    def test_network_that_asks_for_too_many_mails(
        self, make_desk: Callable[..., Desk]
    ) -> None:
        """
        A network's mails are counted over all addresses.
        """
        once = ThrottlePolicy(network_mails=Budget(1, timedelta(hours=1)))
        desk = make_desk(policy=Policy.uness(throttle=once))
        desk.ask()
        answer = desk.auth.code_sign_in.begin(CAMILLE, HERE)

        assert isinstance(answer, Throttled)
        assert Scope.NETWORK_MAILS is answer.scope


class TestConfirm:
    def test_once(self, desk: Desk) -> None:
        """
        P25: a code signs in once; typed again it is gone.
        """
        challenge_id, code = desk.ask()
        answer = desk.type(challenge_id, f" {code[:3]}\u00a0{code[3:]}")

        assert isinstance(answer, SignedIn)
        assert isinstance(desk.auth.sessions.resume(answer.session_token), Resumed)
        assert not answer.is_remembered
        assert ChallengeGone() == desk.type(challenge_id, code)

    def test_five_tries(self, desk: Desk) -> None:
        """
        P21, P22: four wrong codes count down, the fifth throws the challenge away.
        """
        challenge_id, code = desk.ask()
        answers = [desk.type(challenge_id, other(code)) for _ in range(5)]

        assert [
            WrongCode(attempts_left=4),
            WrongCode(attempts_left=3),
            WrongCode(attempts_left=2),
            WrongCode(attempts_left=1),
            ChallengeGone(),
        ] == answers
        assert ("dominique", "wrong code") == (
            desk.log.events[-1].account_id,
            desk.reason(),
        )
        assert ChallengeGone() == desk.type(challenge_id, code)

    def test_last_try_may_be_right(self, desk: Desk) -> None:
        """
        After four wrong codes the right one still signs in.
        """
        challenge_id, code = desk.ask()
        for _ in range(4):
            desk.type(challenge_id, other(code))

        assert isinstance(desk.type(challenge_id, code), SignedIn)

    @pytest.mark.parametrize("typed", ["", " ", "\t\r\n"])
    def test_nothing_typed(self, desk: Desk, typed: str) -> None:
        """
        An empty field is no try.
        """
        challenge_id, _ = desk.ask()

        assert NothingTyped() == desk.type(challenge_id, typed)
        assert WrongCode(attempts_left=4) == desk.type(challenge_id, "x")

    @pytest.mark.parametrize(
        "typed", ["x", "-", "9" * 10_000, "\ud800", "\0", "\uff11" * 6]
    )
    def test_anything_typed_is_a_try(self, desk: Desk, typed: str) -> None:
        """
        What cannot be a code is wrong, counted, and no exception.
        """
        challenge_id, _ = desk.ask()

        assert WrongCode(attempts_left=4) == desk.type(challenge_id, typed)

    @pytest.mark.parametrize(
        "challenge_id", ["", "f" * 32, "\0", "\ud800", "é" * 9_999]
    )
    def test_any_challenge(self, desk: Desk, challenge_id: str) -> None:
        """
        A challenge that never was is gone, whatever it is called.
        """
        assert ChallengeGone() == desk.type(challenge_id, "123456")
        assert ChallengeGone() == desk.again(challenge_id)

    @pytest.mark.parametrize("client", [PHONE, COOKIELESS], ids=["other", "none"])
    def test_only_in_the_browser_that_asked(self, desk: Desk, client: Client) -> None:
        """
        The right code opens nothing in another browser, nor in one without cookies.
        """
        challenge_id, code = desk.ask()

        assert ChallengeGone() == desk.type(challenge_id, code, client)
        assert ChallengeGone() == desk.again(challenge_id, client)
        assert "another browser's" in desk.reason()
        assert isinstance(desk.type(challenge_id, code), SignedIn)

    def test_browser_without_cookies_opens_nothing(self, desk: Desk) -> None:
        """
        Two browsers without cookies are not one browser.
        """
        challenge_id, code = desk.ask(COOKIELESS)

        assert ChallengeGone() == desk.type(challenge_id, code, COOKIELESS)

    def test_one_challenges_code_opens_no_other(self, desk: Desk) -> None:
        """
        Of two challenges of one account, in one browser, each takes its own code.
        """
        first, first_code = desk.ask()
        second, second_code = desk.ask()

        assert first_code != second_code
        assert WrongCode(attempts_left=4) == desk.type(first, second_code)
        assert WrongCode(attempts_left=4) == desk.type(second, first_code)
        assert isinstance(desk.type(first, first_code), SignedIn)
        assert isinstance(desk.type(second, second_code), SignedIn)

    def test_strangers_asking_change_nothing(self, desk: Desk) -> None:
        """
        Whoever else asks for the same account does not disturb a code on its way.
        """
        challenge_id, code = desk.ask()
        theirs, _ = desk.ask(PHONE)
        for _ in range(5):
            desk.type(theirs, "000000", PHONE)

        assert isinstance(desk.type(challenge_id, code), SignedIn)

    def test_lives_three_minutes(self, desk: Desk) -> None:
        """
        To the last second of its lifetime, and not at its end.
        """
        challenge_id, code = desk.ask()
        late, late_code = desk.ask()
        desk.clock.tick(3 * MINUTE - SECOND)
        assert isinstance(desk.type(challenge_id, code), SignedIn)
        desk.clock.tick(SECOND)

        assert CodeExpired(challenge_id=late) == desk.type(late, late_code)
        assert "expired" == desk.reason()

    def test_expired_tries_count_too(self, desk: Desk) -> None:
        """
        The last try at an expired code, or one after the window, finds it gone.
        """
        challenge_id, code = desk.ask()
        stale, stale_code = desk.ask()
        desk.clock.tick(3 * MINUTE)
        answers = [desk.type(challenge_id, code) for _ in range(6)]
        desk.clock.tick(12 * MINUTE)

        assert [CodeExpired(challenge_id=challenge_id)] * 4 == answers[:4]
        assert [ChallengeGone()] * 2 == answers[4:]
        assert ChallengeGone() == desk.type(stale, stale_code)

    @pytest.mark.parametrize("how", ["sign_out", "disable", "erase"])
    def test_void_once_the_account_changed(
        self, desk: Desk, storage: MemoryStorage, how: str
    ) -> None:
        """
        P18, P39: what moves the version voids the code; its tries still count.
        """
        challenge_id, code = desk.ask()
        if how == "erase":
            assert storage.registry.erase("dominique")
        else:
            getattr(desk.auth.provisioning, how)(DOMINIQUE)

        assert WrongCode(attempts_left=4) == desk.type(challenge_id, code)
        assert desk.reason() in {
            "no such account",
            "the account is disabled",
            "the account changed since",
        }
        desk.clock.tick(MINUTE)
        assert ChallengeGone() == desk.again(challenge_id)
        assert 1 == len(desk.outbox.messages)

    def test_ten_wrong_codes_an_hour(self, desk: Desk) -> None:
        """
        P24: over all challenges ten wrong codes an hour are compared; then none is.
        """
        for _ in range(2):
            challenge_id, code = desk.ask()
            for _ in range(5):
                desk.type(challenge_id, other(code))
        answer = desk.type(*desk.ask())

        assert isinstance(answer, Throttled)
        assert Scope.ACCOUNT_CODES is answer.scope

    def test_five_thousand_guesses(
        self, auth: UnessAuth, log: EventLog, clock: FixedClock
    ) -> None:
        """
        P24: of 5,000 codes tried in a day from 2,000 addresses 20 are compared, though
        each browser asks for a challenge of its own.
        """
        for number in range(5_000):
            client = Client(
                network=f"198.18.{number % 2_000 // 250}.{number % 250}",
                browser_digest=f"{number % 2_000:064x}",
            )
            match auth.code_sign_in.begin(CAMILLE, client):
                case CodeSent(challenge_id=challenge_id):
                    for _ in range(5):
                        # Five digits: never right, and a try all the same.
                        _ = auth.code_sign_in.confirm(challenge_id, "12345", client)
                case _:
                    pass
            clock.tick(timedelta(seconds=17))
        compared = [one for one in log.events if one.reason == "wrong code"]

        assert 20 == max(budget.most for budget in auth.policy.throttle.codes)
        assert 0 < len(compared) <= 20

    def test_right_codes_cost_nothing(self, make_desk: Callable[..., Desk]) -> None:
        """
        Signing in by code every time is no run of failures.
        """
        hourly = timedelta(hours=1)
        once = ThrottlePolicy(
            codes=(Budget(1, hourly),), network_codes=Budget(1, hourly)
        )
        desk = make_desk(policy=Policy.uness(throttle=once))

        for _ in range(5):
            assert isinstance(desk.type(*desk.ask()), SignedIn)

    def test_network_budget(self, make_desk: Callable[..., Desk]) -> None:
        """
        A network that failed enough compares no code; only failures cost it.
        """
        twice = ThrottlePolicy(network_codes=Budget(2, timedelta(minutes=10)))
        desk = make_desk(policy=Policy.uness(throttle=twice))
        challenge_id, code = desk.ask()
        for _ in range(9):
            assert ChallengeGone() == desk.type("f" * 32, code)
            assert ChallengeGone() == desk.type(challenge_id, code, COOKIELESS)
        challenge_id, code = desk.ask()
        for _ in range(2):
            desk.type(challenge_id, other(code))
        answer = desk.type(challenge_id, code)

        assert isinstance(answer, Throttled)
        assert Scope.NETWORK_CODES is answer.scope

    def test_known_device_passes_where_its_network_waits(
        self, make_desk: Callable[..., Desk]
    ) -> None:
        """
        P32: of a network that is spent the owner's browser goes on, a stranger's with
        some other account's cookie does not.
        """
        spent = ThrottlePolicy(network_codes=Budget(1, 10 * MINUTE))
        desk = make_desk(policy=Policy.uness(throttle=spent))
        first, code = desk.ask()
        signed_in = desk.type(first, code)
        assert isinstance(signed_in, SignedIn)
        known = attrs.evolve(HERE, device=signed_in.device)
        camilles, _ = desk.ask(known, CAMILLE)
        desk.clock.tick(MINUTE)
        challenge_id, code = desk.ask(known)
        assert isinstance(desk.type(challenge_id, other(code)), WrongCode)
        assert isinstance(desk.type(camilles, "000000", known), WrongCode | Throttled)

        assert isinstance(desk.type(camilles, "000001", known), Throttled)
        assert isinstance(desk.type(challenge_id, other(code), known), WrongCode)
        assert isinstance(desk.type(challenge_id, code, known), SignedIn)

    def test_success_ends_the_password_wait(self, desk: Desk) -> None:
        """
        Whoever signs in by code need not wait for the password a stranger tried.
        """
        for _ in range(5):
            desk.auth.password_sign_in.sign_in(
                DOMINIQUE, "Faux", PHONE, is_remembered=False
            )
        challenge_id, code = desk.ask()
        desk.type(challenge_id, code)

        assert isinstance(
            desk.auth.password_sign_in.sign_in(
                DOMINIQUE, "Sport-2026", HERE, is_remembered=False
            ),
            SignedIn,
        )

    def test_veto(self, make_desk: Callable[..., Desk]) -> None:
        """
        The host may say no after the proof; the code is used up.
        """
        desk = make_desk(may_sign_in=lambda _: False)
        challenge_id, code = desk.ask()

        assert SignInVetoed() == desk.type(challenge_id, code)
        assert ChallengeGone() == desk.type(challenge_id, code)

    def test_loser_of_a_race(self, desk: Desk, storage: MemoryStorage) -> None:
        """
        Whoever types the right code while another request consumes it finds it gone.
        """
        challenge_id, code = desk.ask()

        class Overtaken(MemoryCodeChallenges):
            def consume(self, challenge_id: str, /) -> bool:
                assert super().consume(challenge_id)
                return super().consume(challenge_id)

        taken = Overtaken(storage.code_challenges._rows)  # noqa: SLF001 - the same rows
        flow = attrs.evolve(desk.auth.code_sign_in, challenges=taken)

        assert ChallengeGone() == flow.confirm(challenge_id, code, HERE)
        assert "another request was first" == desk.reason()
        assert EventKind.SIGNED_IN not in desk.log.kinds()


class TestResend:
    def test_same_code_and_a_new_lifetime(self, desk: Desk) -> None:
        """
        The same code is mailed again, in the same challenge, for three more minutes.
        """
        challenge_id, code = desk.ask()
        desk.clock.tick(2 * MINUTE)

        assert CodeSent(challenge_id=challenge_id, is_certain=True) == desk.again(
            challenge_id
        )
        assert [code, code] == [
            code_in(message.as_string()) for message in desk.outbox.to(DOMINIQUE)
        ]
        desk.clock.tick(3 * MINUTE - SECOND)
        assert isinstance(desk.type(challenge_id, code), SignedIn)

    def test_after_it_expired(self, desk: Desk) -> None:
        """
        An expired code that is mailed again works again.
        """
        challenge_id, code = desk.ask()
        desk.clock.tick(10 * MINUTE)
        assert isinstance(desk.type(challenge_id, code), CodeExpired)
        desk.again(challenge_id)

        assert isinstance(desk.type(challenge_id, code), SignedIn)

    def test_within_a_minute(self, desk: Desk) -> None:
        """
        Within a minute no second mail; both times are told.
        """
        sent_at = desk.clock()
        challenge_id, _ = desk.ask()
        desk.clock.tick(59 * SECOND)

        assert MailPaused(
            sent_at=sent_at,
            until=sent_at + MINUTE,
            kind=OrderKind.CODE,
            challenge_id=challenge_id,
        ) == desk.again(challenge_id)
        assert 1 == len(desk.outbox.messages)

    def test_gives_no_attempt_back(self, desk: Desk) -> None:
        """
        Five tries in all, however often the code is mailed.
        """
        challenge_id, code = desk.ask()
        answers = []
        for _ in range(5):
            answers.append(desk.type(challenge_id, other(code)))
            desk.clock.tick(MINUTE)
            desk.again(challenge_id)

        assert ChallengeGone() == answers[-1]
        assert ChallengeGone() == desk.again(challenge_id)

    def test_not_beyond_the_window(self, desk: Desk) -> None:
        """
        The same code may be asked for within fifteen minutes, not at their end.
        """
        challenge_id, _ = desk.ask()
        desk.clock.tick(15 * MINUTE - SECOND)
        last = desk.again(challenge_id)
        desk.clock.tick(MINUTE)

        assert isinstance(last, CodeSent)
        assert ChallengeGone() == desk.again(challenge_id)
        assert "nothing to send again" == desk.reason()

    def test_mail_budget(self, desk: Desk) -> None:
        """
        The hour's fifth mail is the last; the challenge goes on.
        """
        began = desk.clock()
        challenge_id, code = desk.ask()
        for _ in range(4):
            desk.clock.tick(MINUTE)
            assert isinstance(desk.again(challenge_id), CodeSent)
        sent_at = desk.clock()
        desk.clock.tick(MINUTE)

        assert MailPaused(
            sent_at=sent_at,
            until=began + timedelta(hours=1),
            kind=OrderKind.CODE,
            challenge_id=challenge_id,
        ) == desk.again(challenge_id, attrs.evolve(HERE, network="203.0.113.5"))
        assert isinstance(desk.type(challenge_id, code), SignedIn)

    def test_network_budget(self, make_desk: Callable[..., Desk]) -> None:
        """
        A network's budget of mails is told as such.
        """
        once = ThrottlePolicy(network_mails=Budget(1, timedelta(hours=1)))
        desk = make_desk(policy=Policy.uness(throttle=once))
        challenge_id, _ = desk.ask()
        desk.clock.tick(MINUTE)

        assert isinstance(desk.again(challenge_id), Throttled)

    def test_mailer_that_fails(self, desk: Desk) -> None:
        """
        A mail that did not leave is no mail: the next may be asked for at once.
        """
        challenge_id, code = desk.ask()
        desk.clock.tick(MINUTE)
        desk.outbox.is_down = True
        for _ in range(9):
            with pytest.raises(MailError):
                desk.again(challenge_id)
        desk.outbox.is_down = False

        assert isinstance(desk.again(challenge_id), CodeSent)
        assert isinstance(desk.type(challenge_id, code), SignedIn)

    def test_another_browser_sends_nothing(self, desk: Desk) -> None:
        """
        Another browser makes no mail leave, and no page say that one did.
        """
        challenge_id, _ = desk.ask()
        desk.clock.tick(MINUTE)

        assert ChallengeGone() == desk.again(challenge_id, PHONE)
        assert 1 == len(desk.outbox.messages)
        assert isinstance(desk.again(challenge_id), CodeSent)

    def test_under_a_key_that_left(self, make_desk: Callable[..., Desk]) -> None:
        """
        Through a rotation a code works; once its key left, the challenge is gone, and
        nothing is said to be sent or to be the wrong code.
        """
        challenge_id, code = make_desk(keys=[OLD]).ask()
        both = make_desk(keys=[OLD, NEW])
        both.clock.tick(MINUTE)
        assert isinstance(both.again(challenge_id), CodeSent)
        alone = make_desk(keys=[NEW])
        alone.clock.tick(MINUTE)

        assert ChallengeGone() == alone.again(challenge_id)
        assert ChallengeGone() == alone.type(challenge_id, code)
        assert "its key left the ring" == alone.log.last(EventKind.CODE_REFUSED).reason
        assert 2 == len(alone.outbox.messages)
        assert isinstance(both.type(challenge_id, code), SignedIn)


class TestWholeSite:
    """
    While the whole site is guessed at, sign-in by code pauses.
    """

    def test_no_code_is_mailed_that_could_not_be_used(
        self, make_desk: Callable[..., Desk]
    ) -> None:
        """
        Neither for the first time nor again, but to a browser that the account knows.
        """
        few = ThrottlePolicy(site_codes=(Budget(2, timedelta(hours=1)),))
        desk = make_desk(policy=Policy.uness(throttle=few))
        first, code = desk.ask()
        signed_in = desk.type(first, code)
        assert isinstance(signed_in, SignedIn)
        known = attrs.evolve(HERE, device=signed_in.device)
        desk.clock.tick(MINUTE)
        challenge_id, code = desk.ask()
        assert isinstance(desk.type(challenge_id, other(code)), WrongCode)
        assert isinstance(desk.type(challenge_id, other(code)), WrongCode)
        desk.clock.tick(MINUTE)
        mailed = len(desk.outbox.messages)

        for answer in (
            desk.auth.code_sign_in.begin(CAMILLE, HERE),
            desk.again(challenge_id),
            desk.type(challenge_id, code),
        ):
            assert isinstance(answer, Throttled)
            assert Scope.SITE_CODES is answer.scope
        assert mailed == len(desk.outbox.messages)
        assert isinstance(desk.again(challenge_id, known), CodeSent)
        assert isinstance(desk.type(challenge_id, code, known), SignedIn)


class TestOnePage:
    def test_budget_of_unknown_addresses(self, make_desk: Callable[..., Desk]) -> None:
        """
        Past its budget a network gets a challenge for any address, and the same word.
        """
        once = ThrottlePolicy(network_unknown=Budget(1, timedelta(minutes=10)))
        desk = make_desk(policy=Policy.uness(throttle=once))
        begin = desk.auth.code_sign_in.begin
        assert isinstance(begin(NOBODY, HERE), AddressUnknown)
        sent = [begin(address, HERE) for address in (NOBODY, EMMANUEL, CAMILLE)]

        for answer in sent:
            assert isinstance(answer, CodeSent)
            assert not answer.is_certain
            assert 32 == len(answer.challenge_id)
        assert [CAMILLE] == [to for to, _ in desk.outbox.messages]

    def test_real_code_works(self, make_desk: Callable[..., Desk]) -> None:
        """
        Whoever has an account signs in by it, whatever the page says.
        """
        once = ThrottlePolicy(network_unknown=Budget(1, timedelta(minutes=10)))
        desk = make_desk(policy=Policy.uness(throttle=once))
        desk.auth.code_sign_in.begin(NOBODY, HERE)
        challenge_id, code = desk.ask()
        desk.clock.tick(11 * MINUTE)

        assert CodeSent(challenge_id=challenge_id, is_certain=False) == desk.again(
            challenge_id
        )
        assert isinstance(desk.type(challenge_id, code), SignedIn)


def code_in(mail: str) -> str:
    """
    Return the code of a mail's source.
    """
    return next(
        line.strip()
        for line in mail.splitlines()
        if line.strip().isdigit() and len(line.strip()) == 6
    )


def test_strict_renews_no_code() -> None:
    """
    Under the strict policy no code lives longer than the standards' ten minutes.
    """
    policy = Policy.strict().code

    assert isinstance(policy, CodePolicy)
    assert policy.pause >= policy.lifetime


def test_session_ends_with_the_version(auth: UnessAuth, outbox: Outbox) -> None:
    """
    A session opened by code is void once the account is signed out everywhere.
    """
    sent = auth.code_sign_in.begin(CAMILLE, HERE)
    assert isinstance(sent, CodeSent)
    answer = auth.code_sign_in.confirm(sent.challenge_id, outbox.code(CAMILLE), HERE)
    assert isinstance(answer, SignedIn)
    auth.provisioning.sign_out(CAMILLE)

    assert NotSignedIn() == auth.sessions.resume(answer.session_token)
