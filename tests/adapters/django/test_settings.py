"""
The settings of a Django project: what they make, and what each check says of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from io import StringIO
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any

import django
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.adapters.django.portal import (
    BASE_URL,
    DJANGOS,
    OURS,
    empty_database,
    installed,
    middleware,
)
from uness_auth import ConfigurationError, MailError, Policy
from uness_auth.django import checks
from uness_auth.django.conf import get_auth
from uness_auth.django.hashing import DjangoHashing
from uness_auth.django.mail import DjangoMailer, backend_name
from uness_auth.django.management.commands.uness_auth import Command
from uness_auth.errors import RecipientError
from uness_auth.keys import Purpose
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing.journeys import CAMILLE


HTTPS = "https://portail.example.fr"
KEY = "a key of thirty-two bytes or more, made for tests alone"
SMTP = "django.core.mail.backends.smtp.EmailBackend"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
HASHER = "uness_auth.django.hashers.UnessArgon2PasswordHasher"


def backend(name: str) -> dict[str, Any]:
    """
    The setting that names a mail backend, in this version of Django.
    """
    path = f"{__name__}.{name}" if name[0].isupper() else name
    path = path if "." in path else f"django.core.mail.backends.{path}.EmailBackend"
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": path}}}
    return {"EMAIL_BACKEND": path}


@pytest.fixture(name="project", autouse=True)
def _project() -> Iterator[None]:
    """
    A project that is right as it is.
    """
    with installed():
        yield


def told(*, deploy: bool = False) -> list[str]:
    """
    The ids of what our checks say.
    """
    said = [*checks.check_settings(), *checks.check_project()]
    if deploy:
        said += checks.check_deployment()
    return [str(one.id).removeprefix("uness_auth.") for one in said]


def ours(**wishes: Any) -> dict[str, Any]:
    """
    ``UNESS_AUTH`` as it is right, with *wishes* in it.
    """
    return {**settings.UNESS_AUTH, **wishes}


def https(**wishes: Any) -> dict[str, Any]:
    """
    ``UNESS_AUTH`` as it is right in production.
    """
    return {"BASE_URL": HTTPS, "KEYS": [KEY], "TRUSTED_PROXIES": 0, **wishes}


class TestSite:
    def test_from_djangos_settings(self) -> None:
        """
        What Django's settings say already need not be said again.
        """
        with override_settings(
            LANGUAGE_CODE="en-gb",
            TIME_ZONE="Indian/Reunion",
            DEFAULT_FROM_EMAIL="Uness <nobody@example.fr>",
            LOGIN_REDIRECT_URL="admin:index",
        ):
            site = get_auth().site

        assert ("en", "fr") == site.languages
        assert "Indian/Reunion" == site.time_zone
        assert "Uness <nobody@example.fr>" == site.sender
        assert "/admin/" == site.home_path

    def test_from_ours(self) -> None:
        """
        What is said in our own dict goes before.
        """
        with override_settings(
            UNESS_AUTH=ours(NAME="portail", HOME_PATH="/home", LANGUAGES=["en"])
        ):
            site = get_auth().site

        assert ("portail", "/home", ("en",)) == (
            site.name,
            site.home_path,
            site.languages,
        )

    def test_another_language(self) -> None:
        """
        A language that the pages do not speak leaves them as they are.
        """
        with override_settings(LANGUAGE_CODE="de"):
            assert ("fr", "en") == get_auth().site.languages


class TestParts:
    def test_by_dotted_path(self) -> None:
        """
        Parts may be named, because settings cannot import what needs the settings.
        """
        heard: list[object] = []
        with override_settings(
            UNESS_AUTH=ours(
                MAILER="uness_auth.testing.Outbox",
                STORES=lambda: MemoryStorage().stores,
                POLICY="uness_auth.testing.policy_without_waits",
                CLOCK="uness_auth.wiring.utc_now",
                SUBSCRIBERS=[heard.append],
            )
        ):
            auth = get_auth()
        auth.provisioning.add(CAMILLE)

        assert 9 == auth.policy.throttle.free_passwords
        assert 1 == len(heard)

    def test_as_a_whole(self) -> None:
        """
        A sign-in that the project wired itself is taken as it is.
        """
        theirs = get_auth()
        for auth in (theirs, lambda: theirs):
            with override_settings(UNESS_AUTH={"AUTH": auth}):
                assert theirs is get_auth()
                assert [] == told()

    def test_by_default(self) -> None:
        """
        Django's own: its database, its hashers, its mail, its key.
        """
        with override_settings(
            UNESS_AUTH={"BASE_URL": BASE_URL},
            SECRET_KEY=KEY,
            SECRET_KEY_FALLBACKS=[KEY[::-1], KEY],
            **backend("console"),
        ):
            auth = get_auth()

        assert Policy.uness() == auth.policy
        assert isinstance(auth.password_sign_in.password_check.hashing, DjangoHashing)
        assert 2 == len(auth.keys.all(Purpose.CODE))

    def test_keys_sign_as_djangos_do(self) -> None:
        """
        ``SECRET_KEY`` signs, and what it was before still verifies.
        """
        with override_settings(
            UNESS_AUTH={"BASE_URL": BASE_URL}, SECRET_KEY=KEY, **backend("console")
        ):
            before = get_auth().keys.signing_id
        with override_settings(
            UNESS_AUTH={"BASE_URL": BASE_URL},
            SECRET_KEY=KEY[::-1],
            SECRET_KEY_FALLBACKS=[KEY],
            **backend("console"),
        ):
            keys = get_auth().keys

        assert before != keys.signing_id
        assert keys.derived(Purpose.CODE, before) is not None


class TestChecks:
    def test_all_is_well(self) -> None:
        """
        A project that is right is told nothing.
        """
        assert [] == told()
        assert [] == [one for one in run_checks() if str(one.id).startswith("uness")]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (None, "UNESS_AUTH is missing"),
            ({}, "no BASE_URL"),
            ({"BASE_URL": "http://portail.example.fr"}, "in clear"),
            ({"BASE_URL": BASE_URL, "MAILLER": 1}, "did you mean MAILER"),
            ({"BASE_URL": BASE_URL, "AUTH": "x"}, "is a whole sign-in"),
            ({"BASE_URL": BASE_URL, "QQQ": 1}, "known are BASE_URL"),
            ({"BASE_URL": BASE_URL, "MAILER": "nowhere.at.all"}, "nowhere"),
            ({"BASE_URL": BASE_URL, "KEYS": "short"}, "list of keys"),
            ({"BASE_URL": HTTPS, "KEYS": [KEY]}, "development only|trusted_proxies"),
            ({"BASE_URL": BASE_URL}, "SECRET_KEY, or one of"),
            (
                {"BASE_URL": BASE_URL, "KEYS": [KEY], "POLICY": Policy.strict()},
                "without a queue",
            ),
        ],
    )
    def test_e001(self, given: Any, words: str) -> None:
        """
        Whatever is wrong in the dict is told by name, with the way out.
        """
        with override_settings(UNESS_AUTH=given, SECRET_KEY="short"):
            [one] = checks.check_settings()
            assert "uness_auth.E001" == one.id
            # The others wait until there is a site to ask.
            assert [] == checks.check_deployment()
            assert [] == checks.check_tables(databases=["default"])
            assert [] == checks.check_project()
        assert re.search(words, f"{one.msg}: {one.hint}")

    @pytest.mark.parametrize("where", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
    def test_e001_of_an_insecure_key(self, where: str) -> None:
        """
        The key that ``startproject`` wrote signs on a loopback address alone.
        """
        key = f"django-insecure-{KEY}"
        given = {where: key if where == "SECRET_KEY" else [key]}
        given = {"SECRET_KEY": KEY, **given, **backend("smtp")}
        with override_settings(UNESS_AUTH={"BASE_URL": BASE_URL}, **given):
            assert [] == told()
        with override_settings(
            UNESS_AUTH={"BASE_URL": HTTPS, "TRUSTED_PROXIES": 0}, **given
        ):
            assert ["E001"] == told()

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            ([one for one in middleware() if one != OURS], ["E002"]),
            ([OURS, *(one for one in middleware() if one != OURS)], ["E003"]),
            ([one for one in middleware() if one != DJANGOS], ["E003"]),
            ([one for one in middleware() if one != CSRF], ["E004"]),
        ],
    )
    def test_middleware(self, names: list[str], expected: list[str]) -> None:
        """
        Ours is there, after Django's own, and so is Django's CSRF guard.
        """
        with override_settings(MIDDLEWARE=names):
            assert expected == told()

    @pytest.mark.parametrize(
        "hashers", [[], settings.PASSWORD_HASHERS[1:], settings.PASSWORD_HASHERS[::-1]]
    )
    def test_hashers(self, hashers: list[str]) -> None:
        """
        Our subclass of Django's argon2 stands first, unless another hashes for us.
        """
        with override_settings(PASSWORD_HASHERS=hashers):
            assert [] == told()
            with override_settings(UNESS_AUTH=ours(HASHING=None)):
                assert ["E005"] == told()

    def test_urls(self) -> None:
        """
        The pages are in the URLs, where the site says, and `LOGIN_URL` leads there.
        """
        with override_settings(ROOT_URLCONF="tests.adapters.django.urls"):
            assert ["E006"] == told()
        with override_settings(UNESS_AUTH=ours(PATH="/sign-in/")):
            assert ["E007"] == told()
        with override_settings(LOGIN_URL="/accounts/login/"):
            assert ["W001"] == told()
        with override_settings(LOGIN_URL="/auth/"):
            assert [] == told()

    def test_deployment_on_loopback(self) -> None:
        """
        A loopback address is told before it goes live.
        """
        assert ["W002"] == told(deploy=True)

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({}, []),
            ({"ALLOWED_HOSTS": ["localhost"]}, ["W003"]),
            ({"DEFAULT_FROM_EMAIL": "webmaster@localhost"}, ["W004"]),
            ({"UNESS_AUTH": https(TRUSTED_PROXIES=1)}, ["W005"]),
            ({"ROOT_URLCONF": "tests.adapters.django.portal_urls"}, ["W006"]),
            (
                {
                    "UNESS_AUTH": https(TRUSTED_PROXIES=["10.0.0.0/8"]),
                    "CSRF_TRUSTED_ORIGINS": [HTTPS],
                },
                [],
            ),
            (
                {
                    "UNESS_AUTH": https(TRUSTED_PROXIES=1),
                    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
                },
                [],
            ),
        ],
    )
    def test_deployment(self, changed: dict[str, Any], expected: list[str]) -> None:
        """
        What Django must know of the site behind its proxies.
        """
        right = {
            "UNESS_AUTH": https(),
            "ALLOWED_HOSTS": ["portail.example.fr"],
            "DEFAULT_FROM_EMAIL": "nobody@example.fr",
            "ROOT_URLCONF": "tests.adapters.django.guarded_urls",
            **backend("smtp"),
        }
        with override_settings(**{**right, **changed}):
            assert expected == told(deploy=True)

    def test_tables(self) -> None:
        """
        A database without our tables, or with those of an earlier release, is told.

        It does not stop `migrate`.
        """
        empty_database()
        assert [] == checks.check_tables(databases=["default"])
        assert [] == checks.check_tables()
        for before in ("0001", "zero"):
            call_command("migrate", "uness_auth", before, verbosity=0)
            try:
                [one] = run_checks(tags=[Tags.database], databases=["default"])
                assert "uness_auth.W011" == one.id
            finally:
                call_command("migrate", verbosity=0)


def composed() -> EmailMessage:
    """
    A mail as our flows compose it.
    """
    message = EmailMessage()
    message["From"] = "Uness <nobody@example.fr>"
    message["To"] = "somebody@else.example"
    message["Subject"] = "Votre lien de connexion à UNESS"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("le texte : été")
    message.add_alternative("<p>le texte : été</p>", subtype="html")
    return message


class Failing:
    """
    A mail backend that raises, with the text of the mail in it.
    """

    def __init__(self, **_options: object) -> None:
        """
        Take whatever options there are.
        """

    def send_messages(self, messages: Any) -> int:
        """
        Refuse.
        """
        raise ValueError(messages[0].body)


class Silent(Failing):
    """
    A mail backend that sends nothing and says so.
    """

    def send_messages(self, messages: Any) -> int:
        """
        Pass over.
        """
        return 0


class Refused(Failing):
    """
    A mail backend whose server takes nothing for this address.
    """

    def send_messages(self, messages: Any) -> int:
        """
        Refuse as smtplib does.
        """
        (to,) = messages[0].recipients()
        raise SMTPRecipientsRefused({to: (550, messages[0].body.encode())})


class Deferred(Failing):
    """
    A mail backend whose server takes the mail later.
    """

    def send_messages(self, messages: Any) -> int:
        """
        Refuse as smtplib does.
        """
        raise SMTPDataError(452, messages[0].body.encode())


@pytest.fixture(name="outbox")
def _outbox(monkeypatch: pytest.MonkeyPatch) -> Any:
    """
    The outbox that Django's test runner makes.
    """
    monkeypatch.setattr(mail, "outbox", [], raising=False)
    return mail.outbox


class TestMailer:
    def test_to_one_address(self, outbox: Any) -> None:
        """
        Both parts and the headers arrive, at the address that was asked for.
        """
        with override_settings(**backend("locmem")):
            DjangoMailer().send(composed(), CAMILLE)
        [sent] = outbox

        assert [CAMILLE] == sent.recipients()
        assert "Uness <nobody@example.fr>" == sent.from_email
        assert "le texte : été" == sent.body.strip()
        assert "<p>le texte : été</p>" == sent.alternatives[0][0].strip()
        raw = sent.message()
        assert "auto-generated" == raw["Auto-Submitted"]
        assert CAMILLE == raw["To"]

    def test_without_html(self, outbox: Any) -> None:
        """
        A mail of text alone stays one.
        """
        message = EmailMessage()
        message["From"] = "nobody@example.fr"
        message["Subject"] = "x"
        message.set_content("text")
        with override_settings(**backend("locmem")):
            DjangoMailer().send(message, CAMILLE)

        assert [] == outbox[0].alternatives

    @pytest.mark.parametrize("name", ["Failing", "Silent"])
    def test_that_fails(self, name: str) -> None:
        """
        A backend that fails is told without its words.
        """
        with (
            override_settings(**backend(name)),
            pytest.raises(MailError, match=name) as caught,
        ):
            DjangoMailer().send(composed(), CAMILLE)

        assert "texte" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize(
        ("name", "words", "is_final"),
        [("Refused", "recipient: 550", True), ("Deferred", "mail: 452", False)],
    )
    def test_that_is_refused(self, name: str, words: str, *, is_final: bool) -> None:
        """
        What a server says of one address is told apart, without its words.
        """
        with (
            override_settings(**backend(name)),
            pytest.raises(RecipientError, match=f"{words}$") as caught,
        ):
            DjangoMailer().send(composed(), CAMILLE)

        assert is_final == caught.value.is_final

    @pytest.mark.parametrize("name", ["console", "filebased", "dummy", "locmem"])
    def test_doors_for_development(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        Where no mail leaves the machine the site must be a loopback address.
        """
        monkeypatch.delattr(mail, "outbox", raising=False)
        with override_settings(UNESS_AUTH=https(), **backend(name)):
            assert DjangoMailer().for_development_only
            with pytest.raises(ConfigurationError, match="DjangoMailer for dev"):
                get_auth()

    def test_a_hosts_own_tests(self, outbox: Any) -> None:
        """
        Under Django's test runner, which makes an outbox, memory is fit for any site.
        """
        with override_settings(UNESS_AUTH=https(), **backend("locmem")):
            assert HTTPS == get_auth().site.base_url

    def test_of_several(self) -> None:
        """
        Where a project names its backends, as from Django 6.1 on, the default counts.
        """
        others = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
        with override_settings(MAILERS={"default": {"BACKEND": SMTP}, "x": others}):
            assert SMTP == backend_name()
        assert SMTP == backend_name()

    def test_a_server(self) -> None:
        """
        SMTP is no door for development.
        """
        with override_settings(**backend("smtp")):
            assert not DjangoMailer().for_development_only


class TestCommand:
    @pytest.fixture(name="run")
    def _run(self) -> Callable[..., Any]:
        """
        Runs ``manage.py uness_auth …``.
        """
        empty_database()

        def run(*arguments: str) -> int:
            with pytest.raises(SystemExit) as ended:
                Command().run_from_argv(["manage.py", "uness_auth", *arguments])
            return int(str(ended.value.code))

        return run

    def test_is_the_command_line(
        self, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        The same commands, on the project's own accounts.
        """
        assert 0 == run("accounts", "add", CAMILLE, "--name", "Camille Durand")
        assert 1 == run("accounts", "add", CAMILLE)
        assert 2 == run("accounts", "ad")
        assert 0 == run("accounts", "list")

        out, err = capsys.readouterr()
        assert f"{CAMILLE}\tno password yet\tCamille Durand" in out
        assert "has an account already" in err
        assert "Usage: manage.py uness_auth" in err

    def test_adopts(
        self, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        The users of an existing project get their accounts; who does not is told.
        """
        model: Any = get_user_model()
        model.objects.create_user("camille", CAMILLE)
        assert 0 == run("adopt", "--dry-run")
        assert 0 == run("adopt")
        model.objects.create_user("nobody", "")
        assert 1 == run("adopt")
        out, err = capsys.readouterr()
        assert 1 == run("adopt", "--json")
        facts = json.loads(capsys.readouterr().out)

        assert ["1 adopted, 0 followed, 0 unchanged, 0 refused."] * 2 == (
            out.splitlines()[:2]
        )
        assert "no_address" in err
        assert 1 == facts["unchanged"]
        assert "no_address" == facts["refused"][0]["reason"]
        assert get_auth().provisioning.accounts.by_address(CAMILLE) is not None

    def test_inside_another_program(self, run: Callable[..., int]) -> None:
        """
        `call_command` raises what the command line would exit with.
        """
        call_command("uness_auth", "accounts", "add", CAMILLE)
        with pytest.raises(CommandError) as caught:
            call_command("uness_auth", "accounts", "add", CAMILLE, stdout=StringIO())

        assert 1 == caught.value.returncode

    def test_a_wrong_set_up(
        self, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        What is wrong is a complaint; what needs no set-up works all the same.
        """
        with override_settings(UNESS_AUTH={}):
            assert 2 == run("accounts", "list")
            assert "BASE_URL" in capsys.readouterr().err
            assert 0 == run("keys", "new")
            assert 64 == len(capsys.readouterr().out.strip())
