"""
The helpdesk's commands: why can't she sign in, a new address, and the first link.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from tests.adapters.mail_server import MailServer, running
from uness_auth import Site, UnessAuth
from uness_auth.cli import invitations as commands
from uness_auth.cli import uness_auth
from uness_auth.events import Event, EventKind
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.model import Client
from uness_auth.outcomes import AccountAdded, SignedIn
from uness_auth.provisioning import Became, invitations
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import EventLog, FastHashing, FixedClock, Outbox


ADA = "ada@univ-lyon1.fr"
BEA = "bea@univ-lyon1.fr"
PASSWORD = "Velo-9Rouge"
KEY = "first-key-of-the-tests-0123456789abcdef"
HERE = Client(network="192.0.2.7", browser="Firefox, Windows", browser_digest="b" * 64)

Run = Callable[..., Result]


@pytest.fixture(name="outbox")
def _outbox() -> Outbox:
    """
    An empty one.
    """
    return Outbox()


@pytest.fixture(name="storage")
def _storage() -> MemoryStorage:
    """
    Empty stores.
    """
    return MemoryStorage()


@pytest.fixture(name="wired")
def _wired(storage: MemoryStorage, outbox: Outbox, clock: FixedClock) -> Any:
    """
    Wires the site, with what the test gives in place of the usual.
    """

    def wired(**given: Any) -> UnessAuth:
        usual: dict[str, Any] = {
            "site": Site(base_url="http://localhost"),
            "stores": storage.stores,
            "mailer": outbox,
            "keys": [KEY],
            "hashing": FastHashing(),
            "clock": clock,
        }
        return UnessAuth(**(usual | given))

    return wired


@pytest.fixture(name="auth")
def _auth(wired: Any) -> UnessAuth:
    """
    The site, with Ada and Bea.
    """
    auth: UnessAuth = wired()
    for address in (ADA, BEA):
        added = auth.provisioning.add(address, account_id=address[:3])
        assert isinstance(added, AccountAdded)
    return auth


def runs_on(auth: UnessAuth) -> Run:
    """
    Return what runs the command line on *auth*.
    """

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(uness_auth, arguments, obj=lambda: auth)

    return run


@pytest.fixture(name="run")
def _run(auth: UnessAuth) -> Run:
    """
    Runs the command line on the site.
    """
    return runs_on(auth)


class TestShow:
    def test_in_words(self, run: Run, auth: UnessAuth, outbox: Outbox) -> None:
        """
        State, what happened in the site's time zone, and what to do next.
        """
        account = auth.provisioning.accounts.by_address(ADA)
        assert account is not None
        assert auth.provisioning.registry.replace(
            attrs.evolve(
                account,
                display_name="Ada",
                provisioned_by="scolarite",
                external_id="4711",
                valid_from=datetime(2026, 8, 31, 22, tzinfo=UTC),
                valid_until=datetime(2027, 8, 31, 22, tzinfo=UTC),
            ),
            account.credential_version,
        )
        auth.identify.begin(ADA, HERE)
        token = outbox.link(ADA).rpartition("/")[2]
        auth.password_link.set_password(token, "abc", "abc", HERE)
        answer = run("accounts", "show", ADA)

        assert (0, "") == (answer.exit_code, answer.stderr)
        assert [
            ADA,
            "  name         Ada",
            "  state        no password yet",
            "  registrar    scolarite",
            "  external id  4711",
            "  first day    2026-09-01",
            "  last day     2027-08-31",
            "  created      2026-11-22 14:32",
            "  sessions     none is open",
            "",
            "What happened (times of Europe/Paris):",
            "  2026-11-22 14:32  account created",
            (
                "  2026-11-22 14:32  ordered: the link that creates the password  "
                "[192.0.2.0/24]"
            ),
            (
                "  2026-11-22 14:32  accepted by the mail server: the link that creates "
                "the password"
            ),
            (
                "  2026-11-22 14:32  new password refused: too short, no capital letter, "
                "no digit, no special character  [192.0.2.0/24]"
            ),
            "",
            "What to do next:",
            (
                "- The new password was refused: too short, no capital letter, no digit, "
                "no special character. Read the list of rules on the page with them. The "
                "link works until 2026-11-23 14:32."
            ),
        ] == answer.stdout.splitlines()

    def test_sessions(self, run: Run, auth: UnessAuth) -> None:
        """
        Open ones are told by browser and network.
        """
        account = auth.provisioning.accounts.by_address(ADA)
        assert account is not None
        auth.sessions.open(account, HERE, method="test", is_remembered=True)
        told = run("accounts", "show", ADA).stdout
        facts = json.loads(run("accounts", "show", ADA, "--json").stdout)

        assert "  session      Firefox, Windows, 192.0.2.0/24, remembered, op" in told
        assert ["Firefox, Windows"] == [one["browser"] for one in facts["sessions"]]

    def test_for_programs(self, run: Run, auth: UnessAuth) -> None:
        """
        The same facts as one object.
        """
        auth.identify.begin(ADA, HERE)
        facts = json.loads(run("accounts", "show", ADA, "--json").stdout)

        assert "no password yet" == facts["state"]
        assert ["account_created", "link_ordered", "link_sent"] == [
            one["kind"] for one in facts["events"]
        ]
        assert ["look_in_spam"] == [one["step"] for one in facts["next"]]
        assert "2026-11-23T13:32:00+00:00" == facts["next"][0]["until"]

    def test_moves_no_cursor(self, run: Run, storage: MemoryStorage) -> None:
        """
        What a host's own mailer says is text, and one line of it.
        """
        storage.events.add(
            [
                Event(
                    kind=EventKind.MAIL_FAILED,
                    at=datetime(2026, 11, 22, tzinfo=UTC),
                    account_id="ada",
                    method="first_link",
                    reason="no\x1b[2J\nWhat to do next:",
                )
            ]
        )
        told = run("accounts", "show", ADA).stdout

        assert "no?[2J?What to do next:" in told
        assert "\x1b" not in told

    def test_where_nothing_is_kept(self, wired: Any, auth: UnessAuth) -> None:
        """
        It says so, and how to keep it.
        """
        stores = attrs.evolve(MemoryStorage().stores, events=None, session_lists=None)
        bare: UnessAuth = wired(stores=stores)
        assert auth is not bare
        bare.provisioning.add(ADA)
        told = runs_on(bare)("accounts", "show", ADA).stdout
        facts = json.loads(runs_on(bare)("accounts", "show", ADA, "--json").stdout)

        assert "Events are not kept here: give Stores(events=)" in told
        assert "session" not in told
        assert (None, None) == (facts["events"], facts["sessions"])

    def test_where_nothing_is_left(
        self, run: Run, auth: UnessAuth, clock: FixedClock
    ) -> None:
        """
        Of what was purged nothing is told.
        """
        clock.tick(timedelta(days=800))
        auth.purge()

        assert "nothing that is still kept" in run("accounts", "show", ADA).stdout

    @pytest.mark.parametrize(
        ("typed", "suggested"),
        [("ada@univ-lyon1.ft", "; or is it ada@univ-lyon1.fr?"), ("x@univ-x.fr", "")],
    )
    def test_a_slip_in_a_known_domain(
        self, run: Run, typed: str, suggested: str
    ) -> None:
        """
        What was meant is asked, from what was typed and never from an account.
        """
        answer = run("accounts", "show", typed)

        assert 1 == answer.exit_code
        assert f"see `accounts list`{suggested}\n" in answer.stderr

    def test_no_secret_is_told(
        self, run: Run, auth: UnessAuth, outbox: Outbox, clock: FixedClock
    ) -> None:
        """
        Link, code, password, hash, session and device are in no command's output.
        """
        auth.identify.begin(ADA, HERE)
        token = outbox.link(ADA).rpartition("/")[2]
        auth.password_link.set_password(token, "Faux-8Bleu", "Faux-8Vert", HERE)
        auth.password_link.set_password(token, PASSWORD, PASSWORD, HERE)
        clock.tick(timedelta(minutes=2))
        auth.code_sign_in.begin(ADA, HERE)
        code = outbox.code(ADA)
        auth.password_sign_in.sign_in(ADA, "Faux-7Rose", HERE, is_remembered=False)
        opened = auth.password_sign_in.sign_in(ADA, PASSWORD, HERE, is_remembered=True)
        assert isinstance(opened, SignedIn)
        account = auth.provisioning.accounts.by_address(ADA)
        assert account is not None
        secrets = [
            *(token, token[1:20], code, PASSWORD, "Faux-8Bleu", "Faux-8Vert"),
            *("Faux-7Rose", account.password_hash, opened.session_token),
            *(opened.device, HERE.browser_digest, KEY),
        ]
        outputs = [
            run(*arguments).output
            for arguments in (
                ["accounts", "show", ADA],
                ["accounts", "show", ADA, "--json"],
                ["accounts", "list"],
                ["accounts", "list", "--json"],
                ["accounts", "invite", ADA],
                ["accounts", "invite", "--all", "--json"],
                ["accounts", "readdress", ADA, "ada.l@univ-lyon1.fr"],
                ["accounts", "show", "ada.l@univ-lyon1.fr"],
            )
        ]

        assert all(outputs)
        assert [] == [one for one in secrets for told in outputs if one in told]
        assert outbox.link(BEA).rpartition("/")[2] not in "".join(outputs)

    def test_no_command_sets_a_password(self) -> None:
        """
        Neither as an argument nor as an option.
        """
        accounts: Any = uness_auth.commands["accounts"]
        named = {
            name.lower()
            for command in accounts.commands.values()
            for parameter in command.params
            for name in [*parameter.opts, parameter.name]
        }

        assert not [one for one in named if "password" in one and "state" not in one]


class TestReaddress:
    def test_to_another_address(
        self, run: Run, auth: UnessAuth, outbox: Outbox
    ) -> None:
        """
        The account moves, its password goes, and the old address is told.
        """
        answer = run("accounts", "readdress", ADA, "ada.l@univ-lyon1.fr")
        account = auth.provisioning.accounts.by_address("ada.l@univ-lyon1.fr")

        assert (0, "") == (answer.exit_code, answer.stderr)
        assert f"{ADA} is ada.l@univ-lyon1.fr now" in answer.stdout
        assert account is not None
        assert not account.has_password
        assert 1 == outbox.count(ADA)

    def test_that_was_not_told(self, run: Run, outbox: Outbox) -> None:
        """
        It is done all the same, and what is missing is said.
        """
        outbox.is_down = True
        answer = run("accounts", "readdress", ADA, "ada.l@univ-lyon1.fr")

        assert 0 == answer.exit_code
        assert "The old address was not told" in answer.stderr

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            (ADA, BEA, f"{BEA} has an account already"),
            ("cleo@univ-lyon1.fr", "c@univ-lyon1.fr", "no account has the address"),
            ("ada@", BEA, "'ada@' is no e-mail address"),
            (ADA, "bea@", "'bea@' is no e-mail address"),
        ],
    )
    def test_refused(self, run: Run, old: str, new: str, words: str) -> None:
        """
        Nothing is changed, and it says why.
        """
        answer = run("accounts", "readdress", old, new)

        assert (1, "") == (answer.exit_code, answer.stdout)
        assert words in answer.stderr


class TestInvite:
    def test_all(self, run: Run, outbox: Outbox) -> None:
        """
        Figures at the end; run again, nobody is mailed twice.
        """
        quickly = ["--per-minute", "100000"]
        first = run("accounts", "invite", "--all", *quickly)
        second = run("accounts", "invite", "--all", *quickly)

        assert (0, "2 mailed.\n", "") == (first.exit_code, first.stdout, first.stderr)
        assert (0, "0 mailed, 2 invited before.\n") == (
            second.exit_code,
            second.stdout,
        )
        assert (1, 1) == (outbox.count(ADA), outbox.count(BEA))

    def test_reminders(self, run: Run, outbox: Outbox, clock: FixedClock) -> None:
        """
        Days after the last link, and only where they are asked for.
        """
        run("accounts", "invite", ADA)
        clock.tick(timedelta(days=7))
        answer = run(
            *("accounts", "invite", "--all", "--remind-after", "7"),
            *("--per-minute", "100000"),
        )

        assert "1 mailed, 1 reminded.\n" == answer.stdout
        assert 2 == outbox.count(ADA)

    def test_dry_run(self, run: Run, outbox: Outbox) -> None:
        """
        Nothing leaves.
        """
        answer = run("accounts", "invite", "--all", "--dry-run")
        facts = json.loads(
            run("accounts", "invite", "--all", "--dry-run", "--json").stdout
        )

        assert "Nothing was mailed.  Would be: 2 mailed.\n" == answer.stdout
        assert (True, 2) == (facts["is_dry_run"], facts["mailed"])
        assert [] == outbox.messages

    def test_of_nobody(self, run: Run) -> None:
        """
        Who has no account is named, and then the answer is no.
        """
        answer = run("accounts", "invite", "nobody@univ-lyon1.fr")

        assert (1, "0 mailed, 1 without an account.\n") == (
            answer.exit_code,
            answer.stdout,
        )
        assert "nobody@univ-lyon1.fr: without an account: see" in answer.stderr

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["--all", ADA],
            ["--all", "--per-minute", "0"],
            ["--all", "--remind-after", "0"],
        ],
    )
    def test_wrong_usage(self, run: Run, arguments: list[str]) -> None:
        """
        Whom to invite is said one way, and numbers are sound.
        """
        assert 2 == run("accounts", "invite", *arguments).exit_code

    def test_everything_has_its_words(self) -> None:
        """
        Whatever may become of an invitation is told, and what to do where it failed.
        """
        assert set(Became) == set(commands.WORDS)
        assert set(commands.REMEDIES) == {*invitations.NAMED}


class Refusing(MailServer):
    """
    A mail server that refuses one address, and counts who asks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recipients: list[str] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, to: str, _options: list[str]
    ) -> str:
        """
        Refuse Ada.
        """
        self.recipients.append(to)
        if to == ADA:
            return f"550 5.1.1 <{to}>: no such mailbox"
        envelope.rcpt_tos.append(to)
        return "250 OK"


@contextmanager
def hanging() -> Iterator[int]:
    """
    Yield the port of a server that lets connect and says nothing.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield int(silent.getsockname()[1])


class TestBySMTP:
    def test_one_address_is_refused(
        self, wired: Any, auth: UnessAuth, storage: MemoryStorage
    ) -> None:
        """
        The others are mailed; it is named with the server's answer, and the account
        keeps it without the whole address.
        """
        log = EventLog()
        server = Refusing()
        with running(server):
            real = wired(mailer=SMTPMailer.from_url(server.url), subscribers=[log])
            run = runs_on(real)
            answer = run("accounts", "invite", "--all", "--per-minute", "100000")
            shown = run("accounts", "show", ADA).stdout
        assert auth is not real

        assert 1 == answer.exit_code
        assert "1 mailed, 1 refused by the mail server.\n" == answer.stdout
        assert "refused the recipient: 550 5.1.1)" in answer.stderr
        assert [ADA, BEA] == sorted(server.recipients)
        assert [BEA] == [mail["To"] for mail in server.mails]
        assert "Votre compte UNESS" == server.mails[0]["Subject"]
        kept = [*storage.events.of_account("ada", 10)]
        assert "no such mailbox" not in str(kept)
        assert ADA not in str(kept)
        assert "(there is no such mailbox)" in shown
        assert f"`accounts readdress {ADA} NEW`" in shown

    def test_a_server_that_hangs(
        self, wired: Any, auth: UnessAuth, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        It is not waited for without an end; the campaign stops and says how to go on.
        """
        short = timedelta(milliseconds=20)
        monkeypatch.setattr(invitations, "WAITS", (short, short))
        with hanging() as port:
            mailer = SMTPMailer(
                "127.0.0.1", port, security="none", timeout=short, total_timeout=short
            )
            answer = runs_on(wired(mailer=mailer))("accounts", "invite", "--all")
        again = runs_on(auth)("accounts", "invite", "--all", "--per-minute", "100000")

        assert (1, "0 mailed, 2 left.\n") == (answer.exit_code, answer.stdout)
        assert "timed out: run it again, nobody is mailed twice" in answer.stderr
        assert "2 mailed.\n" == again.stdout

    def test_for_programs(self, wired: Any, auth: UnessAuth) -> None:
        """
        Figures and refusals as one object, and nothing else.
        """
        with running(Refusing()) as server:
            real = wired(mailer=SMTPMailer.from_url(server.url))
            answer = runs_on(real)("accounts", "invite", ADA, "--json")
        facts = json.loads(answer.stdout)
        assert auth is not real

        assert (1, "") == (answer.exit_code, answer.stderr)
        assert (0, 1) == (facts["mailed"], facts["refused"])
        assert [(ADA, "refused")] == [
            (one["address"], one["became"]) for one in facts["named"]
        ]
