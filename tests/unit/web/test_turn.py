from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from uness_auth.web.frame import PageContext
from uness_auth.web.turn import Turn


if TYPE_CHECKING:
    from tests.unit.web.conftest import Portal


def turn(portal: Portal, **form: str) -> Turn:
    """
    A request to *portal* with the fields of *form*.
    """
    visitor = portal.site._visitors.read(portal.browser().request())  # noqa: SLF001 - what the site does first
    context = PageContext(language="fr", csrf="", next="/private", now=portal.clock())
    return Turn(
        auth=portal.auth,
        pages=portal.site.pages,
        cookies=portal.site.cookies,
        visitor=visitor,
        context=context,
        form=form,
    )


class TestFields:
    def test_what_was_not_sent_is_empty(self, portal: Portal) -> None:
        """
        A field that is missing is as one left empty.
        """
        assert ("a", "") == (turn(portal, x="a").field("x"), turn(portal).field("x"))

    def test_a_challenge_has_its_shape(self, portal: Portal) -> None:
        """
        Anything else is none.
        """
        assert "0" * 32 == turn(portal, challenge="0" * 32).challenge
        assert "" == turn(portal, challenge="0" * 31 + "g").challenge


class TestWays:
    def test_the_destination(self, portal: Portal) -> None:
        """
        Where one was going, else home.
        """
        here = turn(portal)
        nowhere = attrs.evolve(here, context=attrs.evolve(here.context, next=""))

        assert "http://localhost/private" == here.destination
        assert "http://localhost/" == nowhere.destination

    def test_by_way_of_another_page(self, portal: Portal) -> None:
        """
        From the base URL, with the way back to a page of ours.
        """
        location = turn(portal).by_way_of("again", "account/password").location

        assert "http://localhost/auth/again?next=/auth/account/password" == location

    def test_for_the_owner(self, portal: Portal) -> None:
        """
        In their language, if we speak it, and with the way back to their page.
        """
        english = portal.add(language="en")
        other = attrs.evolve(english, language="de")
        here = turn(portal)

        assert ("en", "/auth/account/password") == (
            here.for_owner(english, "account/password").language,
            here.for_owner(english, "account/password").next,
        )
        assert "fr" == here.for_owner(other, "account/password").language
