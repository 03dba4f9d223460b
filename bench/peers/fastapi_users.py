"""
fastapi-users: the cookie transport, its sessions in the database.

It does less than ours: no CSRF guard, no limit on wrong passwords, no sign-in by code,
and no page.  People sign in on a page and open links in a browser, so the host's page
is here, as cheap as one can be: a constant.  Its SQLAlchemy adapter allows no SQLAlchemy
2.1, so its statements stand here.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from asgi import AsyncVisitor
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users.password import PasswordHelper
from people import ADDRESS, GREETING, KEY, NAME, PASSWORD, expect
from sqlalchemy import ForeignKey, String, Uuid, event, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


FORGED = jwt.encode(
    {
        "sub": str(uuid.uuid4()),
        "password_fgpt": "-",
        "aud": "fastapi-users:reset",
        "exp": datetime(2099, 1, 1, tzinfo=UTC),
    },
    "another key than that of the side, and of no use",
    "HS256",
)
HOUR = 3600
PAGE = """<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">
<title>Connexion</title><link rel="stylesheet" href="/static/style.css">
<script src="/static/send.js" defer></script></head><body><main><h1>Connexion</h1>
<form><p><label>Adresse <input name="username" type="email"></label></p>
<p><label>Mot de passe <input name="password" type="password"></label></p>
<button>Envoyer</button></form></main></body></html>"""


class Base(DeclarativeBase):
    """
    The tables.
    """


class User(Base):
    """
    Who signs in.
    """

    __tablename__ = "user"
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(String(320), unique=True, index=True)
    hashed_password: Mapped[str] = mapped_column(String(1024))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    is_verified: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str] = mapped_column()


class AccessToken(Base):
    """
    A session; the token lies in it as it is.
    """

    __tablename__ = "accesstoken"
    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(
        index=True, default=lambda: datetime.now(UTC)
    )
    user_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("user.id", ondelete="cascade")
    )


class Users:
    """
    The statements of its adapter for users.
    """

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, user_id: uuid.UUID) -> User | None:
        """
        Return a user.
        """
        return await self._one(select(User).where(User.id == user_id))

    async def get_by_email(self, email: str) -> User | None:
        """
        Return the user who has the address.
        """
        return await self._one(
            select(User).where(func.lower(User.email) == func.lower(email))
        )

    async def _one(self, statement: Any) -> User | None:
        results = await self.session.execute(statement)
        found: User | None = results.unique().scalar_one_or_none()
        return found


class Tokens:
    """
    The statements of its adapter for sessions.
    """

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get_by_token(
        self, token: str, max_age: datetime | None = None
    ) -> AccessToken | None:
        """
        Return a session.
        """
        statement = select(AccessToken).where(AccessToken.token == token)
        if max_age is not None:
            statement = statement.where(AccessToken.created_at >= max_age)
        results = await self.session.execute(statement)
        return results.scalar_one_or_none()

    async def create(self, values: dict[str, Any]) -> AccessToken:
        """
        Add a session.
        """
        token = AccessToken(**values)
        self.session.add(token)
        await self.session.commit()
        await self.session.refresh(token)
        return token


class FreePasswords(PasswordHelper):
    """
    Costs nothing and protects nothing.
    """

    def verify_and_update(self, plain: str, hashed: str) -> tuple[bool, None]:
        """
        Compare.
        """
        return plain == hashed, None

    def hash(self, password: str) -> str:
        """
        Return the password as it is.
        """
        return password


class Manager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """
    The manager that its documentation asks for.
    """

    reset_password_token_secret = KEY
    verification_token_secret = KEY


class FastAPIUsersSide:
    """
    What is measured of the peer.
    """

    def __init__(self, folder: Path, *, is_storm: bool = False) -> None:
        # Argon2 is its own default, with the parameters of every other side.
        self.passwords = PasswordHelper() if is_storm else FreePasswords()
        self.engine = create_async_engine(
            f"sqlite+aiosqlite:///{folder / 'users.db'}",
            connect_args={"timeout": 60},
            pool_size=32,
        )
        event.listen(self.engine.sync_engine, "connect", _set_wal)
        self.make_session = async_sessionmaker(self.engine, expire_on_commit=False)
        self.app = self._app()

    async def prepare(self) -> None:
        """
        Make the tables, add the user and sign in once.
        """
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with self.make_session() as session:
            hashed = self.passwords.hash(PASSWORD)
            session.add(User(email=ADDRESS, hashed_password=hashed, name=NAME))
            await session.commit()
        self.signed_in = await self.sign_in()

    async def sign_in(self) -> AsyncVisitor:
        """
        Three requests: the host's page, the address and password, the private page.
        """
        visitor = AsyncVisitor(self.app)
        await visitor.get("/login")
        await visitor.post("/auth/login", username=ADDRESS, password=PASSWORD)
        expect(GREETING in await visitor.get("/private"), visitor.status)
        return visitor

    async def session_request(self) -> None:
        """
        One request that needs the session.
        """
        page = await self.signed_in.get("/private")
        expect(GREETING in page, self.signed_in.status)

    async def forged_link(self) -> None:
        """
        Two requests: the host's page that the mail leads to, and what it asks the API.
        """
        visitor = AsyncVisitor(self.app)
        await visitor.get(f"/reset?token={FORGED}")
        await visitor.post_json("/auth/reset-password", token=FORGED, password=PASSWORD)
        expect("RESET_PASSWORD_BAD_TOKEN" in visitor.body, visitor.body)

    def _app(self) -> FastAPI:
        # Defaults, not `Annotated`: annotations are text here, and a name of this
        # function would not be found.
        of_session = Depends(self._session)

        async def users(session: AsyncSession = of_session) -> AsyncIterator[Users]:
            yield Users(session)

        async def tokens(session: AsyncSession = of_session) -> AsyncIterator[Tokens]:
            yield Tokens(session)

        of_users = Depends(users)

        async def manager(
            found: Users = of_users,
        ) -> AsyncIterator[Manager]:
            yield Manager(found, self.passwords)

        of_tokens = Depends(tokens)

        def strategy(
            found: Tokens = of_tokens,
        ) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
            return DatabaseStrategy(found, lifetime_seconds=HOUR)

        backend = AuthenticationBackend(
            name="cookie",
            transport=CookieTransport(cookie_max_age=HOUR),
            get_strategy=strategy,
        )
        extension = FastAPIUsers[User, uuid.UUID](manager, [backend])
        of_current = Depends(extension.current_user(active=True))
        app = FastAPI()
        app.include_router(extension.get_auth_router(backend), prefix="/auth")
        app.include_router(extension.get_reset_password_router(), prefix="/auth")

        @app.get("/login", response_class=HTMLResponse)
        @app.get("/reset", response_class=HTMLResponse)
        async def page() -> str:
            return PAGE

        @app.get("/private", response_class=PlainTextResponse)
        async def private(
            user: User = of_current,
        ) -> str:
            return f"Bonjour {user.name}"

        return app

    async def _session(self) -> AsyncIterator[AsyncSession]:
        async with self.make_session() as session:
            yield session


def _set_wal(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
