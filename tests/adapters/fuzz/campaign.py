"""
Sends the same requests to every adapter, and says what was not as it should be.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final
from urllib.parse import urljoin

import attrs

from tests.adapters import hostile
from tests.adapters.fuzz.draft import DIFFERING, Mutated
from tests.adapters.fuzz.mutations import requests
from tests.adapters.fuzz.scene import BASE_URL, NAMED, NOW, PASSWORD
from tests.adapters.fuzz.servers import Dump, Server, Servers, without_events
from tests.adapters.fuzz.wire import Exchange, exchange
from tests.docs.test_statuses import plain, tables
from uness_auth.testing.browser import Reply
from uness_auth.web.http import SECURITY_HEADERS


# So many requests begin with everything as it was at first; those that promise to change
# nothing go before the others.
ROUND: Final = 40
SECOND: Final = timedelta(seconds=1)
# Past these a campaign has said enough.
MOST_FINDINGS: Final = 20
# Where memory is first looked at: code is loaded and pools are full.
WARM: Final = 0.5
MOMENT: Final = 0.3
# What servers and frameworks answer themselves, before or beside us.
THEIRS: Final = {
    *(200, 301, 302, 303, 307, 308),
    *(400, 401, 403, 404, 405, 408, 411, 413, 414, 417, 426, 431, 501, 505),
}
ERROR: Final = 500
DJANGO: Final = "django"
_TITLE: Final = re.compile("<title>(.*?)</title>", re.DOTALL)
_CSRF_COOKIE: Final = re.compile(r"csrftoken=\w{32};.*")
_FRAME: Final = re.compile(r'^ *File "([^"]+)"', re.MULTILINE)
# Every request of a project, or of an app, passes through these.
_PASSED: Final = (
    "uness_auth/django/middleware.py",
    "uness_auth/starlette/middleware.py",
)
# uvicorn's word for what is no request, which may be written before what comes of it.
INVALID: Final = "WARNING:  Invalid HTTP request received.\n"
# All that uvicorn writes where it answers twice, from its first word to its last.
_TWO_ANSWERS: Final = re.compile(
    rf"(?:{re.escape(INVALID)})+"
    r"ERROR: +Exception in ASGI application\n"
    r"Traceback \(most recent call last\):\n"
    r"(?:(?!Traceback).)*"
    r' File "[^"]+/uvicorn/protocols/http/h11_impl\.py", line [0-9]+, in send\n'
    r"(?:(?!Traceback).)*"
    r"h11\._util\.LocalProtocolError: can't handle event type Response "
    r"when role=SERVER and state=MUST_CLOSE\n",
    re.DOTALL,
)
# Where the language of a page is the framework's to read.
_LANGUAGE: Final = {"language", "odd_headers"}


def statuses_in_the_docs() -> frozenset[int]:
    """
    Return every status that docs/reference/statuses.md lists.
    """
    return frozenset(
        int(plain(row[1]))
        for heading, rows in tables().items()
        for row in rows
        if heading.startswith(("GET ", "POST ", "Before "))
    )


@attrs.frozen
class Answer:
    """
    What one adapter made of a request.

    Attributes:
        reply: None where the server hung up without a word.

        is_ours: It carries our headers, so that the request has reached us.
    """

    adapter: str
    reply: Reply | None
    is_ours: bool
    seconds: float

    @classmethod
    def of(cls, server: Server, found: Exchange) -> Answer:
        """
        Read what came back.
        """
        reply = found.reply
        if reply is not None and server.adapter == DJANGO:
            reply = translated(reply)
        is_ours = reply is not None and has_our_headers(reply)
        return cls(server.adapter, reply, is_ours, found.seconds)

    @property
    def status(self) -> int:
        """
        The status; 0 for none.
        """
        return self.reply.status if self.reply else 0

    def seen(self, sent: Mutated) -> tuple[object, ...]:
        """
        Return what is the same whichever adapter answers.
        """
        assert self.reply is not None
        reply = self.reply
        title = _TITLE.findall(reply.body)
        said = () if _LANGUAGE.intersection(sent.what) else tuple(title)
        return (
            reply.status,
            said,
            reply.header("location"),
            reply.header("retry-after"),
            reply.header("allow"),
        )


def has_our_headers(reply: Reply) -> bool:
    """
    Say whether all headers are there that every page and file of ours has.
    """
    # A file may be kept, and is the same for everybody.
    always = {
        one for one in SECURITY_HEADERS if one[0] not in {"Cache-Control", "Vary"}
    }
    return hostile.lowered(tuple(always)) <= hostile.lowered(reply.headers)


def leads_here(location: str) -> bool:
    """
    Say whether a browser that follows *location* stays on this site.
    """
    rest = location.removeprefix(BASE_URL)
    return location == "" or (
        location.startswith(f"{BASE_URL}/")
        and not rest.startswith(("//", "/\\"))
        and rest.isascii()
        and rest.isprintable()
    )


def settled(server: Server) -> str:
    """
    Return what a server has written, once it has written all of it.
    """
    before, now = "", server.complaints
    while before != now:
        time.sleep(MOMENT)
        before, now = now, server.complaints
    return now


def is_servers_own(complaint: str) -> bool:
    """
    Say whether a traceback is known, and none of ours has a part in it.

    Django's own server reads what is left of a body after the answer, as much as it was
    told there is, and fails where no memory holds that; Django's guard reads bodies
    before its own pages of errors, and fails again at those it cannot read.

    uvicorn answers a body that is no HTTP itself, and still lets the app go on: an
    answer that waits for no body comes second, and h11 sends none.
    """
    is_known = (
        "get_stdin().read()" in complaint
        or "_load_post_and_files" in complaint
        or _TWO_ANSWERS.fullmatch(complaint) is not None
    )
    return is_known and not any(
        "uness_auth" in path and not path.endswith(_PASSED)
        for path in _FRAME.findall(complaint)
    )


def translated(reply: Reply) -> Reply:
    """
    Return Django's answer without what docs/reference/adapters.md explains.
    """
    headers = []
    for name, found in reply.headers:
        if name == "Set-Cookie" and _CSRF_COOKIE.fullmatch(found):
            continue
        if name == "Vary":
            kept = [one for one in found.split(", ") if one != "Accept-Language"]
            headers.append((name, ", ".join(kept)))
        elif name == "Location":
            headers.append((name, urljoin(BASE_URL, found)))
        else:
            headers.append((name, found))
    return attrs.evolve(reply, headers=tuple(headers))


def faults(sent: Mutated, answer: Answer, listed: frozenset[int], /) -> Iterator[str]:
    """
    Yield what is wrong with an answer, whatever the others say.

    Args:
        listed: The statuses that the docs list.
    """
    reply = answer.reply
    if reply is None:
        if not sent.is_at_server:
            yield "no answer"
        return
    if "Traceback" in reply.body:
        yield f"{reply.status} with what is nobody's business: {reply.body:.300}"
    if not leads_here(reply.header("location")):
        yield f"{reply.status} to {reply.header('location')!r}"
    if answer.is_ours:
        yield from _faults_of_ours(sent, reply, listed)
    elif reply.status == ERROR and answer.adapter == DJANGO and not sent.is_below_ours:
        # `is_servers_own` says why; what is not, complains.
        return
    elif reply.status not in THEIRS:
        yield f"{reply.status}, and it is not ours: {reply.body:.300}"
    elif sent.is_below_ours and not sent.is_at_server:
        yield f"{reply.status} without our headers: {reply.headers}"


def _faults_of_ours(
    sent: Mutated, reply: Reply, listed: frozenset[int]
) -> Iterator[str]:
    if reply.status not in listed:
        yield f"{reply.status} is not in the docs"
    # Looked at already: wherever a host's own page may lie.
    kept = [one for one in reply.headers if one[0].lower() != "location"]
    try:
        hostile.check(
            attrs.evolve(reply, headers=tuple(kept)),
            hostile.Sent(method=sent.method, path=sent.path),
        )
    except AssertionError as exc:
        yield f"{reply.status}, but {exc!r}: {reply.headers}, {reply.body:.300}"


def differences(sent: Mutated, answers: Sequence[Answer], /) -> Mapping[str, object]:
    """
    Return by adapter what was answered, if it is not the same; else nothing.

    Compared is what reached us, and who differs as docs/reference/adapters.md says is
    left out.
    """
    differing = {who for row in sent.told for who in DIFFERING[row]}
    seen = {
        # What a server reads in its own way may be wrong for another reason.
        one.adapter: one.status // 100 if sent.is_at_server else one.seen(sent)
        for one in answers
        if one.is_ours and one.adapter not in differing
    }
    return seen if len(set(seen.values())) > 1 else {}


@attrs.define
class Report:
    """
    What a campaign has found.

    Attributes:
        sent: Requests, each of them to every adapter.

        reached: Those that every adapter answered itself.

        memory: Bytes of each server, when it was warm and at the end.

        complaints: Tracebacks of the servers themselves, in which we have no part.
    """

    seed: int
    sent: int = 0
    reached: int = 0
    what: Counter[str] = attrs.field(factory=Counter)
    statuses: dict[str, Counter[int]] = attrs.field(factory=dict)
    seconds: dict[str, list[float]] = attrs.field(factory=dict)
    memory: dict[str, tuple[int, int]] = attrs.field(factory=dict)
    complaints: Counter[str] = attrs.field(factory=Counter)
    findings: list[str] = attrs.field(factory=list)

    def found(self, adapter: str, what: str, sent: object = "") -> None:
        """
        Note something that is not as it should be.
        """
        self.findings.append(f"{adapter}: {what}; {sent}")

    def slowest(self, adapter: str, share: float) -> float:
        """
        Return within how many seconds that *share* of the answers was there.
        """
        ordered = sorted(self.seconds[adapter])
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Campaign:
    """
    Sends *count* requests that *seed* makes to every server.
    """

    def __init__(self, servers: Servers, seed: int, count: int) -> None:
        self.servers = servers
        self.count = count
        self.report = Report(seed)
        self.listed = statuses_in_the_docs()
        self._now = NOW
        # Other tests had these servers before.
        self._told = {server.adapter: len(settled(server)) for server in servers.all}
        for server in servers.all:
            self.report.statuses[server.adapter] = Counter()
            self.report.seconds[server.adapter] = []

    def run(self) -> Report:
        """
        Send them all, or stop where enough was found.
        """
        for number, batch in enumerate(rounds(self.report.seed, self.count)):
            if len(self.report.findings) >= MOST_FINDINGS:
                break
            self._round(number, batch)
        self._check_mails()
        return self.report

    def _round(self, number: int, batch: Sequence[Mutated]) -> None:
        self.servers.restore()
        self._now = NOW
        safe = [one for one in batch if one.is_safe]
        self._send(safe)
        for server in self.servers.all:
            self._check_unchanged(server, f"round {number}")
        self._send([one for one in batch if not one.is_safe])
        for server in self.servers.all:
            self._check_bystanders(server, f"round {number}")
            self._weigh(server)

    # --- One request ------------------------------------------------------------

    def _send(self, batch: Sequence[Mutated]) -> None:
        ports = [server.port for server in self.servers.all]
        for one in batch:
            self._now += SECOND
            self.servers.clock.set(self._now)
            wires = [
                one.djangos if server.adapter == DJANGO else one.ours
                for server in self.servers.all
            ]
            try:
                found = exchange(ports, wires, is_short=one.is_short)
            except TimeoutError as exc:
                self.report.found("all", str(exc), one)
                continue
            answers = [
                Answer.of(server, came)
                for server, came in zip(self.servers.all, found, strict=True)
            ]
            self._judge(one, answers)

    def _judge(self, sent: Mutated, answers: Sequence[Answer]) -> None:
        report = self.report
        report.sent += 1
        report.what.update(sent.what)
        for answer in answers:
            report.statuses[answer.adapter][answer.status] += 1
            report.seconds[answer.adapter].append(answer.seconds)
            for fault in faults(sent, answer, self.listed):
                report.found(answer.adapter, fault, sent)
        for server in self.servers.all:
            self._listen(server, sent)
        report.reached += all(one.is_ours for one in answers)
        if different := differences(sent, answers):
            report.found("not the same", str(different), sent)
        if not sent.is_safe and len({one.status for one in answers}) > 1:
            # From here on the same request might be answered otherwise.
            self.servers.restore()

    def _listen(self, server: Server, sent: Mutated) -> None:
        told = self._told[server.adapter]
        said = server.complaints
        if said[told:].replace(INVALID, ""):
            # A traceback is written after the answer, line by line.
            said = settled(server)
        new = said[told:]
        # What comes of a warning is read together with it.
        self._told[server.adapter] = len(said.removesuffix(INVALID))
        if PASSWORD in new or ("Traceback" in new and not is_servers_own(new)):
            self.report.found(server.adapter, f"it complains: {new:.3000}", sent)
        elif "Traceback" in new:
            self.report.complaints[server.adapter] += 1

    # --- What is left -----------------------------------------------------------

    def _check_unchanged(self, server: Server, when: str) -> None:
        database = server.database
        before, after = (
            without_events(database.without_last_seen(one))
            for one in (database.filled, database.dump())
        )
        self._compare(server, f"{when}: a question changed", before, after)

    def _check_bystanders(self, server: Server, when: str) -> None:
        database = server.database
        before, after = map(database.bystanders, (database.filled, database.dump()))
        self._compare(server, f"{when}: nobody named these accounts", before, after)

    def _compare(self, server: Server, what: str, before: Dump, after: Dump) -> None:
        for table in before:
            if before[table] != after[table]:
                gone = set(before[table]) - set(after[table])
                come = set(after[table]) - set(before[table])
                self.report.found(
                    server.adapter, f"{what}: {table}: {gone} became {come}"
                )

    def _weigh(self, server: Server) -> None:
        size = server.memory
        if size is not None and self.report.sent >= WARM * self.count:
            first, _ = self.report.memory.get(server.adapter, (size, size))
            self.report.memory[server.adapter] = (first, size)

    def _check_mails(self) -> None:
        for server in self.servers.all:
            for mail in server.mails:
                heads = {name.lower(): found for name, found in mail["headers"]}
                links = re.findall(r"https?://[^\s/]+/auth/", mail["text"])
                if mail["to"] not in NAMED.values() or heads["to"] != mail["to"]:
                    self.report.found(server.adapter, f"a mail to {mail['to']!r}")
                if links not in ([], [f"{BASE_URL}/auth/"]) or "evil" in mail["text"]:
                    self.report.found(server.adapter, f"a mail says {mail['text']}")


def rounds(seed: int, count: int) -> Iterator[list[Mutated]]:
    """
    Yield the requests of *seed*, a round at a time.
    """
    batch: list[Mutated] = []
    for one in requests(seed, count):
        batch.append(one)
        if len(batch) == ROUND:
            yield batch
            batch = []
    if batch:
        yield batch
