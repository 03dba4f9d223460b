"""
Composes the mails: a mail order becomes an `email.message.EmailMessage`.

The token or code is made here, at this moment, and is nowhere before.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

import attrs

from .addresses import LONGEST_ADDRESS
from .codes import Codes
from .errors import ConfigurationError
from .events import closed_because
from .model import Account, MailOrder, OrderKind, Site
from .policy import Policy
from .texts import Texts, texts_for
from .tokens import LinkTokens


# What both layouts may use, and what each one must.
_COMMON: Final = frozenset(
    {
        *("lang", "subject", "heading", "greeting", "request", "notice"),
        *("mark", "mark_long", "support", "support_url", "home_url", "home_name"),
    }
)
_NAMES: Final = {
    "link": _COMMON | {"link", "button"},
    "code": _COMMON | {"code", "secrecy", "asked"},
    "notice": _COMMON | {"when", "browser", "network", "advice", "link", "button"},
}

# The shape of every canonical address.  Anything else a store hands out is not
# written into a header, whatever the header's own defences are.
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9-]+"
_ADDRESS: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")

# Where one's sessions are listed, below the pages' path.
SESSIONS_PATH: Final = "account/sessions"

_SENDER: Final = re.compile(r"(?:(?P<name>[^<>]*)<)?(?P<address>[^<>\s]+)(?(name)>)")

# Quoted-printable allows 76 characters and no more (RFC 2045, 6.7), and spam filters
# count: a longer line would keep the link whole in the raw mail, at that price.
_POLICY: Final = EmailPolicy(max_line_length=76)


@attrs.frozen(kw_only=True)
class Dropped:
    """
    There is nothing to mail, and why: for the operator's eyes only.
    """

    reason: str


@attrs.frozen
class _Layout:
    text: Template
    html: Template


class Messages:
    """
    Composes mails in the account's language.

    Args:
        lists_sessions: Whether there is a page where a person closes their sessions.

        folders: The host's template folders.  A mail's file is taken from the first
            one that has it, as ``uness_auth/mail/link.html``, before the library's.

    Raises:
        uness_auth.errors.ConfigurationError:
            The site's sender is not one address, or a layout of the host names what
            no mail has, or leaves out the link or the code.
    """

    __slots__ = (
        *("_codes", "_layouts", "_lists_sessions", "_policy"),
        *("_sender", "_site", "_tokens"),
    )

    def __init__(
        self,
        site: Site,
        policy: Policy,
        tokens: LinkTokens,
        codes: Codes,
        folders: tuple[Path, ...] = (),
        *,
        lists_sessions: bool = True,
    ) -> None:
        self._site = site
        self._policy = policy
        self._tokens = tokens
        self._codes = codes
        self._lists_sessions = lists_sessions
        self._sender = _sender(site)
        self._layouts = {name: _layout(name, folders) for name in _NAMES}

    @property
    def sender(self) -> str:
        """
        The one address that mails come from, without its name.
        """
        return self._sender.addr_spec

    def compose(
        self, order: MailOrder, account: Account, now: datetime, /
    ) -> EmailMessage | Dropped:
        """
        Return the mail of *order*, to the stored address of *account*.

        The same order gives the same mail, to the byte, so that a retry repeats it.

        Returns:
            The message, or `Dropped`: the order is too old, the account is closed
            or changed since, or the key of the code has left the ring.
        """
        fault = _fault(order, account, now)
        if fault:
            return Dropped(reason=fault)
        texts = texts_for(self._language(account))
        if order.kind is OrderKind.ADDRESS_CHANGED:
            return self._message(
                "notice", order, account, self._readdressed_words(texts, order)
            )
        if order.kind.is_notice:
            return self._message(
                "notice", order, account, self._notice_words(texts, order)
            )
        if order.kind is OrderKind.CODE:
            code = self._code(order)
            if code is None:
                return Dropped(reason="the key of the code has left the ring")
            return self._message(
                "code", order, account, self._code_words(texts, order, code)
            )
        words = self._link_words(texts, order)
        if order.kind is OrderKind.INVITATION:
            words |= self._invitation_words(texts)
        return self._message("link", order, account, words)

    def _language(self, account: Account) -> str:
        languages = self._site.languages
        return account.language if account.language in languages else languages[0]

    def _code(self, order: MailOrder) -> str | None:
        return self._codes.derive(
            order.challenge_id,
            order.account_id,
            order.credential_version,
            order.key_id,
        )

    def _link_words(self, texts: Texts, order: MailOrder) -> dict[str, str]:
        # The link of an invitation is the first link, whoever asked for it.
        kind = OrderKind.FIRST_LINK if order.kind.is_first else order.kind
        token = self._tokens.make(
            order.account_id, order.credential_version, kind, order.issued_at
        )
        lifetime = self._policy.link.lifetime(order.kind)
        return {
            **self._common_words(texts),
            "subject": texts.say("mail.link.subject"),
            "heading": texts.say("mail.link.heading"),
            "request": texts.say("mail.link.request"),
            "link": self._site.url(f"link/{token}"),
            "button": texts.say("mail.link.button"),
            "notice": _notice(texts, "mail.link.lifetime", lifetime),
        }

    def _invitation_words(self, texts: Texts) -> dict[str, str]:
        # Nobody asked for it, and most read it when the link is over.
        lifetime = self._policy.link.lifetime(OrderKind.INVITATION)
        again = texts.say("mail.invitation.again", url=self._site.url())
        return {
            "subject": texts.say("mail.invitation.subject"),
            "heading": texts.say("mail.invitation.heading"),
            "request": texts.say("mail.invitation.request"),
            "button": texts.say("mail.invitation.button"),
            "notice": " ".join(
                (
                    texts.lasting("mail.link.lifetime", lifetime),
                    again,
                    texts.say("mail.invitation.ignore"),
                )
            ),
        }

    def _code_words(self, texts: Texts, order: MailOrder, code: str) -> dict[str, str]:
        zone = self._site.zone
        asked = texts.moment(order.issued_at, zone)
        return {
            **self._common_words(texts),
            "subject": texts.say(
                "mail.code.subject", clock=texts.clock(order.issued_at, zone)
            ),
            "heading": texts.say("mail.code.heading"),
            "request": texts.say("mail.code.request"),
            "code": code,
            "secrecy": texts.say("mail.code.secrecy"),
            "asked": texts.say("mail.code.asked", moment=asked),
            "notice": _notice(texts, "mail.code.lifetime", self._policy.code.lifetime),
        }

    def _notice_words(self, texts: Texts, order: MailOrder) -> dict[str, str]:
        key = f"mail.{order.kind}"
        is_new_device = order.kind is OrderKind.NEW_DEVICE
        path = SESSIONS_PATH if is_new_device and self._lists_sessions else ""
        advice = f"{key}.advice" if path else "mail.notice.advice"
        unknown = texts.say("mail.notice.unknown")
        return {
            **self._common_words(texts),
            "subject": texts.say(f"{key}.subject"),
            "heading": texts.say(f"{key}.heading"),
            "request": texts.say(f"{key}.request"),
            "when": texts.say(
                "mail.notice.when",
                moment=texts.moment(order.issued_at, self._site.zone),
            ),
            "browser": texts.say(
                "mail.notice.browser", browser=order.browser or unknown
            ),
            "network": texts.say(
                "mail.notice.network", network=order.network or unknown
            ),
            "notice": texts.say("mail.notice.nothing_to_do"),
            "advice": texts.say(advice),
            "link": self._site.url(path),
            "button": texts.say(f"{key}.button" if path else "mail.notice.button"),
        }

    def _readdressed_words(self, texts: Texts, order: MailOrder) -> dict[str, str]:
        # Its reader can prove nothing here any more: only people can help.
        key = f"mail.{order.kind}"
        return {
            **self._common_words(texts),
            "subject": texts.say(f"{key}.subject"),
            "heading": texts.say(f"{key}.heading"),
            "request": texts.say(f"{key}.request"),
            "when": texts.say(
                "mail.notice.when",
                moment=texts.moment(order.issued_at, self._site.zone),
            ),
            "browser": texts.say(f"{key}.address", address=order.new_address),
            "network": texts.say(f"{key}.by"),
            "notice": texts.say(f"{key}.nothing_to_do"),
            "advice": texts.say(f"{key}.advice"),
            "link": self._site.support_url,
            "button": texts.say(f"{key}.button"),
        }

    def _common_words(self, texts: Texts) -> dict[str, str]:
        return {
            "lang": texts.language,
            "greeting": texts.say("mail.greeting"),
            "mark": self._site.mark,
            "mark_long": texts.say("page.mark.long"),
            "support": texts.say("page.footer.support"),
            "support_url": self._site.support_url,
            "home_url": self._site.home_url,
            "home_name": urlsplit(self._site.home_url).hostname or self._site.home_url,
        }

    def _message(
        self, name: str, order: MailOrder, account: Account, words: Mapping[str, str]
    ) -> EmailMessage:
        layout = self._layouts[name]
        digest = _digest(self._site, order)
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._sender
        message["To"] = Address(addr_spec=account.address)
        message["Subject"] = words["subject"]
        message["Date"] = order.issued_at.astimezone(self._site.zone)
        message["Message-ID"] = f"<{digest}@{_domain(self._site)}>"
        message["Auto-Submitted"] = "auto-generated"
        # Not base64, which spam filters like less.
        message.set_content(layout.text.substitute(words), cte="quoted-printable")
        escaped = {key: html.escape(word) for key, word in words.items()}
        message.add_alternative(
            layout.html.substitute(escaped), subtype="html", cte="quoted-printable"
        )
        message.set_boundary(f"uness-{digest}")
        # Last: setting a content removes every Content- header there is.
        message["Content-Language"] = words["lang"]
        return message


def _fault(order: MailOrder, account: Account, now: datetime) -> str:
    closed = closed_because(account, now)
    is_first = order.kind.is_first
    is_reset = order.kind is OrderKind.RESET_LINK
    faults = (
        ("the order is too old", now >= order.expires_at),
        ("the order is of another account", order.account_id != account.id),
        (closed, closed != ""),
        (
            "the account changed since",
            # What happened stays so, whoever changed the account after it.
            not order.kind.is_notice
            and order.credential_version != account.credential_version,
        ),
        ("the account has a password by now", is_first and account.has_password),
        ("the account has no password to reset", is_reset and not account.has_password),
        ("the stored address cannot be mailed", not _is_mailable(account.address)),
    )
    return next((reason for reason, is_so in faults if is_so), "")


def _is_mailable(address: str) -> bool:
    is_address = _ADDRESS.fullmatch(address) is not None
    return is_address and len(address) <= LONGEST_ADDRESS and _is_plain(address)


def _is_plain(text: str) -> bool:
    # What looks like an encoded word would be decoded by whoever reads the header.
    return text.isprintable() and "=?" not in text


def _notice(texts: Texts, key: str, lifetime: timedelta) -> str:
    return f"{texts.lasting(key, lifetime)} {texts.say('mail.ignore')}"


def _digest(site: Site, order: MailOrder) -> str:
    # Of the order's facts, not of its secret: a Message-ID is written to every log.
    facts = (
        site.base_url,
        order.kind,
        order.account_id,
        str(order.credential_version),
        order.issued_at.isoformat(),
        order.challenge_id,
        order.browser,
        order.network,
        order.new_address,
    )
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:40]


def _domain(site: Site) -> str:
    # An address such as [::1] would ask for brackets, and is no name to mail from.
    return "localhost" if site.is_loopback else site.host


def _sender(site: Site) -> Address:
    text = site.sender or f"ne-pas-repondre@{_domain(site)}"
    found = _SENDER.fullmatch(text)
    if not found or not _is_mailable(found["address"]) or not _is_plain(text):
        msg = (
            f"Site(sender={site.sender!r}) is not one address to mail from: give it "
            f"as ne-pas-repondre@example.fr or Uness <ne-pas-repondre@example.fr>"
        )
        raise ConfigurationError(msg)
    name = (found["name"] or "").strip().strip('"')
    return Address(display_name=name, addr_spec=found["address"])


def _layout(name: str, folders: tuple[Path, ...]) -> _Layout:
    return _Layout(
        text=_template(f"{name}.txt", name, folders),
        html=_template(f"{name}.html", name, folders),
    )


def _template(file: str, name: str, folders: tuple[Path, ...]) -> Template:
    theirs = (folder / "uness_auth" / "mail" / file for folder in folders)
    ours = files("uness_auth") / "templates" / "uness_auth" / "mail" / file
    path = next((path for path in theirs if path.is_file()), ours)
    template = Template(path.read_text(encoding="utf-8"))
    _check(template, str(path), name)
    return template


def _check(template: Template, path: str, name: str) -> None:
    if not template.is_valid():
        msg = f"{path} holds a $ that begins no name: write it as $$"
        raise ConfigurationError(msg)
    used = set(template.get_identifiers())
    if unknown := used - _NAMES[name]:
        msg = f"{path} names {sorted(unknown)}: choose among {sorted(_NAMES[name])}"
        raise ConfigurationError(msg)
    if name not in used:
        msg = f"{path} leaves out ${name}, which is what the mail is for: put it in"
        raise ConfigurationError(msg)
