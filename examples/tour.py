"""
The tutorial's three steps, walked over real HTTP and real SMTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import urlsplit

from catcher import Catcher, code_in, link_in

from uness_auth.testing.browser import HtmlBrowser, Reply


PASSWORD = "Cheval7+Agrafe"
SECONDS = 30


def sender(base_url: str):  # noqa: ANN201 - uness_auth.testing.browser.Send
    """
    Return what sends a browser's requests to *base_url* over HTTP.
    """
    host = urlsplit(base_url).netloc

    def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        connection = HTTPConnection(host, timeout=SECONDS)
        try:
            connection.request(method, path, body or None, dict(headers))
            answer = connection.getresponse()
            return Reply(
                status=answer.status,
                headers=tuple(answer.getheaders()),
                body=answer.read().decode(),
            )
        finally:
            connection.close()

    return send


class Tour:
    """
    One person's first visit to the portal.
    """

    def __init__(
        self, base_url: str, catcher: Catcher, address: str, name: str
    ) -> None:
        self.browser = HtmlBrowser(sender(base_url), base_url)
        self.catcher = catcher
        self.address = address
        self.name = name

    def walk(self) -> bool:
        """
        Walk the three steps and say whether all went as the tutorial says.
        """
        try:
            self._create_password()
            self._sign_in_with_password()
            self._sign_out()
            self._sign_in_with_code()
        except (AssertionError, LookupError, TimeoutError) as exc:
            print(f"the tour stops on {self.browser.path}: {exc}", flush=True)
            return False
        print("the tour went as the tutorial says", flush=True)
        return True

    def _create_password(self) -> None:
        print("\n=== Étape 1 : configurer son mot de passe UNESS")
        self.browser.visit("/")
        self._see("Portail")
        self.browser.follow("Connectez-vous")
        self._see("Bienvenue !")
        self.browser.fill("Votre adresse email*", f"inconnu-{self.address}")
        self.browser.press("SE CONNECTER")
        self._see("Erreur : Bienvenue !")
        self._give_address()
        self._see("Demande envoyée")
        self.browser.visit(link_in(self._last_mail(1)))
        self._see("Créez votre mot de passe UNESS")
        self._give_passwords("trop court")
        self._see("Erreur : Créez votre mot de passe UNESS")
        self._give_passwords(PASSWORD)
        self._see("Mot de passe enregistré")

    def _sign_in_with_password(self) -> None:
        print("\n=== Étape 2 : se connecter avec son mot de passe")
        self.browser.follow("SE CONNECTER")
        self._see("Bienvenue !")
        self._give_address()
        self._see("Compte UNESS")
        self.browser.fill("Votre mot de passe Uness*", PASSWORD)
        self.browser.check("Se souvenir de moi")
        self.browser.press("SE CONNECTER")
        self._see_private()

    def _sign_out(self) -> None:
        self.browser.press("Se déconnecter")
        self._see("Déconnexion effectuée")

    def _sign_in_with_code(self) -> None:
        print("\n=== Étape 3 : se connecter par code")
        self.browser.visit("/private")
        self._see("Bienvenue !")
        self._give_address()
        self._see("Compte UNESS")
        self.browser.press("RECEVOIR LE CODE")
        self._see("Saisir le code reçu par email")
        self.browser.fill("Code :*", code_in(self._last_mail(2)))
        self.browser.press("SE CONNECTER")
        self._see_private()

    def _see(self, title: str) -> None:
        print(f"[{self.browser.status}] {self.browser.title}", flush=True)
        expect(
            self.browser.title.startswith(title),
            f"the page is « {self.browser.title} », not « {title} »",
        )

    def _see_private(self) -> None:
        self.browser.visit("/private")
        self._see("Accueil")
        expect(
            f"Bonjour {self.name}" in self.browser.text,
            f"the private page does not say « Bonjour {self.name} »",
        )

    def _give_address(self) -> None:
        self.browser.fill("Votre adresse email*", self.address)
        self.browser.press("SE CONNECTER")

    def _give_passwords(self, password: str) -> None:
        self.browser.fill("Entrez le mot de passe :*", password)
        self.browser.fill("Confirmez le mot de passe :*", password)
        self.browser.press("CRÉER")

    def _last_mail(self, count: int):  # noqa: ANN202 - an EmailMessage
        mail = self.catcher.wait_for(count)[-1]
        expect(str(mail["To"]) == self.address, f"the mail went to {mail['To']}")
        return mail


def expect(is_so: bool, words: str) -> None:
    """
    Stop the tour unless *is_so*.
    """
    if not is_so:
        raise AssertionError(words)
