"""
The tutorial walked through an abstract browser: the same journeys on every adapter.

Subclass `Journeys` in an adapter's test module and build a portal in `make`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import attrs

from ..outcomes import AccountAdded
from ..wiring import UnessAuth
from .browser import Browser, tidy
from .fakes import FixedClock


CAMILLE: Final = "camille.durand@univ-exemple.fr"
NADIA: Final = "nadia.benali@chu-exemple.fr"
PASSWORD: Final = "Cheval7+Agrafe"  # noqa: S105 - of a test account
OTHER_PASSWORD: Final = "Pile-Correcte8"  # noqa: S105 - of a test account
EMAIL: Final = "Votre adresse email*"
NEW: Final = "Entrez le mot de passe :*"
AGAIN: Final = "Confirmez le mot de passe :*"
CURRENT: Final = "Votre mot de passe Uness*"
CODE: Final = "Code :*"
PRESENT: Final = "Votre mot de passe Uness actuel*"
CHANGED: Final = "Entrez le nouveau mot de passe :*"
CHANGED_AGAIN: Final = "Confirmez le nouveau mot de passe :*"


class Mailbox(Protocol):
    """
    Where the mails of a portal arrive.
    """

    def link(self, address: str, /) -> str:
        """
        Return the last link mailed to *address*.
        """
        ...

    def code(self, address: str, /) -> str:
        """
        Return the last code mailed to *address*.
        """
        ...

    def last_text(self, address: str, /) -> str:
        """
        Return the text of the last mail to *address*.
        """
        ...

    def count(self, address: str, /) -> int:
        """
        Return how many mails *address* has got.
        """
        ...


@attrs.frozen(kw_only=True)
class Portal:
    """
    A portal to walk: ``/`` has « Connectez-vous », ``/private`` needs a sign-in, and
    ``/notes`` a recent one.

    Attributes:
        browse: Opens a fresh browser, ``browse(language=…, takes_cookies=…)``.

        break_mail: Makes the mail server refuse, or accept again.
    """

    auth: UnessAuth
    clock: FixedClock
    mailbox: Mailbox
    browse: Callable[..., Browser]
    break_mail: Callable[[bool], None]

    def add(self, address: str = CAMILLE, *, name: str = "Camille Durand") -> None:
        """
        Have the registrar create an account.
        """
        added = self.auth.provisioning.add(address, display_name=name)
        assert isinstance(added, AccountAdded)

    def end(self, address: str, at: datetime, /) -> None:
        """
        Have the registrar end the account's last day at the instant *at*.
        """
        registrar = self.auth.provisioning
        account = registrar.accounts.by_address(address)
        assert account is not None
        ended = attrs.evolve(account, valid_until=at)
        assert registrar.registry.replace(ended, account.credential_version)

    def add_with_password(self, address: str = CAMILLE) -> Browser:
        """
        Create an account and its password; return a fresh browser.
        """
        self.add(address)
        create_password(self, self.browse(), address, PASSWORD)
        return self.browse()


def start(browser: Browser, address: str, /, *, target: str = "") -> None:
    """
    Walk to S1 and give the address.
    """
    browser.visit(f"/auth/?next={target}" if target else "/auth/")
    browser.fill(EMAIL, address)
    browser.press("SE CONNECTER")


def create_password(
    portal: Portal, browser: Browser, address: str, password: str, /
) -> None:
    """
    Walk from S1 to S6.
    """
    start(browser, address)
    browser.visit(portal.mailbox.link(address))
    browser.fill(NEW, password)
    browser.fill(AGAIN, password)
    browser.press("CRÉER")


def sign_in(
    browser: Browser, address: str, password: str, /, *, is_remembered: bool = False
) -> None:
    """
    Walk from S1 through S7.
    """
    start(browser, address)
    browser.fill(CURRENT, password)
    if is_remembered:
        browser.check("Se souvenir de moi")
    browser.press("SE CONNECTER")


def change_password(
    browser: Browser, present: str, password: str, confirmation: str = "", /
) -> None:
    """
    Fill in the form that changes the password, and send it.
    """
    browser.fill(PRESENT, present)
    browser.fill(CHANGED, password)
    browser.fill(CHANGED_AGAIN, confirmation or password)
    browser.press("Enregistrer")


def own_name(browser: Browser, /) -> str:
    """
    Return what the list of sessions calls the browser that shows it.
    """
    before, mark, _ = browser.text.partition(" cet appareil")
    assert mark
    names = re.findall(
        r"(?:Chrome|Firefox|Safari|Edge), \w+|Navigateur inconnu", before
    )
    return str(names[-1])


class Journeys(ABC):
    """
    What a person can do, step by step, on any adapter.
    """

    @abstractmethod
    def make(self) -> Portal:
        """
        Return a portal with no accounts, its mail working, its clock standing.
        """

    def test_first_password(self) -> None:
        """
        S0 to S7: from « Connectez-vous » to the private page, with a first password.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()

        browser.visit("/")
        browser.follow("Connectez-vous")
        assert browser.title.startswith("Bienvenue !")
        assert (
            "Veuillez saisir votre adresse e-mail pour vous connecter ou créer votre "
            "compte UNESS" in browser.text
        )

        browser.fill(EMAIL, CAMILLE)
        browser.press("SE CONNECTER")
        assert (
            f"Votre demande a été envoyée à l'adresse email {CAMILLE} !" in browser.text
        )
        assert (
            "Veuillez suivre les instructions de cet email pour créer ou réinitialiser "
            "votre mot de passe Uness. Si vous ne recevez pas l'email, veuillez vérifier "
            "votre dossier spam ou réessayer. Le lien de réinitialisation de votre mot "
            "de passe est valable 24 heures." in browser.text
        )
        mail = tidy(portal.mailbox.last_text(CAMILLE))
        assert "Vous avez demandé à recevoir un lien de connexion à UNESS." in mail
        assert "Ce lien n'est valide que 24 heures" in mail

        browser.visit(portal.mailbox.link(CAMILLE))
        assert browser.title.startswith("Créez votre mot de passe UNESS")
        for rule in (
            "Votre mot de passe doit contenir :",
            "entre 8 et 50 caractères",
            "au moins 1 lettre Majuscule A-Z",
            "au moins 1 lettre minuscule a-z",
            "au moins 1 chiffre 0-9",
            "au moins 1 caractère spécial parmi ![]{}()%$#@|+-_",
            "les espaces et les autres caractères ne sont pas autorisés.",
        ):
            assert rule in browser.text

        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")
        assert browser.title.startswith("Mot de passe enregistré")

        browser.follow("SE CONNECTER")
        browser.fill(EMAIL, CAMILLE)
        browser.press("SE CONNECTER")
        assert browser.title.startswith("Compte UNESS")
        assert (
            "Vous pouvez également vous connecter en saisissant un code envoyé à votre "
            "adresse de messagerie" in browser.text
        )
        assert (
            "Ce code est à usage unique et doit être utilisé dans les 3 minutes."
            in browser.text
        )

        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_unknown_address(self) -> None:
        """
        S2: an unknown address is told, nothing is mailed, and what was typed stays.
        """
        portal = self.make()
        browser = portal.browse()

        start(browser, "personne@univ-exemple.fr")

        assert browser.title.startswith("Erreur : Bienvenue !")
        for words in (
            "Votre adresse email n'est pas reconnue.",
            "Veuillez utiliser votre email universitaire",
            (
                "Si vous n'en avez pas, veuillez essayer avec une autre adresse email "
                "(CHU, personnelle, etc)"
            ),
            (
                "→ Si aucune de vos adresses n'est reconnue, nous vous invitons à "
                "contacter l'université dont vous dépendez."
            ),
        ):
            assert words in browser.text
        assert "personne@univ-exemple.fr" == browser.value(EMAIL)
        assert 0 == portal.mailbox.count("personne@univ-exemple.fr")

    def test_mistyped_domain(self) -> None:
        """
        S2 again: a slip in a known domain is asked about, and « oui » is one button.
        """
        portal = self.make()
        portal.add("camille.durand@univ-lyon1.fr")
        browser = portal.browse()

        start(browser, "Camille.Durand@univ-lyno1.fr", target="/private")

        assert "Votre adresse email n'est pas reconnue." in browser.text
        assert "Vouliez-vous dire camille.durand@univ-lyon1.fr ?" in browser.text
        assert "Camille.Durand@univ-lyno1.fr" == browser.value(EMAIL)
        assert 0 == portal.mailbox.count("camille.durand@univ-lyon1.fr")
        browser.press("Continuer avec cette adresse")
        assert (
            "Votre demande a été envoyée à l'adresse email "
            "camille.durand@univ-lyon1.fr !" in browser.text
        )
        assert 1 == portal.mailbox.count("camille.durand@univ-lyon1.fr")

    def test_after_the_last_day(self) -> None:
        """
        Whoever is signed in when their last day ends is not any more, and is unknown.
        """
        portal = self.make()
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

        portal.end(CAMILLE, portal.clock() + timedelta(seconds=1))
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text
        portal.clock.tick()
        browser.visit("/private")

        assert browser.title.startswith("Bienvenue !")
        start(browser, CAMILLE)
        assert "Votre adresse email n'est pas reconnue." in browser.text

    def test_every_unmet_rule_is_named_at_once(self) -> None:
        """
        S5 again: all that is wrong is said, and the link still works.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)
        browser.visit(portal.mailbox.link(CAMILLE))

        browser.fill(NEW, "été ")
        browser.fill(AGAIN, "autre")
        browser.press("CRÉER")

        assert browser.title.startswith("Erreur : Créez votre mot de passe UNESS")
        assert 422 == browser.status
        for fault in ("8", "majuscule", "chiffre", "spécial", "autorisé", "identiques"):
            assert fault in browser.text.lower()
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")
        assert browser.title.startswith("Mot de passe enregistré")

    def test_cancelling_a_password(self) -> None:
        """
        « Annuler » on S5 leads to S1 and uses nothing up.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)
        link = portal.mailbox.link(CAMILLE)
        browser.visit(link)

        browser.follow("Annuler")

        assert browser.title.startswith("Bienvenue !")
        browser.visit(link)
        assert browser.title.startswith("Créez votre mot de passe UNESS")

    def test_wrong_then_right_password(self) -> None:
        """
        S7: a wrong password is told in words; the right one then signs in.
        """
        browser = self.make().add_with_password()

        sign_in(browser, CAMILLE, OTHER_PASSWORD)

        assert browser.title.startswith("Erreur : Compte UNESS")
        assert "Ce mot de passe n'est pas le bon." in browser.text
        browser.fill(CURRENT, PASSWORD)
        browser.check("Se souvenir de moi")
        browser.press("SE CONNECTER")
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_the_page_that_was_asked_for(self) -> None:
        """
        Whoever asks for a private page lands on it after the sign-in.
        """
        browser = self.make().add_with_password()

        browser.visit("/private?tab=2")
        assert browser.title.startswith("Bienvenue !")
        browser.fill(EMAIL, CAMILLE)
        browser.press("SE CONNECTER")
        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")

        assert "/private?tab=2" == browser.path
        assert "Bonjour Camille Durand" in browser.text

    def test_forgotten_password(self) -> None:
        """
        « Mot de passe oublié ? » mails a link of one hour; the old password is over,
        and every open session with it.
        """
        portal = self.make()
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        other = portal.browse()
        portal.clock.tick(timedelta(minutes=2))

        start(other, CAMILLE)
        other.press("Mot de passe oublié ?")
        assert "est valable une heure" in other.text
        other.visit(portal.mailbox.link(CAMILLE))
        other.fill(NEW, OTHER_PASSWORD)
        other.fill(AGAIN, OTHER_PASSWORD)
        other.press("CRÉER")

        browser.visit("/private")
        assert browser.title.startswith("Bienvenue !")
        sign_in(browser, CAMILLE, PASSWORD)
        assert "Ce mot de passe n'est pas le bon." in browser.text
        sign_in(browser, CAMILLE, OTHER_PASSWORD)
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_sign_in_by_code(self) -> None:
        """
        S8 and S9: a wrong code is told with the tries left, the right one signs in.
        """
        portal = self.make()
        browser = portal.add_with_password()

        start(browser, CAMILLE, target="/private")
        browser.press("RECEVOIR LE CODE")
        assert browser.title.startswith("Saisir le code reçu par email")
        assert (
            "Nous vous avons envoyé un code de connexion par email. Ce code est valide "
            "une fois et durant 3 minutes." in browser.text
        )
        code = portal.mailbox.code(CAMILLE)
        assert code in portal.mailbox.last_text(CAMILLE).splitlines()
        assert "Ne communiquez ce code à personne, pas même à l'assistance." in tidy(
            portal.mailbox.last_text(CAMILLE)
        )

        browser.fill(CODE, "000000" if code != "000000" else "111111")
        browser.press("SE CONNECTER")
        assert "Ce code n'est pas le bon." in browser.text
        assert "4 essais" in browser.text
        browser.fill(CODE, f"{code[:3]} {code[3:]}")
        browser.press("SE CONNECTER")
        assert "/private" == browser.path
        assert "Bonjour Camille Durand" in browser.text

    def test_asking_for_the_code_again(self) -> None:
        """
        The same code comes again and lives on; too soon, the page says when.
        """
        portal = self.make()
        browser = portal.add_with_password()
        start(browser, CAMILLE)
        browser.press("RECEVOIR LE CODE")
        code = portal.mailbox.code(CAMILLE)
        mails = portal.mailbox.count(CAMILLE)

        portal.clock.tick(timedelta(seconds=20))
        browser.press("Renvoyer le code")
        assert "Le dernier email est parti il y a 20 secondes." in browser.text
        assert "dans 40 secondes" in browser.text
        assert mails == portal.mailbox.count(CAMILLE)

        portal.clock.tick(timedelta(seconds=130))
        browser.press("Renvoyer le code")
        assert code == portal.mailbox.code(CAMILLE)
        assert mails + 1 == portal.mailbox.count(CAMILLE)
        portal.clock.tick(timedelta(seconds=130))
        browser.fill(CODE, code)
        browser.press("SE CONNECTER")
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_an_expired_code_may_be_asked_for_again(self) -> None:
        """
        After three minutes the code is refused, and a new mail is one press away.
        """
        portal = self.make()
        browser = portal.add_with_password()
        start(browser, CAMILLE)
        browser.press("RECEVOIR LE CODE")

        portal.clock.tick(timedelta(minutes=3))
        browser.fill(CODE, portal.mailbox.code(CAMILLE))
        browser.press("SE CONNECTER")
        assert browser.title.startswith("Erreur : Saisir le code reçu par email")
        browser.press("Renvoyer le code")
        browser.fill(CODE, portal.mailbox.code(CAMILLE))
        browser.press("SE CONNECTER")
        browser.visit("/private")

        assert "Bonjour Camille Durand" in browser.text

    def test_cancelling_a_code(self) -> None:
        """
        « Annuler » on S8 leads to S1.
        """
        browser = self.make().add_with_password()
        start(browser, CAMILLE)
        browser.press("RECEVOIR LE CODE")

        browser.follow("Annuler")

        assert browser.title.startswith("Bienvenue !")

    def test_a_code_works_only_in_the_browser_that_asked(self) -> None:
        """
        The mailed code of one browser's sign-in is wrong in another's.
        """
        portal = self.make()
        browser = portal.add_with_password()
        stranger = portal.browse()
        start(stranger, CAMILLE)
        stranger.press("RECEVOIR LE CODE")
        start(browser, CAMILLE)
        browser.press("RECEVOIR LE CODE")

        stranger.fill(CODE, portal.mailbox.code(CAMILLE))
        stranger.press("SE CONNECTER")

        assert "Ce code n'est pas le bon." in stranger.text
        browser.fill(CODE, portal.mailbox.code(CAMILLE))
        browser.press("SE CONNECTER")
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_sign_out(self) -> None:
        """
        « Se déconnecter » says goodbye, and the private page asks for a sign-in again.
        """
        browser = self.make().add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")

        browser.press("Se déconnecter")

        assert "Vous n'êtes plus connecté à" in browser.text
        browser.visit("/private")
        assert browser.title.startswith("Bienvenue !")

    def test_signed_in_passes_s1_by(self) -> None:
        """
        Someone signed in who opens S1 is led on.
        """
        browser = self.make().add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)

        browser.visit("/auth/?next=/private")

        assert "/private" == browser.path

    def test_changing_the_password(self) -> None:
        """
        The current one is asked; the browser that changed it stays signed in, all
        others are closed, and the owner is told by mail.
        """
        portal = self.make()
        browser = portal.add_with_password()
        other = portal.browse()
        sign_in(other, CAMILLE, PASSWORD)
        sign_in(browser, CAMILLE, PASSWORD)
        mails = portal.mailbox.count(CAMILLE)

        browser.visit("/auth/account/password")
        assert browser.title.startswith("Changer votre mot de passe")
        change_password(browser, PASSWORD, OTHER_PASSWORD)

        assert browser.title.startswith("Mot de passe modifié")
        assert mails + 1 == portal.mailbox.count(CAMILLE)
        told = tidy(portal.mailbox.last_text(CAMILLE))
        assert "Le mot de passe de votre compte UNESS vient d'être modifié" in told
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text
        browser.press("Se déconnecter")
        other.visit("/private")
        assert other.title.startswith("Bienvenue !")
        sign_in(other, CAMILLE, OTHER_PASSWORD)
        other.visit("/private")
        assert "Bonjour Camille Durand" in other.text

    def test_a_new_password_that_is_refused(self) -> None:
        """
        What is wrong is said, the current password first asked for, then compared; the
        old one still works.
        """
        browser = self.make().add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/auth/account/password")

        browser.press("Enregistrer")
        assert browser.title.startswith("Erreur : Changer votre mot de passe")
        assert "Le mot de passe actuel est vide." in browser.text
        change_password(browser, PASSWORD, "été ", "autre")
        assert 422 == browser.status
        for fault in ("8", "majuscule", "chiffre", "spécial", "autorisé", "identiques"):
            assert fault in browser.text.lower()
        change_password(browser, OTHER_PASSWORD, OTHER_PASSWORD)
        assert "Le mot de passe actuel n'est pas le bon." in browser.text

        browser.press("Se déconnecter")
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_guessing_the_current_password(self) -> None:
        """
        After the fifth wrong one, whoever sits at an open session waits, and is led
        back to the form.
        """
        portal = self.make()
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/auth/account/password")
        tries = 0
        while browser.status != 429:
            change_password(browser, "Faux-Essai99", OTHER_PASSWORD)
            tries += 1
            assert tries < 20

        assert tries > 4
        assert browser.title.startswith("Un peu de patience")
        browser.follow("Revenir au mot de passe")
        assert browser.title.startswith("Changer votre mot de passe")
        portal.clock.tick(timedelta(hours=25))
        sign_in(browser, CAMILLE, PASSWORD)
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_a_stranger_asks_for_pages_of_the_account(self) -> None:
        """
        Whoever is not signed in comes to S1, and to the page after the sign-in.
        """
        portal = self.make()
        browser = portal.add_with_password()

        browser.visit("/auth/account/password")
        assert browser.title.startswith("Bienvenue !")
        browser.fill(EMAIL, CAMILLE)
        browser.press("SE CONNECTER")
        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")

        assert browser.title.startswith("Changer votre mot de passe")
        stranger = portal.browse()
        stranger.visit("/auth/again?next=/private")
        assert stranger.title.startswith("Bienvenue !")

    def test_closing_a_session(self) -> None:
        """
        One sees where one is signed in, and closes what one does not know.
        """
        portal = self.make()
        browser = portal.add_with_password()
        other = portal.browse()
        sign_in(other, CAMILLE, PASSWORD)
        sign_in(browser, CAMILLE, PASSWORD)

        browser.visit("/auth/account/sessions")
        if not portal.auth.open_sessions.is_offered:
            assert 404 == browser.status
            return
        assert browser.title.startswith("Vos sessions")
        assert "Dernière activité : à l'instant" in browser.text
        browser.press(f"Fermer la session {own_name(browser)}")

        assert "Votre compte n'est ouvert que sur cet appareil." in browser.text
        other.visit("/private")
        assert other.title.startswith("Bienvenue !")
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_closing_all_other_sessions(self) -> None:
        """
        A remembered session proves first who it is, and then closes all others.
        """
        portal = self.make()
        browser = portal.add_with_password()
        others = [portal.browse(), portal.browse()]
        for other in others:
            sign_in(other, CAMILLE, PASSWORD)
        sign_in(browser, CAMILLE, PASSWORD, is_remembered=True)

        browser.visit("/auth/account/sessions")
        if not portal.auth.open_sessions.is_offered:
            assert 404 == browser.status
            return
        browser.follow("Confirmer que c'est bien vous")
        assert browser.title.startswith("Confirmez que c'est bien vous")
        browser.fill(CURRENT, PASSWORD)
        browser.press("Confirmer")
        assert browser.title.startswith("Vos sessions")
        browser.press("Fermer toutes les autres sessions")

        assert "Votre compte n'est ouvert que sur cet appareil." in browser.text
        for other in others:
            other.visit("/private")
            assert other.title.startswith("Bienvenue !")

    def test_asked_again(self) -> None:
        """
        A page that wants a recent sign-in asks once more, tells a wrong password, and
        is shown after the right one; the session stays remembered.
        """
        portal = self.make()
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD, is_remembered=True)

        browser.visit("/notes?year=3")
        assert browser.title.startswith("Confirmez que c'est bien vous")
        assert CAMILLE in browser.text
        browser.fill(CURRENT, OTHER_PASSWORD)
        browser.press("Confirmer")
        assert browser.title.startswith("Erreur : Confirmez que c'est bien vous")
        assert "Ce mot de passe n'est pas le bon." in browser.text
        browser.fill(CURRENT, PASSWORD)
        browser.press("Confirmer")

        assert "/notes?year=3" == browser.path
        assert "Notes de Camille Durand" in browser.text
        portal.clock.tick(timedelta(minutes=11))
        browser.visit("/notes")
        assert browser.title.startswith("Confirmez que c'est bien vous")
        portal.clock.tick(timedelta(days=2))
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_asked_again_by_code(self) -> None:
        """
        A code proves it, too; a stranger signs in, and has proved it by that.
        """
        portal = self.make()
        browser = portal.add_with_password()

        browser.visit("/notes")
        assert browser.title.startswith("Bienvenue !")
        browser.fill(EMAIL, CAMILLE)
        browser.press("SE CONNECTER")
        browser.fill(CURRENT, PASSWORD)
        browser.press("SE CONNECTER")
        assert "Notes de Camille Durand" in browser.text
        portal.clock.tick(timedelta(minutes=11))
        browser.visit("/notes")
        browser.press("RECEVOIR LE CODE")
        browser.fill(CODE, portal.mailbox.code(CAMILLE))
        browser.press("SE CONNECTER")

        assert "/notes" == browser.path
        assert "Notes de Camille Durand" in browser.text

    def test_a_restored_window_of_tabs(self) -> None:
        """
        However many tabs come back with one remembered cookie, all stay signed in.
        """
        portal = self.make()
        browser = portal.add_with_password()
        sign_in(browser, CAMILLE, PASSWORD, is_remembered=True)
        portal.clock.tick(timedelta(days=3))
        tabs = [portal.browse(sharing=browser) for _ in range(10)]

        for _ in range(2):
            for tab in tabs:
                tab.visit("/private")
                assert "Bonjour Camille Durand" in tab.text
            portal.clock.tick(timedelta(minutes=2))

    def test_asking_for_a_link_again_too_soon(self) -> None:
        """
        Within a minute no second mail is sent, and S3 says both times.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)
        portal.clock.tick(timedelta(seconds=20))

        start(browser, CAMILLE)

        assert browser.title.startswith("Demande envoyée")
        assert "Le dernier email est parti il y a 20 secondes." in browser.text
        assert "dans 40 secondes" in browser.text
        assert 1 == portal.mailbox.count(CAMILLE)

    def test_every_link_works_until_one_is_used(self) -> None:
        """
        Asking again does not break the link that is on its way; using one ends all.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)
        first = portal.mailbox.link(CAMILLE)
        portal.clock.tick(timedelta(minutes=2))
        start(browser, CAMILLE)
        second = portal.mailbox.link(CAMILLE)
        assert first != second

        browser.visit(first)
        browser.fill(NEW, PASSWORD)
        browser.fill(AGAIN, PASSWORD)
        browser.press("CRÉER")
        assert browser.title.startswith("Mot de passe enregistré")

        for link in (first, second):
            browser.visit(link)
            assert browser.title.startswith("Ce lien ne peut plus être utilisé")
            assert 410 == browser.status

    def test_a_link_opens_in_a_browser_without_cookies(self) -> None:
        """
        Asked for on one device, the link works on another, cookies or not, however
        often a scanner opened it and sent its empty form.
        """
        portal = self.make()
        portal.add()
        start(portal.browse(), CAMILLE)
        phone = portal.browse(takes_cookies=False)
        link = portal.mailbox.link(CAMILLE)
        for _ in range(5):
            phone.visit(link)
            phone.press("CRÉER")
            assert "Créez votre mot de passe UNESS" in phone.title

        phone.fill(NEW, PASSWORD)
        phone.fill(AGAIN, PASSWORD)
        phone.press("CRÉER")

        assert phone.title.startswith("Mot de passe enregistré")

    def test_an_old_link(self) -> None:
        """
        After its lifetime a link is told as too old, with a way to a new one.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)
        portal.clock.tick(timedelta(hours=24, minutes=2))

        browser.visit(portal.mailbox.link(CAMILLE))

        assert browser.title.startswith("Lien expiré")
        browser.follow("Demander un nouveau lien")
        assert browser.title.startswith("Bienvenue !")

    def test_a_broken_link(self) -> None:
        """
        A link cut short is told as incomplete.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        start(browser, CAMILLE)

        browser.visit(portal.mailbox.link(CAMILLE)[:-5])

        assert browser.title.startswith("Lien incomplet")
        assert 404 == browser.status

    def test_blocked_cookies_are_told(self) -> None:
        """
        Without cookies S1 says so, in words, and keeps what was typed.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse(takes_cookies=False)

        start(browser, CAMILLE)

        assert "Votre navigateur refuse les cookies." in browser.text
        assert CAMILLE == browser.value(EMAIL)

    def test_too_many_wrong_passwords(self) -> None:
        """
        After the fifth wrong password one waits, is told how long, and the link and
        the code stay open.
        """
        portal = self.make()
        browser = portal.add_with_password()
        for _ in range(5):
            sign_in(browser, CAMILLE, OTHER_PASSWORD)

        sign_in(browser, CAMILLE, PASSWORD)

        assert 429 == browser.status
        assert browser.title.startswith("Un peu de patience")
        assert "65 secondes" in browser.text
        browser.press("RECEVOIR LE CODE")
        browser.fill(CODE, portal.mailbox.code(CAMILLE))
        browser.press("SE CONNECTER")
        browser.visit("/private")
        assert "Bonjour Camille Durand" in browser.text

    def test_two_tabs_never_mix_two_people(self) -> None:
        """
        Each form says whom it is about, so the last address given does not count.
        """
        portal = self.make()
        portal.add(NADIA, name="Nadia Benali")
        create_password(portal, portal.browse(), NADIA, OTHER_PASSWORD)
        first = portal.add_with_password()
        second = portal.browse(sharing=first)
        start(first, CAMILLE)
        start(second, NADIA)

        first.fill(CURRENT, PASSWORD)
        first.press("SE CONNECTER")
        first.visit("/private")

        assert "Bonjour Camille Durand" in first.text

    def test_the_mail_server_is_down(self) -> None:
        """
        S1 says to try again in a moment; no page says that a mail was sent.
        """
        portal = self.make()
        portal.add()
        browser = portal.browse()
        portal.break_mail(True)

        start(browser, CAMILLE)

        assert 503 == browser.status
        assert "Votre demande a été envoyée" not in browser.text
        portal.break_mail(False)
        start(browser, CAMILLE)
        assert "Votre demande a été envoyée" in browser.text

    def test_in_english(self) -> None:
        """
        A browser that prefers English is answered in English.
        """
        portal = self.make()
        browser = portal.browse(language="en-GB,en;q=0.9,fr;q=0.5")

        browser.visit("/auth/")

        assert "Welcome" in browser.title
