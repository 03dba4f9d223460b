"""
Each fault that the campaign looks for is seen where it is planted.
"""

from __future__ import annotations

from typing import Final

import attrs
import pytest

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.asking import dumps
from tests.adapters.fuzz.campaign import (
    Answer,
    differences,
    faults,
    is_servers_own,
    leads_here,
    settled,
    statuses_in_the_docs,
)
from tests.adapters.fuzz.draft import (
    ORIGINS,
    OURS,
    Draft,
    Mutated,
    finished,
)
from tests.adapters.fuzz.servers import ADAPTERS, EVENTS, Servers
from tests.adapters.fuzz.wire import Exchange, exchange
from uness_auth.testing.browser import Reply
from uness_auth.web.http import SECURITY_HEADERS


pytestmark = pytest.mark.once


def answered(
    status: int, *, body: str = "", adapter: str = "flask", **headers: str
) -> Answer:
    """
    Return an answer of ours, as it should be but for what is given.
    """
    given = {**dict(SECURITY_HEADERS), **headers}
    reply = Reply(status=status, headers=tuple(given.items()), body=body)
    return Answer(
        adapter, reply, "X-Robots-Tag" in given and given["X-Robots-Tag"] != "", 0
    )


SENT: Final[Mutated] = finished(
    0, Draft(method=b"GET", path=b"/auth/", session=""), ["nothing"]
)
STRANGE: Final[Mutated] = attrs.evolve(SENT, is_at_server=True)
NONE: Final = Answer("flask", None, False, 0)


def found(sent: Mutated, answer: Answer) -> list[str]:
    """
    Return what is wrong with an answer.
    """
    return [*faults(sent, answer, statuses_in_the_docs())]


class TestTheChecks:
    """
    Each fault that the campaign looks for is seen where it is planted.
    """

    def test_what_is_right(self) -> None:
        """
        A page of ours, and a server's own refusal of what it never handed over.
        """
        assert [] == found(SENT, answered(200))
        assert [] == found(STRANGE, answered(400, **{"X-Robots-Tag": ""}))
        assert [] == found(STRANGE, NONE)

    def test_silence(self) -> None:
        """
        No answer to what no server refuses.
        """
        assert ["no answer"] == found(SENT, NONE)

    @pytest.mark.parametrize("status", [500, 418, 201, 302])
    def test_a_status_that_is_not_listed(self, status: int) -> None:
        """
        A handler that raises is a 500, with our headers and without.
        """
        assert found(SENT, answered(status))
        assert found(SENT, answered(status, **{"X-Robots-Tag": ""}))

    def test_a_traceback(self) -> None:
        """
        Wherever it stands in the page.
        """
        assert found(STRANGE, answered(400, body="Traceback", **{"X-Robots-Tag": ""}))
        assert found(SENT, answered(400, body="<p>Traceback (most recent call last)"))

    def test_headers_of_ours_are_missing(self) -> None:
        """
        One of them is enough.
        """
        assert found(SENT, answered(200, **{"X-Robots-Tag": ""}))
        assert found(SENT, answered(200, **{"Cache-Control": "public"}))

    @pytest.mark.parametrize(
        "location",
        [
            "https://evil.example/",
            "http://localhost:8000.evil.example/",
            "http://localhost:8000//evil.example",
            "http://localhost:8000/\\evil.example",
            "http://localhost:8000/\t/evil.example",
            "//evil.example",
            "/private",
        ],
    )
    def test_a_redirect_elsewhere(self, location: str) -> None:
        """
        Or to where a browser might be led elsewhere.
        """
        assert not leads_here(location)
        assert found(SENT, answered(303, Location=location))

    def test_one_that_differs(self) -> None:
        """
        Another status, another page, or another way on: of one adapter alone.
        """
        same = [answered(200, adapter=one) for one in ADAPTERS]
        for other in (
            answered(404, adapter="django"),
            answered(200, adapter="django", body="<title>Autre</title>"),
            answered(200, adapter="django", **{"Retry-After": "1"}),
        ):
            assert not differences(SENT, same)
            assert differences(SENT, [*same[:2], other])
            # Where the docs say so it may.
            told = attrs.evolve(SENT, told=frozenset({ORIGINS}))
            assert not differences(told, [*same[:2], other])

    def test_a_question_that_changes_something(self, fresh_start: Servers) -> None:
        """
        A column of any row, but for when somebody was last seen.
        """
        for server in fresh_start.all:
            database = server.database
            for table in database.tables.sorted_tables:
                if not database.filled[table.name] or "uness_auth" not in table.name:
                    continue
                for column in table.columns:
                    if column.name != "last_seen_at" and not column.primary_key:
                        continue
                    before = dumps(fresh_start)[server.adapter]
                    with database.engine.begin() as connection:
                        _ = connection.execute(table.delete())
                    assert before != dumps(fresh_start)[server.adapter]
                    database.restore()

                    assert before == dumps(fresh_start)[server.adapter]

    def test_bystanders_are_found(self, fresh_start: Servers) -> None:
        """
        Account, session and challenge of each, and the user on Django.
        """
        for server in fresh_start.all:
            database = server.database
            rows = database.bystanders(database.filled)
            kinds = {name: len(found) for name, found in rows.items() if found}

            assert {len(scene.BYSTANDERS)} == {*kinds.values()}
            assert len(kinds) == (4 if server.adapter == "django" else 3)

    def test_events_of_bystanders_are_found(self, fresh_start: Servers) -> None:
        """
        By whom they are about: the number of an event may be that of an account.
        """
        [one, *_] = scene.BYSTANDERS
        of_nobody, of_a_bystander = (int(one), "link_opened", ""), (1, "signed_in", one)
        for server in fresh_start.all:
            database = server.database
            [events] = EVENTS & {*database.filled}
            dump = {**database.filled, events: (of_nobody, of_a_bystander)}

            assert (of_a_bystander,) == database.bystanders(dump)[events]


class TestWhoseTraceback:
    """
    Excused is what a server itself does wrong, as it is written, and nothing more.
    """

    @pytest.fixture(name="complaint")
    def _complaint(self, servers: Servers) -> str:
        """
        What uvicorn writes of a chunk that is none, where no route takes the path.
        """
        [server] = [one for one in servers.all if one.adapter == "starlette"]
        told = len(settled(server))
        draft = Draft(
            method=b"POST",
            path=b"/no-such-page",
            session="",
            fields=[],
            headers=[(b"Transfer-Encoding", b"chunked")],
            lengths=lambda _body: [],
            chunk=lambda _body: b"-1\r\na=b\r\n0\r\n\r\n",
        )
        [found] = exchange([server.port], [draft.wire(OURS)])

        assert found.reply is not None
        assert 400 == found.reply.status
        return settled(server)[told:]

    def test_two_answers(self, complaint: str) -> None:
        """
        uvicorn's own 400 was first, and the app's 404 had nowhere to go.
        """
        assert "Traceback" in complaint
        assert is_servers_own(complaint)

    @pytest.mark.parametrize(
        ("was", "planted"),
        [
            ("Invalid HTTP request received.", ""),
            ("state=MUST_CLOSE", "state=SEND_BODY"),
            ("LocalProtocolError: can't handle", "LocalProtocolError: Illegal header"),
            ("starlette/middleware.py", "starlette/serving.py"),
            ("\nERROR:", "\nTraceback (most recent call last):\nKeyError\nERROR:"),
        ],
    )
    def test_no_other_is_excused(self, complaint: str, was: str, planted: str) -> None:
        """
        One word less, another reason, or a frame of ours, and it is a fault.
        """
        assert was in complaint
        assert not is_servers_own(complaint.replace(was, planted))

    def test_nothing_beside_it_is_excused(self, complaint: str) -> None:
        """
        Another traceback before it or behind it is looked at.
        """
        other = 'Traceback (most recent call last):\n  File "a.py"\nKeyError: 1\n'

        assert not is_servers_own(complaint + other)
        assert not is_servers_own(other + complaint)


class TestExchange:
    def test_interim_answers_are_left_out(self) -> None:
        """
        100 Continue is no answer.
        """
        come = Exchange(b"")
        come.received += b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"

        assert not come.is_whole

        come.received += b"Content-Length: 2\r\n\r\nab"

        assert come.is_whole
        assert come.reply is not None
        assert "ab" == come.reply.body

    def test_silence(self) -> None:
        """
        Nothing, or nothing that is HTTP, is no answer.
        """
        assert Exchange(b"").reply is None
