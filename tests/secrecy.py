"""
No log holds a secret: whatever is logged during a test is searched for whatever secret
came into being during it.

The secrets are learnt where they are born: a table names the functions of the library
that make them, or are given them.  Everything that any logger says is heard, down to
DEBUG and whatever its level, after its filters, as are the two standard streams.  At
the end of each test all of it is searched for every secret, in each encoding; at the end
of the run what any test said is compared with what any test made.  A find fails the test,
or the run, and is told without the secret.

A test that must not be listened to says why: ``@pytest.mark.unheard("because …")``.
"""

from __future__ import annotations

import functools
import hashlib
import html
import importlib
import json
import logging
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import attrs
import pytest

from uness_auth.policy import PasswordPolicy


MARK: Final = "unheard"
# Shorter ones would be found in innocent words.
SHORTEST: Final = 8
# Beyond so many needles one walk through the text is faster than one search for each.
MANY: Final = 100
_CODE: Final = re.compile(r"[0-9]{6,8}")
_RUN: Final = re.compile(r"[A-Za-z0-9_-]{20,}")
# Their DEBUG is every statement and every row: a copy of the database, which
# `tests/adapters/test_stolen_database.py` steals.  Their warnings and errors are heard.
_DATABASES: Final = ("sqlalchemy.engine", "sqlalchemy.pool", "django.db.backends")
# The other side, which no site has: a test's browser knows where it goes, and the mail
# server of a test what it is given.
OTHER_SIDE: Final = ("httpcore", "httpx", "mail.log")
_RULES: Final = PasswordPolicy()


@attrs.frozen
class Find:
    """
    A secret that was heard: what it is and where, never itself.
    """

    kind: str
    where: str

    def __str__(self) -> str:
        """
        Tell it.
        """
        return f"a {self.kind} in {self.where}"


# --- What is looked for ---------------------------------------------------------


def needles(kind: str, secret: str) -> set[str]:
    """
    Return every text that would give *secret* away; none where it is no secret.
    """
    if kind == "code":
        # Three alignments of so few bytes would leave next to nothing to look for.
        return {secret, b64encode(secret.encode()).decode(), secret.encode().hex()}
    if len(secret) < SHORTEST:
        return set()
    if kind == "password" and _RULES.unmet(secret):
        # Nobody's password: what hostile tests type may well be logged, as a path.
        return set()
    parts = {secret}
    if kind == "hash":
        # Its end says as much as the whole does.
        # What repeats one character, as passwords of a certain length do, is no secret.
        parts = {
            one
            for one in secret.split("$")
            if len(one) > 2 * SHORTEST and len(set(one)) >= SHORTEST
        }
    return {needle for part in parts for needle in _encodings(part)}


def _encodings(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield quote(secret, safe="", errors="surrogatepass")
    yield quote(secret, safe="/", errors="surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()
    # What stores keep of it.
    yield hashlib.sha256(raw).hexdigest()
    for shift in range(3):
        # Inside a longer text that was encoded as a whole: without the characters that
        # its neighbours have a part in.
        encoded = b64encode(bytes(shift) + raw).decode()
        begins = (shift * 8 + 5) // 6
        whole = (shift + len(raw)) * 8 // 6
        yield encoded[begins:whole]
        yield encoded[begins:whole].translate(str.maketrans("+/", "-_"))


def search(text: str, wanted: Mapping[str, str]) -> set[str]:
    """
    Return the kinds of what *text* holds of *wanted*, which is kind by needle.
    """
    if len(wanted) <= MANY:
        return {kind for needle, kind in wanted.items() if _holds(text, needle, kind)}
    beginnings: dict[str, list[str]] = {}
    found = set()
    for needle in wanted:
        beginnings.setdefault(needle[:SHORTEST], []).append(needle)
    shorter = {one for one in beginnings if len(one) < SHORTEST}
    found |= {
        wanted[one]
        for one in shorter
        if one in wanted and _holds(text, one, wanted[one])
    }
    for at in range(len(text) - SHORTEST + 1):
        for needle in beginnings.get(text[at : at + SHORTEST], ()):
            if text.startswith(needle, at) and _holds(text, needle, wanted[needle]):
                found.add(wanted[needle])
    return found


def _holds(text: str, needle: str, kind: str) -> bool:
    if needle not in text:
        return False
    if kind != "code" or not _CODE.fullmatch(needle):
        return True
    # Six digits are part of many an innocent number, and of a random id in hex.
    return re.search(rf"(?<![0-9A-Za-z]){needle}(?![0-9A-Za-z])", text) is not None


# --- Where secrets are born -----------------------------------------------------


@attrs.frozen
class Birth:
    """
    A function that makes a secret, or is given one.

    Attributes:
        told: Yields kind and secret of its arguments and what it returned.
    """

    module: str
    name: str
    told: Callable[[tuple[Any, ...], Mapping[str, Any], Any], Iterable[tuple[str, Any]]]


def _password_at(place: int) -> Callable[..., Iterable[tuple[str, Any]]]:
    return lambda args, _kwargs, _made: [("password", args[place])]


def _hashed(
    args: tuple[Any, ...], _kwargs: Mapping[str, Any], made: Any
) -> Iterable[tuple[str, Any]]:
    return ("password", args[1]), ("hash", made)


BIRTHS: Final = (
    Birth("secrets", "token_urlsafe", lambda _a, _k, made: [("token", made)]),
    Birth(
        "uness_auth.tokens", "LinkTokens.make", lambda _a, _k, made: [("link", made)]
    ),
    Birth("uness_auth.codes", "Codes.derive", lambda _a, _k, made: [("code", made)]),
    Birth(
        "uness_auth.keys",
        "KeyRing.__init__",
        lambda args, _k, _m: (("key", key) for key in args[1]),
    ),
    Birth("uness_auth.keys", "_derive", lambda _a, _k, made: [("key", made)]),
    Birth(
        "uness_auth.web.http",
        "Cookie.__init__",
        lambda _a, kwargs, _m: [("cookie", kwargs.get("cookie_value"))],
    ),
    Birth("uness_auth.web.csrf", "Csrf.make", lambda _a, _k, made: [("form", made)]),
    Birth("uness_auth.passwords", "Argon2Hashing.hash", _hashed),
    Birth("uness_auth.passwords", "Argon2Hashing.verify", _password_at(2)),
    Birth("uness_auth.testing.fakes", "FastHashing.hash", _hashed),
    Birth("uness_auth.django.hashing", "DjangoHashing.hash", _hashed),
    Birth("uness_auth.django.hashing", "DjangoHashing.verify", _password_at(2)),
    Birth(
        "uness_auth.flows.password_sign_in", "PasswordSignIn.sign_in", _password_at(2)
    ),
    Birth(
        "uness_auth.flows.password_link", "PasswordLink.set_password", _password_at(2)
    ),
    Birth("uness_auth.flows.password_change", "PasswordChange.change", _password_at(1)),
    Birth("uness_auth.flows.password_change", "PasswordChange.change", _password_at(2)),
)
# Imported by the tests that have it; the tests of the core have no framework.
_LATE: Final = "uness_auth.django"


# --- Listening ------------------------------------------------------------------


class Ear:
    """
    What was said and what was made since the last `forget`.
    """

    def __init__(self) -> None:
        self.is_open: bool = False
        self.secrets: dict[str, str] = {}
        self.lines: list[tuple[str, str]] = []

    def forget(self) -> None:
        """
        Begin anew.
        """
        self.secrets = {}
        self.lines = []

    def learn(self, kind: str, secret: object) -> None:
        """
        Note a secret: text, or bytes, as which a log would not show it.
        """
        if isinstance(secret, bytes):
            self.secrets.setdefault(secret.hex(), kind)
            self.secrets.setdefault(b64encode(secret).decode(), kind)
            secret = secret.decode("utf-8", "replace")
        if isinstance(secret, str) and secret:
            self.secrets.setdefault(secret, kind)

    def hear(self, where: str, text: str) -> None:
        """
        Note what was said.
        """
        self.lines.append((where, text))

    def hear_record(self, record: logging.LogRecord) -> None:
        """
        Note what a logger said, its traceback included.
        """
        self.hear(f"the log {record.name}", told_by(record))

    def finds(self) -> list[Find]:
        """
        Return what was said of what was made, one for each kind and place.
        """
        wanted = {
            needle: kind
            for secret, kind in list(self.secrets.items())
            for needle in needles(kind, secret)
        }
        texts: dict[str, list[str]] = {}
        for where, text in list(self.lines):
            texts.setdefault(where, []).append(text)
        return [
            Find(kind, where)
            for where, said in texts.items()
            for kind in sorted(search("\n".join(said), wanted))
        ]


_PLAIN: Final = logging.Formatter("%(message)s")


def told_by(record: logging.LogRecord) -> str:
    """
    Return the text of a record: message with arguments, traceback, stack.
    """
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - whoever logs wrongly is told by logging itself
        message = f"{record.msg!r} {record.args!r}"
    parts = [message, record.exc_text or "", record.stack_info or ""]
    if record.exc_info and not record.exc_text:
        parts.append(_PLAIN.formatException(record.exc_info))
    return "\n".join(parts)


class Watch:
    """
    The plugin: it learns, hears, searches and tells.
    """

    def __init__(self, births: tuple[Birth, ...] = BIRTHS) -> None:
        self.ear = Ear()
        self.births = list(births)
        self.undo: list[Callable[[], None]] = []
        # Of the whole run: runs of letters that were secret, and that were said; which
        # test it was, and what or where.
        self.made: dict[str, tuple[str, str]] = {}
        self.said: dict[str, tuple[str, str]] = {}
        self.counted = {"tests": 0, "lines": 0, "secrets": 0}
        self.late: list[str] = []

    # --- The run ---

    def pytest_configure(self, config: pytest.Config) -> None:
        """
        Begin to listen.
        """
        config.addinivalue_line("markers", f"{MARK}(reason): {__doc__}")
        self._listen()

    def pytest_unconfigure(self) -> None:
        """
        Leave everything as it was.
        """
        while self.undo:
            self.undo.pop()()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item
    ) -> Generator[None, object, object]:
        """
        Listen while a test runs, unless it says why not.
        """
        mark = item.get_closest_marker(MARK)
        if mark is not None and not mark.args:
            pytest.exit(f"{item.nodeid}: pytest.mark.{MARK} wants its reason", 4)
        self._learn_where_born()
        self.ear.forget()
        self.ear.is_open = mark is None
        try:
            return (yield)
        finally:
            self.ear.is_open = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """
        Learn what the fixtures imported.
        """
        self._learn_where_born()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """
        Search all that was said, when all is over.
        """
        report = yield
        if call.when == "teardown" and item.get_closest_marker(MARK) is None:
            for title, text in report.sections:
                # The log is heard at its source.
                if "stdout" in title or "stderr" in title:
                    self.ear.hear(title.lower(), text)
            finds = self.ear.finds()
            self._remember(item)
            if finds:
                told = ", ".join(map(str, finds))
                report.outcome = "failed"
                report.longrepr = f"{item.nodeid} tells a secret: {told}"
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """
        Compare what any test said with what any test made.
        """
        # Beside what other processes found: `pytest_testnodedown`.
        self.late += [
            f"{test}, {where}, tells a {kind} that {maker} made"
            for run, (maker, kind) in self.made.items()
            for test, where in [self.said.get(run, (maker, ""))]
            # What a test gave away of its own failed it already.
            if test != maker
        ]
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["secrecy"] = {"counted": self.counted, "late": self.late}
        if self.late and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """
        Take over what a process of pytest-xdist found.
        """
        told = getattr(node, "workeroutput", {}).get("secrecy")
        if told:
            self.late += told["late"]
            for name, count in told["counted"].items():
                self.counted[name] += count

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """
        Say what was searched, and what the run as a whole gave away.
        """
        for line in self.late:
            terminalreporter.write_line(f"SECRET: {line}", red=True)
        terminalreporter.write_line(
            "logs of {tests} tests, {lines} lines, searched for {secrets} secrets".format(
                **self.counted
            )
        )

    # --- How ---

    def _remember(self, item: pytest.Item) -> None:
        self.counted["tests"] += 1
        self.counted["lines"] += len(self.ear.lines)
        self.counted["secrets"] += len(self.ear.secrets)
        for secret, kind in list(self.ear.secrets.items()):
            if kind != "password":
                for run in _RUN.findall(secret):
                    # « aaaa… » is in many a log, and was a password of some length.
                    if len(set(run)) >= SHORTEST:
                        self.made.setdefault(run, (item.nodeid, kind))
        for where, text in list(self.ear.lines):
            for run in _RUN.findall(text):
                self.said.setdefault(run, (item.nodeid, where))

    def _learn_where_born(self) -> None:
        for birth in list(self.births):
            if birth.module.startswith(_LATE) and birth.module not in sys.modules:
                continue
            self.births.remove(birth)
            self._wrap(birth)

    def _wrap(self, birth: Birth) -> None:
        owner: Any = importlib.import_module(birth.module)
        *path, name = birth.name.split(".")
        for one in path:
            owner = getattr(owner, one)
        original = getattr(owner, name)
        ear = self.ear

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            if ear.is_open:
                for kind, secret in birth.told(args, kwargs, made):
                    ear.learn(kind, secret)
            return made

        self._replace(owner, name, wrapper)

    def _listen(self) -> None:
        # Not by a level and a handler: levels are what tests of logging look at, and a
        # logger that does not propagate would not be heard.
        is_enabled, call = logging.Logger.isEnabledFor, logging.Logger.callHandlers
        ear = self.ear

        def is_heard(logger: logging.Logger, level: int) -> bool:
            if ear.is_open and not _is_loud(logger, level):
                return True
            return is_enabled(logger, level)

        def tell(logger: logging.Logger, record: logging.LogRecord) -> None:
            if ear.is_open and not _is_loud(logger, record.levelno):
                ear.hear_record(record)
            if is_enabled(logger, record.levelno):
                call(logger, record)

        self._replace(logging.Logger, "isEnabledFor", is_heard)
        self._replace(logging.Logger, "callHandlers", tell)

    def _replace(self, owner: Any, name: str, new: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, new)
        self.undo.append(lambda: setattr(owner, name, original))


def _is_loud(logger: logging.Logger, level: int) -> bool:
    is_loud = logger.name.startswith((*_DATABASES, *OTHER_SIDE))
    return is_loud and level < logging.WARNING
