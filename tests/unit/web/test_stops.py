from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from uness_auth.model import OrderKind, Site
from uness_auth.outcomes import Busy, LinkExpired, LinkUsed, MailPaused
from uness_auth.policy import LinkPolicy
from uness_auth.web.frame import Frames, PageContext
from uness_auth.web.http import Page
from uness_auth.web.stops import Stops
from uness_auth.web.views import StopView


NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
SECONDS = timedelta(seconds=1)
CONTEXT = PageContext(language="fr", csrf="guard", next="/private", now=NOW)
FRAMES = Frames(Site(base_url="https://portail.example.fr"), lambda name: f"/s/{name}")
STOPS = Stops(FRAMES, LinkPolicy())


def shown(page: Page) -> StopView:
    """
    Return the view of *page*.
    """
    assert isinstance(page.view, StopView)
    assert page.template == StopView.template
    return page.view


def plain(text: str) -> str:
    """
    Return *text* with every space as the one on the keyboard.
    """
    return text.replace("\N{NO-BREAK SPACE}", " ")


class TestEveryStop:
    @pytest.mark.parametrize(
        ("make", "status", "name"),
        [
            (STOPS.created, 200, "created"),
            (STOPS.signed_out, 200, "signed-out"),
            (STOPS.gone, 410, "gone"),
            (STOPS.link_invalid, 404, "invalid"),
            (STOPS.mail_failed, 503, "mail-failed"),
            (STOPS.store_failed, 503, "store-failed"),
            (STOPS.vetoed, 403, "vetoed"),
            (STOPS.stale, 403, "csrf"),
            (STOPS.bad_request, 400, "bad-request"),
            (STOPS.too_large, 413, "bad-request"),
            (STOPS.unsupported, 415, "bad-request"),
            (STOPS.not_found, 404, "not-found"),
        ],
        ids=lambda value: getattr(value, "__name__", str(value)),
    )
    def test_has_a_status_a_name_and_a_way_on(
        self, make: Callable[[PageContext], Page], status: int, name: str
    ) -> None:
        """
        Each stop says what happened and leads back to S1, with where it was going.
        """
        page = make(CONTEXT)
        view = shown(page)

        assert status == page.status
        assert name == view.frame.name
        assert view.heading
        assert view.sentence
        assert view.way
        assert "/auth/?next=/private" == view.way_url
        assert not view.frame.title.startswith("Erreur")

    def test_a_changed_password_leads_home(self) -> None:
        """
        Whoever changed it is still signed in, and has no need of S1.
        """
        page = STOPS.changed(CONTEXT)
        view = shown(page)

        assert (200, "changed") == (page.status, view.frame.name)
        assert "/" == view.way_url
        assert "restez connecté" in view.sentence

    @pytest.mark.parametrize("make", [STOPS.mail_failed, STOPS.store_failed])
    def test_failures_say_when_to_ask_again(
        self, make: Callable[[PageContext], Page]
    ) -> None:
        """
        A failure whose end nobody knows asks clients to wait half a minute.
        """
        page = make(CONTEXT)

        assert 30 == page.retry_after
        assert "" == shown(page).wait


class TestCreated:
    def test_leads_to_the_sign_in(self) -> None:
        """
        S6 confirms and has the tutorial's button.
        """
        view = shown(STOPS.created(CONTEXT))

        assert "Votre mot de passe est enregistré." == view.heading
        assert "SE CONNECTER" == view.way
        assert view.is_capital
        assert "/s/done.svg" == view.art_url


class TestSignedOut:
    def test_names_the_application(self) -> None:
        """
        The goodbye says what one is signed out of.
        """
        view = shown(STOPS.signed_out(CONTEXT))

        assert "Vous n'êtes plus connecté à cockpit" == plain(view.heading)


class TestGone:
    def test_leads_to_a_new_code(self) -> None:
        """
        A code that is no more says how to get another one.
        """
        view = shown(STOPS.gone(CONTEXT))

        assert "Ce code n'est plus valable" == view.heading
        assert "Demandez-en un nouveau depuis la page de connexion." == view.sentence


class TestMailPaused:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (OrderKind.CODE, "Le dernier email est parti il y a 20 secondes."),
            (None, "La dernière demande date d'il y a 20 secondes."),
        ],
    )
    def test_says_both_times(self, kind: OrderKind | None, expected: str) -> None:
        """
        It is said when the last mail left, if there was one, and when the next may.
        """
        outcome = MailPaused(
            sent_at=NOW - 20 * SECONDS, until=NOW + 40 * SECONDS, kind=kind
        )
        page = STOPS.mail_paused(CONTEXT, outcome)
        view = shown(page)

        assert 200 == page.status
        assert expected == plain(view.sentence)
        assert "Vous pourrez en demander un autre dans 40 secondes." == plain(view.wait)


class TestLinkExpired:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (OrderKind.FIRST_LINK, "Un lien de connexion est valable 24 heures"),
            (OrderKind.RESET_LINK, "Un lien de réinitialisation est valable une heure"),
        ],
    )
    def test_says_how_long_one_lives(self, kind: OrderKind, expected: str) -> None:
        """
        The lifetime told is the policy's for this kind of link.
        """
        page = STOPS.link_expired(CONTEXT, LinkExpired(kind=kind))

        assert 410 == page.status
        assert plain(shown(page).sentence).startswith(expected)
        assert "Demander un nouveau lien" == shown(page).way


class TestLinkUsed:
    def test_with_a_password_one_signs_in(self) -> None:
        """
        Who has a password by now is led to the sign-in.
        """
        page = STOPS.link_used(CONTEXT, LinkUsed(has_password=True))

        assert 410 == page.status
        assert ("SE CONNECTER", True) == (shown(page).way, shown(page).is_capital)

    def test_without_one_asks_again(self) -> None:
        """
        Who has none is not told of one, and asks for another link.
        """
        page = STOPS.link_used(CONTEXT, LinkUsed(has_password=False))

        assert 410 == page.status
        assert "Votre mot de passe est créé" not in shown(page).sentence
        assert "Demander un nouveau lien" == shown(page).way


class TestBusy:
    def test_says_that_no_try_was_counted(self) -> None:
        """
        A storm costs nobody a try, and the wait is on the page and in the header.
        """
        page = STOPS.busy(CONTEXT, Busy(retry_after=timedelta(seconds=4.2)))

        assert (503, 5) == (page.status, page.retry_after)
        assert "elle n'a pas été comptée comme un essai" in plain(shown(page).sentence)
        assert "Vous pourrez réessayer dans 5 secondes." == plain(shown(page).wait)


class TestNotAllowed:
    def test_names_the_methods(self) -> None:
        """
        A wrong method is answered with the right ones.
        """
        page = STOPS.not_allowed(CONTEXT, ["GET", "POST"])

        assert (405, ("GET", "POST")) == (page.status, page.allow)
