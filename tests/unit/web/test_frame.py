from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from uness_auth.model import Site
from uness_auth.web.frame import Frames, PageContext


SITE = Site(base_url="https://portail.example.fr")
CONTEXT = PageContext(
    language="fr", csrf="guard", next="", now=datetime(2026, 11, 22, tzinfo=UTC)
)


@pytest.fixture(name="frames")
def _frames() -> Frames:
    return Frames(SITE, lambda name: f"/static/{name}")


class TestPageContext:
    def test_hides_the_guard(self) -> None:
        """
        The value against forged forms is in no repr.
        """
        assert "guard" not in repr(CONTEXT)

    def test_speaks_its_language(self) -> None:
        """
        The texts are those of the context's language.
        """
        assert "en" == attrs.evolve(CONTEXT, language="en").texts.language


class TestFrame:
    def test_says_what_is_around_a_page(self, frames: Frames) -> None:
        """
        Mark, application, help and home are the site's; the rest is the language's.
        """
        frame = frames.frame(CONTEXT, "identify", "Bonjour")

        assert "Bonjour – cockpit" == frame.title.replace("\xa0", " ")
        assert ("fr", "uness", "cockpit") == (frame.language, frame.mark, frame.site)
        assert "Aller au contenu" == frame.skip
        assert "Université numérique en santé et sport" == frame.mark_long
        assert (
            "Pour toutes questions techniques, veuillez contacter uness assistance à "
            "l'adresse :"
        ) == frame.support.replace("\xa0", " ")
        assert "https://sos.uness.fr/" == frame.support_url
        assert ("https://www.uness.fr/", "www.uness.fr") == (
            frame.home_url,
            frame.home_name,
        )
        assert "/static/uness.css" == frame.css_url
        assert "/static/password.js" == frame.script_url
        assert "/static/icon.svg" == frame.icon_url

    def test_says_error_first(self, frames: Frames) -> None:
        """
        The title of a page with an error says so before anything else.
        """
        frame = frames.frame(CONTEXT, "identify", "Bonjour", is_error=True)

        assert "Erreur : Bonjour" == frame.title.replace("\xa0", " ")[:16]

    def test_a_home_without_a_host(self) -> None:
        """
        A home that is a path is shown as it is.
        """
        frames = Frames(attrs.evolve(SITE, home_url="/accueil"), str)

        assert "/accueil" == frames.frame(CONTEXT, "a", "b").home_name


class TestStart:
    def test_is_the_first_page(self, frames: Frames) -> None:
        """
        Without a page that was asked for, the way back is S1 itself.
        """
        assert "/auth/" == frames.start(CONTEXT)

    def test_keeps_where_the_sign_in_leads(self, frames: Frames) -> None:
        """
        The page that was asked for stays in the way back, as one value.
        """
        context = attrs.evolve(CONTEXT, next="/a b?c=d&e=é#f")

        assert "/auth/?next=/a%20b%3Fc%3Dd%26e%3D%C3%A9%23f" == frames.start(context)
