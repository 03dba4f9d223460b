"""
Events, the log and every repr, while all flows run: no secret in any of them.
"""

from __future__ import annotations

import logging
import pickle
import re
from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest

from uness_auth import MailError, Site, UnessAuth
from uness_auth.events import Audit, Event, EventKind
from uness_auth.keys import token_digest
from uness_auth.model import Client, MailOrder
from uness_auth.outcomes import AccountAdded, CodeSent, SignedIn
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


KEY = "first-key-of-the-tests-0123456789abcdef"
COOKIE = "the-cookie-of-a-browser-0123456789abcdefghi"
CAMILLE = "camille.durand@univ-exemple.fr"
SACHA, DOMINIQUE = "sacha@univ-exemple.fr", "dominique@univ-exemple.fr"
HERE = Client(network="192.0.2.7", browser_digest=token_digest(COOKIE))
OLD, NEW, WRONG = "Velo-Tandem-2026", "Tandem-Velo-2027", "Faux-Pas-1234"
CHANGED = "Monocycle-2028"


class Listener(logging.Handler):
    """
    Keeps all that is logged, with every argument and traceback.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """
        Keep the line and what it was made of.
        """
        self.lines.append(logging.Formatter().format(record))
        self.lines.append(repr(record.__dict__))


@pytest.fixture(name="listener")
def _listener() -> Iterator[Listener]:
    """
    Listen to every logger at its most talkative.
    """
    root, handler = logging.getLogger(), Listener()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


@attrs.define
class Tour:
    """
    Somebody who does everything that can be done, right and wrong.
    """

    clock: FixedClock
    storage: MemoryStorage = attrs.field(factory=MemoryStorage)
    outbox: Outbox = attrs.field(factory=Outbox)
    log: EventLog = attrs.field(factory=EventLog)
    orders: list[MailOrder] = attrs.field(factory=list[MailOrder])
    seen: list[str] = attrs.field(factory=list[str])
    secrets: set[str] = attrs.field(factory=set[str])

    def put(self, order: MailOrder, /) -> None:
        """
        Keep *order*, as a queue does.
        """
        self.orders.append(order)

    def walk(self) -> None:
        """
        Walk through all flows, noting secrets and what can be seen of outcomes.
        """
        auth = UnessAuth(
            site=Site(base_url="http://localhost:8000"),
            stores=self.storage.stores,
            mailer=self.outbox,
            keys=[KEY],
            queue=self,
            hashing=FastHashing(),
            subscribers=[self.log],
            clock=self.clock,
        )
        self.see(auth.keys)
        added = auth.provisioning.add(CAMILLE, account_id="42")
        assert isinstance(added, AccountAdded)
        self.secrets |= {KEY, COOKIE, OLD, NEW, WRONG, f"clear:{OLD}"}
        self.walk_link(auth, OLD)
        self.walk_passwords(auth)
        self.walk_codes(auth)
        self.clock.tick(timedelta(days=1))
        self.walk_link(auth, NEW)
        self.clock.tick(timedelta(minutes=1))
        self.outbox.is_down = True
        auth.password_link.request(CAMILLE, HERE)
        with pytest.raises(MailError) as caught:
            auth.deliver(self.orders[-1])
        self.see(caught.value)
        for change in (auth.provisioning.sign_out, auth.provisioning.disable):
            self.see(change(CAMILLE))
        auth.deliver(self.orders[-1])
        self.outbox.is_down = False
        desk = auth.provisioning
        self.see(desk.add(SACHA), desk.readdress(SACHA, DOMINIQUE))
        self.see(desk.export(CAMILLE), desk.erase(DOMINIQUE))

    def walk_link(self, auth: UnessAuth, password: str) -> None:
        """
        Set a password, after every way not to.
        """
        self.clock.tick(timedelta(minutes=1))
        self.see(auth.identify.begin(CAMILLE, HERE))
        answer = auth.password_link.request(CAMILLE, HERE)
        self.see(answer)
        auth.deliver(self.orders[-1])
        token = self.outbox.link(CAMILLE).rpartition("/")[2]
        self.secrets |= {token, token[1:].partition(".")[0], token[-43:]}
        link = auth.password_link
        self.see(link.open(token, HERE), link.open(token[:-1], HERE))
        self.see(
            link.set_password(token, password, WRONG, HERE),
            link.set_password(token, WRONG[:3], WRONG[:3], HERE),
            link.set_password(token, password, password, HERE),
            link.set_password(token, password, password, HERE),
        )

    def walk_passwords(self, auth: UnessAuth) -> None:
        """
        Sign in and out, and fail until it waits.
        """
        self.signed_in(auth, self.sign_in(auth, OLD))
        auth.deliver(self.orders[-1])
        self.change(auth)
        for _ in range(7):
            self.see(self.sign_in(auth, WRONG))

    def change(self, auth: UnessAuth) -> None:
        """
        Change the password, in a session that was asked who it is.
        """
        answer = auth.password_sign_in.sign_in(CAMILLE, OLD, HERE, is_remembered=False)
        assert isinstance(answer, SignedIn)
        here = attrs.evolve(HERE, session=answer.session_token)
        self.secrets |= {CHANGED}
        self.signed_in(auth, auth.password_change.change(OLD, CHANGED, CHANGED, here))

    def walk_codes(self, auth: UnessAuth) -> None:
        """
        Sign in by code, after failing to.
        """
        sent = auth.code_sign_in.begin(CAMILLE, HERE)
        assert isinstance(sent, CodeSent)
        auth.deliver(self.orders[-1])
        code = self.outbox.code(CAMILLE)
        self.secrets |= {code}
        self.clock.tick(timedelta(minutes=1))
        self.see(auth.code_sign_in.resend(sent.challenge_id, HERE))
        confirm = auth.code_sign_in.confirm
        self.see(
            sent,
            confirm(sent.challenge_id, "x", HERE),
            confirm(sent.challenge_id, code, Client()),
        )
        self.signed_in(auth, confirm(sent.challenge_id, code, HERE))

    def sign_in(self, auth: UnessAuth, password: str) -> object:
        """
        Try a password.
        """
        return auth.password_sign_in.sign_in(
            CAMILLE, password, HERE, is_remembered=True
        )

    def signed_in(self, auth: UnessAuth, answer: object) -> None:
        """
        Use a session and close it.
        """
        assert isinstance(answer, SignedIn)
        token = answer.session_token
        self.secrets |= {token, token_digest(token), HERE.browser_digest}
        self.secrets |= {answer.device}
        self.see(attrs.evolve(HERE, session=token, device=answer.device))
        self.see(answer, auth.sessions.resume(token), HERE)
        self.see(self.storage.sessions.by_digest(token_digest(token)))
        auth.sessions.close(token, HERE)
        self.see(auth.sessions.resume(token))

    def see(self, *things: object) -> None:
        """
        Note how things print.
        """
        self.seen += [f"{thing!r} {thing}" for thing in things]


class TestNoSecrets:
    def test_anywhere(self, clock: FixedClock, listener: Listener) -> None:
        """
        P19: passwords, codes, tokens, cookies, digests and keys are in nothing that
        prints.
        """
        tour = Tour(clock)
        tour.walk()
        events = [repr(attrs.asdict(event)) for event in tour.log.events]
        orders = [pickle.dumps(order).decode("latin-1") for order in tour.orders]
        printed = "\n".join([*listener.lines, *tour.seen, *events, *orders])

        assert len(tour.secrets) > 15
        for secret in tour.secrets:
            # A code is six digits, which a number may hold by chance.
            assert not re.search(rf"(?<![0-9a-z]){re.escape(secret)}", printed)

    def test_whole_addresses_in_no_event(
        self, clock: FixedClock, listener: Listener
    ) -> None:
        """
        Neither events nor the log hold a whole e-mail or network address.
        """
        tour = Tour(clock)
        tour.walk()
        lines = "\n".join([*listener.lines, *map(repr, tour.log.events)])

        assert CAMILLE not in lines
        assert "192.0.2.7" not in lines
        assert "192.0.2.0/24" in lines

    def test_all_of_it_is_told(self, clock: FixedClock) -> None:
        """
        The tour leaves out few of the events there are.
        """
        tour = Tour(clock)
        tour.walk()

        assert {
            EventKind.ADDRESS_UNKNOWN,
            EventKind.PASSWORD_SUSPENDED,
            EventKind.SIGN_IN_VETOED,
            EventKind.SESSIONS_REVOKED,
            EventKind.ACCOUNT_ENABLED,
            EventKind.ALARM_RAISED,
            EventKind.BREAKER_OPENED,
            EventKind.ACCOUNT_CHANGED,
            EventKind.IMPORT,
        } >= set(EventKind) - set(tour.log.kinds())

    def test_store_holds_none(self, clock: FixedClock) -> None:
        """
        What is stored holds no link, no code, no cookie and no key.
        """
        tour = Tour(clock)
        tour.walk()
        rows = repr(tour.storage.sessions._rows.__getstate__())  # noqa: SLF001 - all of it
        digests = {one for one in tour.secrets if re.fullmatch("[0-9a-f]{64}", one)}

        for secret in tour.secrets - digests - {OLD, NEW, f"clear:{OLD}"}:
            assert not re.search(rf"(?<![0-9a-z]){re.escape(secret)}", rows)


class TestAudit:
    def test_failing_subscriber_decides_nothing(
        self, clock: FixedClock, listener: Listener
    ) -> None:
        """
        A subscriber that raises is logged; those behind it still hear the event.
        """

        def broken(_: Event) -> None:
            msg = "the audit log is down"
            raise RuntimeError(msg)

        log = EventLog()
        audit = Audit(clock, [broken])
        audit.subscribe(log)
        audit.record(EventKind.SIGNED_IN, client=HERE)

        assert [EventKind.SIGNED_IN] == log.kinds()
        assert "the audit log is down" in "".join(listener.lines)

    @pytest.mark.parametrize(
        "hostile", ["a\nkind=signed_in", "a kind=signed_in", "\x1b[2J", "\u2028x"]
    )
    def test_no_line_is_forged(
        self, clock: FixedClock, listener: Listener, hostile: str
    ) -> None:
        """
        What a visitor typed stays within its own value, on its own line.
        """
        Audit(clock).record(EventKind.ADDRESS_UNKNOWN, reason=hostile)
        (line,) = (one for one in listener.lines if one.startswith("kind="))

        assert line.isprintable()
        assert f"reason={hostile!a}" in line
