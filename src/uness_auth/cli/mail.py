"""
The mails, as they will look.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import attrs
import click

from ..codes import Codes
from ..events import masked_address
from ..keys import KeyRing
from ..messages import Dropped, Messages
from ..model import Account, MailOrder, OrderKind
from ..orders import NOTICE_KEPT
from ..tokens import LinkTokens
from ..wiring import UnessAuth
from .common import GetAuth, as_json, refuse


# Nobody's: the name is reserved (RFC 2606).
ADDRESS: Final = "camille.durand@example.org"
# What a password hash is never: an account only has to have one, or none.
HASH: Final = "-"
PARTS: Final = {"txt": "plain", "html": "html"}


@attrs.frozen
class Preview:
    """
    One mail, in one language.
    """

    kind: OrderKind
    language: str
    message: EmailMessage

    def part(self, kind: str, /) -> str:
        """
        Return the ``plain`` or the ``html`` part.
        """
        body = self.message.get_body((kind,))
        return "" if body is None else str(body.get_content())


@click.group("mail")
def mail() -> None:
    """
    The mails, as they will look.
    """


@mail.command("preview")
@click.argument(
    "kind",
    type=click.Choice([str(one) for one in OrderKind]),
    required=False,
    metavar="KIND",
)
@click.option("--all", "is_all", is_flag=True, help="Every kind.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write text, HTML and .eml there, instead of showing the text.",
)
@as_json
@click.pass_obj
def preview(
    get_auth: GetAuth,
    kind: str | None,
    *,
    is_all: bool,
    folder: Path | None,
    is_json: bool,
) -> None:
    """
    Show a mail in each language, to nobody, with a link and a code that do not work.
    """
    if is_all == (kind is not None):
        msg = f"name one of {', '.join(OrderKind)}, or say --all"
        raise click.UsageError(msg)
    kinds = [*OrderKind] if kind is None else [OrderKind(kind)]
    for one in previews(get_auth(), kinds):
        if folder is None:
            click.echo(_shown(one, is_json=is_json))
        else:
            for path in _written(one, folder):
                click.echo(json.dumps({"file": str(path)}) if is_json else path)


def previews(auth: UnessAuth, kinds: list[OrderKind], /) -> Iterator[Preview]:
    """
    Return each mail in each language of the site, under a key that nobody keeps.
    """
    ring = KeyRing([secrets.token_bytes(32)], base_url=auth.site.base_url)
    messages = Messages(
        site=auth.site,
        policy=auth.policy,
        tokens=LinkTokens(ring, auth.policy.link),
        codes=Codes(ring, auth.policy.code),
        folders=auth.parts.mail_folders,
        lists_sessions=auth.parts.stores.session_lists is not None,
    )
    now = auth.clock()
    for kind in kinds:
        for language in auth.site.languages:
            account = Account(
                id="preview",
                address=ADDRESS,
                credential_version=0,
                created_at=now,
                display_name="Camille Durand",
                language=language,
                password_hash="" if kind.is_first else HASH,
            )
            order = MailOrder(
                kind=kind,
                account_id=account.id,
                credential_version=account.credential_version,
                issued_at=now,
                expires_at=now + NOTICE_KEPT,
                challenge_id="preview",
                key_id=ring.signing_id,
                browser="Firefox, Windows",
                network="192.0.2.0/24",
                new_address=masked_address(ADDRESS),
            )
            message = messages.compose(order, account, now)
            if isinstance(message, Dropped):
                refuse(f"{kind} in {language!r} cannot be composed: {message.reason}")
            yield Preview(kind, language, message)


def _shown(one: Preview, *, is_json: bool) -> str:
    if is_json:
        return json.dumps(
            {
                "kind": one.kind,
                "language": one.language,
                "subject": one.message["Subject"],
                "text": one.part("plain"),
                "html": one.part("html"),
            },
            ensure_ascii=False,
        )
    rule = "-" * 72
    return (
        f"{rule}\n{one.kind}, {one.language}\nSubject: {one.message['Subject']}\n"
        f"{rule}\n{one.part('plain')}"
    )


def _written(one: Preview, folder: Path) -> Iterator[Path]:
    path = folder / f"{one.kind}.{one.language}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, part in PARTS.items():
            file = path.with_name(f"{path.name}.{suffix}")
            _ = file.write_text(one.part(part), encoding="utf-8")
            yield file
        file = path.with_name(f"{path.name}.eml")
        _ = file.write_bytes(one.message.as_bytes(policy=SMTP.clone(cte_type="7bit")))
        yield file
    except OSError as exc:
        refuse(f"{folder} cannot be written to: {exc.strerror}")
