"""
Real mail servers: what they get, and what happens when they refuse, hang or die.
"""

from __future__ import annotations

import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.errors import ConfigurationError, MailError, RecipientError
from uness_auth.mailers.smtp import SMTPMailer
from uness_auth.ports import Mailer


# aiosmtpd does not count TLS from the first byte as TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not:UserWarning")

TO = "camille@univ-exemple.fr"
SHORT = timedelta(milliseconds=200)
TOTAL = timedelta(milliseconds=600)


@pytest.fixture(name="mailer")
def _mailer(serve_mail: Any, trusting: ssl.SSLContext) -> Callable[..., Any]:
    """
    Start a mail server, and return it with a mailer that uses it.
    """

    def make(
        security: Any = "starttls",
        *,
        serves: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Any:
        server = serve_mail(security, **(serves or {}))
        fields = {"security": security, "ssl_context": trusting} | fields
        return server, SMTPMailer("127.0.0.1", server.port, **fields)

    return make


def long_mail(text: str) -> EmailMessage:
    """
    Return a mail of as much text as wanted.
    """
    mail = EmailMessage()
    mail["From"] = "ne-pas-repondre@univ-exemple.fr"
    mail.set_content(text)
    return mail


def fault_of(mailer: SMTPMailer, mail: EmailMessage, to: str = TO) -> MailError:
    """
    Return what the mailer says when it fails, secret-free.
    """
    with pytest.raises(MailError) as caught:
        mailer.send(mail, to)
    told = "".join(traceback.format_exception(caught.value))
    for secret in ("t0ken", "S3cret!", "wr0ng", "Bonjour"):
        assert secret not in told
    return caught.value


def was_late(fault: MailError) -> bool:
    """
    Say whether time had run out; of a write, smtplib only tells in the context.
    """
    cause = fault.__cause__
    assert cause is not None
    return isinstance(cause, TimeoutError) or isinstance(
        cause.__context__, TimeoutError
    )


class TestSend:
    @pytest.mark.parametrize("security", ["starttls", "tls", "none"])
    def test_delivers_to_the_one_recipient(
        self, mailer: Any, mail: EmailMessage, security: str
    ) -> None:
        """
        The server gets one mail, for one recipient, from the address in From.
        """
        server, smtp = mailer(security)
        smtp.send(mail, TO)

        assert [TO] == server.received.recipients
        assert ["ne-pas-repondre@univ-exemple.fr"] == server.received.senders
        assert [security != "none"] == server.received.were_encrypted

    def test_delivers_the_whole_mail(self, mailer: Any, mail: EmailMessage) -> None:
        """
        Accents, a line of one full stop and both parts arrive; all of it is ASCII.
        """
        server, smtp = mailer()
        smtp.send(mail, TO)
        (raw,) = server.received.mails
        arrived = message_from_bytes(raw, policy=policy.default)
        text, html = (arrived.get_body((kind,)) for kind in ("plain", "html"))

        assert raw.isascii()
        assert mail["Subject"] == arrived["Subject"]
        assert str(mail["From"]) == str(arrived["From"])
        assert text is not None
        assert mail.get_body(("plain",)).get_content() == text.get_content()  # type: ignore[union-attr]
        assert html is not None
        assert "<p>Bonjour Éloïse</p>\n" == html.get_content()

    def test_delivers_a_mail_of_many_records(self, mailer: Any) -> None:
        """
        A mail much longer than a TLS record arrives in one piece.
        """
        server, smtp = mailer("tls")
        long = "\n".join(f"{n:060}" for n in range(2_000))
        smtp.send(long_mail(long), TO)

        assert long == server.received.mails[0].decode().split("\r\n\r\n", 1)[
            1
        ].replace("\r\n", "\n").rstrip("\n")

    def test_asks_the_argument_and_not_the_headers(
        self, mailer: Any, mail: EmailMessage
    ) -> None:
        """
        P4: who else stands in To or Cc gets nothing.
        """
        server, smtp = mailer()
        mail.replace_header("To", "a@univ-exemple.fr, b@univ-exemple.fr")
        mail["Cc"] = "c@univ-exemple.fr"
        smtp.send(mail, TO)

        assert [TO] == server.received.recipients

    def test_may_name_who_gets_the_bounces(
        self, mailer: Any, mail: EmailMessage
    ) -> None:
        """
        The envelope's sender can be another than the author.
        """
        server, smtp = mailer(envelope_sender="bounces@univ-exemple.fr")
        smtp.send(mail, TO)

        assert ["bounces@univ-exemple.fr"] == server.received.senders

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_signs_in_where_asked(
        self, mailer: Any, mail: EmailMessage, security: str
    ) -> None:
        """
        User and password are given, over TLS, to a server that wants them.
        """
        server, smtp = mailer(
            security,
            serves={"needs_auth": True},
            username="portail",
            password="S3cret!",
        )
        smtp.send(mail, TO)

        assert (["portail"], [TO]) == (
            server.received.users,
            server.received.recipients,
        )

    def test_serves_a_second_mail_over_a_second_connection(
        self, mailer: Any, mail: EmailMessage
    ) -> None:
        """
        Nothing is kept between two mails.
        """
        server, smtp = mailer()
        port: Mailer = smtp
        port.send(mail, TO)
        port.send(mail, "b@univ-exemple.fr")

        assert [TO, "b@univ-exemple.fr"] == server.received.recipients


class TestRefusals:
    def test_another_hosts_certificate(self, mailer: Any, mail: EmailMessage) -> None:
        """
        A server that shows somebody else's certificate gets neither mail nor password.
        """
        for security in ("starttls", "tls"):
            server, smtp = mailer(
                security,
                serves={"names": ("mail.example.com",)},
                username="portail",
                password="S3cret!",
            )

            assert "certificate" in str(fault_of(smtp, mail))
            assert ([], []) == (server.received.users, server.received.mails)

    def test_an_unknown_authority(self, mailer: Any, mail: EmailMessage) -> None:
        """
        A certificate that nobody we trust has signed is refused.
        """
        server, smtp = mailer(ssl_context=ssl.create_default_context())

        assert "certificate" in str(fault_of(smtp, mail))
        assert [] == server.received.mails

    def test_a_server_without_starttls(
        self, serve_mail: Any, mail: EmailMessage
    ) -> None:
        """
        Nothing goes out in clear because a server, or somebody between, hides STARTTLS.
        """
        server = serve_mail("none", auth_require_tls=False)
        smtp = SMTPMailer(
            "127.0.0.1", server.port, username="portail", password="S3cret!"
        )

        assert "STARTTLS" in str(fault_of(smtp, mail))
        assert ([], []) == (server.received.users, server.received.mails)

    def test_a_wrong_password(self, mailer: Any, mail: EmailMessage) -> None:
        """
        The fault names the code, not the password.
        """
        server, smtp = mailer(
            serves={"needs_auth": True}, username="portail", password="wr0ng"
        )

        assert "refused the user name or password: 535" in str(fault_of(smtp, mail))
        assert [] == server.received.mails

    def test_a_server_that_asks_no_password(
        self, mailer: Any, mail: EmailMessage
    ) -> None:
        """
        A password that cannot be used is a fault and not left out in silence.
        """

        server, smtp = mailer(
            serves={"auth_exclude_mechanism": ["LOGIN", "PLAIN"]},
            username="portail",
            password="S3cret!",
        )

        assert "No suitable authentication method" in str(fault_of(smtp, mail))
        assert [] == server.received.mails

    @pytest.mark.parametrize(
        ("sender", "to", "expected"),
        [
            ("a@x.fr", "refused@x.fr", "refused the recipient: 550 5.1.1"),
            ("refused@x.fr", TO, "refused the sender: 553 5.7.1"),
            ("spam@x.fr", TO, "refused the mail: 554 5.7.1"),
        ],
    )
    def test_are_told_by_their_code(
        self,
        mailer: Any,
        mail: EmailMessage,
        sender: str,
        to: str,
        expected: str,
    ) -> None:
        """
        Sender, recipient and mail can be refused; the server's words stay out of it.
        """
        server, smtp = mailer(envelope_sender=sender)
        fault = fault_of(smtp, mail, to)

        assert f"mail server 127.0.0.1:{server.port} {expected}" == str(fault)
        assert [] == server.received.mails

    @pytest.mark.parametrize(
        ("sender", "to", "expected"),
        [
            ("a@x.fr", "refused@x.fr", (RecipientError, True)),
            ("a@x.fr", "later@x.fr", (RecipientError, False)),
            ("spam@x.fr", TO, (RecipientError, True)),
            ("refused@x.fr", TO, (MailError, None)),
        ],
    )
    def test_of_one_address(
        self,
        mailer: Any,
        mail: EmailMessage,
        sender: str,
        to: str,
        expected: tuple[type[MailError], bool | None],
    ) -> None:
        """
        What the server says of one address, or of one mail to it, is told apart.
        """
        _, smtp = mailer(envelope_sender=sender)
        fault = fault_of(smtp, mail, to)

        assert expected == (type(fault), getattr(fault, "is_final", None))

    @pytest.mark.parametrize(
        "to",
        [
            "",
            "camille",
            "camille,@x.fr",
            "a@x.fr,b@x.fr",
            "a@x.fr b@x.fr",
            "a@x.fr\r\nRCPT TO:<b@x.fr>",
            "a@x.fr\n",
            "<a@x.fr>",
            '"a@x.fr b"@x.fr',
            "a@x.fr\0",
            "é@x.fr",
            "a@b@x.fr",
        ],
    )
    def test_a_recipient_that_is_not_one_address(
        self, to: str, mail: EmailMessage
    ) -> None:
        """
        P2: what could be read as two recipients, or as a command, reaches no server.
        """
        fault = fault_of(SMTPMailer("localhost", 1, security="none"), mail, to)

        assert "the recipient is not one plain address" == str(fault)

    @pytest.mark.parametrize("author", [None, "a@x.fr, b@x.fr", "é@x.fr", "Uness"])
    def test_a_mail_without_one_author(
        self, author: str | None, mail: EmailMessage
    ) -> None:
        """
        Without one plain address in From there is nobody to bounce to.
        """
        del mail["From"]
        if author is not None:
            mail["From"] = author

        assert "From" in str(
            fault_of(SMTPMailer("localhost", 1, security="none"), mail)
        )


Answers = dict[bytes, bytes]
ANSWERS: Answers = {
    b"EHLO": b"250 hello\r\n",
    b"MAIL": b"250 OK\r\n",
    b"RCPT": b"250 OK\r\n",
    b"DATA": b"354 go on\r\n",
    b".": b"250 kept\r\n",
    b"QUIT": b"221 bye\r\n",
}


def talk(connection: socket.socket, answers: Answers) -> None:
    """
    Speak SMTP by a table; what is not in it is answered by 502, and empty hangs up.
    """
    connection.sendall(b"220 hello\r\n")
    is_mail = False
    for line in connection.makefile("rb"):
        verb = line.strip() if is_mail else line[:4].strip().upper()
        if is_mail and verb != b".":
            continue
        answer = answers.get(verb, b"502 no\r\n")
        if not answer:
            return
        is_mail = verb == b"DATA"
        connection.sendall(answer)


def hang(connection: socket.socket) -> None:
    """
    Say nothing until the client has gone, or for seconds; then hang up.
    """
    connection.settimeout(5)
    while connection.recv(4096):
        pass


def drip(connection: socket.socket) -> None:
    """
    Send one byte of a greeting at a time, for seconds, and hang up without its end.
    """
    connection.sendall(b"220-")
    connection.settimeout(0.02)
    for _ in range(250):
        try:
            if not connection.recv(4096):
                return
        except TimeoutError:
            connection.sendall(b"x")


class TestTrouble:
    @pytest.fixture(name="plain")
    def _plain(self, serve_script: Any) -> Callable[..., SMTPMailer]:
        def make(script: Callable[[socket.socket], None], **fields: Any) -> SMTPMailer:
            return SMTPMailer(
                "127.0.0.1",
                serve_script(script),
                **{"security": "none"} | fields,
            )

        return make

    def test_nobody_listens(self, mail: EmailMessage) -> None:
        """
        A closed port is told at once, with its cause.
        """
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        fault = fault_of(SMTPMailer("127.0.0.1", port, security="none"), mail)

        assert isinstance(fault.__cause__, ConnectionRefusedError)

    @pytest.mark.parametrize("security", ["none", "starttls", "tls"])
    def test_a_server_that_hangs(
        self, plain: Any, mail: EmailMessage, security: str
    ) -> None:
        """
        A server that accepts and says nothing is left after the time for one answer.
        """
        assert "timed out" in str(
            fault_of(plain(hang, timeout=SHORT, security=security), mail)
        )

    def test_a_server_that_hangs_in_the_handshake(
        self, plain: Any, mail: EmailMessage
    ) -> None:
        """
        Silence instead of TLS is left as well.
        """

        def script(connection: socket.socket) -> None:
            connection.sendall(b"220 hello\r\n")
            connection.recv(4096)
            connection.sendall(b"250-hello\r\n250 STARTTLS\r\n")
            connection.recv(4096)
            connection.sendall(b"220 go on\r\n")
            hang(connection)

        assert "timed out" in str(
            fault_of(plain(script, timeout=SHORT, security="starttls"), mail)
        )

    def test_a_server_that_drips(self, plain: Any, mail: EmailMessage) -> None:
        """
        One byte at a time, each in time, ends with the total.
        """
        assert "timed out" in str(
            fault_of(plain(drip, timeout=TOTAL, total_timeout=TOTAL), mail)
        )

    def test_a_server_that_drips_through_tls(
        self, plain: Any, authority: Any, trusting: ssl.SSLContext, mail: EmailMessage
    ) -> None:
        """
        The total holds for what is encrypted too.
        """
        certified = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(certified)

        def script(connection: socket.socket) -> None:
            with certified.wrap_socket(connection, server_side=True) as encrypted:
                drip(encrypted)

        smtp = plain(
            script,
            timeout=TOTAL,
            total_timeout=TOTAL,
            security="tls",
            ssl_context=trusting,
        )

        assert "timed out" in str(fault_of(smtp, mail))

    def test_no_time_at_all(self, plain: Any, mail: EmailMessage) -> None:
        """
        When the time is over before the connection stands, nothing is sent.
        """
        soon = timedelta(microseconds=1)
        smtp = plain(hang, timeout=soon, total_timeout=soon)

        assert "timed out" in str(fault_of(smtp, mail))

    @pytest.mark.parametrize("pause", [0.02, 5])
    def test_a_server_that_does_not_take_the_mail(
        self, plain: Any, pause: float
    ) -> None:
        """
        A mail taken too slowly, or not at all, is given up at the total.
        """
        is_over = threading.Event()

        def script(connection: socket.socket) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            connection.sendall(b"220 hello\r\n")
            for answer in (b"250 OK", b"250 OK", b"250 OK", b"354 go on"):
                connection.recv(4096)
                connection.sendall(answer + b"\r\n")
            for _ in range(100):
                if is_over.wait(pause) or not connection.recv(131_072):
                    return

        smtp = plain(script, timeout=TOTAL, total_timeout=TOTAL)
        fault = fault_of(smtp, long_mail(("y" * 70 + "\n") * 300_000))
        is_over.set()

        assert was_late(fault)

    @pytest.mark.parametrize("verb", [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"."])
    def test_a_server_that_dies(
        self, plain: Any, mail: EmailMessage, verb: bytes
    ) -> None:
        """
        Wherever the server hangs up before it accepts, the mail was not sent.
        """
        smtp = plain(lambda connection: talk(connection, ANSWERS | {verb: b""}))

        assert "closed" in str(fault_of(smtp, mail)) or verb == b"EHLO"

    def test_a_server_that_dies_after_accepting(
        self, plain: Any, mail: EmailMessage
    ) -> None:
        """
        Once accepted the mail is sent: nothing after that makes it fail.
        """
        plain(lambda connection: talk(connection, ANSWERS | {b"QUIT": b""})).send(
            mail, TO
        )

    def test_says_goodbye(self, plain: Any, mail: EmailMessage) -> None:
        """
        The dialogue ends as the standard wants it, not by hanging up.
        """
        verbs: list[bytes] = []

        class Noting(dict[bytes, bytes]):
            def get(self, verb: bytes, default: Any = None) -> Any:
                verbs.append(verb)
                return super().get(verb, default)

        plain(lambda one: talk(one, Noting(ANSWERS))).send(mail, TO)

        assert [b"EHLO", b"MAIL", b"RCPT", b"DATA", b".", b"QUIT"] == verbs

    def test_a_server_that_turns_away(self, plain: Any, mail: EmailMessage) -> None:
        """
        A server too busy to talk is told by its code.
        """
        smtp = plain(lambda connection: connection.sendall(b"421 later, t0ken\r\n"))

        assert "refused the connection: 421" in str(fault_of(smtp, mail))

    def test_a_server_that_takes_back_its_starttls(
        self, plain: Any, mail: EmailMessage
    ) -> None:
        """
        STARTTLS announced and then refused is no reason to go on in clear.
        """
        answers = {b"EHLO": b"250-hello\r\n250 STARTTLS\r\n", b"STAR": b"454 no\r\n"}
        smtp = plain(lambda one: talk(one, ANSWERS | answers), security="starttls")

        assert "refused to go on: 454" in str(fault_of(smtp, mail))

    def test_a_host_with_many_addresses(
        self, plain: Any, mail: EmailMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        They are tried in turn, each within the total, until one answers.
        """
        visits: list[socket.socket] = []

        def script(connection: socket.socket) -> None:
            visits.append(connection)
            talk(connection, ANSWERS)

        smtp = attrs.evolve(plain(script), host="localhost")
        look_up = socket.getaddrinfo

        def find(host: str, *args: Any, **options: Any) -> list[Any]:
            hosts = ["127.0.0.2", "127.0.0.1"] if host == "localhost" else [host]
            return [look_up(one, *args, **options)[0] for one in hosts]

        monkeypatch.setattr(socket, "getaddrinfo", find)
        smtp.send(mail, TO)

        assert 1 == len(visits)

    def test_a_host_with_no_address_that_answers(
        self, mail: EmailMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        What the last of them said is told; a host with none at all is told too.
        """
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])

        assert "has no address" in str(
            fault_of(SMTPMailer("localhost", security="none"), mail)
        )

    @pytest.mark.parametrize(
        ("name", "address", "expected"),
        [
            ("", "192.0.2.1", b"ehlo [192.0.2.1]\r\n"),
            ("", "::1", b"ehlo [IPv6:::1]\r\n"),
            ("portail.example.fr", "::1", b"ehlo portail.example.fr\r\n"),
        ],
    )
    def test_introduces_itself_without_asking_dns(
        self, plain: Any, name: str, address: str, expected: bytes, monkeypatch: Any
    ) -> None:
        """
        By the name that it was given, or else by its IP address.
        """
        told: list[bytes] = []

        def script(connection: socket.socket) -> None:
            connection.sendall(b"220 hello\r\n")
            told.append(connection.recv(4096))

        smtp = plain(script, ehlo_name=name)
        monkeypatch.delattr(socket, "getfqdn")
        monkeypatch.setattr(socket.socket, "getsockname", lambda _: (address, 1))
        fault_of(smtp, long_mail(""))

        assert [expected] == told[:1]


class TestSetUp:
    @pytest.mark.parametrize(
        ("security", "expected"), [("starttls", 587), ("tls", 465), ("none", 25)]
    )
    def test_each_security_has_its_port(self, security: Any, expected: int) -> None:
        """
        The usual port of each way need not be given.
        """
        assert expected == SMTPMailer("localhost", security=security).port

    def test_hides_the_password(self) -> None:
        """
        The password is not in the repr.
        """
        smtp = SMTPMailer("smtp.example.fr", username="portail", password="S3cret!")

        assert "S3cret!" not in repr(smtp)

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"security": "none"}, "in clear"),
            ({"security": "ssl"}, "choose among"),
            ({"host": ""}, "give the name"),
            ({"host": "smtp.example.fr\n"}, "give the name"),
            ({"port": 0}, "usually 587"),
            ({"port": 65_536}, "usually 587"),
            ({"username": "portail"}, "both, or neither"),
            ({"password": "S3cret!"}, "both, or neither"),
            ({"username": "é", "password": "S3cret!"}, "not ASCII"),
            ({"ehlo_name": "a b"}, "leave it out"),
            ({"envelope_sender": "Uness <a@x.fr>"}, "without a name"),
            ({"timeout": timedelta(0)}, "positive"),
            ({"timeout": timedelta(minutes=1)}, "the longer"),
            (
                {
                    "host": "localhost",
                    "security": "none",
                    "username": "portail",
                    "password": "S3cret!",
                },
                "in clear",
            ),
        ],
    )
    def test_faults_are_told_at_start(self, fields: dict[str, Any], told: str) -> None:
        """
        A weak or impossible set-up is refused, with its ways out and no password.
        """
        with pytest.raises(ConfigurationError, match=told) as caught:
            SMTPMailer(**{"host": "smtp.example.fr"} | fields)

        assert "S3cret!" not in str(caught.value)

    def test_a_context_must_verify(self) -> None:
        """
        A context that believes any server is refused, either way.
        """
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname = False
        half = ssl.create_default_context()
        half.check_hostname = False
        blind.verify_mode = ssl.CERT_NONE
        for context in (blind, half):
            with pytest.raises(ConfigurationError, match="cafile"):
                SMTPMailer("smtp.example.fr", ssl_context=context)


class TestFromUrl:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("smtp://smtp.example.fr", ("smtp.example.fr", 587, "starttls", "", "")),
            ("smtp://smtp.example.fr:25/", ("smtp.example.fr", 25, "starttls", "", "")),
            ("smtps://smtp.example.fr", ("smtp.example.fr", 465, "tls", "", "")),
            (
                "smtp://portail%40x.fr:p%40ss%2F@smtp.example.fr:2525",
                ("smtp.example.fr", 2525, "starttls", "portail@x.fr", "p@ss/"),
            ),
            ("smtp://127.0.0.1:8025", ("127.0.0.1", 8025, "none", "", "")),
            ("smtp://localhost", ("localhost", 25, "none", "", "")),
            ("smtp://[::1]:8025", ("::1", 8025, "none", "", "")),
            ("smtps://localhost", ("localhost", 465, "tls", "", "")),
            ("smtp://u:p@localhost:587", ("localhost", 587, "starttls", "u", "p")),
        ],
    )
    def test_says_where_and_how(
        self, url: str, expected: tuple[str, int, str, str, str]
    ) -> None:
        """
        Only a mail server on this machine, without a user, is spoken to in clear.
        """
        smtp = SMTPMailer.from_url(url)

        assert expected == (
            smtp.host,
            smtp.port,
            smtp.security,
            smtp.username,
            smtp.password,
        )

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "smtp.example.fr",
            "http://smtp.example.fr",
            "smtp://",
            "smtp://:25",
            "smtp://u:S3cret!/x@smtp.example.fr",
            "smtp://u:12?S3cret!@smtp.example.fr",
            "smtp://u:S3cret!#x@smtp.example.fr",
            "smtp://u:S3cret!@smtp.example.fr/queue",
            "smtp://u:S3cret!@smtp.example.fr:many",
            "smtp://u:S3cret!@[smtp",
        ],
    )
    def test_a_malformed_one_is_not_repeated(self, url: str) -> None:
        """
        The fault says what a URL looks like, and not the one that holds a password.
        """
        with pytest.raises(ConfigurationError, match="percent-encode") as caught:
            SMTPMailer.from_url(url)

        assert "S3cret!" not in "".join(traceback.format_exception(caught.value))

    @given(st.text() | st.text().map("smtp://".__add__))
    def test_any_text_is_read_or_told(self, url: str) -> None:
        """
        Whatever stands in the environment, a fault of it is a fault of the set-up.
        """
        try:
            smtp = SMTPMailer.from_url(url)
        except ConfigurationError:
            return

        assert smtp.host
