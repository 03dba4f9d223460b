from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import attrs
import pytest

from uness_auth.addresses import AddressFault
from uness_auth.model import OrderKind, Site
from uness_auth.outcomes import (
    AddressMalformed,
    AddressUnknown,
    CodeExpired,
    LinkSent,
    MailPaused,
    NothingTyped,
    PasswordRefused,
    PasswordSuspended,
    Scope,
    Throttled,
    WrongCode,
    WrongPassword,
)
from uness_auth.policy import CodePolicy, LinkPolicy, Policy
from uness_auth.web.faults import CodeFault, IdentifyFault, PasswordFault
from uness_auth.web.frame import PageContext
from uness_auth.web.http import Page
from uness_auth.web.pages import Pages
from uness_auth.web.views import (
    CodeSignInView,
    IdentifyView,
    LinkSentView,
    PasswordLinkView,
    PasswordSignInView,
    StopView,
    WaitView,
)


V = TypeVar("V")

NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
SECONDS = timedelta(seconds=1)
ADDRESS = "camille.durand@univ-exemple.fr"
SITE = Site(base_url="https://portail.example.fr")
CONTEXT = PageContext(language="fr", csrf="guard", next="/private", now=NOW)


@pytest.fixture(name="pages")
def _pages() -> Pages:
    return Pages(SITE, Policy.uness(), lambda name: f"/static/{name}")


def shown(kind: type[V], page: Page) -> V:
    """
    Return the view of *page*, which is of that kind.
    """
    assert isinstance(page.view, kind)
    assert page.template == vars(kind)["template"]
    return page.view


def plain(text: str) -> str:
    """
    Return *text* with every space as the one on the keyboard.
    """
    return text.replace("\N{NO-BREAK SPACE}", " ")


def paused(kind: OrderKind | None) -> MailPaused:
    """
    Return a pause: the last mail left 20 seconds ago, the next goes in 40.
    """
    return MailPaused(sent_at=NOW - 20 * SECONDS, until=NOW + 40 * SECONDS, kind=kind)


def throttled(scope: Scope) -> Throttled:
    """
    Return a wait of 65 seconds.
    """
    return Throttled(scope=scope, until=NOW + 65 * SECONDS)


class TestIdentify:
    def test_is_the_tutorials(self, pages: Pages) -> None:
        """
        S1 has the tutorial's words.
        """
        page = pages.identify(CONTEXT)
        view = shown(IdentifyView, page)

        assert 200 == page.status
        assert "Bienvenue !" == plain(view.heading)
        assert (
            "Veuillez saisir votre adresse e-mail pour vous connecter ou créer votre "
            "compte UNESS"
        ) == view.intro
        assert "Votre adresse email*" == view.field.label
        assert "SE CONNECTER" == view.submit
        assert "/auth/" == view.action
        assert ("csrf", "guard", "/private") == (
            view.csrf_name,
            view.csrf_value,
            view.next,
        )
        assert "" == view.note == view.typed

    def test_keeps_an_unknown_address(self, pages: Pages) -> None:
        """
        S2 is S1 with the red box, the note and what was typed.
        """
        page = pages.identify(CONTEXT, typed="a@b.fr", fault=AddressUnknown())
        view = shown(IdentifyView, page)

        assert 422 == page.status
        assert "a@b.fr" == view.typed
        assert (
            "→ Si aucune de vos adresses n'est reconnue, nous vous invitons à contacter "
            "l'université dont vous dépendez."
        ) == plain(view.note)
        assert plain(view.frame.title).startswith("Erreur : Bienvenue !")

    @pytest.mark.parametrize("reason", AddressFault)
    def test_says_what_is_wrong(self, pages: Pages, reason: AddressFault) -> None:
        """
        An address that is none comes back to be corrected, without the note.
        """
        fault: IdentifyFault = AddressMalformed(fault=reason)
        page = pages.identify(CONTEXT, typed="a@", fault=fault)
        view = shown(IdentifyView, page)

        assert (422, "") == (page.status, view.note)
        assert view.alert.lead

    def test_tells_of_refused_cookies(self, pages: Pages) -> None:
        """
        A browser without cookies is told on S1, and its request is not taken.
        """
        page = pages.identify(CONTEXT, typed="a@b.fr", is_cookie_refused=True)
        view = shown(IdentifyView, page)

        assert 403 == page.status
        assert "Votre navigateur refuse les cookies." == view.alert.lead
        assert "a@b.fr" == view.typed

    def test_names_the_field_of_the_guard(self, pages: Pages) -> None:
        """
        A framework with a guard of its own gives the field its name.
        """
        context = attrs.evolve(CONTEXT, csrf_name="csrfmiddlewaretoken")
        view = shown(IdentifyView, pages.identify(context))

        assert "csrfmiddlewaretoken" == view.csrf_name


class TestSent:
    @pytest.mark.parametrize(
        ("kind", "lifetime"),
        [(OrderKind.FIRST_LINK, "24 heures"), (OrderKind.RESET_LINK, "une heure")],
    )
    def test_is_the_tutorials(
        self, pages: Pages, kind: OrderKind, lifetime: str
    ) -> None:
        """
        S3 has the tutorial's words and the figure of the link that was sent.
        """
        outcome = LinkSent(address=ADDRESS, kind=kind)
        page = pages.sent(CONTEXT, address=ADDRESS, outcome=outcome)
        view = shown(LinkSentView, page)
        heading = f"{view.heading.before}{view.heading.marked}{view.heading.after}"

        assert 200 == page.status
        assert (f"Votre demande a été envoyée à l'adresse email {ADDRESS} !") == plain(
            heading
        )
        assert (
            "Veuillez suivre les instructions de cet email pour créer ou réinitialiser "
            "votre mot de passe Uness. Si vous ne recevez pas l'email, veuillez "
            "vérifier votre dossier spam ou réessayer. Le lien de réinitialisation de "
            f"votre mot de passe est valable {lifetime}."
        ) == plain(view.text)
        assert "" == view.note
        assert "/auth/?next=/private" == view.back_url

    def test_the_lifetime_is_the_policys(self) -> None:
        """
        Another policy, another figure.
        """
        policy = Policy.uness(link=LinkPolicy(reset_lifetime=timedelta(minutes=20)))
        outcome = LinkSent(address=ADDRESS, kind=OrderKind.RESET_LINK)
        page = Pages(SITE, policy, str).sent(CONTEXT, address=ADDRESS, outcome=outcome)

        assert plain(shown(LinkSentView, page).text).endswith("valable 20 minutes.")

    def test_asked_too_soon_says_both_times(self, pages: Pages) -> None:
        """
        The same page says when the last mail left and when the next may be asked for.
        """
        page = pages.sent(
            CONTEXT, address=ADDRESS, outcome=paused(OrderKind.FIRST_LINK)
        )
        view = shown(LinkSentView, page)

        assert 200 == page.status
        assert (
            "Le dernier email est parti il y a 20 secondes. Vous pourrez en demander "
            "un autre dans 40 secondes."
        ) == plain(view.note)

    def test_for_any_address_nothing_is_certain(self, pages: Pages) -> None:
        """
        Where one page serves every address, S3 tells neither account nor kind of link.
        """
        outcome = LinkSent(address=ADDRESS, kind=None)
        view = shown(
            LinkSentView, pages.sent(CONTEXT, address=ADDRESS, outcome=outcome)
        )

        assert "Si un compte existe pour " == plain(view.heading.before)
        assert ", un email vient de lui être envoyé." == view.heading.after
        assert "heure" not in view.text

    def test_for_any_address_a_pause_tells_no_mail(self, pages: Pages) -> None:
        """
        Nor does it say then that a mail left.
        """
        view = shown(
            LinkSentView, pages.sent(CONTEXT, address=ADDRESS, outcome=paused(None))
        )

        assert ", un email lui a déjà été envoyé." == view.heading.after
        assert plain(view.note).startswith(
            "La dernière demande date d'il y a 20 secondes."
        )


class TestCreate:
    def test_is_the_tutorials(self, pages: Pages) -> None:
        """
        S5 has the tutorial's words and posts to the link's own path.
        """
        page = pages.create(CONTEXT, token="t0k.en", address=ADDRESS)
        view = shown(PasswordLinkView, page)

        assert 200 == page.status
        assert "Créez votre mot de passe UNESS" == view.heading
        assert "Entrez le mot de passe :*" == plain(view.password.label)
        assert "Confirmez le mot de passe :*" == plain(view.confirmation.label)
        assert ("CRÉER", "Annuler") == (view.submit, view.cancel)
        assert ADDRESS == view.account.marked
        assert "/auth/link/t0k.en" == view.action
        assert "/auth/?next=/private" == view.cancel_url

    def test_hides_the_token(self, pages: Pages) -> None:
        """
        The link's token is in no repr.
        """
        page = pages.create(CONTEXT, token="t0k.en", address=ADDRESS)

        assert "t0k.en" not in repr(page)

    def test_refused_it_comes_back(self, pages: Pages) -> None:
        """
        A refused password comes back with everything that was wrong.
        """
        refused = PasswordRefused(
            address=ADDRESS,
            kind=OrderKind.FIRST_LINK,
            unmet=("no_digit",),
            differs=True,
        )
        page = pages.create(CONTEXT, token="t", address=ADDRESS, refused=refused)
        view = shown(PasswordLinkView, page)

        assert 422 == page.status
        assert 2 == len(view.alert.lines)
        assert plain(view.frame.title).startswith("Erreur : Créez")
        assert [False] * 3 + [True] + [False] * 2 == [
            rule.is_unmet for rule in view.rules.rules
        ]


class TestPassword:
    def test_is_the_tutorials(self, pages: Pages) -> None:
        """
        S7 has the tutorial's words, and the code's own figure.
        """
        page = pages.password(CONTEXT, address=ADDRESS)
        view = shown(PasswordSignInView, page)

        assert 200 == page.status
        assert "Compte UNESS" == view.heading
        assert "Votre mot de passe Uness*" == view.field.label
        assert "Se souvenir de moi" == view.remember
        assert "SE CONNECTER" == view.submit
        assert "Mot de passe oublié ?" == plain(view.ways.forgotten)
        assert (
            "Vous pouvez également vous connecter en saisissant un code envoyé à votre "
            "adresse de messagerie"
        ) == view.ways.code_heading
        assert "RECEVOIR LE CODE" == view.ways.code_submit
        assert (
            "Ce code est à usage unique et doit être utilisé dans les 3 minutes."
        ) == plain(view.ways.code_note)
        assert "" == view.ways.first

    def test_each_form_has_its_path(self, pages: Pages) -> None:
        """
        Password, link and code go each their own way, with the address.
        """
        view = shown(PasswordSignInView, pages.password(CONTEXT, address=ADDRESS))

        assert "/auth/password" == view.action
        assert "/auth/link" == view.ways.link_action
        assert "/auth/code" == view.ways.code_action
        assert ADDRESS == view.username == view.ways.username
        assert "/auth/?next=/private" == view.change_url

    @pytest.mark.parametrize(
        "fault", [WrongPassword(), PasswordSuspended(), NothingTyped()]
    )
    def test_a_fault_comes_back(self, pages: Pages, fault: PasswordFault) -> None:
        """
        What was wrong is told, and what was ticked stays ticked.
        """
        page = pages.password(CONTEXT, address=ADDRESS, fault=fault, is_remembered=True)
        view = shown(PasswordSignInView, page)

        assert 422 == page.status
        assert view.alert.lead
        assert view.is_remembered
        assert plain(view.frame.title).startswith("Erreur : Compte UNESS")

    def test_for_any_address_the_first_sign_in_is_offered(self, pages: Pages) -> None:
        """
        Where one page serves every address, it has a way for those without a password.
        """
        page = pages.password(CONTEXT, address=ADDRESS, is_any=True)

        assert "Première connexion ? Demandez un lien" == plain(
            shown(PasswordSignInView, page).ways.first
        )

    def test_a_code_is_offered_only_where_there_are_codes(self) -> None:
        """
        Where the policy has no codes, S7 speaks of none.
        """
        policy = Policy.uness(code=CodePolicy(is_offered=False))
        page = Pages(SITE, policy, str).password(CONTEXT, address=ADDRESS)
        ways = shown(PasswordSignInView, page).ways

        assert "" == ways.code_heading == ways.code_action == ways.code_note
        assert "/auth/link" == ways.link_action


class TestCode:
    def test_is_the_tutorials(self, pages: Pages) -> None:
        """
        S8 has the tutorial's words, and the code's own figure.
        """
        page = pages.code(CONTEXT, challenge_id="c1")
        view = shown(CodeSignInView, page)

        assert 200 == page.status
        assert "Saisir le code reçu par email" == view.heading
        assert (
            "Nous vous avons envoyé un code de connexion par email. Ce code est valide "
            "une fois et durant 3 minutes."
        ) == plain(view.intro)
        assert "Code :*" == plain(view.field.label)
        assert ("SE CONNECTER", "Annuler") == (view.submit, view.cancel)
        assert ("/auth/code/confirm", "/auth/code") == (view.action, view.again_action)
        assert ("c1", "") == (view.challenge, view.username)
        assert "" == view.note

    @pytest.mark.parametrize(
        "fault",
        [WrongCode(attempts_left=4), NothingTyped(), CodeExpired(challenge_id="c1")],
    )
    def test_a_fault_comes_back(self, pages: Pages, fault: CodeFault) -> None:
        """
        What was wrong is told.
        """
        page = pages.code(CONTEXT, challenge_id="c1", fault=fault)
        view = shown(CodeSignInView, page)

        assert 422 == page.status
        assert view.alert.lead
        assert plain(view.frame.title).startswith("Erreur : Saisir")

    @pytest.mark.parametrize("kind", [OrderKind.CODE, None])
    def test_asked_too_soon_says_both_times(
        self, pages: Pages, kind: OrderKind | None
    ) -> None:
        """
        The same page says when the last mail left and when the next may be asked for.
        """
        page = pages.code(CONTEXT, challenge_id="c1", paused=paused(kind))
        view = shown(CodeSignInView, page)

        assert 200 == page.status
        assert plain(view.intro).startswith("Nous vous avons envoyé")
        assert (
            "Le dernier email est parti il y a 20 secondes. Vous pourrez en demander "
            "un autre dans 40 secondes."
        ) == plain(view.note)

    def test_for_any_address_nothing_is_certain(self, pages: Pages) -> None:
        """
        Where one page serves every address, S8 does not tell whether a mail was sent.
        """
        page = pages.code(CONTEXT, challenge_id="c1", username=ADDRESS)
        view = shown(CodeSignInView, page)

        assert plain(view.intro).startswith(
            f"Si un compte existe pour {ADDRESS}, un email vient de lui être envoyé."
        )
        assert ADDRESS == view.username

    def test_for_any_address_a_pause_tells_no_mail(self, pages: Pages) -> None:
        """
        Nor does it say then that a mail left.
        """
        page = pages.code(
            CONTEXT, challenge_id="c1", username=ADDRESS, paused=paused(None)
        )
        view = shown(CodeSignInView, page)

        assert "un email lui a déjà été envoyé." in view.intro
        assert plain(view.note).startswith("La dernière demande date")

    def test_without_a_challenge_there_is_nothing_to_type(self, pages: Pages) -> None:
        """
        A pause without a challenge shows no field for a code that cannot work.
        """
        page = pages.code(CONTEXT, challenge_id="", paused=paused(OrderKind.CODE))

        assert "Un peu de patience" == shown(StopView, page).heading


class TestWait:
    @pytest.mark.parametrize("scope", Scope)
    def test_says_what_waits_and_until_when(self, pages: Pages, scope: Scope) -> None:
        """
        The page names what was tried too often, and the wait, which is the header's.
        """
        page = pages.wait(CONTEXT, outcome=throttled(scope), address=ADDRESS)
        view = shown(WaitView, page)

        assert (429, 65) == (page.status, page.retry_after)
        assert view.sentence
        assert "Vous pourrez réessayer dans 65 secondes." == plain(view.wait)

    @pytest.mark.parametrize(
        "scope", [Scope.ACCOUNT_PASSWORDS, Scope.NETWORK_PASSWORDS]
    )
    def test_the_other_ways_stay_open(self, pages: Pages, scope: Scope) -> None:
        """
        While the password waits, link and code are offered, and the way back.
        """
        view = shown(
            WaitView, pages.wait(CONTEXT, outcome=throttled(scope), address=ADDRESS)
        )

        assert ADDRESS == view.ways.username == view.address
        assert "RECEVOIR LE CODE" == view.ways.code_submit
        assert ("/auth/", "Revenir au mot de passe") == (view.action, view.back)

    @pytest.mark.parametrize("scope", [Scope.ACCOUNT_CODES, Scope.NETWORK_CODES])
    def test_a_waiting_code_leads_to_the_password(
        self, pages: Pages, scope: Scope
    ) -> None:
        """
        While the code waits, there is the password, and no further code.
        """
        view = shown(
            WaitView, pages.wait(CONTEXT, outcome=throttled(scope), address=ADDRESS)
        )

        assert "" == view.ways.username
        assert (ADDRESS, "Revenir au mot de passe") == (view.address, view.back)

    def test_a_waiting_mail_leads_to_the_start(self, pages: Pages) -> None:
        """
        Whoever waits for a mail may have no password to go back to.
        """
        outcome = throttled(Scope.NETWORK_MAILS)
        view = shown(WaitView, pages.wait(CONTEXT, outcome=outcome, address=ADDRESS))

        assert ("", "") == (view.address, view.ways.username)
        assert "Revenir à la page de connexion" == view.back

    def test_without_an_address_it_leads_to_the_start(self, pages: Pages) -> None:
        """
        Where nobody knows whose sign-in it is, the way leads to S1.
        """
        outcome = throttled(Scope.ACCOUNT_PASSWORDS)
        view = shown(WaitView, pages.wait(CONTEXT, outcome=outcome))

        assert ("", "") == (view.address, view.ways.username)
        assert "/auth/?next=/private" == view.back_url


class TestLanguages:
    def test_pages_speak_english_too(self, pages: Pages) -> None:
        """
        In English the page and its words are English.
        """
        context = attrs.evolve(CONTEXT, language="en")
        view = shown(IdentifyView, pages.identify(context))

        assert "en" == view.frame.language
        assert "Your email address*" == view.field.label
