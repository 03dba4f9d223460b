"""
One request, and who is signed in.
"""

from __future__ import annotations

from typing import Final, cast

from starlette.requests import HTTPConnection

from ..errors import ConfigurationError, StorageError
from ..model import Account
from ..outcomes import NotSignedIn, ResumeAnswer, Resumed
from ..web import http
from ..web.redirects import encoded_path
from ..web.site import SignInSite


# Under this name in the scope, in the app's state and in templates.
EXTENSION: Final = "uness_auth"


class Visit:
    """
    One request, and who is signed in: asked once, told as often as one likes.
    """

    __slots__ = (
        "_answer",
        "_failure",
        "_site",
        "is_asked",
        "is_for_everybody",
        "request",
    )

    def __init__(self, site: SignInSite, request: http.Request) -> None:
        self.request: http.Request = request
        self.is_asked: bool = False
        self.is_for_everybody: bool = False
        self._site = site
        self._answer: ResumeAnswer | None = None
        self._failure: StorageError | None = None

    @property
    def has_session(self) -> bool:
        """
        Whether there is a session to look up.
        """
        return bool(self._site.cookies.read(self.request.header("cookie"), "session"))

    @property
    def answer(self) -> ResumeAnswer:
        """
        What the session's cookie opens.

        Raises:
            uness_auth.errors.StorageError: The store could not be reached.
        """
        self.is_asked = True
        answer = self.look() if self._answer is None else self._answer
        if self._failure is not None:
            raise self._failure
        return answer

    @property
    def account(self) -> Account | None:
        """
        The account that is signed in, or None.

        Raises:
            uness_auth.errors.StorageError: The store could not be reached.
        """
        match self.answer:
            case Resumed(account=account):
                return account
            case _:
                return None

    def way_in(self, query: bytes, /, *, recent: bool = False) -> str:
        """
        Return where whoever may not enter goes first; empty: they may.

        They come back after a GET or HEAD.

        Args:
            recent: Whether they must have proved who they are just now.

        Raises:
            uness_auth.errors.StorageError: The store could not be reached.
        """
        back = ""
        if self.request.method in {"GET", "HEAD"}:
            back = encoded_path(self.request.path, query)
        return self._site.way_to(self.answer, back, recent=recent)

    def look(self) -> ResumeAnswer:
        """
        Ask the store, and return what it says.

        A failure is told to whoever asks, and to nobody else: pages that do not ask go
        on without the store.
        """
        answer: ResumeAnswer = NotSignedIn()
        try:
            answer = self._site.resume(self.request)
        except StorageError as exc:
            self._failure = exc
        self._answer = answer
        return answer

    def give_up(self) -> None:
        """
        Forget the failure, on the page that tells it: the app's own layout may ask.
        """
        self._answer, self._failure = NotSignedIn(), None


def visit_of(connection: HTTPConnection, /) -> Visit:
    """
    Return the visit that the middleware began.

    Raises:
        uness_auth.errors.ConfigurationError: The app has no such middleware.
    """
    try:
        return cast("Visit", connection.scope[EXTENSION])
    except KeyError as exc:
        msg = (
            "this app has no sign-in: call StarletteAuth(auth, app) when it is made, or "
            "give it the middleware"
        )
        raise ConfigurationError(msg) from exc
