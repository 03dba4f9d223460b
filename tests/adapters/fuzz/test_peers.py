"""
What others got wrong, tried on all adapters over real HTTP.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import pytest

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.asking import accounts, dumps, get, mails, post, tracebacks
from tests.adapters.fuzz.draft import (
    CSRF,
    CSRF_FIELD,
    DJANGOS,
    OURS,
    Draft,
    quoted,
)
from tests.adapters.fuzz.servers import ADAPTERS, Servers, in_memory, running
from tests.adapters.fuzz.wire import exchange
from tests.servers import fresh
from uness_auth.web.routes import ROUTES


pytestmark = pytest.mark.once
MIB: Final = 1 << 20


class TestPeers:
    """
    What others got wrong, tried on all adapters over real HTTP.
    """

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("form", "email={0}&email={1}"),
            ("form", "email[]={0}&email[]={1}"),
            ("form", "email[0]={0}&email[1]={1}"),
            ("json", '{{"email": ["{0}", "{1}"]}}'),
            ("json", '{{"email": "{0}", "email": "{1}"}}'),
        ],
    )
    def test_an_array_of_addresses(
        self, fresh_start: Servers, kind: str, body: str
    ) -> None:
        """
        P1: more than one address is none, and no mail is sent.
        """
        before = mails(fresh_start)
        text = body.format(scene.CAMILLE, scene.NADIA).replace("@", "%40").encode()
        types = {"json": [b"application/json"]}.get(kind)
        guard = CSRF_FIELD + b"=" + CSRF + b"&" if kind == "form" else b""
        more = {"types": types} if types else {}
        found = post(fresh_start, "", guard + text, **more)

        assert {one.status for one in found.values()} <= {400, 415, 422}
        assert 1 == len({one.status for one in found.values()})
        assert before == mails(fresh_start)

    @pytest.mark.parametrize(
        "typed",
        ["{0},{1}", "{0};{1}", "{0} {1}", "{0}\n{1}", "{0} <{1}>", '"{0} x"@x.fr'],
    )
    @pytest.mark.parametrize(("path", "name"), [("", "email"), ("link", "username")])
    def test_a_list_in_one_field(
        self, fresh_start: Servers, typed: str, path: str, name: str
    ) -> None:
        """
        P2: a list of addresses in one field is no address, and no mail is sent.
        """
        before = mails(fresh_start)
        found = post(
            fresh_start, path, {name: typed.format(scene.CAMILLE, "a@evil.example")}
        )

        assert {422} == {one.status for one in found.values()}
        assert before == mails(fresh_start)

    @pytest.mark.parametrize(
        "blank", ["", "null", "0", "0.0", "true", "[]", "{}", "%00", None]
    )
    def test_blank_proof(self, fresh_start: Servers, blank: str | None) -> None:
        """
        P7: a token, code, challenge or session that says nothing lets nobody in, and
        changes no account.
        """
        before = accounts(fresh_start)
        given = {} if blank is None else {"code": blank, "challenge": blank}
        typed = {"password": scene.PASSWORD, "confirmation": scene.PASSWORD}
        found = [
            *post(fresh_start, "code/confirm", given).values(),
            *post(
                fresh_start,
                "code/confirm",
                {**given, "challenge": scene.CHALLENGE, "code": blank or ""},
            ).values(),
            *post(fresh_start, f"link/{blank or ''}", typed).values(),
        ]
        anonymous = get(
            fresh_start, "/private", cookies=[f"uness-session={blank or ''}".encode()]
        )

        assert {4} == {one.status // 100 for one in found}
        assert {3} == {one.status // 100 for one in anonymous.values()}
        assert not any(
            re.search("uness-session=.{43}", one.reply.header("set-cookie"))
            for one in found
            if one.reply
        )
        assert before == accounts(fresh_start)

    @pytest.mark.parametrize(
        "token", ["f" * 60_000, "." * 60_000, "r" + "%00" * 15_000]
    )
    def test_an_oversize_token(self, fresh_start: Servers, token: str) -> None:
        """
        P20: a token of any length is refused, by us or by the server.
        """
        for found in get(fresh_start, f"/auth/link/{token}").values():
            assert found.status in {400, 404, 414, 431}

    def test_an_endless_token(self, fresh_start: Servers) -> None:
        """
        P20: ten megabytes of token are refused too, if the server waits for their end.
        """
        for found in get(fresh_start, "/auth/link/" + "r" * 10_000_000).values():
            assert found.status in {0, 400, 404, 414, 431}

    @pytest.mark.parametrize("length", [1_000_000, 10_000_000])
    def test_a_long_password(self, fresh_start: Servers, length: int) -> None:
        """
        P50: a password of megabytes is refused unread: nothing is counted or changed.
        """
        before = dumps(fresh_start)
        typed = {"username": scene.CAMILLE, "password": "x" * length}
        for found in post(fresh_start, "password", typed).values():
            # 0: some servers hang up on what they do not read.
            assert found.status in {0, 413}

        assert before == dumps(fresh_start)

    @pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
    def test_what_grows_when_normalised(self, fresh_start: Servers, route: Any) -> None:
        """
        P51: as many U+FDFA as a form may hold, and more, are refused in every field.
        """
        path = route.path.replace("{token}", scene.link())
        for name in ("email", "username", "password", "code", "challenge", "next"):
            few = post(fresh_start, path, {name: "\ufdfa" * 1_700})
            many = post(fresh_start, path, {name: "\ufdfa" * 100_000})

            # Of sign-out and a link's page nothing that is typed is looked at.
            assert 1 == len({one.status for one in few.values()})
            assert {one.status for one in many.values()} <= {0, 405, 413}

    def test_parts_without_end(self, fresh_start: Servers) -> None:
        """
        P53: a form in a hundred thousand parts, or in one without an end, twenty at
        once, is refused unread and takes no memory.
        """
        part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
        one = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
        types = [b"multipart/form-data; boundary=x"]
        before = [server.memory for server in fresh_start.all]
        send = partial(post, fresh_start, "", types=types)
        with ThreadPoolExecutor(20) as pool:
            found = [*pool.map(send, [part * 20_000, one + b"x" * 1_000_000] * 10)]

        # 0: some servers hang up on what they do not read.
        assert {one.status for each in found for one in each.values()} <= {0, 413, 415}
        for server, was in zip(fresh_start.all, before, strict=True):
            assert was is None or (server.memory or 0) < was + 50 * MIB

    def test_nothing_typed_comes_back(self, fresh_start: Servers) -> None:
        """
        P60: no page of an error repeats its address or its token.
        """
        for path in ("no-such-7319", "link/no-such-7319", "static/7319", "%37319"):
            for found in get(fresh_start, f"/auth/{path}?q=7319").values():
                assert 404 == found.status
                assert found.reply is not None
                assert "7319" not in found.reply.body


class TestHalfARequest:
    """
    A body that ends early is no attempt, on any adapter.
    """

    @pytest.mark.parametrize(
        "broken", [b"zz\r\nusername=a", b"-1\r\nusername=a\r\n", b"5\r\nabc", b""]
    )
    def test_broken_chunks(self, fresh_start: Servers, broken: bytes) -> None:
        """
        Chunks that are none are refused by the server or as what cannot be read.
        """
        before, said = dumps(fresh_start), tracebacks(fresh_start)
        draft = Draft(
            method=b"POST",
            path=b"/auth/password",
            session="",
            fields=[],
            headers=[(b"Transfer-Encoding", b"chunked")],
            lengths=lambda _body: [],
            chunk=lambda _body: broken,
        )
        found = exchange(
            [one.port for one in fresh_start.all],
            [draft.wire(OURS)] * len(fresh_start.all),
            is_short=True,
        )

        for one in found:
            assert one.reply is None or 4 == one.reply.status // 100
        assert before == dumps(fresh_start)
        assert said == tracebacks(fresh_start)

    def test_less_than_was_said(self, fresh_start: Servers) -> None:
        """
        A form that is shorter than its Content-Length is not taken for a whole one.
        """
        before = dumps(fresh_start)
        typed = {"username": scene.CAMILLE, "password": scene.PASSWORD}
        draft = Draft(
            method=b"POST",
            path=b"/auth/password",
            session="",
            cookies=[f"uness-browser={scene.BROWSER}".encode()],
            fields=[
                (CSRF_FIELD, CSRF),
                *((n.encode(), quoted(v)) for n, v in typed.items()),
            ],
            lengths=lambda body: [b"%d" % (len(body) + 1)],
        )
        sent = [
            draft.wire(DJANGOS if one.adapter == "django" else OURS)
            for one in fresh_start.all
        ]
        found = exchange([one.port for one in fresh_start.all], sent, is_short=True)
        statuses = {
            server.adapter: one.reply and one.reply.status
            for server, one in zip(fresh_start.all, found, strict=True)
        }

        # uvicorn tells the app that the client has left, and answers nobody.
        assert {"flask": 400, "starlette": None, "django": 400} == statuses
        assert before == dumps(fresh_start)


class TestOnPostgreSQL:
    def test_nul_is_no_way_around_the_guard(self, postgresql_server: str) -> None:
        """
        P54: NUL in any field is refused on PostgreSQL, which cannot keep it, and counts
        as the attempt that it is.
        """
        with ExitStack() as stack:
            urls = {
                one: stack.enter_context(fresh.postgresql_database(postgresql_server))
                for one in ADAPTERS
            }
            folder = stack.enter_context(in_memory())
            servers = stack.enter_context(running(folder, urls))
            for route in ROUTES:
                path = route.path.replace("{token}", scene.link())
                for name in ("email", "username", "code", "challenge", "next"):
                    found = post(servers, path, {name: f"{scene.CAMILLE}\x00"})

                    assert 1 == len({one.status for one in found.values()})
                    assert {3, 4} >= {one.status // 100 for one in found.values()}
            typed = {"username": scene.CAMILLE, "password": f"{scene.PASSWORD}\x00"}
            tries = [post(servers, "password", typed) for _ in range(12)]
            for one in ADAPTERS:
                statuses = [each[one].status for each in tries]

                assert 422 == statuses[0]
                assert 429 == statuses[-1]
            assert 0 == tracebacks(servers)
