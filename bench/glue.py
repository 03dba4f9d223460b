"""
Flask-Login with the usual hand-written glue: Flask-WTF forms, an ORM, a signed link.
"""

from __future__ import annotations

from pathlib import Path

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


ADDRESS = "camille.durand@univ-exemple.fr"
PASSWORD = "Cheval7+Agrafe"
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

    name = "Flask-Login + glue"

    def __init__(self, folder: Path) -> None:
        engine = create_engine(f"sqlite:///{folder / 'glue.db'}")
        event.listen(engine, "connect", _set_wal)
        Base.metadata.create_all(engine)
        db = scoped_session(sessionmaker(engine))
        db.add(User(email=ADDRESS, name="Camille Durand", password=PASSWORD))
        db.commit()
        self.app = app = Flask(__name__)
        app.secret_key = "a key of this benchmark, of no other use"
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
                if user is not None and user.password == form.password.data:
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

        self.signed_in = self.sign_in()

    def sign_in(self) -> Visitor:
        """
        Two requests: the page and its form.
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
        if not visitor.status.startswith("302"):
            raise AssertionError(visitor.status, visitor.body)
        return visitor

    def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = self.signed_in.get("/private")
        if "Bonjour Camille Durand" not in page:
            raise AssertionError(self.signed_in.status)

    def forged_link(self) -> None:
        """
        One request with a link that is not ours.
        """
        visitor = Visitor(self.app)
        visitor.get(f"/reset/{FORGED}")
        if not visitor.status.startswith("404"):
            raise AssertionError(visitor.status)


def _set_wal(connection, _record) -> None:  # noqa: ANN001 - sqlite3's
    connection.execute("PRAGMA journal_mode=WAL")
