from __future__ import annotations

import pytest

from uness_auth.addresses import AddressFault
from uness_auth.model import OrderKind
from uness_auth.outcomes import (
    AddressMalformed,
    AddressUnknown,
    CodeExpired,
    NothingTyped,
    PasswordRefused,
    PasswordSuspended,
    WrongCode,
    WrongPassword,
)
from uness_auth.policy import CodePolicy, PasswordPolicy, Policy
from uness_auth.texts import texts_for
from uness_auth.web.faults import (
    IdentifyFault,
    code_fault,
    identify_fault,
    new_password,
    password_fault,
    suggested,
)
from uness_auth.web.views import Around


FRENCH = texts_for("fr")
CODE = CodePolicy()
PASSWORD = PasswordPolicy()


def plain(text: str) -> str:
    """
    Return *text* with every space as the one on the keyboard.
    """
    return text.replace("\N{NO-BREAK SPACE}", " ")


def refused(*unmet: str, differs: bool = False) -> PasswordRefused:
    """
    Return the refusal of a password that breaks the rules *unmet*.
    """
    return PasswordRefused(
        address="a@example.fr", kind=OrderKind.RESET_LINK, unmet=unmet, differs=differs
    )


class TestIdentifyFault:
    def test_nothing_is_wrong_at_first(self) -> None:
        """
        Without a fault there is no box, and the field has the focus.
        """
        alert, field = identify_fault(FRENCH, None)

        assert "" == alert.lead
        assert ("", False, True) == (field.fault, field.is_invalid, field.has_focus)
        assert "Votre adresse email*" == field.label
        assert "intro" == field.described_by

    @pytest.mark.parametrize("reason", AddressFault)
    def test_says_what_is_wrong_and_what_to_do(self, reason: AddressFault) -> None:
        """
        The box says what is wrong, the field what to do.
        """
        alert, field = identify_fault(FRENCH, AddressMalformed(fault=reason))

        assert FRENCH.say(f"page.address.{reason}") == alert.lead
        assert "#email" == alert.href
        assert FRENCH.say(f"page.address.{reason}.help") == field.fault
        assert "email-fault intro" == field.described_by
        assert (True, False) == (field.is_invalid, field.has_focus)

    def test_an_unknown_one_is_the_tutorials_red_box(self) -> None:
        """
        S2 has the tutorial's words, and the box describes the field.
        """
        alert, field = identify_fault(FRENCH, AddressUnknown())

        assert "Votre adresse email n'est pas reconnue." == plain(alert.lead)
        other = (
            "Si vous n'en avez pas, veuillez essayer avec une autre adresse email "
            "(CHU, personnelle, etc)"
        )
        assert ["Veuillez utiliser votre email universitaire", other] == [
            plain(line.text.before) for line in alert.lines
        ]
        assert "summary email-note" == field.described_by
        assert ("", True) == (field.fault, field.is_invalid)

    def test_a_suggestion_describes_the_field_too(self) -> None:
        """
        « Vouliez-vous dire … ? » surrounds the address, and is read with the field.
        """
        fault = AddressUnknown(suggestion="a@univ-exemple.fr")
        _, field = identify_fault(FRENCH, fault)
        found = suggested(FRENCH, fault)

        assert "summary suggestion email-note" == field.described_by
        assert "Vouliez-vous dire a@univ-exemple.fr ?" == plain(
            found.before + found.marked + found.after
        )

    @pytest.mark.parametrize(
        "fault",
        [None, AddressUnknown(), AddressMalformed(fault=AddressFault.INCOMPLETE)],
    )
    def test_without_one_nothing_is_asked(self, fault: IdentifyFault | None) -> None:
        """
        Nothing is asked where nothing is suggested.
        """
        assert Around(before="") == suggested(FRENCH, fault)

    def test_refused_cookies_are_told(self) -> None:
        """
        A browser without cookies is told so, and the address is not to blame.
        """
        alert, field = identify_fault(FRENCH, None, is_cookie_refused=True)

        assert "Votre navigateur refuse les cookies." == alert.lead
        assert alert.more.startswith("La connexion en a besoin.")
        assert (False, False) == (field.is_invalid, field.has_focus)


class TestPasswordFault:
    def test_nothing_is_wrong_at_first(self) -> None:
        """
        Without a fault there is no box, and the field has the focus.
        """
        alert, field = password_fault(FRENCH, None)

        assert "" == alert.lead
        assert "Votre mot de passe Uness*" == field.label
        assert (False, True) == (field.is_invalid, field.has_focus)

    def test_a_wrong_one(self) -> None:
        """
        A wrong password is said to be wrong, whatever the reason.
        """
        alert, field = password_fault(FRENCH, WrongPassword())

        assert "Ce mot de passe n'est pas le bon." == alert.lead
        assert "#password" == alert.href
        assert "Vérifiez les majuscules et retapez votre mot de passe." == field.fault
        assert (True, False) == (field.is_invalid, field.has_focus)

    def test_an_empty_one(self) -> None:
        """
        An empty field is not called a wrong password.
        """
        alert, field = password_fault(FRENCH, NothingTyped())

        assert "Le mot de passe est vide." == alert.lead
        assert "Saisissez votre mot de passe." == field.fault

    def test_a_suspended_one(self) -> None:
        """
        A suspended password is told, with the way out, and not blamed on the typing.
        """
        alert, field = password_fault(FRENCH, PasswordSuspended())

        assert (
            "Ce mot de passe a été suspendu par sécurité. Créez-en un nouveau avec "
            "« Mot de passe oublié ? »."
        ) == plain(alert.lead)
        assert ("", False) == (field.fault, field.is_invalid)


class TestCodeFault:
    def test_nothing_is_wrong_at_first(self) -> None:
        """
        Without a fault there is no box, and the field has the focus.
        """
        alert, field = code_fault(FRENCH, CODE, None)

        assert "" == alert.lead
        assert "Code :*" == plain(field.label)
        assert ("code-intro", True) == (field.described_by, field.has_focus)

    @pytest.mark.parametrize(
        ("left", "expected"),
        [(4, "Il vous reste 4 essais."), (1, "Il vous reste un essai.")],
    )
    def test_a_wrong_one(self, left: int, expected: str) -> None:
        """
        A wrong code tells the tries left and the digits to copy.
        """
        alert, field = code_fault(FRENCH, CODE, WrongCode(attempts_left=left))

        assert "Ce code n'est pas le bon." == alert.lead
        assert f"Recopiez les 6 chiffres du dernier email. {expected}" == plain(
            field.fault
        )
        assert "code-fault code-intro" == field.described_by
        assert (True, False) == (field.is_invalid, field.has_focus)

    def test_the_digits_are_the_policys(self) -> None:
        """
        The number of digits is read from the policy.
        """
        _, field = code_fault(FRENCH, CodePolicy(digits=8), NothingTyped())

        assert "Recopiez les 8 chiffres du dernier email." == plain(field.fault)

    def test_an_empty_one(self) -> None:
        """
        An empty field is not called a wrong code, and no try is counted.
        """
        alert, field = code_fault(FRENCH, CODE, NothingTyped())

        assert "Le code est vide." == alert.lead
        assert "essai" not in field.fault

    def test_an_expired_one(self) -> None:
        """
        An expired code leads to the button that sends it again.
        """
        alert, field = code_fault(FRENCH, CODE, CodeExpired(challenge_id="c"))

        assert "Ce code n'est plus valable. Demandez-en un nouveau." == alert.lead
        assert "#again" == alert.href
        assert ("", False) == (field.fault, field.is_invalid)


class TestNewPassword:
    def test_nothing_is_wrong_at_first(self) -> None:
        """
        Before anything was sent there is no box, and the rules are neutral.
        """
        form = new_password(FRENCH, PASSWORD, None)

        assert ("", ()) == (form.alert.lead, form.alert.lines)
        assert "Entrez le mot de passe :*" == plain(form.first.label)
        assert "Confirmez le mot de passe :*" == plain(form.second.label)
        assert "password-rules" == form.first.described_by
        assert not form.first.is_invalid
        assert not form.second.is_invalid
        assert not any(rule.is_unmet for rule in form.rules.rules)

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        """
        Each broken rule and the difference have their line, each with its field.
        """
        outcome = refused("no_digit", "forbidden_character", differs=True)
        form = new_password(FRENCH, PASSWORD, outcome)

        assert "Votre mot de passe n'est pas encore créé :" == plain(form.alert.lead)
        assert ["#password", "#password", "#confirmation"] == [
            line.href for line in form.alert.lines
        ]
        assert "2 règles ne sont pas respectées : voyez la liste ci-dessous." == plain(
            form.first.fault
        )
        assert "password-fault password-rules" == form.first.described_by
        assert "Retapez exactement le même mot de passe." == form.second.fault
        assert "confirmation-fault" == form.second.described_by
        assert form.first.is_invalid
        assert form.second.is_invalid

    def test_a_difference_alone(self) -> None:
        """
        Two acceptable passwords that differ are no fault of the first.
        """
        form = new_password(FRENCH, PASSWORD, refused(differs=True))

        assert 1 == len(form.alert.lines)
        assert ("", False) == (form.first.fault, form.first.is_invalid)
        assert form.second.is_invalid

    def test_a_common_one(self) -> None:
        """
        That it is too common is in no list, and is said in words of its own.
        """
        form = new_password(FRENCH, PASSWORD, refused("too_common"))

        assert (
            "Choisissez un mot de passe moins courant, sans votre nom ni votre adresse."
        ) == plain(form.first.fault)
        assert form.first.is_invalid

    def test_what_is_not_listed_is_not_looked_for_there(self) -> None:
        """
        In an open alphabet a forbidden character has no rule to look up.
        """
        policy = Policy.strict().password
        form = new_password(FRENCH, policy, refused("forbidden_character"))

        assert 1 == len(form.alert.lines)
        assert "" == form.first.fault
        assert "password-rules" == form.first.described_by
        assert form.first.is_invalid
