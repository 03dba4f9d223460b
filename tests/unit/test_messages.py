"""
Tests for `uness_auth.messages`.
"""

from __future__ import annotations

import email
import email.policy
import html
import re
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uness_auth.codes import Codes
from uness_auth.errors import ConfigurationError
from uness_auth.keys import KeyRing
from uness_auth.messages import Dropped, Messages
from uness_auth.model import Account, MailOrder, OrderKind, Site
from uness_auth.policy import CodePolicy, LinkPolicy, Policy
from uness_auth.tokens import LinkToken, LinkTokens


ASKED_AT = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
SITE = Site(base_url="https://portail.example.fr", sender="Uness <acces@uness.example>")
KEYS = KeyRing(["first-key-of-the-tests-0123456789abcdef"], base_url=SITE.base_url)
POLICY = Policy.uness()
TOKENS = LinkTokens(KEYS, POLICY.link)
CODES = Codes(KEYS, POLICY.code)
NEWCOMER = Account(
    id="42",
    address="camille.durand@univ-exemple.fr",
    credential_version=7,
    created_at=ASKED_AT,
)
HASH = "$argon2id$…"
REGULAR = attrs.evolve(NEWCOMER, password_hash=HASH)
FIRST_LINK = MailOrder(
    kind=OrderKind.FIRST_LINK,
    account_id="42",
    credential_version=7,
    issued_at=ASKED_AT,
    expires_at=ASKED_AT + timedelta(hours=24),
)
RESET_LINK = attrs.evolve(FIRST_LINK, kind=OrderKind.RESET_LINK)
CODE = attrs.evolve(
    FIRST_LINK,
    kind=OrderKind.CODE,
    expires_at=ASKED_AT + timedelta(minutes=3),
    challenge_id="0123456789abcdef0123456789abcdef",
    key_id=KEYS.signing_id,
)
NEW_DEVICE = attrs.evolve(
    FIRST_LINK,
    kind=OrderKind.NEW_DEVICE,
    browser="Firefox, Windows",
    network="192.0.2.0/24",
)
INVITATION = attrs.evolve(FIRST_LINK, kind=OrderKind.INVITATION)
CHANGED = attrs.evolve(NEW_DEVICE, kind=OrderKind.PASSWORD_CHANGED)
READDRESSED = attrs.evolve(
    FIRST_LINK, kind=OrderKind.ADDRESS_CHANGED, new_address="d…@univ-exemple.fr"
)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]


def messages(site: Site = SITE, *folders: Path) -> Messages:
    """
    Return what composes mails for *site*, under the tests' keys.
    """
    return Messages(site, POLICY, TOKENS, CODES, folders)


def composed(
    order: MailOrder = FIRST_LINK,
    account: Account | None = None,
    composer: Messages | None = None,
) -> EmailMessage:
    """
    Return the mail of *order* as its reader's program sees it.
    """
    whose = account or (NEWCOMER if order.kind.is_first else REGULAR)
    message = (composer or messages()).compose(order, whose, ASKED_AT)
    assert isinstance(message, EmailMessage)
    return received(message)


def received(message: EmailMessage) -> EmailMessage:
    """
    Return the message after it went over the wire.
    """
    return email.message_from_bytes(message.as_bytes(), policy=email.policy.default)


def body(message: EmailMessage, kind: str) -> str:
    """
    Return the ``plain`` or ``html`` text of a message.
    """
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\u00a0", " ")


def mailbox(message: EmailMessage, header: str) -> tuple[str, str]:
    """
    Return display name and address of the one mailbox in a header.
    """
    (address,) = message[header].addresses
    assert isinstance(address, Address)
    return address.display_name, address.addr_spec


def letters(text: str) -> str:
    """
    Return the text without its spaces.
    """
    return "".join(text.split())


class TestLinkMail:
    @pytest.mark.parametrize("order", [FIRST_LINK, RESET_LINK])
    def test_holds_a_link_that_works(self, order: MailOrder) -> None:
        """
        The link stands whole on its line, and its token says what the order says.
        """
        lines = body(composed(order), "plain").splitlines()
        (link,) = [line for line in lines if line.startswith(SITE.url("link/"))]
        token = TOKENS.read(link.removeprefix(SITE.url("link/")), ASKED_AT)

        assert token == LinkToken(
            account_id="42", credential_version=7, kind=order.kind, issued_at=ASKED_AT
        )

    def test_html_holds_the_same_link(self) -> None:
        """
        The button and the written link lead where the text's link leads.
        """
        message = composed()
        (link,) = re.findall(
            r"^https://portail\S+$", body(message, "plain"), re.MULTILINE
        )
        html = body(message, "html")

        assert 2 == html.count(f'href="{link}"')
        assert f">{link}</a>" in html

    @pytest.mark.parametrize(
        ("order", "sentence"),
        [
            (FIRST_LINK, "Ce lien n'est valide que 24 heures et"),
            (RESET_LINK, "Ce lien n'est valide qu'une heure et"),
        ],
    )
    def test_tells_its_own_lifetime(self, order: MailOrder, sentence: str) -> None:
        """
        Each kind of link tells the figure that is enforced for it.
        """
        message = composed(order)

        assert sentence in body(message, "plain")
        assert sentence in body(message, "html").replace("&#x27;", "'")

    def test_says_what_the_tutorial_says(self) -> None:
        """
        Subject, greeting, request, notice and button are the tutorial's.
        """
        message = composed()
        text = body(message, "plain")

        assert "Votre lien de connexion" == message["Subject"]
        assert text.startswith("Bonjour,\n\nVous avez demandé à recevoir un lien de")
        assert "merci d'ignorer cet email." in text
        assert ">Se connecter à UNESS</a>" in body(message, "html")

    def test_follows_the_policy(self) -> None:
        """
        Another lifetime in the policy is another figure in the mail.
        """
        policy = Policy.uness(link=LinkPolicy(reset_lifetime=timedelta(minutes=90)))
        composer = Messages(SITE, policy, LinkTokens(KEYS, policy.link), CODES)

        assert "valide que 90 minutes" in body(
            composed(RESET_LINK, composer=composer), "plain"
        )


class TestCodeMail:
    def test_the_code_is_alone_on_its_line(self) -> None:
        """
        Nothing stands beside the code that could be copied with it.
        """
        code = CODES.derive(CODE.challenge_id, "42", 7, CODE.key_id)
        message = composed(CODE)

        assert code in body(message, "plain").splitlines()
        assert f">{code}</td>" in body(message, "html")

    def test_the_subject_tells_when_and_not_what(self) -> None:
        """
        The time of asking keeps mails apart; the code is not shown on a locked phone.
        """
        subject = composed(CODE)["Subject"]

        assert "Votre code de connexion, demandé à 14 h 32" == subject

    def test_says_what_to_know(self) -> None:
        """
        When it was asked for, how long it works, once, and to give it to nobody.
        """
        text = body(composed(CODE), "plain")

        assert "Vous l'avez demandé le 22 novembre 2026 à 14 h 32." in text
        assert "Il est valide une fois et durant 3 minutes." in text
        assert "Ne communiquez ce code à personne, pas même à l'assistance." in text
        assert "merci d'ignorer cet email." in text

    def test_follows_policy_and_site(self) -> None:
        """
        The figure is the policy's, the time the site's.
        """
        policy = Policy.uness(code=CodePolicy(lifetime=timedelta(seconds=90)))
        site = attrs.evolve(SITE, time_zone="Indian/Reunion", languages=("en",))
        composer = Messages(site, policy, TOKENS, Codes(KEYS, policy.code))
        message = composed(CODE, composer=composer)

        assert "Your sign-in code, asked for at 17:32" == message["Subject"]
        assert "It is valid once and for 90 seconds." in body(message, "plain")


class TestNotice:
    def test_says_what_happened_and_what_to_do(self) -> None:
        """
        When, in which browser, roughly where; and the way to close that session.
        """
        message = composed(NEW_DEVICE)
        text = body(message, "plain")

        assert "Nouvelle connexion" == message["Subject"]
        for fact in (
            "Quand : le 22 novembre 2026 à 14 h 32",
            "Navigateur : Firefox, Windows",
            "Réseau : 192.0.2.0/24",
            "Si c'était vous, vous n'avez rien à faire.",
        ):
            assert fact in text
            assert html.escape(fact) in body(message, "html")
        assert SITE.url("account/sessions") in text.split()

    def test_of_a_changed_password(self) -> None:
        """
        Whoever did not change it begins where a new one is asked for.
        """
        message = composed(CHANGED)
        text = body(message, "plain")

        assert "Votre mot de passe a été modifié" == message["Subject"]
        assert "« Mot de passe oublié ? »" in text
        assert SITE.url() in text.split()

    def test_of_a_changed_address(self) -> None:
        """
        Its reader cannot prove anything here any more, and is sent to people.
        """
        message = composed(READDRESSED)
        text = body(message, "plain")

        assert "L'adresse de votre compte a été modifiée" == message["Subject"]
        assert "Nouvelle adresse : d…@univ-exemple.fr" in text
        assert SITE.support_url in text.split()
        assert SITE.url() not in text

    def test_names_no_page_that_is_not_there(self) -> None:
        """
        Where sessions cannot be listed the mail does not send anybody there.
        """
        composer = Messages(SITE, POLICY, TOKENS, CODES, lists_sessions=False)
        text = body(composed(NEW_DEVICE, composer=composer), "plain")

        assert SITE.url("account/sessions") not in text
        assert SITE.url() in text.split()

    def test_unknown_facts(self) -> None:
        """
        What is not known is said to be unknown.
        """
        text = body(composed(attrs.evolve(NEW_DEVICE, browser="", network="")), "plain")

        assert "Navigateur : inconnu" in text
        assert "Réseau : inconnu" in text

    @pytest.mark.parametrize("order", [NEW_DEVICE, CHANGED, READDRESSED])
    def test_is_told_whatever_changed_since(self, order: MailOrder) -> None:
        """
        Who got in and changed the password at once does not silence the mail.
        """
        later = attrs.evolve(REGULAR, credential_version=9)

        assert isinstance(messages().compose(order, later, ASKED_AT), EmailMessage)

    def test_two_at_once_are_two_mails(self) -> None:
        """
        Two browsers within a second are told apart.
        """
        other = attrs.evolve(NEW_DEVICE, browser="Safari, iPhone")

        assert composed(NEW_DEVICE)["Message-ID"] != composed(other)["Message-ID"]


class TestHeaders:
    @pytest.mark.parametrize(
        "order", [FIRST_LINK, RESET_LINK, CODE, NEW_DEVICE, CHANGED, READDRESSED]
    )
    def test_are_these_and_no_others(self, order: MailOrder) -> None:
        """
        P55: a mail has nine headers, whatever it is about.
        """
        message = composed(order)

        assert HEADERS == message.keys()
        assert "auto-generated" == message["Auto-Submitted"]
        assert "fr" == message["Content-Language"]
        assert "Sun, 22 Nov 2026 14:32:00 +0100" == message["Date"]
        assert ("Uness", "acces@uness.example") == mailbox(message, "From")
        assert ("", "camille.durand@univ-exemple.fr") == mailbox(message, "To")

    @pytest.mark.parametrize(
        "order", [FIRST_LINK, RESET_LINK, CODE, NEW_DEVICE, CHANGED, READDRESSED]
    )
    def test_any_server_takes_it(self, order: MailOrder) -> None:
        """
        Seven bits, and no line that quoted-printable does not allow.
        """
        whose = NEWCOMER if order is FIRST_LINK else REGULAR
        message = messages().compose(order, whose, ASKED_AT)
        assert isinstance(message, EmailMessage)
        raw = message.as_bytes()

        assert raw.isascii()
        assert 76 >= max(len(line) for line in raw.splitlines())
        assert ["quoted-printable"] * 2 == [
            part["Content-Transfer-Encoding"] for part in received(message).iter_parts()
        ]

    @pytest.mark.parametrize("order", [FIRST_LINK, CODE, NEW_DEVICE])
    def test_a_retry_is_the_same_mail(self, order: MailOrder) -> None:
        """
        The same order gives the same bytes, later and from another process.
        """
        whose = NEWCOMER if order is FIRST_LINK else REGULAR
        later = ASKED_AT + timedelta(minutes=2)
        first = messages().compose(order, whose, ASKED_AT)
        second = messages().compose(order, whose, later)
        assert isinstance(first, EmailMessage)
        assert isinstance(second, EmailMessage)

        assert first.as_bytes() == second.as_bytes()

    def test_each_order_has_its_own_message_id(self) -> None:
        """
        Kind, version, time and challenge tell mails apart, under the site's name.
        """
        later = ASKED_AT + timedelta(seconds=1)
        ids = {
            str(composed(order)["Message-ID"])
            for order in (
                FIRST_LINK,
                attrs.evolve(FIRST_LINK, issued_at=later),
                RESET_LINK,
                CODE,
                attrs.evolve(CODE, challenge_id="f" * 32),
            )
        }

        assert 5 == len(ids)
        assert all(re.fullmatch(r"<\w{40}@portail\.example\.fr>", one) for one in ids)

    def test_the_secret_is_in_the_bodies_only(self) -> None:
        """
        What mail servers log, the headers, holds neither token nor code.
        """
        code = CODES.derive(CODE.challenge_id, "42", 7, CODE.key_id)
        token = TOKENS.make("42", 7, OrderKind.FIRST_LINK, ASKED_AT)

        assert code is not None
        assert not any(code in str(text) for text in composed(CODE).values())
        assert not any(token in str(text) for text in composed().values())


class TestTracking:
    @pytest.mark.parametrize("order", [FIRST_LINK, CODE, NEW_DEVICE])
    def test_nothing_is_fetched(self, order: MailOrder) -> None:
        """
        The mail loads nothing, and leads to the site, the support and the home page.
        """
        html = body(composed(order), "html")
        hosts = set(re.findall(r"https?://[^/\"<]+", html))

        assert not re.search(r"<(img|script|link|iframe)|src=|url\(", html)
        assert hosts <= {
            "https://portail.example.fr",
            "https://sos.uness.fr",
            "https://www.uness.fr",
        }


class TestLanguage:
    @pytest.mark.parametrize(
        ("asked", "spoken", "expected"),
        [
            ("en", ("fr", "en"), "en"),
            ("", ("fr", "en"), "fr"),
            ("", ("en", "fr"), "en"),
            ("en", ("fr",), "fr"),
            ("de\r\nBcc: x", ("fr", "en"), "fr"),
        ],
    )
    def test_is_the_account_s_where_the_site_speaks_it(
        self, asked: str, spoken: tuple[str, ...], expected: str
    ) -> None:
        """
        The account's language, or the site's first.
        """
        composer = messages(attrs.evolve(SITE, languages=spoken))
        account = attrs.evolve(NEWCOMER, language=asked)
        message = composed(FIRST_LINK, account, composer)

        assert expected == message["Content-Language"]
        assert f'<html lang="{expected}"' in body(message, "html")


class TestDropped:
    @pytest.mark.parametrize(
        ("order", "account", "reason"),
        [
            (
                attrs.evolve(FIRST_LINK, expires_at=ASKED_AT),
                NEWCOMER,
                "the order is too old",
            ),
            (
                FIRST_LINK,
                attrs.evolve(NEWCOMER, id="43"),
                "the order is of another account",
            ),
            (
                FIRST_LINK,
                attrs.evolve(NEWCOMER, is_disabled=True),
                "the account is disabled",
            ),
            (
                CODE,
                attrs.evolve(REGULAR, credential_version=8),
                "the account changed since",
            ),
            (FIRST_LINK, REGULAR, "the account has a password by now"),
            (RESET_LINK, NEWCOMER, "the account has no password to reset"),
            (
                attrs.evolve(CODE, key_id="gone"),
                REGULAR,
                "the key of the code has left the ring",
            ),
        ],
    )
    def test_says_why(self, order: MailOrder, account: Account, reason: str) -> None:
        """
        What can no longer work is not mailed, and the operator learns why.
        """
        assert Dropped(reason=reason) == messages().compose(order, account, ASKED_AT)

    @pytest.mark.parametrize("account", [NEWCOMER, REGULAR])
    def test_a_code_needs_no_password(self, account: Account) -> None:
        """
        Whether one may sign in by code is not for the mail to say.
        """
        message = messages().compose(CODE, account, ASKED_AT)

        assert isinstance(message, EmailMessage)


HOSTILE = st.text(
    st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cf"])
    | st.sampled_from(list('\r\n\v\f\x1c\x85\u2028\x00,;:<>@"\\() =?'))
)


class TestHostileValues:
    @given(HOSTILE)
    @example("camille@univ-exemple.fr\r\nBcc: x@example.org")
    @example("camille@univ-exemple.fr, x@example.org")
    @example("camille@univ-exemple.fr\n")
    @example("=?utf-8?q?x?=@example.org")
    @example("x" * 300 + "@example.org")
    @example("camille@univ-exemple.fr\u2028")
    @example("Camille <camille@univ-exemple.fr>")
    def test_an_address_is_written_as_it_is_or_not_at_all(self, address: str) -> None:
        """
        P55: whatever a store hands out, the mail goes to exactly that, or nowhere.
        """
        account = attrs.evolve(NEWCOMER, address=address)
        message = messages().compose(FIRST_LINK, account, ASKED_AT)

        if isinstance(message, Dropped):
            assert "the stored address cannot be mailed" == message.reason
        else:
            assert HEADERS == received(message).keys()
            assert ("", address) == mailbox(received(message), "To")

    @given(st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}", fullmatch=True))
    def test_long_and_odd_addresses_stay_whole(self, local: str) -> None:
        """
        No folding and no encoding changes an address that is one.
        """
        address = f"{local}@{'d' * 60}.{'e' * 60}.{'f' * 60}.fr"
        account = attrs.evolve(NEWCOMER, address=address)
        message = messages().compose(FIRST_LINK, account, ASKED_AT)

        if isinstance(message, Dropped):
            assert "=?" in local
        else:
            assert ("", address) == mailbox(received(message), "To")

    @given(HOSTILE, HOSTILE, HOSTILE)
    def test_an_account_s_own_words_change_no_header(
        self, display_name: str, language: str, account_id: str
    ) -> None:
        """
        P55: name, language and id of an account leave the headers as they are.
        """
        account = attrs.evolve(
            NEWCOMER, display_name=display_name, language=language, id=account_id
        )
        order = attrs.evolve(FIRST_LINK, account_id=account_id)

        assert HEADERS == composed(order, account).keys()

    @pytest.mark.parametrize("order", [FIRST_LINK, CODE])
    @pytest.mark.parametrize(
        "end",
        ["\r", "\n", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x85", "\u2028", "\u2029"],
    )
    def test_no_line_end_adds_a_header(self, order: MailOrder, end: str) -> None:
        """
        P55: whatever ends a line somewhere, in each of an account's words, on the wire
        the headers are as many, and the recipient is one.
        """
        more = f"{end}Bcc: a@evil.example{end}{end}<b>x"
        account = attrs.evolve(
            NEWCOMER,
            id=f"42{more}",
            display_name=f"Camille{more}",
            language=f"fr{more}",
        )
        mailed = attrs.evolve(order, account_id=account.id)
        raw = composed(mailed, account).as_bytes()
        head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]

        assert HEADERS == [
            line.partition(b":")[0].decode()
            for line in re.split(rb"\r?\n(?![ \t])", head)
        ]
        assert b"evil" not in raw

    @pytest.mark.parametrize("order", [FIRST_LINK, CODE])
    @pytest.mark.parametrize(
        "name",
        ["<a href=//evil.example>Camille</a>", "https://evil.example/", "evil.example"],
    )
    def test_a_name_is_no_markup_and_no_link(self, order: MailOrder, name: str) -> None:
        """
        P56: what an account is called makes neither an element nor a link of a mail.
        """
        account = attrs.evolve(NEWCOMER, display_name=name, language=name)
        message = composed(order, account)

        assert "evil.example" not in body(message, "plain")
        assert "evil.example" not in body(message, "html")

    @given(HOSTILE)
    @example('Uness"\\, portail; é')
    @example("=?utf-8?q?x?=")
    @example("é" * 90)
    def test_a_sender_s_name_is_kept_or_refused(self, name: str) -> None:
        """
        P55: a name comes out as it went in, or the site does not start.
        """
        try:
            site = attrs.evolve(SITE, sender=f"{name} <acces@uness.example>")
            message = composed(composer=messages(site))
        except ConfigurationError as exc:
            assert "sender" in str(exc)  # noqa: PT017 - one of two right answers
        else:
            assert HEADERS == message.keys()
            shown, address = mailbox(message, "From")
            assert "acces@uness.example" == address
            # Where a long name is folded, its reader may see one space more or less.
            assert letters(name.strip().strip('"')) == letters(shown)

    def test_values_are_escaped_in_html_only(self) -> None:
        """
        P56: what the site puts into a mail is text, in both its parts.
        """
        site = attrs.evolve(
            SITE, mark="<b>& $link", support_url='https://example.fr/?a=1&b="'
        )
        message = composed(composer=messages(site))

        assert "<b>& $link ·" in body(message, "plain")
        assert ">&lt;b&gt;&amp; $link<" in body(message, "html")
        assert 'href="https://example.fr/?a=1&amp;b=&quot;"' in body(message, "html")


class TestSender:
    @pytest.mark.parametrize(
        ("sender", "expected"),
        [
            ("", ("", "ne-pas-repondre@portail.example.fr")),
            ("acces@uness.fr", ("", "acces@uness.fr")),
            ("Uness, accès <acces@uness.fr>", ("Uness, accès", "acces@uness.fr")),
            ('"Uness" <acces@uness.fr>', ("Uness", "acces@uness.fr")),
        ],
    )
    def test_is_the_site_s(self, sender: str, expected: tuple[str, str]) -> None:
        """
        The site's sender, with a name or bare, or one made from its host.
        """
        composer = messages(attrs.evolve(SITE, sender=sender))

        assert expected == mailbox(composed(composer=composer), "From")

    def test_on_a_loopback_address_it_has_a_name_to_come_from(self) -> None:
        """
        In development the host may be a bare IPv6 address, which names nobody.
        """
        site = Site(base_url="http://[::1]:8000")
        message = composed(composer=messages(site))

        assert ("", "ne-pas-repondre@localhost") == mailbox(message, "From")
        assert message["Message-ID"].endswith("@localhost>")

    @pytest.mark.parametrize(
        "sender",
        [
            "nobody",
            "a@uness.fr, b@uness.fr",
            "a@uness.fr b",
            "<a@uness.fr> b",
            "accès@uness.fr",
            "team: a@uness.fr;",
            "Uness\u2028 <a@uness.fr>",
            "=?utf-8?q?x?= <a@uness.fr>",
        ],
    )
    def test_is_one_address(self, sender: str) -> None:
        """
        Anything else is refused at start, and the message shows how to write it.
        """
        with pytest.raises(ConfigurationError, match="give it as ne-pas-repondre@"):
            messages(attrs.evolve(SITE, sender=sender))


class TestLayouts:
    @pytest.fixture(name="folder")
    def _folder(self, tmp_path: Path) -> Path:
        (tmp_path / "uness_auth" / "mail").mkdir(parents=True)
        return tmp_path

    @staticmethod
    def write(folder: Path, name: str, text: str) -> None:
        """
        Put a layout of the host's own into *folder*.
        """
        path = folder / "uness_auth" / "mail" / name
        path.write_text(text, encoding="utf-8")

    def test_the_host_s_own_come_first(self, folder: Path, tmp_path: Path) -> None:
        """
        A file of the host replaces ours; those it does not have stay.
        """
        self.write(folder, "link.txt", "Salut ! $link")
        message = composed(composer=messages(SITE, tmp_path / "empty", folder))

        assert body(message, "plain").startswith("Salut ! https://portail")
        assert "Se connecter à UNESS" in body(message, "html")

    @pytest.mark.parametrize(
        ("name", "text", "fault"),
        [
            ("link.txt", "$greeting", r"link\.txt leaves out \$link"),
            ("code.html", "$greeting", r"code\.html leaves out \$code"),
            ("link.html", "$link $code", r"link\.html names \['code'\]: choose among"),
            ("code.txt", "$code 5 $", r"code\.txt holds a \$ that begins no name"),
        ],
    )
    def test_a_faulty_one_is_refused_at_start(
        self, folder: Path, name: str, text: str, fault: str
    ) -> None:
        """
        No visitor waits for a mail that cannot be written.
        """
        self.write(folder, name, text)

        with pytest.raises(ConfigurationError, match=fault):
            messages(SITE, folder)


class TestInvitation:
    def test_says_what_is_so(self) -> None:
        """
        Nobody asked for it, so it does not say so; the link is the first link.
        """
        text = body(composed(INVITATION), "plain")

        assert "Vous avez demandé" not in text
        assert "Un compte UNESS a été créé pour vous." in text
        assert "n'est valide que 24 heures" in text
        assert (
            "saisissez votre adresse e-mail sur https://portail.example.fr/auth/"
            in (" ".join(text.split()))
        )
        found = re.search(r"/link/(\S+)", text)
        assert found is not None
        token = TOKENS.read(found[1], ASKED_AT)
        assert isinstance(token, LinkToken)
        assert OrderKind.FIRST_LINK is token.kind

    def test_of_who_has_a_password(self) -> None:
        """
        Who acted meanwhile is mailed nothing.
        """
        dropped = messages().compose(INVITATION, REGULAR, ASKED_AT)

        assert Dropped(reason="the account has a password by now") == dropped
