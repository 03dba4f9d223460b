"""
Tests for `uness_auth.texts` and its catalogs.
"""

from __future__ import annotations

import gettext
import json
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from uness_auth.addresses import AddressFault
from uness_auth.errors import ConfigurationError
from uness_auth.model import LANGUAGES, OrderKind
from uness_auth.outcomes import Scope
from uness_auth.policy import DAY, HOUR, MINUTE, SECOND, Policy
from uness_auth.texts import CATALOGS, PLACEHOLDER, Texts, texts_for


PARIS = ZoneInfo("Europe/Paris")
NO_BREAK = "\u00a0"
RULES = (
    "too_short",
    "too_long",
    "no_uppercase",
    "no_lowercase",
    "no_digit",
    "no_special",
    "forbidden_character",
    "too_common",
)
SIZES = {"hour": HOUR, "minute": MINUTE, "second": SECOND}

every_language = pytest.mark.parametrize("language", LANGUAGES)
any_language = st.sampled_from(LANGUAGES)


def catalog_bytes(language: str, ending: str) -> bytes:
    """
    Return a file of the catalog as it lies in the package.
    """
    folder = files("uness_auth") / "locale" / language / "LC_MESSAGES"
    return (folder / f"uness_auth.{ending}").read_bytes()


@cache
def entries(language: str) -> dict[str, tuple[str, ...]]:
    """
    Return key and plural forms of each entry of a ``.po`` file, one form where none.
    """
    text = catalog_bytes(language, "po").decode()
    found = re.findall(
        r'^msgid "(.+)"\n(?:msgid_plural "(.+)"\n)?((?:msgstr.*\n)+)',
        text,
        re.MULTILINE,
    )
    assert all(plural in {"", key} for key, plural, _ in found)
    assert len(found) == len({key for key, _, _ in found})
    return {
        key: tuple(
            json.loads(form)
            for form in re.findall(r'^msgstr\S* (".*")$', forms, re.MULTILINE)
        )
        for key, _, forms in found
    }


def read(texts: Texts, key: str) -> str:
    """
    Return an entry with every placeholder filled.
    """
    values = {name: "x" for form in entries("fr")[key] for name in names(form)}
    if len(entries("fr")[key]) > 1:
        return texts.count(key, 2, **{k: v for k, v in values.items() if k != "number"})
    return texts.say(key, **values)


def names(form: str) -> set[str]:
    """
    Return the placeholders of one form.
    """
    return set(PLACEHOLDER.findall(form))


def said(text: str) -> str:
    """
    Return the text with ordinary spaces for no-break ones.
    """
    return text.replace(NO_BREAK, " ")


@pytest.fixture(name="fr")
def _fr() -> Texts:
    return texts_for("fr")


@pytest.fixture(name="en")
def _en() -> Texts:
    return texts_for("en")


class TestCatalogs:
    def test_there_is_one_per_language(self) -> None:
        """
        Every language that an account or a site may have has its catalog.
        """
        assert LANGUAGES == CATALOGS

    @every_language
    def test_what_is_compiled_is_what_is_written(self, language: str) -> None:
        """
        The `.mo` file says what its `.po` file says, and nothing more.
        """
        with (
            files("uness_auth") / "locale" / language / "LC_MESSAGES" / "uness_auth.mo"
        ).open("rb") as file:
            compiled = gettext.GNUTranslations(file)
        (length,) = struct.unpack_from("<I", catalog_bytes(language, "mo"), 8)

        assert 1 + len(entries(language)) == length
        for key, forms in entries(language).items():
            if len(forms) == 1:
                assert forms[0] == compiled.gettext(key)
            else:
                assert forms == (
                    compiled.ngettext(key, key, 1),
                    compiled.ngettext(key, key, 2),
                )

    def test_both_have_the_same_entries(self) -> None:
        """
        Each key has as many forms in English as in French, with the same placeholders.
        """
        french, english = (
            {
                key: (len(forms), set[str]().union(*map(names, forms)))
                for key, forms in entries(language).items()
            }
            for language in ("fr", "en")
        )

        assert french == english

    @every_language
    def test_nothing_is_empty(self, language: str) -> None:
        """
        Every form has words, and no space at its ends.
        """
        bare = [
            key
            for key, forms in entries(language).items()
            if any(not form or form != form.strip() for form in forms)
        ]

        assert [] == bare

    @every_language
    def test_braces_are_placeholders(self, language: str) -> None:
        """
        No form holds a brace that is not part of a placeholder.
        """
        odd = [
            key
            for key, forms in entries(language).items()
            if any(re.search("[{}]", PLACEHOLDER.sub("", form)) for form in forms)
        ]

        assert [] == odd

    def test_french_spaces_do_not_break(self) -> None:
        """
        What French sets apart by a space stays on the line.
        """
        loose = [
            key
            for key, forms in entries("fr").items()
            if any(re.search(r" [!?:;»]|« |[^\u00a0][!?;»]", form) for form in forms)
        ]

        assert [] == loose

    @every_language
    def test_durations_come_in_every_unit(self, language: str) -> None:
        """
        A sentence that has an entry for one unit has it for all.
        """
        stems: dict[str, set[str]] = {}
        for key, forms in entries(language).items():
            stem, _, unit = key.rpartition(".")
            if unit in {"hours", "minutes", "seconds"}:
                assert 2 == len(forms)
                stems.setdefault(stem, set()).add(unit)

        assert "page.sent.lifetime" in stems
        assert all(units == {"hours", "minutes", "seconds"} for units in stems.values())

    @every_language
    def test_every_fault_has_words(self, language: str) -> None:
        """
        All that outcomes may name is told: address faults, rules, scopes, kinds.
        """
        keys = {
            *(f"page.address.{fault}" for fault in AddressFault),
            *(f"page.address.{fault}.help" for fault in AddressFault),
            *(f"page.rule_fault.{name}" for name in RULES),
            *(f"page.wait.{scope}" for scope in Scope),
            *(
                f"mail.{kind}.{part}"
                for kind in OrderKind
                if kind.is_notice
                for part in ("subject", "heading", "request")
            ),
            "page.expired.first_link.hours",
            "page.expired.reset_link.hours",
        }

        assert set() == keys - set(entries(language))
        assert {
            OrderKind.FIRST_LINK,
            OrderKind.RESET_LINK,
            OrderKind.CODE,
            OrderKind.NEW_DEVICE,
            OrderKind.PASSWORD_CHANGED,
            OrderKind.ADDRESS_CHANGED,
            OrderKind.INVITATION,
        } == set(OrderKind)

    @every_language
    def test_every_entry_can_be_said(self, language: str) -> None:
        """
        With its values given, no entry leaves a brace.
        """
        texts = texts_for(language)

        assert [] == [key for key in entries(language) if "{" in read(texts, key)]


# What the tutorial prints between « », and how a page or mail says it.
Said = Callable[[Texts], str]
SUPPORT = "https://sos.uness.fr/"
TUTORIAL: dict[str, Said] = {
    # S0
    "Connectez-vous": lambda t: t.say("page.sign_in.submit"),
    # S1
    "Bienvenue !": lambda t: t.say("page.identify.title"),
    "Veuillez saisir votre adresse e-mail pour vous connecter ou créer votre compte "
    "UNESS": lambda t: t.say("page.identify.intro"),
    "Votre adresse email*": lambda t: t.say("page.identify.label"),
    "SE CONNECTER": lambda t: t.say("page.identify.submit"),
    # S2
    "Votre adresse email n'est pas reconnue.": lambda t: t.say("page.unknown.summary"),
    "Veuillez utiliser votre email universitaire": lambda t: t.say(
        "page.unknown.university"
    ),
    "Si vous n'en avez pas, veuillez essayer avec une autre adresse email (CHU, "
    "personnelle, etc)": lambda t: t.say("page.unknown.other"),
    "→ Si aucune de vos adresses n'est reconnue, nous vous invitons à contacter "
    "l'université dont vous dépendez.": lambda t: t.say("page.unknown.note"),
    # S3
    "Votre demande a été envoyée à l'adresse email camille@univ-exemple.fr !": (
        lambda t: t.say("page.sent.heading", email="camille@univ-exemple.fr")
    ),
    "Veuillez suivre les instructions de cet email pour créer ou réinitialiser votre "
    "mot de passe Uness. Si vous ne recevez pas l'email, veuillez vérifier votre "
    "dossier spam ou réessayer. Le lien de réinitialisation de votre mot de passe est "
    "valable une heure.": lambda t: " ".join(
        (t.say("page.sent.instructions"), t.lasting("page.sent.lifetime", HOUR))
    ),
    # S4
    "Votre lien de connexion": lambda t: t.say("mail.link.subject"),
    "Bonjour,": lambda t: t.say("mail.greeting"),
    "Vous avez demandé à recevoir un lien de connexion à UNESS. Pour vous connecter "
    "merci de suivre le lien suivant :": lambda t: t.say("mail.link.request"),
    "Ce lien n'est valide que 24 heures et ne peut être utilisé qu'une seule fois. Si "
    "vous n'êtes pas à l'origine de cette demande, merci d'ignorer cet email.": (
        lambda t: f"{t.lasting('mail.link.lifetime', DAY)} {t.say('mail.ignore')}"
    ),
    "Se connecter à UNESS": lambda t: t.say("mail.link.button"),
    # S5
    "Créez votre mot de passe UNESS": lambda t: t.say("page.link.title"),
    "Entrez le mot de passe :*": lambda t: t.say("page.link.password"),
    "Confirmez le mot de passe :*": lambda t: t.say("page.link.confirmation"),
    "CRÉER": lambda t: t.say("page.link.submit"),
    "Annuler": lambda t: t.say("page.cancel"),
    "Votre mot de passe doit contenir :": lambda t: t.say("page.rules.intro"),
    "entre 8 et 50 caractères": lambda t: t.say("page.rule.length", min=8, max=50),
    "au moins 1 lettre Majuscule A-Z": lambda t: t.say("page.rule.no_uppercase"),
    "au moins 1 lettre minuscule a-z": lambda t: t.say("page.rule.no_lowercase"),
    "au moins 1 chiffre 0-9": lambda t: t.say("page.rule.no_digit"),
    "au moins 1 caractère spécial parmi ![]{}()%$#@|+-_": lambda t: t.say(
        "page.rule.no_special", specials=Policy.uness().password.specials
    ),
    "les espaces et les autres caractères ne sont pas autorisés.": lambda t: t.say(
        "page.rule.forbidden_character"
    ),
    # S7
    "Compte UNESS": lambda t: t.say("page.password.title"),
    "Votre mot de passe Uness*": lambda t: t.say("page.password.label"),
    "Se souvenir de moi": lambda t: t.say("page.password.remember"),
    "Mot de passe oublié ?": lambda t: t.say("page.password.forgotten"),
    "Vous pouvez également vous connecter en saisissant un code envoyé à votre adresse "
    "de messagerie": lambda t: t.say("page.password.code"),
    "RECEVOIR LE CODE": lambda t: t.say("page.password.code.submit"),
    "Ce code est à usage unique et doit être utilisé dans les 3 minutes.": (
        lambda t: t.lasting("page.password.code.lifetime", 3 * MINUTE)
    ),
    # S8
    "Saisir le code reçu par email": lambda t: t.say("page.code.title"),
    "Nous vous avons envoyé un code de connexion par email. Ce code est valide une fois "
    "et durant 3 minutes.": lambda t: " ".join(
        (t.say("page.code.sent"), t.lasting("page.code.lifetime", 3 * MINUTE))
    ),
    "Code :*": lambda t: t.say("page.code.label"),
    # S9
    "Ne communiquez ce code à personne, pas même à l'assistance.": lambda t: t.say(
        "mail.code.secrecy"
    ),
    # Every page
    "Pour toutes questions techniques, veuillez contacter uness assistance à l'adresse "
    ": https://sos.uness.fr/": lambda t: f"{t.say('page.footer.support')} {SUPPORT}",
}


class TestTutorial:
    @pytest.mark.parametrize("sentence", TUTORIAL)
    def test_says_it_to_the_letter(self, sentence: str, fr: Texts) -> None:
        """
        Typographic spaces apart, the product's texts are the tutorial's.
        """
        assert sentence == said(TUTORIAL[sentence](fr))


class TestSay:
    def test_fills_placeholders(self, fr: Texts) -> None:
        """
        Each placeholder gives way to its value, a number as well as a text.
        """
        assert "entre 8 et 50 caractères" == fr.say("page.rule.length", min="8", max=50)

    def test_refuses_an_unknown_key(self, fr: Texts) -> None:
        """
        A key that no catalog has is a developer's mistake, and named.
        """
        with pytest.raises(ConfigurationError, match=r"'page\.no\.such' \(fr\)"):
            fr.say("page.no.such")

    def test_refuses_a_missing_value(self, fr: Texts) -> None:
        """
        A page never shows a placeholder.
        """
        with pytest.raises(ConfigurationError, match=r"page\.rule\.length.*\{max\}"):
            fr.say("page.rule.length", min=8)

    @given(any_language, st.text(), st.text())
    @example("fr", "{name}", "{0.__class__}")
    @example("en", "{title}{name}", r"\1 \g<1> %s $name")
    def test_values_are_never_read(self, language: str, title: str, name: str) -> None:
        """
        Whatever a value holds, it stands in the text as it is.
        """
        text = texts_for(language).say("page.title", title=title, name=name)

        assert f"{title} – {name}" == text


class TestCount:
    @pytest.mark.parametrize(
        ("language", "number", "expected"),
        [
            ("fr", 0, "Il vous reste un essai."),
            ("fr", 1, "Il vous reste un essai."),
            ("fr", 4, "Il vous reste 4 essais."),
            ("en", 0, "You have 0 tries left."),
            ("en", 1, "You have one try left."),
            ("en", 4, "You have 4 tries left."),
        ],
    )
    def test_takes_the_plural_form(
        self, language: str, number: int, expected: str
    ) -> None:
        """
        Each language counts its own way: nothing is singular in French.
        """
        assert expected == texts_for(language).count("page.code.attempts", number)

    def test_refuses_an_unknown_key(self, en: Texts) -> None:
        """
        A key that no catalog has is a developer's mistake, and named.
        """
        with pytest.raises(ConfigurationError, match=r"page\.no\.such.* \(en\)"):
            en.count("page.no.such", 2)


class TestAround:
    def test_splits_at_the_placeholder(self, fr: Texts) -> None:
        """
        The page puts the address between the two parts, in markup of its own.
        """
        before, after = fr.around("page.sent.heading", "email")

        assert "Votre demande a été envoyée à l'adresse email " == before
        assert f"{NO_BREAK}!" == after

    def test_fills_the_others(self, fr: Texts) -> None:
        """
        The other placeholders of the entry are filled in both parts.
        """
        assert ("entre ", " et 50 caractères") == fr.around(
            "page.rule.length", "min", max=50
        )

    def test_refuses_another_name(self, fr: Texts) -> None:
        """
        A placeholder that the entry does not have is a developer's mistake.
        """
        with pytest.raises(ConfigurationError, match=r"has no \{name\}"):
            fr.around("page.sent.heading", "name")

    def test_refuses_an_unknown_key(self, fr: Texts) -> None:
        """
        A key that no catalog has is a developer's mistake, and named.
        """
        with pytest.raises(ConfigurationError, match="is not there"):
            fr.around("page.no.such", "email")


class TestLasting:
    @pytest.mark.parametrize(
        ("duration", "expected"),
        [
            (DAY, "que 24 heures"),
            (HOUR, "qu'une heure"),
            (90 * MINUTE, "que 90 minutes"),
            (3 * MINUTE, "que 3 minutes"),
            (MINUTE, "qu'une minute"),
            (90 * SECOND, "que 90 secondes"),
            (SECOND, "qu'une seconde"),
        ],
    )
    def test_takes_the_largest_whole_unit(
        self, duration: timedelta, expected: str, fr: Texts
    ) -> None:
        """
        A duration is said exactly, in as few words as it takes.
        """
        text = fr.lasting("mail.link.lifetime", duration)

        assert text.startswith(f"Ce lien n'est valide {expected} et ne peut")

    @given(any_language, st.integers(1, 86_400))
    def test_says_what_is_enforced(self, language: str, seconds: int) -> None:
        """
        Whatever a policy sets, the text tells that duration and no other.
        """
        text = texts_for(language).lasting("page.pause.next", seconds * SECOND)

        assert seconds * SECOND == told(text)

    @pytest.mark.parametrize(
        "duration", [timedelta(0), -SECOND, timedelta(milliseconds=1500)]
    )
    def test_refuses_what_no_policy_sets(self, duration: timedelta, fr: Texts) -> None:
        """
        Nothing, less than nothing and parts of a second have no words.
        """
        with pytest.raises(ConfigurationError, match="give whole seconds"):
            fr.lasting("mail.link.lifetime", duration)


def told(text: str) -> timedelta:
    """
    Return the duration that a text tells, in either language.
    """
    found = re.search(r"(\d+|une|one) (second|minute|heure|hour)", text)
    assert found is not None
    number = int(found[1]) if found[1].isdecimal() else 1
    return number * SIZES[found[2].replace("heure", "hour")]


class TestWaiting:
    @pytest.mark.parametrize(
        ("wait", "expected"),
        [
            (timedelta(0), "une seconde"),
            (-MINUTE, "une seconde"),
            (timedelta(seconds=0.2), "une seconde"),
            (40 * SECOND, "40 secondes"),
            (65 * SECOND, "65 secondes"),
            (119 * SECOND, "119 secondes"),
            (timedelta(seconds=119.5), "2 minutes"),
            (121 * SECOND, "3 minutes"),
            (HOUR, "60 minutes"),
            (119 * MINUTE, "119 minutes"),
            (119 * MINUTE + SECOND, "2 heures"),
            (2 * HOUR + SECOND, "3 heures"),
            (DAY, "24 heures"),
        ],
    )
    def test_takes_a_unit_of_use(
        self, wait: timedelta, expected: str, fr: Texts
    ) -> None:
        """
        Seconds under two minutes, minutes under two hours, then hours.
        """
        text = fr.waiting("page.wait.until", wait)

        assert f"Vous pourrez réessayer dans {expected}." == text

    @given(any_language, st.timedeltas(timedelta(0), 3 * DAY))
    def test_never_calls_too_early(self, language: str, wait: timedelta) -> None:
        """
        Who waits as long as the text says has waited long enough.
        """
        waited = told(texts_for(language).waiting("page.wait.until", wait))

        assert max(wait, SECOND) <= waited


class TestElapsed:
    @pytest.mark.parametrize(
        ("gone", "expected"),
        [
            (timedelta(0), "une seconde"),
            (-SECOND, "une seconde"),
            (timedelta(seconds=20.9), "20 secondes"),
            (timedelta(seconds=119.9), "119 secondes"),
            (2 * MINUTE, "2 minutes"),
            (119 * MINUTE + 59 * SECOND, "119 minutes"),
            (2 * HOUR, "2 heures"),
            (23 * HOUR + 59 * MINUTE, "23 heures"),
        ],
    )
    def test_rounds_down(self, gone: timedelta, expected: str, fr: Texts) -> None:
        """
        What the text says ago was ago.
        """
        text = fr.elapsed("page.pause.sent", gone)

        assert f"Le dernier email est parti il y a {expected}." == text

    @given(any_language, st.timedeltas(SECOND, 3 * DAY))
    def test_never_exaggerates(self, language: str, gone: timedelta) -> None:
        """
        The time told is never longer than the time gone by.
        """
        assert told(texts_for(language).elapsed("page.pause.sent", gone)) <= gone


class TestMoment:
    @pytest.mark.parametrize(
        ("instant", "french", "english"),
        [
            (
                datetime(2026, 11, 22, 13, 32, tzinfo=UTC),
                "le 22 novembre 2026 à 14 h 32",
                "on 22 November 2026 at 14:32",
            ),
            (
                # Summer time, and the next day: the site's time zone, not UTC.
                datetime(2026, 7, 31, 23, 5, tzinfo=UTC),
                "le 1er août 2026 à 1 h 05",
                "on 1 August 2026 at 1:05",
            ),
        ],
    )
    def test_is_said_in_the_zone(
        self, instant: datetime, french: str, english: str, fr: Texts, en: Texts
    ) -> None:
        """
        Day and time are those of the site's wall, in the language's own order.
        """
        assert french == fr.moment(instant, PARIS)
        assert english == en.moment(instant, PARIS)

    @every_language
    def test_every_month_has_its_name(self, language: str) -> None:
        """
        Twelve months, twelve names.
        """
        texts = texts_for(language)
        dates = [datetime(2026, month, 2, tzinfo=UTC) for month in range(1, 13)]

        assert 12 == len({texts.moment(each, PARIS) for each in dates})

    @given(any_language, st.integers(0, 2**33))
    def test_any_instant(self, language: str, seconds: int) -> None:
        """
        Every instant can be said, and ends with its time of day.
        """
        instant = datetime.fromtimestamp(seconds, UTC)
        texts = texts_for(language)

        assert texts.moment(instant, PARIS).endswith(texts.clock(instant, PARIS))


class TestTextsFor:
    @every_language
    def test_is_read_once(self, language: str) -> None:
        """
        A catalog is read from its file once.
        """
        assert texts_for(language) is texts_for(language)
        assert language == texts_for(language).language

    @pytest.mark.parametrize("language", ["", "de", "../fr", "FR"])
    def test_refuses_other_languages(self, language: str) -> None:
        """
        Only a shipped catalog is opened.
        """
        with pytest.raises(ConfigurationError, match="choose among"):
            texts_for(language)
