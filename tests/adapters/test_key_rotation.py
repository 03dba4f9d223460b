"""
A new signing key in two deployments, old and new workers side by side; then the old
one is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Final

import attrs
import pytest

from tests.adapters.portals import House, OrdersAtRest, Visitor, Worker
from uness_auth import Policy, ThrottlePolicy
from uness_auth.events import EventKind
from uness_auth.testing import EventLog, FastHashing
from uness_auth.testing.journeys import (
    AGAIN,
    CAMILLE,
    CODE,
    EMAIL,
    NADIA,
    NEW,
    OTHER_PASSWORD,
    PASSWORD,
    sign_in,
    start,
)


pytestmark = pytest.mark.once
OLD_KEY: Final = "the-old-key-of-this-site-0123456789abcdef"
NEW_KEY: Final = "the-new-key-of-this-site-0123456789abcdef"
# Oldest first: the last signs.
RINGS: Final = {
    "before": [OLD_KEY],
    "first deployment": [NEW_KEY, OLD_KEY],
    "second deployment": [OLD_KEY, NEW_KEY],
    "old key removed": [NEW_KEY],
}
# While a deployment rolls out, workers of two rings answer side by side, both ways.
SIDE_BY_SIDE: Final = [
    pair for one, other in pairwise(RINGS) for pair in ((one, other), (other, one))
]
WRONG: Final = "Autre-Essai9"
GREETING: Final = "Bonjour Camille Durand"


@attrs.define
class Site:
    """
    A site whose workers have whichever ring a deployment gave them.
    """

    house: House
    events: EventLog = attrs.Factory(EventLog)
    policy: Policy = attrs.Factory(Policy.uness)
    queue: OrdersAtRest | None = None

    def worker(self, ring: str) -> Worker:
        """
        Start a worker.
        """
        queue = {} if self.queue is None else {"queue": self.queue}
        return self.house.start(
            keys=RINGS[ring],
            policy=self.policy,
            hashing=FastHashing(),
            subscribers=[self.events],
            **queue,
        )


@pytest.fixture(name="site")
def _site(house: House) -> Site:
    """
    A site on each adapter.
    """
    return Site(house)


def choose(visitor: Visitor, password: str) -> None:
    """
    Fill in the page that a link leads to.
    """
    visitor.fill(NEW, password)
    visitor.fill(AGAIN, password)
    visitor.press("CRÉER")


def greeted(visitor: Visitor) -> bool:
    """
    Whether the private page knows who this is.
    """
    visitor.visit("/private")
    return GREETING in visitor.text


def make_it_wait(stranger: Visitor) -> None:
    """
    Get the password wrong until the account has to wait.
    """
    for _ in range(5):
        sign_in(stranger, CAMILLE, WRONG)
    sign_in(stranger, CAMILLE, PASSWORD)
    assert 429 == stranger.status


@pytest.mark.parametrize(("ours", "theirs"), SIDE_BY_SIDE)
class TestSideBySide:
    """
    What a worker makes works at the other one, whichever of the two is the newer.

    P45.
    """

    @pytest.mark.parametrize("is_remembered", [False, True])
    def test_a_session_goes_on(
        self, site: Site, ours: str, theirs: str, is_remembered: bool
    ) -> None:
        """
        Signed in at one worker is signed in at the other, remembered or not.
        """
        here, there = site.worker(ours), site.worker(theirs)
        visitor = site.house.add_with_password(here, PASSWORD)
        start(visitor, CAMILLE)
        visitor.fill("Votre mot de passe Uness*", PASSWORD)
        if is_remembered:
            visitor.check("Se souvenir de moi")
        visitor.press("SE CONNECTER")

        visitor.worker = there

        assert greeted(visitor)

    def test_a_first_link_sets_the_password(
        self, site: Site, ours: str, theirs: str
    ) -> None:
        """
        A link mailed by one worker is opened at the other, and its form is sent to the
        first.
        """
        here, there = site.worker(ours), site.worker(theirs)
        _ = here.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(here)
        start(visitor, CAMILLE)

        visitor.worker = there
        visitor.visit(site.house.outbox.link(CAMILLE))
        visitor.worker = here
        choose(visitor, PASSWORD)
        visitor.worker = there
        sign_in(visitor, CAMILLE, PASSWORD)

        assert greeted(visitor)

    def test_a_reset_link_sets_the_password(
        self, site: Site, ours: str, theirs: str
    ) -> None:
        """
        The same for a forgotten password; used once, it is used for both workers.
        """
        here, there = site.worker(ours), site.worker(theirs)
        visitor = site.house.add_with_password(here, PASSWORD)
        site.house.clock.tick(timedelta(minutes=2))
        start(visitor, CAMILLE)
        visitor.press("Mot de passe oublié ?")
        link = site.house.outbox.link(CAMILLE)

        visitor.worker = there
        visitor.visit(link)
        choose(visitor, OTHER_PASSWORD)

        assert visitor.title.startswith("Mot de passe enregistré")
        visitor.worker = here
        visitor.visit(link)
        assert 410 == visitor.status

    def test_a_code_signs_in(self, site: Site, ours: str, theirs: str) -> None:
        """
        Asked for at one worker, a code is sent again by the other, the same digits,
        and typed at either.
        """
        here, there = site.worker(ours), site.worker(theirs)
        visitor = site.house.add_with_password(here, PASSWORD)
        start(visitor, CAMILLE)
        visitor.press("RECEVOIR LE CODE")
        code = site.house.outbox.code(CAMILLE)
        mails = site.house.outbox.count(CAMILLE)
        site.house.clock.tick(timedelta(minutes=2))

        visitor.worker = there
        visitor.press("Renvoyer le code")

        assert mails + 1 == site.house.outbox.count(CAMILLE)
        assert code == site.house.outbox.code(CAMILLE)
        visitor.fill(CODE, code)
        visitor.press("SE CONNECTER")
        assert greeted(visitor)

    def test_a_form_is_taken(self, site: Site, ours: str, theirs: str) -> None:
        """
        A page shown by one worker may be sent to the other, before a sign-in and after.
        """
        here, there = site.worker(ours), site.worker(theirs)
        visitor = site.house.add_with_password(here, PASSWORD)
        visitor.visit("/auth/")
        visitor.fill(EMAIL, CAMILLE)
        visitor.worker = there
        visitor.press("SE CONNECTER")
        assert visitor.title.startswith("Compte UNESS")

        visitor.fill("Votre mot de passe Uness*", PASSWORD)
        visitor.worker = here
        visitor.press("SE CONNECTER")
        assert greeted(visitor)
        visitor.worker = there
        visitor.press("Se déconnecter")

        assert "Vous n'êtes plus connecté à" in visitor.text
        visitor.worker = here
        assert not greeted(visitor)

    def test_every_cookie_is_kept(self, site: Site, ours: str, theirs: str) -> None:
        """
        No cookie of one worker's is given anew, or taken back, by the other.
        """
        here, there = site.worker(ours), site.worker(theirs)
        visitor = site.house.add_with_password(here, PASSWORD)
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)
        before = dict(visitor.cookies)

        visitor.worker = there

        assert greeted(visitor)
        assert before == visitor.cookies

    def test_a_known_device_is_known(self, site: Site, ours: str, theirs: str) -> None:
        """
        While a stranger has the account wait, its own browser gets in at the other
        worker, and nobody is told of a new device.
        """
        here, there = site.worker(ours), site.worker(theirs)
        visitor = site.house.add_with_password(here, PASSWORD)
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)
        visitor.press("Se déconnecter")
        mails = site.house.outbox.count(CAMILLE)
        make_it_wait(Visitor(there))

        visitor.worker = there
        sign_in(visitor, CAMILLE, PASSWORD)

        assert greeted(visitor)
        assert mails == site.house.outbox.count(CAMILLE)

    def test_an_order_at_rest_is_delivered(
        self, site: Site, ours: str, theirs: str
    ) -> None:
        """
        What one worker put into the queue the other one mails, and it works at both.
        """
        site.queue = OrdersAtRest()
        here, there = site.worker(ours), site.worker(theirs)
        _ = here.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(here)
        start(visitor, CAMILLE)
        there.auth.deliver(site.queue.take())
        visitor.visit(site.house.outbox.link(CAMILLE))
        choose(visitor, PASSWORD)
        start(visitor, CAMILLE)
        visitor.press("RECEVOIR LE CODE")
        there.auth.deliver(site.queue.take())

        visitor.fill(CODE, site.house.outbox.code(CAMILLE))
        visitor.press("SE CONNECTER")

        assert greeted(visitor)


@pytest.fixture(name="removed")
def _removed(site: Site) -> Callable[[Visitor], None]:
    """
    Takes the old key out, for one visitor: all workers are new.
    """

    def remove(visitor: Visitor) -> None:
        visitor.worker = site.worker("old key removed")

    return remove


class TestTheOldKeyIsRemoved:
    """
    What only the old key signed ends in words, never in a fault.

    P45.
    """

    def test_a_link_is_invalid(
        self, site: Site, removed: Callable[[Visitor], None]
    ) -> None:
        """
        Its page says that the link is not whole and offers another; nothing is set.
        """
        old = site.worker("first deployment")
        _ = old.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(old)
        start(visitor, CAMILLE)
        link = site.house.outbox.link(CAMILLE)
        visitor.visit(link)

        removed(visitor)
        choose(visitor, PASSWORD)

        assert 404 == visitor.status
        assert visitor.title.startswith("Lien incomplet")
        visitor.visit(link)
        assert 404 == visitor.status
        account = old.auth.provisioning.accounts.by_address(CAMILLE)
        assert account is not None
        assert not account.has_password
        site.house.clock.tick(timedelta(minutes=2))
        visitor.follow("Demander un nouveau lien")
        visitor.fill(EMAIL, CAMILLE)
        visitor.press("SE CONNECTER")
        visitor.visit(site.house.outbox.link(CAMILLE))
        choose(visitor, PASSWORD)
        assert visitor.title.startswith("Mot de passe enregistré")

    @pytest.mark.parametrize("press", ["SE CONNECTER", "Renvoyer le code"])
    @pytest.mark.parametrize("age", [1, 4])
    def test_a_code_is_gone(
        self, site: Site, removed: Callable[[Visitor], None], press: str, age: int
    ) -> None:
        """
        The right digits are not called wrong, nor are they sent again: the page says
        that they work no more, and leads to others, which do.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        start(visitor, CAMILLE)
        visitor.press("RECEVOIR LE CODE")
        site.house.clock.tick(timedelta(minutes=2))
        # The form is then of the new key, and the code of the old one still.
        visitor.worker = site.worker("second deployment")
        visitor.press("Renvoyer le code")
        mails = site.house.outbox.count(CAMILLE)
        site.house.clock.tick(timedelta(minutes=age))
        visitor.fill(CODE, site.house.outbox.code(CAMILLE))

        removed(visitor)
        visitor.press(press)

        assert 410 == visitor.status
        assert "Ce code n'est plus valable" in visitor.text
        assert mails == site.house.outbox.count(CAMILLE)
        visitor.follow("Revenir à la page de connexion")
        visitor.fill(EMAIL, CAMILLE)
        visitor.press("SE CONNECTER")
        visitor.press("RECEVOIR LE CODE")
        visitor.fill(CODE, site.house.outbox.code(CAMILLE))
        visitor.press("SE CONNECTER")
        assert greeted(visitor)

    def test_a_code_at_rest_is_dropped(self, site: Site) -> None:
        """
        An order whose key left mails nothing, and an event says why; a link's order is
        signed by whoever delivers it.
        """
        site.queue = OrdersAtRest()
        old = site.worker("first deployment")
        _ = old.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(old)
        start(visitor, CAMILLE)
        new = site.worker("old key removed")
        new.auth.deliver(site.queue.take())
        visitor.worker = new
        visitor.visit(site.house.outbox.link(CAMILLE))
        choose(visitor, PASSWORD)
        visitor.worker = old
        start(visitor, CAMILLE)
        visitor.press("RECEVOIR LE CODE")

        new.auth.deliver(site.queue.take())

        assert 1 == site.house.outbox.count(CAMILLE)
        dropped = site.events.last(EventKind.MAIL_DROPPED)
        assert "the key of the code has left the ring" == dropped.reason

    @pytest.mark.parametrize("is_remembered", [False, True])
    def test_a_session_goes_on(
        self, site: Site, removed: Callable[[Visitor], None], is_remembered: bool
    ) -> None:
        """
        Nothing of a session is signed: the browser stays signed in.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        start(visitor, CAMILLE)
        visitor.fill("Votre mot de passe Uness*", PASSWORD)
        if is_remembered:
            visitor.check("Se souvenir de moi")
        visitor.press("SE CONNECTER")
        assert greeted(visitor)

        removed(visitor)

        assert greeted(visitor)
        visitor.press("Se déconnecter")
        assert "Vous n'êtes plus connecté à" in visitor.text

    def test_a_form_is_stale(
        self, site: Site, removed: Callable[[Visitor], None]
    ) -> None:
        """
        An open page says that it is too old, and the next one works.

        On Django its own guard takes the form, which no key of ours signed.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        visitor.visit("/auth/")
        visitor.fill(EMAIL, CAMILLE)

        removed(visitor)
        visitor.press("SE CONNECTER")

        if site.house.framework == "django":
            assert visitor.title.startswith("Compte UNESS")
            return
        assert 403 == visitor.status
        assert "Cette page a expiré" in visitor.text
        visitor.follow("Revenir à la page de connexion")
        visitor.fill(EMAIL, CAMILLE)
        visitor.press("SE CONNECTER")
        assert visitor.title.startswith("Compte UNESS")

    def test_a_form_of_someone_signed_in_is_stale(
        self, site: Site, removed: Callable[[Visitor], None]
    ) -> None:
        """
        « Se déconnecter » on an open page signs nobody out; shown again, it does.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)

        removed(visitor)
        if site.house.framework != "django":
            visitor.press("Se déconnecter")
            assert 403 == visitor.status
            assert greeted(visitor)
        visitor.press("Se déconnecter")

        assert "Vous n'êtes plus connecté à" in visitor.text

    def test_a_known_device_is_a_new_one(
        self, site: Site, removed: Callable[[Visitor], None]
    ) -> None:
        """
        A browser that the old key vouched for waits as others do; then its sign-in is
        told as one from a new device, and from there on it is known again.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)
        visitor.press("Se déconnecter")
        mails = site.house.outbox.count(CAMILLE)
        removed(visitor)
        stranger = Visitor(visitor.worker)
        make_it_wait(stranger)

        sign_in(visitor, CAMILLE, PASSWORD)

        assert 429 == visitor.status
        site.house.clock.tick(timedelta(minutes=2))
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)
        assert mails + 1 == site.house.outbox.count(CAMILLE)
        visitor.press("Se déconnecter")
        make_it_wait(stranger)
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)

    def test_a_device_used_meanwhile_is_known(
        self, site: Site, removed: Callable[[Visitor], None]
    ) -> None:
        """
        Each sign-in signs the cookie anew, so that who signed in since the second
        deployment loses nothing with the old key.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)
        visitor.press("Se déconnecter")
        visitor.worker = site.worker("second deployment")
        sign_in(visitor, CAMILLE, PASSWORD)
        assert greeted(visitor)
        visitor.press("Se déconnecter")
        mails = site.house.outbox.count(CAMILLE)
        removed(visitor)
        make_it_wait(Visitor(visitor.worker))

        sign_in(visitor, CAMILLE, PASSWORD)

        assert greeted(visitor)
        assert mails == site.house.outbox.count(CAMILLE)


class TestTheNewKeySigns:
    """
    From the second deployment on: P45 is a ring that signs with its oldest key.
    """

    def test_what_it_signs_needs_the_new_key_alone(self, site: Site) -> None:
        """
        The link of a worker with both keys works where only the new one is, and not
        where only the old one is.
        """
        both = site.worker("second deployment")
        _ = both.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(both)
        start(visitor, CAMILLE)
        link = site.house.outbox.link(CAMILLE)

        for ring, status in (("before", 404), ("old key removed", 200)):
            visitor.worker = site.worker(ring)
            visitor.visit(link)
            assert status == visitor.status

    def test_the_first_deployment_signs_as_before(self, site: Site) -> None:
        """
        A worker that has learnt the new key signs with the old one still, or workers
        of before would refuse what it mails.
        """
        first = site.worker("first deployment")
        _ = first.auth.provisioning.add(CAMILLE, display_name="Camille Durand")
        visitor = Visitor(first)
        start(visitor, CAMILLE)
        link = site.house.outbox.link(CAMILLE)

        for ring, status in (("before", 200), ("old key removed", 404)):
            visitor.worker = site.worker(ring)
            visitor.visit(link)
            assert status == visitor.status


class TestThrottles:
    def test_a_wait_ends_with_the_old_key(self, site: Site) -> None:
        """
        The counters go on in the first deployment and begin again in the second.
        """
        old = site.worker("before")
        visitor = site.house.add_with_password(old, PASSWORD)
        for _ in range(5):
            sign_in(visitor, CAMILLE, WRONG)

        visitor.worker = site.worker("first deployment")
        sign_in(visitor, CAMILLE, PASSWORD)
        assert 429 == visitor.status
        visitor.worker = site.worker("second deployment")
        sign_in(visitor, CAMILLE, PASSWORD)

        assert greeted(visitor)

    @pytest.mark.parametrize("ring", [one for one in RINGS if one != "before"])
    def test_a_suspended_password_stays_so(self, site: Site, ring: str) -> None:
        """
        It is a state of the account, and no counter: only a new password lifts it.
        """
        site.policy = Policy.uness(throttle=ThrottlePolicy(passwords_in_a_row=5))
        old = site.worker("before")
        visitor = site.house.add_with_password(old, PASSWORD)
        for _ in range(5):
            sign_in(visitor, CAMILLE, WRONG)

        visitor.worker = site.worker(ring)
        sign_in(visitor, CAMILLE, PASSWORD)

        assert "Ce mot de passe a été suspendu par sécurité" in visitor.text
        assert not greeted(visitor)
        site.house.clock.tick(timedelta(minutes=2))
        start(visitor, CAMILLE)
        visitor.press("Mot de passe oublié ?")
        visitor.visit(site.house.outbox.link(CAMILLE))
        choose(visitor, OTHER_PASSWORD)
        sign_in(visitor, CAMILLE, OTHER_PASSWORD)
        assert greeted(visitor)

    def test_a_used_link_stays_used(self, site: Site) -> None:
        """
        Single use is the account's version, and no counter.
        """
        old = site.worker("before")
        _ = site.house.add_with_password(old, PASSWORD)
        visitor = Visitor(site.worker("second deployment"))

        visitor.visit(site.house.outbox.link(CAMILLE))

        assert 410 == visitor.status

    def test_a_challenge_keeps_its_spent_tries(self, site: Site) -> None:
        """
        Five tries at one code are five, however many rings they are made under.
        """
        visitor = site.house.add_with_password(site.worker("before"), PASSWORD)
        start(visitor, CAMILLE)
        visitor.press("RECEVOIR LE CODE")
        code = site.house.outbox.code(CAMILLE)
        wrong = "000000" if code != "000000" else "111111"
        for ring in [*RINGS][:3]:
            visitor.worker = site.worker(ring)
            visitor.fill(CODE, wrong)
            visitor.press("SE CONNECTER")

        assert "2 essais" in visitor.text
        for status in (422, 410):
            visitor.fill(CODE, wrong)
            visitor.press("SE CONNECTER")
            assert status == visitor.status

    def test_others_are_let_alone(self, site: Site) -> None:
        """
        What waits for one account under the old key is nobody else's.
        """
        old = site.worker("before")
        _ = site.house.add_with_password(old, PASSWORD)
        visitor = site.house.add_with_password(old, OTHER_PASSWORD, NADIA)
        for _ in range(5):
            sign_in(visitor, CAMILLE, WRONG)

        visitor.worker = site.worker("first deployment")
        sign_in(visitor, NADIA, OTHER_PASSWORD)

        visitor.visit("/private")
        assert "Bonjour" in visitor.text
