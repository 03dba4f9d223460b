from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from uness_auth.model import OrderKind, Site
from uness_auth.outcomes import LinkSent, MailPaused
from uness_auth.policy import CodePolicy
from uness_auth.texts import texts_for
from uness_auth.web.frame import Frames, PageContext
from uness_auth.web.wording import other_ways, pause_note, whole_seconds


NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
CONTEXT = PageContext(language="fr", csrf="guard", next="", now=NOW)
FRAMES = Frames(Site(base_url="https://portail.example.fr", path="/in/"), str)


class TestWholeSeconds:
    @pytest.mark.parametrize(
        ("duration", "expected"),
        [(-5, 1), (0, 1), (0.2, 1), (1, 1), (1.1, 2), (65, 65)],
    )
    def test_is_rounded_up_and_never_zero(self, duration: float, expected: int) -> None:
        """
        Who comes back after so many seconds does not come too early.
        """
        assert expected == whole_seconds(timedelta(seconds=duration))


class TestPauseNote:
    def test_behind_a_queue(self) -> None:
        """
        A queue may still hold the mail: the page tells when it was asked for.
        """
        paused = MailPaused(
            sent_at=NOW - timedelta(seconds=20),
            until=NOW + timedelta(seconds=40),
            kind=OrderKind.CODE,
            is_queued=True,
        )
        note = pause_note(CONTEXT, paused, is_any=False)

        assert note.replace("\N{NO-BREAK SPACE}", " ").startswith(
            "La dernière demande date d'il y a 20 secondes."
        )

    @pytest.mark.parametrize("outcome", [None, LinkSent(address="a@b.fr", kind=None)])
    def test_is_empty_without_a_pause(self, outcome: LinkSent | None) -> None:
        """
        Where nothing pauses there is no note.
        """
        assert "" == pause_note(CONTEXT, outcome, is_any=False)

    def test_a_clock_that_disagrees_says_no_nonsense(self) -> None:
        """
        A mail of the next second left a second ago, and the wait is never over yet.
        """
        paused = MailPaused(
            sent_at=NOW + timedelta(seconds=1), until=NOW, kind=OrderKind.CODE
        )
        note = pause_note(CONTEXT, paused, is_any=False)

        assert (
            "Le dernier email est parti il y a une seconde. Vous pourrez en demander un "
            "autre dans une seconde."
        ) == note.replace("\N{NO-BREAK SPACE}", " ")


class TestOtherWays:
    def test_start_at_the_sites_path(self) -> None:
        """
        The pages live where the site says, and so do the ways.
        """
        ways = other_ways(texts_for("fr"), FRAMES, CodePolicy(), address="a@b.fr")

        assert ("/in/link", "/in/code") == (ways.link_action, ways.code_action)
