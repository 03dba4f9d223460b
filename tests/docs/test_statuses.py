"""
The tables of statuses, routes and mails say what the code does, all of it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast, get_args
from urllib.parse import urlencode

import attrs
import pytest

from uness_auth import MailError, Policy, Site, StorageError, UnessAuth, outcomes
from uness_auth.addresses import AddressFault
from uness_auth.model import Account, Client, OrderKind, Session
from uness_auth.outcomes import Outcome, Scope
from uness_auth.policy import CodePolicy
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, Outbox
from uness_auth.web import account, handlers
from uness_auth.web.frame import PageContext
from uness_auth.web.http import Answer, Page, Request
from uness_auth.web.routes import ROUTES, Handler
from uness_auth.web.site import SignInSite
from uness_auth.web.turn import Turn
from uness_auth.web.visitors import Visitor


PAGE: Final = Path(__file__).parents[2] / "docs/reference/statuses.md"
NOW: Final = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
SOON: Final = NOW + timedelta(seconds=65)
ADDRESS: Final = "camille.durand@univ-exemple.fr"
CHALLENGE: Final = "0" * 32
ACCOUNT: Final = Account(id="1", address=ADDRESS, credential_version=1, created_at=NOW)
SESSION: Final = Session(
    digest="", account_id="1", credential_version=1, opened_at=NOW, last_seen_at=NOW
)
VISITOR: Final = Visitor(browser="", new_browser=None, client=Client())

# One of each, as a flow answers it.
SAMPLES: Final[dict[str, Outcome]] = {
    type(one).__name__: one
    for one in (
        outcomes.AddressMalformed(fault=next(iter(AddressFault))),
        outcomes.AddressUnknown(),
        outcomes.AskAnyWay(address=ADDRESS),
        outcomes.AskPassword(address=ADDRESS),
        outcomes.Busy(retry_after=timedelta(seconds=5)),
        outcomes.ChallengeGone(),
        outcomes.ChangeRefused(unmet=("too_short",), differs=True),
        outcomes.CodeExpired(challenge_id=CHALLENGE),
        outcomes.CodeSent(challenge_id=CHALLENGE, is_certain=True),
        outcomes.LinkExpired(kind=OrderKind.RESET_LINK),
        outcomes.LinkInvalid(),
        outcomes.LinkOpened(address=ADDRESS, kind=OrderKind.FIRST_LINK),
        outcomes.LinkSent(address=ADDRESS, kind=OrderKind.FIRST_LINK),
        outcomes.LinkUsed(has_password=True),
        outcomes.MailPaused(sent_at=NOW, until=SOON, kind=OrderKind.RESET_LINK),
        outcomes.NoPassword(),
        outcomes.NothingTyped(),
        outcomes.NotRecent(),
        outcomes.NotSignedIn(),
        outcomes.PasswordRefused(
            address=ADDRESS,
            kind=OrderKind.FIRST_LINK,
            unmet=("too_short",),
            differs=True,
        ),
        outcomes.PasswordSet(),
        outcomes.PasswordSuspended(),
        outcomes.Resumed(account=ACCOUNT, session=SESSION, is_recent=True),
        outcomes.SessionsClosed(number=1),
        outcomes.SessionsListed(own=SESSION, others=(), is_recent=True),
        outcomes.SignedIn(account_id="1", session_token="t" * 43),
        outcomes.SignInVetoed(),
        outcomes.Throttled(scope=Scope.NETWORK_CODES, until=SOON),
        outcomes.WrongCode(attempts_left=4),
        outcomes.WrongPassword(),
    )
}
# Asked again, the challenge is there to go on with.
PAUSED_AGAIN: Final = outcomes.MailPaused(
    sent_at=NOW, until=SOON, kind=OrderKind.CODE, challenge_id=CHALLENGE
)

# Somebody who has to prove again who they are.
NOT_RECENT: Final = attrs.evolve(
    cast("outcomes.Resumed", SAMPLES["Resumed"]), is_recent=False
)

# Of each question: who answers, and every answer there is.
QUESTIONS: Final[dict[str, tuple[Handler, Any]]] = {
    "GET identify": (handlers.show_identify, outcomes.ResumeAnswer),
    "POST identify": (handlers.identify, outcomes.IdentifyAnswer),
    "POST ask_link": (handlers.ask_link, outcomes.LinkRequestAnswer),
    "GET link": (handlers.show_link, outcomes.LinkAnswer),
    "POST link": (handlers.set_password, outcomes.PasswordSetAnswer),
    "POST password": (handlers.sign_in, outcomes.PasswordAnswer),
    "POST ask_code": (handlers.ask_code, outcomes.CodeRequestAnswer),
    "POST ask_code, again": (handlers.ask_code, outcomes.CodeResendAnswer),
    "POST confirm_code": (handlers.confirm_code, outcomes.CodeAnswer),
    "GET again": (account.show_again, outcomes.ResumeAnswer),
    "GET account_password": (
        account.show_password,
        outcomes.Resumed
        | outcomes.NoPassword
        | outcomes.NotRecent
        | outcomes.NotSignedIn,
    ),
    "POST account_password": (account.change_password, outcomes.PasswordChangeAnswer),
    "GET account_sessions": (account.show_sessions, outcomes.SessionsAnswer),
    "POST account_sessions": (account.close_sessions, outcomes.CloseAnswer),
}


class Fields(dict[str, str]):
    """
    A form that remembers what it was asked for.
    """

    asked: set[str]

    def get(self, name: str, default: Any = None, /) -> Any:
        """
        Note the name, and answer as ever.
        """
        self.asked = {*getattr(self, "asked", ()), name}
        return super().get(name, default)


def make_auth(**wishes: Any) -> UnessAuth:
    """
    Return a sign-in with nobody in it.
    """
    return UnessAuth(
        site=Site(base_url="http://localhost"),
        hashing=FastHashing(),
        **{"stores": MemoryStorage().stores, "mailer": Outbox(), **wishes},
    )


def tables() -> dict[str, list[list[str]]]:
    """
    The rows of each table, under its heading.
    """
    found = {}
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines()
            if line.startswith("|")
        ]
        found[heading] = rows[2:]
    return found


def plain(cell: str) -> str:
    """
    A cell without its marks: what leads on or has no name of its own is empty.
    """
    return "" if cell.startswith("*(") else cell.replace("`", "")


def names(question: str) -> list[str]:
    """
    The classes of the union that answers *question*.
    """
    return sorted(one.__name__ for one in get_args(QUESTIONS[question][1]))


def turn(outcome: Outcome, fields: Fields) -> Turn:
    """
    A request to flows that answer *outcome*, whatever they are asked.
    """
    site = SignInSite(make_auth())

    def answer(*_args: object, **_more: object) -> Outcome:
        return outcome

    def resume(*_args: object) -> Outcome:
        # Whoever is asked about their account is signed in.
        known = isinstance(outcome, outcomes.Resumed | outcomes.NotSignedIn)
        return outcome if known else SAMPLES["Resumed"]

    flows = SimpleNamespace(
        begin=answer,
        request=answer,
        open=answer,
        set_password=answer,
        sign_in=answer,
        resend=answer,
        confirm=answer,
        change=answer,
        show=answer,
        close=answer,
        close_others=answer,
        is_offered=True,
        resume=resume,
    )
    auth = SimpleNamespace(
        site=site.auth.site,
        policy=site.auth.policy,
        identify=flows,
        password_link=flows,
        password_sign_in=flows,
        code_sign_in=flows,
        password_change=flows,
        open_sessions=flows,
        sessions=flows,
    )
    return Turn(
        auth=cast("UnessAuth", auth),
        pages=site.pages,
        cookies=site.cookies,
        visitor=VISITOR,
        context=PageContext(language="fr", csrf="", next="", now=NOW),
        form=fields,
        token="t",
    )


def asked(question: str, name: str) -> tuple[Answer, set[str]]:
    """
    What is answered to *question* where the flow's outcome is *name*, and which
    fields were looked at.
    """
    fields = Fields(username=ADDRESS, challenge=CHALLENGE)
    if question == "POST ask_code":
        fields.pop("challenge")
    outcome = SAMPLES[name]
    if question.endswith("again") and name == "MailPaused":
        outcome = PAUSED_AGAIN
    if question == "GET again" and name == "Resumed":
        outcome = NOT_RECENT
    handler, _ = QUESTIONS[question]
    return handler(turn(outcome, fields)), getattr(fields, "asked", set())


def row_of(answer: Answer) -> list[str]:
    """
    Status, page and Retry-After of *answer*, as a table says them.
    """
    if not isinstance(answer, Page):
        return [str(answer.status), "", ""]
    template = answer.template.removeprefix("uness_auth/")
    return [str(answer.status), template, "yes" if answer.retry_after else ""]


def rows() -> list[tuple[str, list[str]]]:
    """
    Every row of the tables of outcomes, with its question.
    """
    found = tables()
    return [(question, row) for question in QUESTIONS for row in found[question]]


class TestOutcomes:
    @pytest.mark.parametrize("question", QUESTIONS)
    def test_every_answer_has_its_row(self, question: str) -> None:
        """
        A table holds each outcome of its question, once, and no other.
        """
        listed = sorted(plain(row[0]) for row in tables()[question])

        assert names(question) == listed

    @pytest.mark.parametrize(
        ("question", "row"), rows(), ids=lambda part: str(part).strip("[]")
    )
    def test_rows_say_what_is_answered(self, question: str, row: list[str]) -> None:
        """
        Status, page and Retry-After are those that the visitor gets.
        """
        name, *said = map(plain, row)
        answer, _ = asked(question, name)

        assert row_of(answer) == said

    def test_no_outcome_is_left_out(self) -> None:
        """
        Every class of the outcomes is in one of the tables, and no other is.
        """
        classes = {
            name
            for name, one in vars(outcomes).items()
            if isinstance(one, type) and issubclass(one, Outcome) and one is not Outcome
        }
        registrar = tables()["To a registrar, not to a visitor"]
        listed = {plain(row[0]) for _, row in rows()}
        listed |= {plain(row[0]) for row in registrar}

        assert classes == listed


class TestRoutes:
    def test_paths_and_methods(self) -> None:
        """
        The routes are those of the code, in its order.
        """
        listed = [[plain(cell) for cell in row[:3]] for row in tables()["Routes"]]

        assert [
            [one.name, one.path, ", ".join(one.methods)] for one in ROUTES
        ] == listed

    def test_fields(self) -> None:
        """
        The fields are those that the handlers look at.
        """
        listed = {plain(row[0]): plain(row[3]) for row in tables()["Routes"]}
        looked_at: dict[str, set[str]] = {}
        for question in QUESTIONS:
            route = question.removesuffix(", again").split()[1]
            for name in names(question):
                looked_at.setdefault(route, set()).update(asked(question, name)[1])

        assert {
            name: ", ".join(sorted(fields)) for name, fields in looked_at.items()
        } == {name: listed[name] for name in looked_at}
        assert {"": ""} == {listed[name]: "" for name in set(listed) - set(looked_at)}


@attrs.frozen
class Sent:
    """
    What a browser, or something like one, sends to the first page.
    """

    method: str = "POST"
    type: str = "application/x-www-form-urlencoded"
    body: bytes = b"email=a%40b.fr"
    origin: str = ""
    has_cookie: bool = True

    def request(self) -> Request:
        """
        Return it as an adapter hands it over.
        """
        headers = {"content-type": self.type, "origin": self.origin}
        if self.has_cookie:
            headers["cookie"] = f"uness-browser={'b' * 22}"
        return Request(
            method=self.method,
            path="/auth/",
            headers=headers,
            read=lambda limit: self.body[:limit],
        )


REFUSED: Final = {
    "A field sent twice": Sent(body=b"email=a&email=b"),
    "A body that is no form": Sent(type="application/json", body=b"{}"),
    "A body that is too large": Sent(body=b"email=" + b"a" * 20_000),
    "A body that cannot be read": Sent(body=b"email=%ff"),
    "Sent from another site": Sent(origin="https://elsewhere.example"),
    "A form that is too old": Sent(),
    "No cookie came back": Sent(has_cookie=False),
    "A method the page does not have": Sent(method="PUT"),
}


class Down:
    """
    A store, or a mailer, that cannot be reached.
    """

    for_development_only = True

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_args: object) -> None:
            raise self._error(name)

        return fail


class TestRefusals:
    @pytest.mark.parametrize("what", REFUSED)
    def test_before_a_flow(self, what: str) -> None:
        """
        What is no form of ours is refused as the table says.
        """
        site = SignInSite(make_auth())
        answer = site.answer(ROUTES[0], REFUSED[what].request())

        assert row_of(answer) == self.said(what)

    def test_no_such_page(self) -> None:
        """
        A path below ours that does not exist.
        """
        site = SignInSite(make_auth())
        answer = site.not_found(Request(method="GET", path="/auth/nothing"))

        assert row_of(answer) == self.said("A path that does not exist")

    def test_codes_are_not_offered(self) -> None:
        """
        A site without codes has no page that sends one.
        """
        policy = Policy.uness(code=CodePolicy(is_offered=False))
        answer = self.post(make_auth(policy=policy), "ask_code", username=ADDRESS)

        assert row_of(answer) == self.said("Sign-in by code is not offered")

    def test_sessions_cannot_be_listed(self) -> None:
        """
        A site whose stores list no sessions has no page of them, nor a way to close.
        """
        stores = attrs.evolve(MemoryStorage().stores, session_lists=None)
        answer = self.post(make_auth(stores=stores), "account_sessions", session="")

        assert row_of(answer) == self.said("Sessions cannot be listed")

    def test_a_store_is_down(self) -> None:
        """
        A store that cannot be reached lets nobody through.
        """
        stores = attrs.evolve(
            MemoryStorage().stores, accounts=cast("Any", Down(StorageError))
        )
        answer = self.post(make_auth(stores=stores), "identify", email=ADDRESS)

        assert row_of(answer) == self.said("A store does not answer")

    def test_the_mail_server_is_down(self) -> None:
        """
        No page says that a mail left when none did.
        """
        auth = make_auth(mailer=Down(MailError))
        auth.provisioning.add(ADDRESS)
        answer = self.post(auth, "identify", email=ADDRESS)

        assert row_of(answer) == self.said("The mail server refuses")

    def test_every_row_is_tried(self) -> None:
        """
        The table has the rows that are tried above, and four more.
        """
        tried = {
            *REFUSED,
            "A path that does not exist",
            "Sign-in by code is not offered",
            "Sessions cannot be listed",
            "A store does not answer",
            "The mail server refuses",
        }

        assert tried == {row[0] for row in tables()["Before any flow is asked"]}

    def said(self, what: str) -> list[str]:
        """
        What the table says of *what*.
        """
        table = tables()["Before any flow is asked"]
        return next([*map(plain, row[1:])] for row in table if row[0] == what)

    def post(self, auth: UnessAuth, name: str, **fields: str) -> Answer:
        """
        Send a form of ours.
        """
        site = SignInSite(auth)
        route = next(one for one in site.routes if one.name == name)
        sent = Sent()
        csrf = site.sign_out_form(sent.request()).csrf_value
        body = urlencode({"csrf": csrf, **fields}).encode()
        return site.answer(route, attrs.evolve(sent, body=body).request())


class TestMails:
    def test_kinds(self) -> None:
        """
        The kinds of mails are those that can be ordered.
        """
        assert [*OrderKind] == [plain(row[0]) for row in tables()["What is mailed"]]


class TestPage:
    def test_every_table_is_compared(self) -> None:
        """
        No table stands on the page that no test looks at.
        """
        others = {
            "Routes",
            "Before any flow is asked",
            "To a registrar, not to a visitor",
            "What is mailed",
        }

        assert {*QUESTIONS, *others} == {*tables()}

    def test_templates_exist(self) -> None:
        """
        Every template that is named is one of the library's.
        """
        folder = Path(outcomes.__file__).parent / "templates" / "uness_auth"
        named = set(re.findall(r"`(\w+\.html)`", PAGE.read_text("utf-8")))

        assert named
        assert named <= {one.name for one in folder.iterdir()}
