"""
A portal on FastAPI: a page for everybody, and one that needs a sign-in.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.templating import Jinja2Templates

from uness_auth import Account, UnessAuth
from uness_auth.starlette import StarletteAuth, current_account


def create_app(auth: UnessAuth) -> FastAPI:
    """
    Return the portal with the sign-in of *auth*.
    """
    app = FastAPI()
    templates = Jinja2Templates(Path(__file__).with_name("templates"))
    StarletteAuth(auth, app, templates=templates)

    @app.get("/", response_class=HTMLResponse)
    def home(request: Request) -> HTMLResponse:
        return templates.TemplateResponse(request, "home.html")

    @app.get("/private", response_class=HTMLResponse)
    def private(
        request: Request, account: Annotated[Account, Depends(current_account)]
    ) -> HTMLResponse:
        return templates.TemplateResponse(request, "private.html", {"account": account})

    return app
