"""
Flask-Login with the usual hand-written glue: Flask-WTF forms, an ORM, a signed link.

It does less than ours: no limit on wrong passwords, no sign-in by code, no session that
could be ended.
"""

from __future__ import annotations

from pathlib import Path

from argon2 import PasswordHasher
from flask import Flask, redirect, render_template_string, request
from flask_login import (
    LoginManager,
    UserMixin,
    current_user,
    login_required,
    login_user,
)
from flask_wtf import CSRFProtect, FlaskForm
from itsdangerous import BadData, URLSafeTimedSerializer
from people import ADDRESS, GREETING, KEY, NAME, PASSWORD, expect
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from wsgi import Visitor
from wtforms import BooleanField, EmailField, PasswordField
from wtforms.validators import DataRequired, Email


FORGED = "A" * 60 + "." + "B" * 6 + "." + "C" * 27

PAGE = """<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">
<title>Connexion</title><link rel="stylesheet" href="/static/style.css"></head>
<body><main><h1>Connexion</h1>
{% for errors in form.errors.values() %}<p role="alert">{{ errors[0] }}</p>{% endfor %}
<form method="post" novalidate>{{ form.csrf_token }}
<p>{{ form.email.label }} {{ form.email() }}</p>
<p>{{ form.password.label }} {{ form.password() }}</p>
<p>{{ form.remember() }} {{ form.remember.label }}</p>
<button>Se connecter</button></form></main></body></html>"""
GONE = """<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">
<title>Lien</title></head><body><h1>Ce lien n'est plus valable</h1></body></html>"""


class Base(DeclarativeBase):
    """
    The tables.
    """


class User(Base, UserMixin):
    """
    Who signs in.
    """

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password: Mapped[str]


class LoginForm(FlaskForm):
    """
    The form of the sign-in page.
    """

    email = EmailField("Adresse", validators=[DataRequired(), Email()])
    password = PasswordField("Mot de passe", validators=[DataRequired()])
    remember = BooleanField("Se souvenir de moi")


class Glue:
    """
    What is measured of the peer.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        hasher = PasswordHasher()
        self.verify = hasher.verify if is_storm else _is_same
        hashed = hasher.hash(PASSWORD) if is_storm else PASSWORD
        engine = create_engine(
            f"sqlite:///{folder / 'glue.db'}",
            connect_args={"timeout": 60},
            pool_size=32,
        )
        event.listen(engine, "connect", _set_wal)
        Base.metadata.create_all(engine)
        db = scoped_session(sessionmaker(engine))
        db.add(User(email=ADDRESS, name=NAME, password=hashed))
        db.commit()
        self.app = app = Flask(__name__)
        app.secret_key = KEY
        CSRFProtect(app)
        manager = LoginManager(app)
        manager.login_view = "login"
        signer = URLSafeTimedSerializer(app.secret_key, salt="reset")
        app.teardown_appcontext(lambda _error: db.remove())

        @manager.user_loader
        def load(user_id: str) -> User | None:
            return db.get(User, int(user_id))

        @app.route("/login", methods=["GET", "POST"])
        def login():  # noqa: ANN202 - as such code is written
            form = LoginForm()
            if form.validate_on_submit():
                email = form.email.data.strip().lower()
                user = db.scalar(select(User).where(User.email == email))
                if user is not None and self.verify(user.password, form.password.data):
                    login_user(user, remember=form.remember.data)
                    return redirect(request.args.get("next", "/private"))
                form.password.errors = ["Identifiants incorrects"]
            return render_template_string(PAGE, form=form)

        @app.get("/private")
        @login_required
        def private() -> str:
            return f"Bonjour {current_user.name}"

        @app.get("/reset/<token>")
        def reset(token: str):  # noqa: ANN202 - as such code is written
            try:
                signer.loads(token, max_age=3600)
            except BadData:
                return render_template_string(GONE), 404
            return "ok"

    def prepare(self) -> None:
        """
        Sign in once.
        """
        self.signed_in = self.sign_in()

    def sign_in(self) -> Visitor:
        """
        Three requests: the page, its form, the private page.
        """
        visitor = Visitor(self.app)
        visitor.get("/login?next=/private")
        found = visitor.body.partition('name="csrf_token"')[2]
        visitor.post(
            "/login?next=/private",
            csrf_token=found.partition('value="')[2].partition('"')[0],
            email=ADDRESS,
            password=PASSWORD,
        )
        expect(GREETING in visitor.get("/private"), visitor.status)
        return visitor

    def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = self.signed_in.get("/private")
        expect(GREETING in page, self.signed_in.status)

    def forged_link(self) -> None:
        """
        One request with a link that is not ours.
        """
        visitor = Visitor(self.app)
        visitor.get(f"/reset/{FORGED}")
        expect(visitor.status.startswith("404"), visitor.status)


def _is_same(hashed: str, password: str) -> bool:
    return hashed == password


def _set_wal(connection, _record) -> None:  # noqa: ANN001 - sqlite3's
    connection.execute("PRAGMA journal_mode=WAL")
