"""
Flask-Security: its sign-in page, its unified sign-in by mailed code, a link to reset.

It does less than ours: no limit on wrong passwords or codes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flask import Flask
from flask_security import (
    MailUtil,
    Security,
    SQLAlchemySessionUserDatastore,
    auth_required,
    current_user,
    hash_password,
)
from flask_security.models import sqla
from people import ADDRESS, GREETING, KEY, NAME, PASSWORD, expect
from sqlalchemy import create_engine, event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from wsgi import Visitor


FORGED = "A" * 60 + "." + "B" * 6 + "." + "C" * 27


class Base(DeclarativeBase):
    """
    The tables.
    """


sqla.FsModels.set_db_info(base_model=Base)


class Role(Base, sqla.FsRoleMixin):
    """
    What the extension wants beside its users.
    """

    __tablename__ = "role"


class User(Base, sqla.FsUserMixin):
    """
    Who signs in.
    """

    __tablename__ = "user"
    name: Mapped[str] = mapped_column()


class WebAuthn(Base, sqla.FsWebAuthnMixin):
    """
    What its user refers to.
    """

    __tablename__ = "webauthn"


class Outbox(MailUtil):
    """
    Keeps the text of the last mail.
    """

    last = ""

    def send_mail(self, *parts: Any, **more: Any) -> None:
        """
        Keep it: the template, subject, recipient and sender come before it.
        """
        _ = more
        Outbox.last = parts[4]


class FlaskSecurity:
    """
    What is measured of the peer.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        engine = create_engine(
            f"sqlite:///{folder / 'security.db'}",
            connect_args={"timeout": 60},
            pool_size=32,
        )
        event.listen(engine, "connect", _set_wal)
        Base.metadata.create_all(engine)
        self.db = scoped_session(sessionmaker(engine))
        self.app = app = Flask(__name__)
        app.config.update(
            SECRET_KEY=KEY,
            # Argon2 is its own default, with the parameters of every other side.
            SECURITY_PASSWORD_HASH="argon2" if is_storm else "plaintext",
            SECURITY_PASSWORD_SALT=KEY,
            SECURITY_RECOVERABLE=True,
            SECURITY_UNIFIED_SIGNIN=True,
            SECURITY_US_ENABLED_METHODS=["password", "email"],
            SECURITY_TOTP_SECRETS={"1": KEY},
            SECURITY_TOTP_ISSUER="bench",
            SECURITY_POST_LOGIN_VIEW="/private",
        )
        store = SQLAlchemySessionUserDatastore(self.db, User, Role)
        self.security = Security(app, store, mail_util_cls=Outbox)
        app.teardown_appcontext(lambda _error: self.db.remove())

        @app.get("/private")
        @auth_required("session")
        def private() -> str:
            return f"Bonjour {current_user.name}"

    def prepare(self) -> None:
        """
        Add the user, and sign in once.
        """
        with self.app.app_context():
            user = self.security.datastore.create_user(
                email=ADDRESS, name=NAME, password=hash_password(PASSWORD)
            )
            self.db.commit()
            self.security.datastore.us_setup_email(user)
            self.db.commit()
        self.signed_in = self.sign_in()

    def sign_in(self) -> Visitor:
        """
        Three requests: the page, its form, the private page.
        """
        visitor = Visitor(self.app)
        visitor.get("/login?next=/private")
        visitor.post(
            "/login?next=/private",
            csrf_token=visitor.hidden("csrf_token"),
            next="/private",
            email=ADDRESS,
            password=PASSWORD,
        )
        expect(GREETING in visitor.get("/private"), visitor.status)
        return visitor

    def sign_in_by_code(self) -> None:
        """
        Four requests: the page, the code asked for, the code, the private page.

        Its one-time secret rests encrypted under a key that is slow to derive, on
        purpose: most of what this costs.
        """
        visitor = Visitor(self.app)
        visitor.get("/us-signin?next=/private")
        visitor.post(
            "/us-signin/send-code",
            csrf_token=visitor.hidden("csrf_token"),
            next="/private",
            identity=ADDRESS,
            chosen_method="email",
        )
        found = re.search(r"\b(\d{6})\b", Outbox.last)
        expect(found, visitor.status, visitor.body, Outbox.last)
        visitor.post(
            "/us-signin?next=/private",
            csrf_token=visitor.hidden("csrf_token"),
            next="/private",
            identity=ADDRESS,
            passcode=found[1] if found else "",
            submit="Sign In",
        )
        expect(GREETING in visitor.get("/private"), visitor.status)

    def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = self.signed_in.get("/private")
        expect(GREETING in page, self.signed_in.status)

    def forged_link(self) -> None:
        """
        One request with a link that is not ours; it leads on to a page, not asked here.
        """
        visitor = Visitor(self.app)
        visitor.get(f"/reset/{FORGED}")
        expect(visitor.location.endswith("/reset"), visitor.status)


def _set_wal(connection, _record) -> None:  # noqa: ANN001 - sqlite3's
    connection.execute("PRAGMA journal_mode=WAL")
