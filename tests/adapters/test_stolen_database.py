"""
A stolen database signs nobody in, nor do the queue and the logs beside it.
"""

from __future__ import annotations

import logging
import re
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

import attrs
import pytest

from tests.adapters.portals import (
    BASE_URL,
    FRAMEWORKS,
    House,
    OrdersAtRest,
    Visitor,
    Worker,
    house,
)
from tests.adapters.thief import (
    BROWSER_SHAPE,
    SESSION_SHAPE,
    Thief,
    atoms_of,
    bytes_of,
    keys_of,
    pages_of,
    raw_forms,
    rows_of,
)
from tests.secrecy import OTHER_SIDE, needles, search, told_by
from uness_auth import CodePolicy, Policy
from uness_auth.events import EventKind
from uness_auth.keys import token_digest
from uness_auth.model import Account, Client, CodeChallenge
from uness_auth.outcomes import LinkInvalid, NotSignedIn
from uness_auth.policy import HashingPolicy
from uness_auth.ports import Stores
from uness_auth.storage.redis import RedisStorage
from uness_auth.testing import EventLog, Outbox
from uness_auth.testing.browser import PageReader
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    CURRENT,
    NADIA,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    start,
)


pytestmark = pytest.mark.once
KEY: Final = "Y3Q1b0l6c2hVbkFtS2V5LW9mLXRoaXMtc2l0ZS1hbG9uZQ"
LOUIS: Final = "louis.petit@ars-exemple.fr"
WRONG: Final = "Autre-Essai9"
DIGITS: Final = 8
FORM: Final = "application/x-www-form-urlencoded"
GREETING: Final = "Bonjour"
# What says that somebody got somewhere.
SUCCESS: Final = {
    EventKind.SIGNED_IN,
    EventKind.LINK_OPENED,
    EventKind.LINK_USED,
    EventKind.PASSWORD_SET,
    EventKind.PASSWORD_ACCEPTED,
    EventKind.CODE_ACCEPTED,
}


class Logs(logging.Handler):
    """
    Keeps every line that is logged, down to DEBUG, statements and rows included.
    """

    loud: ClassVar = ("", "sqlalchemy", "django")

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._levels = [(name, logging.getLogger(name).level) for name in self.loud]

    def emit(self, record: logging.LogRecord) -> None:
        """
        Keep a line of the site's.
        """
        if not record.name.startswith(OTHER_SIDE):
            self.lines.append(f"{record.name} {told_by(record)}")

    def open(self) -> None:
        """
        Begin to listen.
        """
        logging.getLogger().addHandler(self)
        for name, _ in self._levels:
            logging.getLogger(name).setLevel(logging.DEBUG)

    def close(self) -> None:
        """
        Leave every logger as it was.
        """
        logging.getLogger().removeHandler(self)
        for name, level in self._levels:
            logging.getLogger(name).setLevel(level)
        super().close()


@attrs.define
class Loot:
    """
    A site with everything in flight, and what a thief has copied of it.

    Attributes:
        visitors: Signed in, signed in and remembered, three who wait for a code.

        challenges, codes: Of those three.

        links: Of who has a password and who has none.
    """

    house: House
    worker: Worker
    events: EventLog
    logs: Logs
    queue: OrdersAtRest
    redis: Any = None
    visitors: list[Visitor] = attrs.field(factory=list)
    challenges: list[CodeChallenge] = attrs.field(factory=list)
    codes: list[str] = attrs.field(factory=list)
    links: list[str] = attrs.field(factory=list)
    link_times: list[datetime] = attrs.field(factory=list)
    passed: int = 0

    def records(self) -> dict[str, object]:
        """
        Return what is kept: tables, keys of Redis, orders, events.
        """
        return {
            "tables": rows_of(self.house.database),
            "redis": {} if self.redis is None else keys_of(self.redis),
            "orders": [*self.queue.orders, *self.queue.read()],
            "events": self.events.events,
        }

    def nearest(self) -> object:
        """
        Return what is kept of sessions and challenges.
        """
        tables = rows_of(self.house.database)
        return [
            *(rows for name, rows in tables.items() if "session" in name),
            *(rows for name, rows in tables.items() if "challenge" in name),
            {} if self.redis is None else keys_of(self.redis),
        ]

    def copied(self) -> object:
        """
        Return all of it, the file's raw bytes and every log included.
        """
        return [self.records(), pages_of(self.house.database), self.logs.lines]

    def account(self, address: str) -> Account:
        """
        Return the account of the address.
        """
        found = self.worker.auth.provisioning.accounts.by_address(address)
        assert found is not None
        return found

    def successes(self) -> list[EventKind]:
        """
        Return what anybody got somewhere with since the copy.
        """
        return [one for one in self.events.kinds()[self.passed :] if one in SUCCESS]


def mailed(loot: Loot) -> None:
    """
    Let the queue's worker deliver what waits.
    """
    while loot.queue.orders:
        loot.worker.auth.deliver(loot.queue.take())


def create(loot: Loot, address: str, password: str) -> None:
    """
    Walk from S1 to S6.
    """
    visitor = Visitor(loot.worker)
    start(visitor, address)
    mailed(loot)
    visitor.visit(loot.house.outbox.link(address))
    visitor.fill(NEW, password)
    visitor.fill(AGAIN, password)
    visitor.press("CRÉER")


def sign_in(loot: Loot, password: str, *, is_remembered: bool = False) -> Visitor:
    """
    Sign a fresh browser in, if the password is right.
    """
    visitor = Visitor(loot.worker)
    start(visitor, CAMILLE)
    visitor.fill(CURRENT, password)
    if is_remembered:
        visitor.check("Se souvenir de moi")
    visitor.press("SE CONNECTER")
    return visitor


def fill(loot: Loot) -> None:
    """
    Leave everything in flight: sessions, links, codes, orders, and a wrong password.
    """
    auth, outbox = loot.worker.auth, loot.house.outbox
    for address in (CAMILLE, NADIA, LOUIS):
        _ = auth.provisioning.add(address, display_name="Camille Durand")
    create(loot, CAMILLE, PASSWORD)
    create(loot, LOUIS, OTHER_PASSWORD)
    _ = auth.provisioning.disable(LOUIS)
    loot.visitors = [
        sign_in(loot, PASSWORD),
        sign_in(loot, PASSWORD, is_remembered=True),
    ]
    _ = sign_in(loot, WRONG)
    loot.house.clock.tick(timedelta(minutes=2))
    for address in (CAMILLE, NADIA):
        visitor = Visitor(loot.worker)
        start(visitor, address)
        if address == CAMILLE:
            visitor.press("Mot de passe oublié ?")
        mailed(loot)
        loot.links.append(outbox.link(address))
        loot.link_times.append(loot.house.clock())
    for _ in range(3):
        visitor = Visitor(loot.worker)
        start(visitor, CAMILLE)
        visitor.press("RECEVOIR LE CODE")
        order = loot.queue.read()[0]
        mailed(loot)
        loot.codes.append(outbox.code(CAMILLE))
        loot.challenges.append(challenge_of(loot, order.challenge_id))
        loot.visitors.append(visitor)
    # One of each kind that waits to be mailed.
    loot.house.clock.tick(timedelta(minutes=1))
    start(Visitor(loot.worker), NADIA)
    visitor = Visitor(loot.worker)
    start(visitor, CAMILLE)
    visitor.press("RECEVOIR LE CODE")
    assert 2 == len(loot.queue.orders)
    loot.passed = len(loot.events.events)


def challenge_of(loot: Loot, challenge_id: str) -> CodeChallenge:
    """
    Return a challenge as it is kept.
    """
    challenges = loot.worker.auth.code_sign_in.challenges
    now = loot.house.clock()
    # Nothing is due: this renews nothing, and reads.
    found = challenges.renew(challenge_id, now - timedelta(days=1), now, now)
    assert found is not None
    return found[0]


@pytest.fixture(name="make_loot")
def _make_loot(
    tmp_path: Path, django_template: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Loot]]:
    """
    Opens a site: ``make_loot("flask", has_redis=True, subscribers=[…])``.
    """
    undo: list[Callable[[], object]] = []

    def make(framework: str, *, has_redis: bool = False, **wishes: Any) -> Loot:
        events, logs, queue = EventLog(), Logs(), OrdersAtRest()
        logs.open()
        undo.append(logs.close)
        opened = house(framework, tmp_path, django_template)
        place = opened.__enter__()
        undo.append(lambda: opened.__exit__(None, None, None))
        redis = None
        if has_redis:
            url = request.getfixturevalue("valkey_url")
            storage = RedisStorage(url)
            undo.append(storage.close)
            redis = pytest.importorskip("redis").Redis.from_url(url)
            # Which lets things expire by a clock of its own.
            place.clock.now = datetime.now(UTC).replace(microsecond=0)
            undo.append(redis.close)
            wishes["change"] = lambda stores: with_redis(stores, storage)
        if "mailer" in wishes:
            wishes["mailer"] = wishes["mailer"](place.outbox)
        given = {
            "keys": [KEY],
            "policy": Policy.uness(
                code=CodePolicy(digits=DIGITS), hashing=HashingPolicy.small()
            ),
            "queue": queue,
            "subscribers": [events],
        }
        worker = place.start(**{**given, **wishes})
        loot = Loot(place, worker, events, logs, queue, redis)
        fill(loot)
        return loot

    yield make
    while undo:
        _ = undo.pop()()


def with_redis(stores: Stores, storage: RedisStorage) -> Stores:
    """
    Return the stores with what is hot in Redis.
    """
    return attrs.evolve(
        stores, code_challenges=storage.code_challenges, counters=storage.counters
    )


@pytest.fixture(name="loot", params=[*FRAMEWORKS, "flask and redis"])
def _loot(make_loot: Callable[..., Loot], request: pytest.FixtureRequest) -> Loot:
    """
    A site with everything in flight, on each adapter.
    """
    framework, _, beside = request.param.partition(" and ")
    return make_loot(framework, has_redis=bool(beside))


# --- The attacks ----------------------------------------------------------------


def cookies_that_work(loot: Loot, thief: Thief, known: frozenset[str]) -> list[str]:
    """
    Try everything as a cookie; return how each that works was found.

    Over HTTP what is made of each session and challenge, under the name of every cookie
    that there is; by the flow what is made of anything, logs and raw bytes too.  What is made of two texts is
    too much for either: it is compared with the cookies that are out there.
    """
    found = []
    records = Thief(known, BASE_URL)
    nearest = Thief.of(loot.nearest(), BASE_URL)
    names = sorted({name for visitor in loot.visitors for name in visitor.cookies})
    live = {value for visitor in loot.visitors for value in visitor.cookies.values()}
    for candidate in _sendable(nearest.of_one()):
        cookie = "; ".join(f"{name}={candidate}" for name in names)
        reply = loot.worker.send("GET", "/private", b"", {"Cookie": cookie})
        if GREETING in reply.body:
            found.append("HTTP")
    for candidate in thief.of_one():
        if not isinstance(loot.worker.auth.sessions.resume(candidate), NotSignedIn):
            found.append("flow")
        if candidate in live:
            found.append("one")
    pairs = records.of_two(known)
    return found + ["two" for pair in pairs if not live.isdisjoint(pair)]


def _sendable(candidates: set[str]) -> set[str]:
    # Others are no session's and no browser's: the library looks at none.
    return {
        one
        for one in candidates
        if SESSION_SHAPE.fullmatch(one) or BROWSER_SHAPE.fullmatch(one)
    }


def links_that_work(loot: Loot, thief: Thief) -> list[str]:
    """
    Try everything as a link's token; return whose password was set with it.

    A token that is not simply refused is sent over HTTP, with a password.
    """
    # All beforehand: a token that is tried for the one may be the other's.
    before = {address: loot.account(address) for address in (CAMILLE, NADIA)}
    for (address, account), issued_at in zip(
        before.items(), loot.link_times, strict=True
    ):
        for token in thief.links(account, issued_at):
            if loot.account(address) != account:
                break
            answer = loot.worker.auth.password_link.open(token, Client())
            if isinstance(answer, LinkInvalid):
                continue
            body = urlencode(
                {"password": OTHER_PASSWORD, "confirmation": OTHER_PASSWORD}
            )
            _ = loot.worker.send(
                "POST",
                f"/auth/link/{quote(token, safe='')}",
                body.encode(),
                {"Content-Type": FORM},
            )
    return [one for one, account in before.items() if loot.account(one) != account]


def devices_that_work(loot: Loot, thief: Thief) -> set[str]:
    """
    Return the cookies that make a browser a known device of the account.
    """
    guard, now = (
        loot.worker.auth.password_sign_in.password_check.guard,
        loot.house.clock(),
    )
    account = loot.account(CAMILLE)
    facts = (account.id, account.credential_version, now)
    return {
        cookie
        for cookie in {*thief.devices(account, now), *thief.atoms}
        if guard.devices.read(cookie, *facts).is_used
    }


def codes_that_work(loot: Loot, thief: Thief) -> bool:
    """
    Whether the code of each challenge in flight is among the guesses for it.

    One alone may be by chance: they are many guesses at eight digits.
    """
    return all(
        code in thief.codes(challenge, DIGITS)
        for challenge, code in zip(loot.challenges, loot.codes, strict=True)
    )


def known_to(loot: Loot) -> frozenset[str]:
    """
    Return the texts in the records that nothing else is made of.
    """
    return frozenset(one for one in atoms_of(loot.records()) if len(one) < 100)


class TestStolen:
    def test_no_cookie(self, loot: Loot) -> None:
        """
        Whatever is made of the copy, under any cookie's name, signs nobody in; the
        sessions were open all the while.
        """
        thief = Thief.of(loot.copied(), BASE_URL)

        assert [] == cookies_that_work(loot, thief, known_to(loot))
        assert [] == loot.successes()
        for visitor in loot.visitors[:2]:
            visitor.visit("/private")
            assert GREETING in visitor.text

    def test_no_link(self, loot: Loot) -> None:
        """
        Whatever is signed with the copy opens no link and sets no password; the mailed
        links worked all the while.
        """
        thief = Thief.of(loot.copied(), BASE_URL)

        assert [] == links_that_work(loot, thief)
        assert [] == loot.successes()
        for link in loot.links:
            visitor = Visitor(loot.worker)
            visitor.visit(link)
            assert 200 == visitor.status

    def test_no_code(self, loot: Loot) -> None:
        """
        No code can be derived from the copy, and the mailed one alone is not enough:
        without the browser that asked it signs nobody in.
        """
        thief = Thief.of(loot.copied(), BASE_URL)
        challenge, code = loot.challenges[0], loot.codes[0]

        assert not codes_that_work(loot, thief)
        for candidate in (challenge.browser_digest[:22], challenge.id[:22], "A" * 22):
            stranger = Visitor(loot.worker)
            stranger.cookies["uness-browser"] = candidate
            stranger.visit("/auth/")
            assert 410 == give_code(stranger, challenge.id, code)
        assert [] == loot.successes()
        for visitor, code in zip(loot.visitors[2:], loot.codes, strict=True):
            visitor.fill(CODE, code)
            visitor.press("SE CONNECTER")
            visitor.visit("/private")
            assert GREETING in visitor.text

    def test_no_known_device(self, loot: Loot) -> None:
        """
        No browser can be made one that the account was signed in to before.
        """
        thief = Thief.of(loot.copied(), BASE_URL)

        assert set() == devices_that_work(loot, thief)

    def test_no_hash_is_a_password(self, loot: Loot) -> None:
        """
        What is kept of a password is none, nor is a part of it.
        """
        stored = loot.account(CAMILLE).password_hash

        for candidate in (stored, *[part for part in stored.split("$") if part][-2:]):
            visitor = sign_in(loot, candidate)
            assert 422 == visitor.status
        assert [] == loot.successes()
        assert GREETING in shown(sign_in(loot, PASSWORD))


def give_code(visitor: Visitor, challenge_id: str, code: str) -> int:
    """
    Send a code for any challenge from the page that is open; return the status.
    """
    guards = {
        control.name: control.value
        for form in PageReader(visitor.reply.body).forms
        for control in form.controls
        if "csrf" in control.name
    }
    body = urlencode({"challenge": challenge_id, "code": code, **guards})
    cookies = "; ".join(f"{name}={one}" for name, one in visitor.cookies.items())
    headers = {"Content-Type": FORM, "Origin": BASE_URL, "Cookie": cookies}
    return visitor.worker.send(
        "POST", "/auth/code/confirm", body.encode(), headers
    ).status


def shown(visitor: Visitor) -> str:
    """
    Return what the private page says.
    """
    visitor.visit("/private")
    return visitor.text


# --- What shows that the attacks can succeed -------------------------------------


class TellingMailer:
    """
    A mailer that logs what it sends, as one does to see why mails do not arrive.
    """

    for_development_only: ClassVar[bool] = True

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox

    def send(self, message: EmailMessage, to: str, /) -> None:
        """
        Log the mail, and keep it.
        """
        body = message.get_body(("plain",))
        assert body is not None
        logging.getLogger("planted").debug("to %s: %s", to, body.get_content())
        self.outbox.send(message, to)


class TestStolenWithTheKey:
    """
    The same attacks, where one thing is not as it should be: they succeed.
    """

    def test_links_and_codes(self, loot: Loot) -> None:
        """
        With the key among what was copied, it makes links that set passwords, and every
        code, and a known device, which signs nobody in.
        """
        thief = Thief.of([loot.copied(), KEY], BASE_URL)

        assert codes_that_work(loot, thief)
        assert [CAMILLE, NADIA] == links_that_work(loot, thief)
        assert EventKind.PASSWORD_SET in loot.successes()
        [device] = devices_that_work(loot, thief)
        visitor = Visitor(loot.worker)
        visitor.cookies["uness-device"] = device
        assert GREETING not in shown(visitor)
        assert GREETING in shown(sign_in(loot, OTHER_PASSWORD))

    def test_a_store_that_keeps_tokens(
        self, make_loot: Callable[..., Loot], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Were a session kept under its token, the copied rows would sign in, over HTTP.
        """
        monkeypatch.setattr("uness_auth.sessions.token_digest", lambda token: token)
        loot = make_loot("flask")
        thief = Thief.of(loot.copied(), BASE_URL)

        found = cookies_that_work(loot, thief, known_to(loot))

        assert {"HTTP", "flow", "one"} == set(found)

    @pytest.mark.unheard("because a planted mailer logs what it sends")
    def test_a_log_that_keeps_mails(self, make_loot: Callable[..., Loot]) -> None:
        """
        Were the mails in a log, its links would set passwords, and its codes be known.
        """
        loot = make_loot("flask", mailer=TellingMailer)
        thief = Thief.of(loot.copied(), BASE_URL)

        assert codes_that_work(loot, thief)
        assert [CAMILLE, NADIA] == links_that_work(loot, thief)

    def test_a_key_that_is_kept(self, make_loot: Callable[..., Loot]) -> None:
        """
        Were the key something in the database, as a hash of it, all would be made.
        """
        kept = token_digest("something that the database holds")
        loot = make_loot("flask", keys=[kept])
        thief = Thief.of([loot.copied(), {"settings": {"key": kept}}], BASE_URL)

        assert codes_that_work(loot, thief)
        assert [CAMILLE, NADIA] == links_that_work(loot, thief)


# --- What is parked between two steps --------------------------------------------


def unpacked(raw: bytes) -> Iterator[bytes]:
    """
    Yield what was compressed, wherever it begins.
    """
    for at in [
        found.start() for found in re.finditer(rb"[\x08-\x78][\x01\x5e\x9c\xda]", raw)
    ]:
        with suppress(zlib.error):
            yield zlib.decompressobj().decompress(raw[at:])


def holds_password(copied: object, passwords: Iterable[str]) -> set[str]:
    """
    Return "password" if any is in a copy: plain, encoded or compressed.
    """
    wanted = {
        needle: "password" for one in passwords for needle in needles("password", one)
    }
    forms = {raw for atom in atoms_of(copied) for raw in raw_forms(atom)}
    forms.update(bytes_of(copied))
    whole = b"\n".join(forms)
    texts = [whole.decode("latin-1")]
    texts += [one.decode("latin-1") for raw in forms for one in unpacked(raw)]
    return search("\n".join(texts), wanted)


class TestParked:
    """
    Nothing that was typed waits anywhere for the next step.

    P46.
    """

    def test_no_password(self, loot: Loot) -> None:
        """
        After each step that a password was typed in, right, wrong, refused or in the
        wrong field, no table, key, order, log, page of the file or cookie holds it.
        """
        typed = [PASSWORD, OTHER_PASSWORD, WRONG]
        steps: list[Callable[[Visitor], None]] = [
            lambda visitor: refuse(loot, visitor),
            lambda visitor: give_password(visitor, WRONG),
            lambda visitor: give_password(visitor, PASSWORD),
            lambda visitor: start(visitor, WRONG),
        ]

        for step in steps:
            visitor = Visitor(loot.worker)
            step(visitor)
            copied = [loot.copied(), visitor.cookies]
            assert set() == holds_password(copied, typed)

    @pytest.mark.parametrize(
        "pack",
        [
            str.encode,
            lambda text: b64encode(text.encode()),
            lambda text: text.encode().hex().encode(),
            lambda text: zlib.compress(f"password={text}".encode()),
            lambda text: b64encode(zlib.compress(text.encode())),
        ],
        ids=["plain", "base64", "hex", "zlib", "zlib in base64"],
    )
    def test_a_parked_one_is_found(self, pack: Callable[[str], bytes]) -> None:
        """
        Were it there, it would be found, in any of these encodings.
        """
        parked = {"session": [b"\x00\x01 state: " + pack(PASSWORD) + b"\n"]}

        assert {"password"} == holds_password(parked, [PASSWORD])
        assert set() == holds_password({"session": [pack("innocent text")]}, [PASSWORD])


def refuse(loot: Loot, visitor: Visitor) -> None:
    """
    Type two passwords that differ on the page of a link.
    """
    visitor.visit(loot.links[0])
    visitor.fill(NEW, PASSWORD)
    visitor.fill(AGAIN, OTHER_PASSWORD)
    visitor.press("CRÉER")
    assert 422 == visitor.status


def give_password(visitor: Visitor, password: str) -> None:
    """
    Walk from S1 through S7.
    """
    start(visitor, CAMILLE)
    visitor.fill(CURRENT, password)
    visitor.press("SE CONNECTER")
