"""
Flaws that peers had, tried on an adapter: docs/explanation/peer-flaws.md numbers them.

Subclass `PeerFlaws` in an adapter's test module, and connect it.
"""

from __future__ import annotations

import random
import re
import socket
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Barrier
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

import attrs
import pytest

from tests.adapters.hostile import BASE_URL, FORM, Send, Sent
from uness_auth import HashingPolicy, Policy, Site, ThrottlePolicy, UnessAuth
from uness_auth.model import Account, Client
from uness_auth.outcomes import AccountAdded, LinkSent, PasswordSet
from uness_auth.policy import Budget
from uness_auth.ports import Stores
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox
from uness_auth.testing.browser import HtmlBrowser, PageReader, Reply
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


EVIL: Final = "evil.example"
AWAY: Final = "camille@ailleurs.example"
HERE: Final = Client(network="192.0.2.7", browser_digest="b" * 64)
S1: Final = "Bienvenue !"
S8: Final = "Saisir le code reçu par email"
REFUSED: Final = range(400, 500)
# Nothing refuses for want of a slot: what is counted is counted to the last.
PATIENT: Final = HashingPolicy(queue_per_slot=500, longest_wait=timedelta(minutes=1))
# Small, so that few requests spend it.
NETWORK: Final = Budget(8, timedelta(minutes=10))
NARROW: Final = Policy.uness(
    hashing=PATIENT, throttle=ThrottlePolicy(network_passwords=NETWORK)
)
THREADS: Final = 50
# In turn, by which one address is typed.
SPELLINGS: Final = (
    CAMILLE,
    CAMILLE.upper(),
    CAMILLE.title(),
    f" {CAMILLE}",
    f"{CAMILLE} ",
    f"\t{CAMILLE}\r\n",
    CAMILLE.replace("univ", "UNIV"),
    CAMILLE.replace("camille", "Camille"),
    f"  {CAMILLE.upper()}\n",
    CAMILLE.replace("fr", "FR"),
)


LOOK_ALIKES: Final = (
    "mi\u212ae@univ-exemple.fr",
    "m\u0131ke@univ-exemple.fr",
    "m\u0130ke@univ-exemple.fr",
    "\uff4d\uff49\uff4b\uff45@univ-exemple.fr",
    "mike@univ-exemple\u3002fr",
    "mike@\uff55\uff4e\uff49\uff56-exemple.fr",
    "mike@univ-exemple.\ufb01r",
)
FOLDED: Final = (
    "mik\u00e8@example.org",
    "m\u00edke@example.org",
    "mike@ex\u00e1mple.org",
    "mike@xn--exmple-qta.org",
    "mike@example.org\u0301",
    "mike@exampl\u00e9.org",
    "mike%@example.org",
    "_ike@example.org",
)
BLANKS: Final = ("", "null", "0", "0.0", "true", "false", "[]", "{}", "None", " ")


@attrs.frozen
class Post:
    """
    A form as one browser would send it, as often as one likes, from any thread.
    """

    send: Send = attrs.field(repr=False)
    path: str
    fields: dict[str, str]
    cookie: str
    headers: dict[str, str]
    peer: str

    def __call__(self, **filled: str) -> Reply:
        """
        Send it, with *filled* in place of what was there.
        """
        return self.raw(urlencode({**self.fields, **filled}).encode())

    def raw(self, body: bytes, kind: str = FORM) -> Reply:
        """
        Send another body in its place.
        """
        given = {
            "content-type": kind,
            "content-length": str(len(body)),
            "cookie": self.cookie,
            **self.headers,
        }
        return self.send(
            Sent(
                method="POST", path=self.path, body=body, headers=given, peer=self.peer
            )
        )


class SlowHashing(FastHashing):
    """
    A hasher that takes long enough for everybody to have read the account meanwhile.
    """

    def hash(self, password: str, /) -> str:
        """
        Wait, then hash.
        """
        time.sleep(0.02)
        return super().hash(password)


class Fit:
    """
    What is for development only, taken for what a site over https may use.
    """

    for_development_only: bool = False

    def __init__(self, one: Any) -> None:
        self._one = one

    def __getattr__(self, name: str) -> Any:
        """
        Let the other answer.
        """
        return getattr(self._one, name)


class Visitor(HtmlBrowser):
    """
    A browser at one address, whose every request carries *headers*.
    """

    def __init__(
        self, send: Send, base_url: str, peer: str, headers: dict[str, str]
    ) -> None:
        self.wire = send
        self.peer = peer
        self.more = headers

        def ask(method: str, path: str, body: bytes, given: Any) -> Reply:
            asked, _, query = path.partition("?")
            lower = {name.lower(): value for name, value in given.items()}
            lower["content-length"] = str(len(body))
            return send(
                Sent(
                    method=method,
                    path=unquote(asked),
                    query=query.encode(),
                    body=body,
                    headers={**lower, **headers},
                    peer=peer,
                )
            )

        super().__init__(ask, base_url)

    def form(self, words: str, /) -> Post:
        """
        Return the form with this button, to be sent past the browser.
        """
        form = PageReader(self.reply.body).form_with(words)
        return Post(
            send=self.wire,
            path=unquote(urlsplit(form.action).path or self.path),
            fields={
                one.name: one.value
                for one in form.controls
                if one.name and one.kind != "checkbox"
            },
            cookie="; ".join(f"{name}={one}" for name, one in self.cookies.items()),
            headers=self.more,
            peer=self.peer,
        )

    @property
    def is_signed_in(self) -> bool:
        """
        Whether the private page greets; it stays the page that one is on.
        """
        self.visit("/private")
        return "Bonjour" in self.text


@attrs.frozen(kw_only=True)
class Desk:
    """
    A sign-in on a host, and all that it keeps and sends.
    """

    send: Send
    auth: UnessAuth
    stores: Stores
    outbox: Outbox
    clock: FixedClock
    hashing: FastHashing
    log: EventLog

    def browse(self, *, peer: str = "198.51.100.7", **headers: str) -> Visitor:
        """
        Open a fresh browser; ``user_agent=`` is a header that it sends.
        """
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Visitor(self.send, self.auth.site.base_url, peer, given)

    def add(self, address: str = CAMILLE) -> None:
        """
        Have the registrar create an account.
        """
        added = self.auth.provisioning.add(address, display_name="Camille Durand")
        assert isinstance(added, AccountAdded)

    def add_with_password(self, address: str = CAMILLE) -> None:
        """
        Create an account and its password, in no browser.
        """
        self.add(address)
        assert isinstance(self.auth.password_link.request(address, HERE), LinkSent)
        answer = self.auth.password_link.set_password(
            self.token(address), PASSWORD, PASSWORD, HERE
        )
        assert isinstance(answer, PasswordSet)
        self.clock.tick(timedelta(minutes=2))

    def account(self, address: str = CAMILLE) -> Account:
        """
        Return the account as it is stored.
        """
        found = self.stores.accounts.by_address(address)
        assert found is not None
        return found

    def move(self, address: str, to: str) -> None:
        """
        Have the registrar give an account another address.
        """
        account = self.account(address)
        registry = self.stores.registry
        assert registry is not None
        moved = attrs.evolve(
            account, address=to, credential_version=account.credential_version + 1
        )
        assert registry.replace(moved, account.credential_version)

    def token(self, address: str = CAMILLE) -> str:
        """
        Return the token of the last link.
        """
        return self.outbox.link(address).rpartition("/")[2]

    def link_path(self, address: str = CAMILLE) -> str:
        """
        Return the path of the last link.
        """
        return urlsplit(self.outbox.link(address)).path

    def ask(self, method: str, path: str, *, peer: str = "198.51.100.7") -> Reply:
        """
        Send a request without cookies and without a body.
        """
        return self.send(Sent(method=method, path=path, peer=peer))

    def post(self, path: str, **fields: str) -> Reply:
        """
        Send a form without cookies, as a link takes it.
        """
        return Post(self.send, path, {}, "", {}, "198.51.100.7")(**fields)

    def at_s7(self, address: str = CAMILLE, **given: str) -> Visitor:
        """
        Walk a fresh browser to the page that asks for the password.
        """
        browser = self.browse(**given)
        start(browser, address)
        assert "Compte UNESS" in browser.title
        return browser

    def at_s8(self, address: str = CAMILLE, **given: str) -> Visitor:
        """
        Walk a fresh browser to the page that asks for the code.
        """
        browser = self.at_s7(address, **given)
        browser.press("RECEVOIR LE CODE")
        assert browser.title.startswith(S8)
        return browser

    def signed_in(
        self, address: str = CAMILLE, *, is_remembered: bool = False
    ) -> Visitor:
        """
        Sign a fresh browser in by the password.
        """
        browser = self.at_s7(address)
        if is_remembered:
            browser.check("Se souvenir de moi")
        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")
        assert browser.is_signed_in
        return browser

    def guess(self, browser: Visitor, password: str = OTHER_PASSWORD) -> int:
        """
        Try a password on S7 past the browser; return the status.
        """
        return browser.form("SE CONNECTER")(password=password).status

    def code_to(self, address: str = CAMILLE) -> str:
        """
        Return the last code mailed.
        """
        return self.outbox.code(address)

    def wrong_code(self) -> str:
        """
        Return a code that was not mailed.
        """
        return f"{(int(self.code_to()) + 1) % 1_000_000:06d}"


def set_password(browser: Visitor, link: str, password: str = OTHER_PASSWORD) -> None:
    """
    Walk through S5 to S6.
    """
    browser.visit(link)
    browser.fill(NEW, password)
    browser.fill(AGAIN, password)
    browser.press("CRÉER")
    assert browser.title.startswith("Mot de passe enregistré")


def opens_session(reply: Reply) -> bool:
    """
    Whether the answer hands a session over.
    """
    return re.search(r"uness-session=[\w-]{43}", str(reply.headers)) is not None


class StoredFlaws(ABC):
    """
    What went wrong elsewhere in or around a database, and does not here.
    """

    @abstractmethod
    def connect(self, auth: UnessAuth) -> Send:
        """
        Return what sends requests, from any thread, to a host with the sign-in of
        *auth*, and with a page ``/private`` that needs it and says « Bonjour ».
        """

    def stores(self) -> Stores:
        """
        Return empty stores.
        """
        return MemoryStorage().stores

    def thread_done(self) -> None:  # noqa: B027 - most hosts hold nothing
        """
        Give back what a thread holds, at its end.
        """

    def make(self, *, base_url: str = BASE_URL, **wishes: Any) -> Desk:
        """
        Return a sign-in with no accounts.
        """
        clock, outbox, hashing, log = FixedClock(), Outbox(), FastHashing(), EventLog()
        stores = self.stores()
        given: dict[str, Any] = {
            "site": Site(base_url=base_url),
            "stores": stores,
            "mailer": outbox,
            "hashing": hashing,
            "policy": Policy.uness(hashing=PATIENT),
            "subscribers": [log],
            "clock": clock,
        }
        auth = UnessAuth(**given | wishes)
        return Desk(
            send=self.connect(auth),
            auth=auth,
            stores=stores,
            outbox=outbox,
            clock=clock,
            hashing=hashing,
            log=log,
        )

    def at_once(self, calls: Sequence[Callable[[], Reply]]) -> list[Reply]:
        """
        Make the calls from as many threads as there may be, all started together.
        """
        threads = min(THREADS, len(calls))
        barrier = Barrier(threads)

        def some(first: int) -> list[Reply]:
            _ = barrier.wait()
            try:
                return [call() for call in calls[first::threads]]
            finally:
                self.thread_done()

        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(some, range(threads)))
        return [reply for replies in found for reply in replies]

    def test_mail_goes_where_it_is_stored(self) -> None:
        """
        P4: a look-alike is unknown, or the mail goes to the stored address to the byte.
        """
        desk = self.make()
        desk.add("mike@univ-exemple.fr")
        for typed in LOOK_ALIKES:
            before = len(desk.outbox.messages)
            browser = desk.browse()
            start(browser, typed)
            sent = [(to, str(mail["To"])) for to, mail in desk.outbox.messages[before:]]
            desk.clock.tick(timedelta(hours=3))

            assert 422 == browser.status, ascii(typed)
            assert [] == sent, ascii(typed)
        start(desk.browse(), "MIKE@UNIV-EXEMPLE.FR")

        [(to, mail)] = desk.outbox.messages
        assert ("mike@univ-exemple.fr", to) == (str(mail["To"]), str(mail["To"]))

    def test_no_accent_is_folded(self) -> None:
        """
        P6: what a collation, or its A-label, could take for an address is unknown.
        """
        desk = self.make()
        desk.add("mike@example.org")
        desk.add_with_password("mike@exemple.net")
        mails = len(desk.outbox.messages)
        for typed in FOLDED:
            browser = desk.browse()
            start(browser, typed)
            assert 422 == browser.status, ascii(typed)
            form = browser.form("SE CONNECTER")
            for path in ("link", "code"):
                reply = attrs.evolve(form, path=f"/auth/{path}")(username=typed)
                assert 422 == reply.status, ascii(typed)
            desk.clock.tick(timedelta(hours=1))

        assert mails == len(desk.outbox.messages)

    def test_nothing_matches_nothing(self) -> None:
        """
        P7: a blank token, code, challenge or cookie is refused, and changes nobody.
        """
        desk = self.make()
        desk.add()
        desk.add_with_password(NADIA)
        before = desk.account(), desk.account(NADIA)
        for blank in BLANKS:
            browser = desk.at_s8(NADIA)
            form = browser.form("SE CONNECTER")
            link = f"/auth/link/{blank}"
            replies = [
                desk.ask("GET", link),
                desk.post(link, password=PASSWORD, confirmation=PASSWORD),
                form(code=blank),
                form(challenge=blank, code=desk.code_to(NADIA)),
                form(challenge=blank, code=blank),
            ]
            for name in ("uness-session", "uness-browser"):
                browser.cookies[name] = blank
            desk.clock.tick(timedelta(hours=6))

            assert [] == [one.status for one in replies if one.status not in REFUSED]
            assert not browser.is_signed_in
        assert before == (desk.account(), desk.account(NADIA))

    def test_one_link_sets_one_password(self) -> None:
        """
        P9: of 50 parallel posts of one link exactly one sets its password.
        """
        desk = self.make(hashing=SlowHashing())
        desk.add()
        start(desk.browse(), CAMILLE)
        before, path = desk.account(), desk.link_path()
        passwords = [f"Velo-Tandem-{number:02d}x" for number in range(THREADS)]

        def post(password: str) -> Callable[[], Reply]:
            return lambda: desk.post(path, password=password, confirmation=password)

        replies = self.at_once([post(one) for one in passwords])
        after = desk.account()
        statuses = Counter(reply.status for reply in replies)

        assert {200: 1, 410: THREADS - 1} == statuses
        assert before.credential_version + 1 == after.credential_version
        winner = after.password_hash.removeprefix("clear:")
        assert winner in passwords
        browser = desk.at_s7()
        assert 422 == desk.guess(browser, next(p for p in passwords if p != winner))
        assert 303 == desk.guess(browser, winner)

    def test_two_hundred_wrong_passwords(self) -> None:
        """
        P23: of 200 parallel wrong passwords no more are compared than one may try.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s7().form("SE CONNECTER")
        replies = self.at_once([lambda: form(password=OTHER_PASSWORD)] * 200)
        statuses = Counter(one.status for one in replies)

        assert (
            1 <= desk.hashing.verified <= desk.auth.policy.throttle.free_passwords + 1
        )
        assert desk.hashing.verified == statuses[422]
        assert statuses.keys() <= {422, 429, 503}

    def test_two_hundred_wrong_codes(self) -> None:
        """
        P23: of 200 parallel wrong codes no more are compared than one may try.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s8().form("SE CONNECTER")
        right, wrong = desk.code_to(), desk.wrong_code()
        replies = self.at_once([lambda: form(code=wrong)] * 200)
        compared = sum(event.reason == "wrong code" for event in desk.log.events)
        statuses = Counter(one.status for one in replies)

        assert 1 <= compared <= desk.auth.policy.code.attempts
        assert statuses[422] <= compared
        assert statuses.keys() <= {422, 410, 429, 503}
        assert form(code=right).status in {410, 429}

    def test_a_code_opens_one_session(self) -> None:
        """
        P25: of 50 parallel posts of one right code one signs in, and none later.
        """
        desk = self.make()
        desk.add_with_password()
        form, code = desk.at_s8().form("SE CONNECTER"), desk.code_to()
        replies = self.at_once([lambda: form(code=code)] * 50)
        replies.append(form(code=code))
        opened = [one for one in replies if opens_session(one)]

        assert [303] == [one.status for one in opened]
        assert {303, 410} >= {one.status for one in replies} - {503}

    @pytest.mark.parametrize("field", ["username", "password", "next", "remember"])
    def test_nul_is_counted(self, field: str) -> None:
        """
        P54: a NUL in a field is no fault of the server's, and the attempt counts.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s7().form("SE CONNECTER")
        given = {
            "password": OTHER_PASSWORD,
            field: f"a\x00{form.fields.get(field, '')}",
        }
        statuses = {form(**given).status for _ in range(5)}

        assert {422} == statuses
        # An address with a NUL is nobody's, so nothing of Camille's was tried.
        expected = 303 if field == "username" else 429
        assert expected == form(password=PASSWORD).status

    @pytest.mark.parametrize("field", ["code", "next"])
    def test_nul_in_a_code_is_counted(self, field: str) -> None:
        """
        P54: so it is with codes.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s8().form("SE CONNECTER")
        given = {"code": desk.wrong_code(), field: f"{desk.wrong_code()}\x00"}
        statuses = [form(**given).status for _ in range(5)]

        assert [422] * 4 + [410] == statuses
        assert 410 == form(code=desk.code_to()).status


class PeerFlaws(StoredFlaws):
    """
    What else went wrong elsewhere, and does not here.
    """

    @abstractmethod
    def serve(self, auth: UnessAuth) -> AbstractContextManager[int]:
        """
        Serve the same host on a port of the loopback address.
        """

    # --- Recipient and identity ----------------------------------------------------

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            (FORM, f"email={quote(CAMILLE)}&email=a%40{EVIL}"),
            (FORM, f"email=a%40{EVIL}&email={quote(CAMILLE)}"),
            (FORM, f"email[]={quote(CAMILLE)}&email[]=a%40{EVIL}"),
            (FORM, f"email[0]={quote(CAMILLE)}&email[1]=a%40{EVIL}"),
            (FORM, f"email%5B%5D={quote(CAMILLE)}"),
            ("application/json", f'{{"email": ["{CAMILLE}", "a@{EVIL}"]}}'),
            ("application/json", f'{{"email": "{CAMILLE}", "email": "a@{EVIL}"}}'),
        ],
    )
    @pytest.mark.parametrize("path", ["", "link", "code"])
    def test_one_address_or_none(self, path: str, kind: str, body: str) -> None:
        """
        P1: a field that is repeated, a list or JSON names nobody, and mails nothing.
        """
        desk = self.make()
        desk.add()
        browser = desk.browse()
        browser.visit("/auth/")
        form = browser.form("SE CONNECTER")
        [guard] = [name for name in form.fields if name not in {"email", "next"}]
        named = body if path == "" else body.replace("email", "username")
        whole = f"{guard}={quote(form.fields[guard])}&{named}" if kind == FORM else body
        reply = attrs.evolve(form, path=f"/auth/{path}").raw(whole.encode(), kind)

        assert reply.status in {400, 415, 422}
        assert [] == desk.outbox.messages

    @pytest.mark.parametrize(
        "typed",
        [
            f"{CAMILLE},a@{EVIL}",
            f"{CAMILLE};a@{EVIL}",
            f"{CAMILLE} a@{EVIL}",
            f"{CAMILLE}\na@{EVIL}",
            f"{CAMILLE}\r\nBcc: a@{EVIL}",
            f"{CAMILLE} <a@{EVIL}>",
            f"<{CAMILLE}> a@{EVIL}",
        ],
    )
    def test_no_list_of_addresses(self, typed: str) -> None:
        """
        P2: two addresses in one field are none, whichever of them has an account.
        """
        desk = self.make()
        desk.add()
        browser = desk.browse()
        start(browser, typed)

        assert 422 == browser.status
        assert [] == desk.outbox.messages

    @pytest.mark.parametrize(
        "typed",
        [
            f'"a@{EVIL} x"@univ-exemple.fr',
            f'"{CAMILLE} x"@{EVIL}',
            f'"{CAMILLE}"@{EVIL}',
            f'"camille.durand"@{EVIL}',
            '"camille.durand"@univ-exemple.fr',
            f"{CAMILLE}(@{EVIL})",
        ],
    )
    def test_no_quoted_local_part(self, typed: str) -> None:
        """
        P3: what two parsers could read as two addresses is neither of them.
        """
        desk = self.make()
        desk.add()
        browser = desk.browse()
        start(browser, typed)

        assert 422 == browser.status
        assert [] == desk.outbox.messages

    # --- Links -----------------------------------------------------------------------

    def test_no_order_of_steps_sets_a_password(self) -> None:
        """
        P10: without the mail no order of the steps, whatever parameters are added,
        reaches a new password or a session.
        """
        desk = self.make()
        desk.add_with_password()
        before = desk.account()
        chance = random.Random(10)  # noqa: S311 - the same orders each time
        more = {
            "tryAnotherWay": "on",
            "execution": "set-password",
            "step": "6",
            "action": "create",
            "authenticationExecution": "link",
            "password": PASSWORD[::-1] + "aA1+",
            "confirmation": PASSWORD[::-1] + "aA1+",
        }
        steps = {
            "": {"email": CAMILLE},
            "link": {"username": CAMILLE},
            "password": {"username": CAMILLE},
            "code": {"username": CAMILLE},
            "code/confirm": {"challenge": "0" * 32, "code": "123456"},
            "link/set-password": {},
            "sign-out": {},
        }
        pages = set()
        for _ in range(12):
            browser = desk.browse()
            for path in chance.sample(list(steps), len(steps)):
                browser.visit("/auth/")
                form = attrs.evolve(browser.form("SE CONNECTER"), path=f"/auth/{path}")
                reply = form(**more, **steps[path])
                pages.add(PageReader(reply.body).title.strip())
                assert not opens_session(reply)
            assert not browser.is_signed_in
            desk.clock.tick(timedelta(hours=1))

        assert not any("Créez votre" in one or "enregistré" in one for one in pages)
        assert len(pages) > 4
        assert before == desk.account()

    def test_a_used_link_stays_used(self) -> None:
        """
        P11: a link that set a password shows and sets nothing any more.
        """
        desk = self.make()
        desk.add()
        start(desk.browse(), CAMILLE)
        set_password(desk.browse(), desk.outbox.link(CAMILLE))
        before, path = desk.account(), desk.link_path()
        replies = [
            desk.ask("GET", path),
            desk.post(path, password=PASSWORD, confirmation=PASSWORD),
            desk.ask("HEAD", path),
            desk.post(path, password=PASSWORD, confirmation=PASSWORD),
        ]

        assert [410] * 4 == [one.status for one in replies]
        assert "Ce lien ne peut plus être utilisé" in replies[1].body
        assert before == desk.account()

    @pytest.mark.parametrize(
        "headers",
        [
            {"host": EVIL},
            {"host": f"localhost:8000@{EVIL}"},
            {"x_forwarded_host": EVIL},
            {"x_forwarded_server": EVIL},
            {"x_original_host": EVIL},
            {"x_host": EVIL},
            {"forwarded": f"for=1.2.3.4;host={EVIL};proto=http"},
            {"x_forwarded_host": EVIL, "x_forwarded_port": "81"},
            {"x_original_url": f"http://{EVIL}/", "x_rewrite_url": f"//{EVIL}/"},
            {"x_forwarded_prefix": f"//{EVIL}"},
        ],
    )
    def test_no_host_but_ours(self, headers: dict[str, str]) -> None:
        """
        P12: whatever a request says of its host, links start from the base URL.
        """
        desk = self.make(trusted_proxies=1)
        desk.add()
        browser = desk.browse()
        browser.visit("/auth/")
        form = attrs.evolve(
            browser.form("SE CONNECTER"),
            headers={name.replace("_", "-"): one for name, one in headers.items()},
        )
        reply = form(email=CAMILLE)

        # A framework may refuse the host; what it takes leads to ours.
        assert reply.status in {200, 400}
        assert EVIL not in str(reply.headers)
        assert (reply.status == 200) == bool(desk.outbox.messages)
        for _, mail in desk.outbox.messages:
            assert EVIL not in mail.as_string()
            assert desk.outbox.link(CAMILLE).startswith(f"{BASE_URL}/auth/link/")

    def test_neither_of_two_hosts(self) -> None:
        """
        P12: on the wire neither an absolute request line nor a second Host counts.
        """
        desk = self.make()
        desk.add()
        browser = desk.browse()
        browser.visit("/auth/")
        form = browser.form("SE CONNECTER")
        body = urlencode({**form.fields, "email": CAMILLE}).encode()
        heads = [
            ("/auth/", [EVIL]),
            ("/auth/", ["localhost:8000", EVIL]),
            ("/auth/", [EVIL, "localhost:8000"]),
            (f"http://{EVIL}/auth/", ["localhost:8000"]),
            (f"http://{EVIL}/auth/", [EVIL]),
        ]
        answered = []
        with self.serve(desk.auth) as port:
            for target, hosts in heads:
                lines = [
                    f"POST {target} HTTP/1.1",
                    *(f"Host: {host}" for host in hosts),
                    f"Cookie: {form.cookie}",
                    f"Content-Type: {FORM}",
                    f"Content-Length: {len(body)}",
                    "Connection: close",
                ]
                head = "".join(f"{line}\r\n" for line in lines) + "\r\n"
                answered.append(over_the_wire(port, head.encode() + body))
                desk.clock.tick(timedelta(hours=1))

        assert [] == [one for one in answered if EVIL.encode() in one]
        # One of them at least was taken, or nothing was shown.
        assert any(b" 200 " in one.partition(b"\r\n")[0] for one in answered)
        assert desk.outbox.messages
        for _, mail in desk.outbox.messages:
            assert EVIL not in mail.as_string()
            assert f"{BASE_URL}/auth/link/" in mail.as_string().replace("=\n", "")

    @pytest.mark.parametrize(
        "headers",
        [
            {"x_forwarded_proto": "http"},
            {"x_forwarded_proto": "http, https"},
            {"forwarded": "for=1.2.3.4;proto=http;host=portail.example"},
            {"x_forwarded_ssl": "off", "front_end_https": "off"},
            {"x_forwarded_scheme": "http", "x_url_scheme": "http"},
        ],
    )
    def test_no_scheme_but_ours(self, headers: dict[str, str]) -> None:
        """
        P13: whatever a request says of its scheme, links and cookies are https.
        """
        stores, outbox = self.stores(), Outbox()
        kept = attrs.asdict(stores, recurse=False)
        desk = self.make(
            base_url="https://portail.example",
            trusted_proxies=1,
            stores=attrs.evolve(
                stores, **{name: Fit(one) for name, one in kept.items()}
            ),
            mailer=Fit(outbox),
            hashing=Fit(FastHashing()),
            keys=["first-key-of-the-tests-0123456789abcdef"],
        )
        desk.add()
        browser = desk.browse()
        browser.visit("/auth/")
        cookies = [v for n, v in browser.reply.headers if n.lower() == "set-cookie"]
        form = attrs.evolve(
            browser.form("SE CONNECTER"),
            headers={name.replace("_", "-"): one for name, one in headers.items()},
        )
        reply = form(email=CAMILLE)

        assert 200 == reply.status
        assert outbox.link(CAMILLE).startswith("https://portail.example/auth/link/")
        assert "http://portail" not in outbox.last_text(CAMILLE)
        assert all(one.startswith("__Host-") and "Secure" in one for one in cookies)

    def test_a_scanner_uses_nothing_up(self) -> None:
        """
        P14: HEAD, twenty GETs and the form sent as served leave the link to the person.
        """
        desk = self.make()
        desk.add()
        start(desk.browse(), CAMILLE)
        link, path = desk.outbox.link(CAMILLE), desk.link_path()
        scanner = desk.browse(
            peer="203.0.113.99",
            user_agent="Mozilla/5.0 (SafeLinks; ms-office; MSOffice 16)",
        )
        assert 200 == desk.ask("HEAD", path).status
        for _ in range(20):
            scanner.visit(link)
            assert 200 == scanner.status
        assert 422 == scanner.form("CRÉER")().status
        assert 422 == desk.post(path).status
        assert 422 == desk.post(path, password="x", confirmation="x").status

        set_password(desk.browse(), link)

    def test_the_links_page_tells_nobody(self) -> None:
        """
        P15: the page of a link loads nothing from elsewhere, and sends on no path.
        """
        desk = self.make()
        desk.add()
        start(desk.browse(), CAMILLE)
        reply = desk.ask("GET", desk.link_path())
        loaded = re.findall(
            r'<(?:link|img|script)[^>]* (?:href|src)="([^"]*)', reply.body
        )

        assert "strict-origin" == reply.header("referrer-policy")
        assert "no-store" == reply.header("cache-control")
        assert loaded
        assert [] == [one for one in loaded if not one.startswith("/auth/static/")]

    def test_a_moved_address_ends_its_links(self) -> None:
        """
        P17: a link and a code mailed before the address changed are void.
        """
        desk = self.make()
        desk.add_with_password()
        browser = desk.at_s8()
        code = desk.code_to()
        assert isinstance(desk.auth.password_link.request(CAMILLE, HERE), LinkSent)
        path = desk.link_path()
        desk.move(CAMILLE, AWAY)
        before = desk.account(AWAY)

        assert 410 == desk.ask("GET", path).status
        assert (
            410
            == desk.post(
                path, password=OTHER_PASSWORD, confirmation=OTHER_PASSWORD
            ).status
        )
        assert 422 == browser.form("SE CONNECTER")(code=code).status
        assert before == desk.account(AWAY)

    def test_a_new_password_ends_the_codes(self) -> None:
        """
        P18: a code that was mailed before a link set a password is refused after it.
        """
        desk = self.make()
        desk.add_with_password()
        browser = desk.at_s8()
        code = desk.code_to()
        assert isinstance(desk.auth.password_link.request(CAMILLE, HERE), LinkSent)
        set_password(desk.browse(), desk.outbox.link(CAMILLE))
        browser.fill(CODE, code)
        browser.press("SE CONNECTER")

        assert 422 == browser.status
        assert not browser.is_signed_in

    # --- Codes and throttles ---------------------------------------------------------

    def test_codes_are_counted(self) -> None:
        """
        P21, P22: after five wrong codes the right one is refused, here as everywhere.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s8().form("SE CONNECTER")
        right, wrong = desk.code_to(), desk.wrong_code()
        attempts = desk.auth.policy.code.attempts
        replies = [form(code=wrong) for _ in range(attempts)]
        told = [re.findall(r"(\d) essai", one.body) for one in replies]

        assert [[str(n)] for n in range(attempts - 1, 1, -1)] == told[: attempts - 2]
        assert [422] * (attempts - 1) + [410] == [one.status for one in replies]
        assert 410 == form(code=right).status
        assert (
            415 == form.raw(b'{"code": "%d"}' % int(right), "application/json").status
        )

    def test_passwords_are_counted(self) -> None:
        """
        P22: after five wrong passwords the right one waits, here as everywhere.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s7().form("SE CONNECTER")
        free = desk.auth.policy.throttle.free_passwords
        statuses = [form(password=OTHER_PASSWORD).status for _ in range(free + 1)]

        assert [422] * (free + 1) == statuses
        assert free + 1 == desk.hashing.verified
        assert 429 == form(password=PASSWORD).status
        body = f'{{"username": "{CAMILLE}", "password": "{PASSWORD}"}}'
        assert 415 == form.raw(body.encode(), "application/json").status
        assert free + 1 == desk.hashing.verified

    def test_many_networks_have_one_account_between_them(self) -> None:
        """
        P24: 100 addresses that guess in turn, all day, get no more than the account's.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s7().form("SE CONNECTER")
        statuses = Counter[int]()
        for number in range(150):
            peer = f"203.0.113.{number % 100}"
            statuses[attrs.evolve(form, peer=peer)(password=OTHER_PASSWORD).status] += 1
            desk.clock.tick(timedelta(minutes=9))

        assert desk.auth.policy.throttle.passwords_per_day == desk.hashing.verified
        assert {
            422: desk.hashing.verified,
            429: 150 - desk.hashing.verified,
        } == statuses

    def test_spellings_share_a_counter(self) -> None:
        """
        P26: ten spellings of one address are one account to the budgets.
        """
        desk = self.make()
        desk.add_with_password()
        form = desk.at_s7().form("SE CONNECTER")
        statuses = [
            form(username=typed, password=OTHER_PASSWORD).status for typed in SPELLINGS
        ]
        links = desk.browse()
        links.visit("/auth/")
        ask = attrs.evolve(links.form("SE CONNECTER"), path="/auth/link")
        mails = len(desk.outbox.messages)
        for typed in SPELLINGS:
            _ = ask(username=typed)

        assert [422] * 5 + [429] * 5 == statuses
        assert 5 == desk.hashing.verified
        assert mails + 1 == len(desk.outbox.messages)

    def test_own_success_gives_the_network_nothing_back(self) -> None:
        """
        P27: signing in to an account of one's own clears none of the failures.
        """
        desk = self.make(policy=NARROW)
        desk.add_with_password(NADIA)
        names = [f"victime{number}@univ-exemple.fr" for number in range(NETWORK.most)]
        own = desk.at_s7(NADIA).form("SE CONNECTER")
        failed = 0
        for name in names:
            assert 303 == own(password=PASSWORD).status
            assert 422 == own(username=name, password=OTHER_PASSWORD).status
            failed += 1

        assert NETWORK.most == failed
        assert 429 == own(username=names[0], password=OTHER_PASSWORD).status
        assert 429 == own(password=PASSWORD).status

    @pytest.mark.parametrize(
        ("proxies", "forwarded"),
        [
            (0, "{any}"),
            (0, "{any}, {any}"),
            (1, "{any}, 203.0.113.5"),
            (1, "203.0.113.5"),
            (1, "{any},{any},  203.0.113.5"),
        ],
    )
    def test_forwarded_addresses_are_not_believed(
        self, proxies: int, forwarded: str
    ) -> None:
        """
        P28: whatever X-Forwarded-For says left of our proxies, the network is one.
        """
        desk = self.make(policy=NARROW, trusted_proxies=proxies)
        chance = random.Random(28)  # noqa: S311 - addresses to invent
        form = self.guessing(desk)
        statuses = []
        for number in range(NETWORK.most + 2):
            hops = re.sub(
                r"\{any\}", lambda _: f"10.{chance.getrandbits(8)}.0.1", forwarded
            )
            given = attrs.evolve(form, headers={"x-forwarded-for": hops})
            statuses.append(given(username=f"v{number}@x-exemple.fr").status)
        other = attrs.evolve(
            form, peer="203.0.113.77", headers={"x-forwarded-for": "203.0.113.78"}
        )

        assert [422] * NETWORK.most + [429] * 2 == statuses
        assert 422 == other(username="w@x-exemple.fr").status

    @pytest.mark.parametrize(
        "peers",
        [
            [f"2001:db8:1:2::{number:x}" for number in range(12)],
            [f"2001:DB8:1:2:{number:X}::1" for number in range(12)],
            ["2001:db8:1:2::1", "2001:0DB8:0001:0002:0:0:0:1"] * 6,
            ["203.0.113.5", "::ffff:203.0.113.5", "::FFFF:CB00:7105"] * 4,
        ],
    )
    def test_spellings_of_a_network_are_one(self, peers: list[str]) -> None:
        """
        P29: all addresses of a /64, and all spellings of one, have one budget.
        """
        desk = self.make(policy=NARROW)
        form = self.guessing(desk)
        statuses = [
            attrs.evolve(form, peer=peer)(username=f"v{number}@x-exemple.fr").status
            for number, peer in enumerate(peers)
        ]

        assert [422] * NETWORK.most + [429] * (12 - NETWORK.most) == statuses
        far = attrs.evolve(form, peer="2001:db8:1:3::1")
        assert 422 == far(username="w@x-exemple.fr").status

    def test_what_began_before_the_wait_waits(self) -> None:
        """
        P31: pages and challenges from before a wait open nothing in it, nor after it.
        """
        desk = self.make()
        desk.add_with_password()
        password = desk.at_s7().form("SE CONNECTER")
        first, second, old = (desk.at_s8().form("SE CONNECTER") for _ in range(3))
        code, wrong = desk.code_to(), desk.wrong_code()
        for form in (first, second):
            for number in range(5):
                peer = f"203.0.113.{number}"
                _ = attrs.evolve(form, peer=peer)(code=wrong)
        for _ in range(5):
            assert 422 == password(password=OTHER_PASSWORD).status

        assert 429 == old(code=code).status
        assert 429 == password(password=PASSWORD).status
        desk.clock.tick(timedelta(hours=1, seconds=1))
        assert 410 == old(code=code).status
        assert 303 == password(password=PASSWORD).status

    def test_the_owner_still_gets_in(self) -> None:
        """
        P32: who burns the budget of passwords keeps the owner out of neither a device
        that the account knows, nor link and code on any other.
        """
        desk = self.make()
        desk.add_with_password()
        known = desk.signed_in()
        known.press("Se déconnecter")
        stranger = desk.at_s7(peer="203.0.113.66")
        statuses = [desk.guess(stranger) for _ in range(8)]
        assert 429 == statuses[-1]
        start(known, CAMILLE)
        known.fill(CURRENT, PASSWORD)
        known.press("SE CONNECTER")
        assert known.is_signed_in

        # A success ended the account's wait; the stranger begins another.
        for _ in range(8):
            _ = desk.guess(stranger)
        owner = desk.at_s8()
        owner.fill(CODE, desk.code_to())
        owner.press("SE CONNECTER")
        assert owner.is_signed_in

        for _ in range(8):
            _ = desk.guess(stranger)
        assert isinstance(desk.auth.password_link.request(CAMILLE, HERE), LinkSent)
        browser = desk.browse()
        set_password(browser, desk.outbox.link(CAMILLE))
        start(browser, CAMILLE)
        browser.fill(CURRENT, OTHER_PASSWORD)
        browser.press("SE CONNECTER")
        assert browser.is_signed_in

    # --- Enumeration -----------------------------------------------------------------

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("", "email={}&csrf=x"),
            ("password", "username={}&password=x&csrf=x"),
            ("link", "username={}&csrf=x"),
            ("code", "username={}&csrf=x"),
            ("link", "username={}&next=//evil.example"),
            ("", "email={}&email={}"),
            ("password", "username={}&password=%ff"),
        ],
    )
    def test_another_fault_comes_first(self, path: str, body: str) -> None:
        """
        P36: where something else is wrong, nobody is looked up, and all are told alike.
        """
        desk = self.make()
        desk.add_with_password()
        browser = desk.browse()
        browser.visit("/auth/")
        form = attrs.evolve(browser.form("SE CONNECTER"), path=f"/auth/{path}")
        before = len(desk.log.events)
        told = {
            (reply.status, without_chance(reply.body, address))
            for address in (CAMILLE, "personne@univ-exemple.fr")
            for reply in [form.raw(body.replace("{}", quote(address)).encode())]
        }

        assert 1 == len(told)
        assert {status for status, _ in told} <= {400, 403}
        assert before == len(desk.log.events)

    # --- Sessions --------------------------------------------------------------------

    def test_a_reset_signs_out_everywhere(self) -> None:
        """
        P38: three browsers are strangers at their next request once a fourth resets.
        """
        desk = self.make()
        desk.add_with_password()
        browsers = [desk.signed_in(is_remembered=kept) for kept in (False, True, False)]
        assert isinstance(desk.auth.password_link.request(CAMILLE, HERE), LinkSent)
        set_password(desk.browse(), desk.outbox.link(CAMILLE))

        assert [False] * 3 == [browser.is_signed_in for browser in browsers]

    def test_a_disabled_account_is_out(self) -> None:
        """
        P39: its sessions end with the next request, its link and its code with the next
        try, and enabling it again brings none of them back.
        """
        desk = self.make()
        desk.add_with_password()
        browsers = [desk.signed_in(is_remembered=kept) for kept in (False, True)]
        form, code = desk.at_s8().form("SE CONNECTER"), desk.code_to()
        assert isinstance(desk.auth.password_link.request(CAMILLE, HERE), LinkSent)
        path = desk.link_path()
        _ = desk.auth.provisioning.disable(CAMILLE)

        def tried() -> list[int]:
            link = desk.post(path, password=PASSWORD, confirmation=PASSWORD)
            return [desk.ask("GET", path).status, link.status, form(code=code).status]

        assert [410, 410, 422] == tried()
        assert [False] * 2 == [browser.is_signed_in for browser in browsers]
        strangers = desk.browse()
        start(strangers, CAMILLE)
        assert 422 == strangers.status
        _ = desk.auth.provisioning.enable(CAMILLE)
        assert [410, 410, 422] == tried()
        assert [False] * 2 == [browser.is_signed_in for browser in browsers]

    def test_a_remembered_session_is_one_devices(self) -> None:
        """
        P41: two devices have two tokens, signing out ends the stolen copy of one, and
        the server ends both, whatever a browser keeps.
        """
        desk = self.make()
        desk.add_with_password()
        first, second = (desk.signed_in(is_remembered=True) for _ in range(2))
        stolen = desk.browse()
        stolen.cookies = dict(first.cookies)
        kept = dict(second.cookies)
        assert first.cookies["uness-session"] != second.cookies["uness-session"]
        assert stolen.is_signed_in

        assert first.is_signed_in
        first.press("Se déconnecter")
        assert not stolen.is_signed_in
        policy = desk.auth.policy.session
        for _ in range(policy.remembered_absolute // policy.remembered_idle):
            desk.clock.tick(policy.remembered_idle - timedelta(minutes=1))
            assert second.is_signed_in
        desk.clock.tick(policy.remembered_idle - timedelta(minutes=1))
        second.cookies = kept
        assert not second.is_signed_in

    def test_a_window_of_tabs_stays_signed_in(self) -> None:
        """
        P42: ten parallel requests with one remembered cookie are all answered, no cookie
        changes, and the next one is answered too.
        """
        desk = self.make()
        desk.add_with_password()
        browser = desk.signed_in(is_remembered=True)
        cookie = "; ".join(f"{name}={one}" for name, one in browser.cookies.items())
        asked = Sent(method="GET", path="/private", headers={"cookie": cookie})
        for _ in range(3):
            desk.clock.tick(timedelta(hours=3))
            replies = self.at_once([lambda: desk.send(asked)] * 10)
            assert [200] * 10 == [one.status for one in replies]
            assert [] == [
                one for one in replies if "uness-session=" in str(one.headers)
            ]

        assert browser.is_signed_in

    def guessing(self, desk: Desk) -> Post:
        """
        Return S7's form, with a wrong password in it, for no account's address.
        """
        desk.add_with_password(NADIA)
        form = desk.at_s7(NADIA).form("SE CONNECTER")
        return attrs.evolve(form, fields={**form.fields, "password": OTHER_PASSWORD})


def over_the_wire(port: int, request: bytes) -> bytes:
    """
    Send bytes to a server here, and return all that it answers.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        answered = b""
        while chunk := connection.recv(65_536):
            answered += chunk
    return answered


def without_chance(body: str, address: str) -> str:
    """
    Return a page with the address and what is random in it masked.
    """
    masked = body.replace(address, "…")
    return re.sub(r'(name="csrf" value=")[^"]+', r"\1…", masked)
