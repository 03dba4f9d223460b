"""
The search of all logs finds what it is for: each kind of secret, however it is written.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from tests.secrecy import Ear, Find, needles, search, told_by


ROOT: Final = Path(__file__).parents[2]
# Made by hand, so that this run's own search knows none of them.
SECRETS: Final = {
    "token": "tOk3n-of-a-session_that-n0body-has-1234567",
    "link": "rWyI0MiIsNywxNzk1MzU4NzIwXQ.Zm9yZ2Vk-c2lnbmF0dXJl_b2YtYS1saW5r",
    "cookie": "br0wser-c00kie_of-none",
    "password": "Velo9+E%}[|Vert",
    "hash": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
    "key": "a key of the site / as an operator + makes it",
    "code": "731904",
}
WAYS: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
    "repr": repr,
    "JSON": json.dumps,
}


def ear_that_knows(kind: str) -> Ear:
    """
    An ear that was told the secret of this kind.
    """
    ear = Ear()
    ear.learn(kind, SECRETS[kind])
    return ear


class TestFinds:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("kind", SECRETS)
    def test_each_kind_in_each_encoding(self, kind: str, way: str) -> None:
        """
        A secret is found in a line, however it was written there.
        """
        ear = ear_that_knows(kind)

        ear.hear("the log of somebody", f"sent <{WAYS[way](SECRETS[kind])}>, and more")

        assert [Find(kind, "the log of somebody")] == ear.finds()

    @pytest.mark.parametrize("kind", [one for one in SECRETS if one != "code"])
    @pytest.mark.parametrize("before", ["", "a", "ab"])
    def test_inside_of_what_was_encoded_as_a_whole(
        self, kind: str, before: str
    ) -> None:
        """
        In a text that was encoded with its neighbours it is found wherever it stands.
        """
        ear = ear_that_knows(kind)

        ear.hear("a log", b64encode(f"{before}{SECRETS[kind]} Z".encode()).decode())

        assert [Find(kind, "a log")] == ear.finds()

    @pytest.mark.parametrize("kind", ["token", "cookie"])
    def test_what_stores_keep(self, kind: str) -> None:
        """
        The digest of a token is no more for a log than the token.
        """
        ear = ear_that_knows(kind)

        ear.hear("a log", sha256(SECRETS[kind].encode()).hexdigest())

        assert [Find(kind, "a log")] == ear.finds()

    @pytest.mark.parametrize(
        "text",
        [
            *("1731904", "7319040", "73190", "at 17319042", "port 31904"),
            "account_id=b731904cd0f342328a1",
        ],
    )
    def test_digits_of_another_number(self, text: str) -> None:
        """
        The digits of a code within a longer number, or an id, are no code.
        """
        ear = ear_that_knows("code")

        ear.hear("a log", text)

        assert [] == ear.finds()

    @pytest.mark.parametrize("typed", ["", "a", "/private", "camille@univ-exemple.fr"])
    def test_what_is_nobodys_password(self, typed: str) -> None:
        """
        What the rules do not let anybody choose is no secret, and may stand in a log.
        """
        ear = Ear()
        ear.learn("password", typed)

        ear.hear("a log", f"GET {typed}")

        assert [] == ear.finds()

    def test_an_innocent_log(self) -> None:
        """
        Nothing is found where nothing is.
        """
        ear = ear_that_knows("token")

        ear.hear("a log", "kind=signed_in at=2026-11-22T13:32:00+00:00 account_id=42")

        assert [] == ear.finds()

    def test_bytes(self) -> None:
        """
        A key of bytes is found as hex.
        """
        ear = Ear()
        ear.learn("key", bytes(range(200, 232)))

        ear.hear("a log", f"key {bytes(range(200, 232)).hex()}")

        assert [Find("key", "a log")] == ear.finds()

    def test_the_find_does_not_tell_it(self) -> None:
        """
        What is told of a find is its kind and the place.
        """
        ear = ear_that_knows("token")
        ear.hear("the log x", SECRETS["token"])

        assert ["a token in the log x"] == [str(one) for one in ear.finds()]


class TestSearch:
    @pytest.mark.parametrize("kind", SECRETS)
    def test_among_very_many(self, kind: str) -> None:
        """
        Among more secrets than are worth a search each, the same is found.
        """
        wanted = {
            needle: "another" for i in range(500) for needle in [f"0ther-secret-{i:06}"]
        }
        wanted |= dict.fromkeys(needles(kind, SECRETS[kind]), kind)

        assert {kind} == search(f"xx {SECRETS[kind]} yy", wanted)
        assert {"another", kind} == search(
            f"0ther-secret-000499,{SECRETS[kind]}", wanted
        )
        assert set() == search("xx 99731904 0ther-secret- yy", wanted)


class TestToldBy:
    def test_a_traceback(self) -> None:
        """
        What an exception says is part of what was logged.
        """
        try:
            raise ValueError(SECRETS["token"])  # noqa: TRY301 - to have a traceback
        except ValueError:
            record = logging.LogRecord(
                "x", logging.ERROR, "", 0, "it broke: %s", ("so",), sys.exc_info()
            )

        assert told_by(record).startswith("it broke: so\n")
        assert SECRETS["token"] in told_by(record)

    def test_a_record_that_does_not_fit(self) -> None:
        """
        Arguments that do not fit the message are looked at as well.
        """
        record = logging.LogRecord("x", logging.INFO, "", 0, "%d", ("a-token",), None)

        assert "a-token" in told_by(record)


# A run of its own, in which every test but the innocent gives something away.
PLANTED: Final = """
import logging
import secrets
import sys

import pytest

from uness_auth import Site, UnessAuth
from uness_auth.keys import KeyRing
from uness_auth.model import Client
from uness_auth.storage.memory import MemoryStorage
from uness_auth.testing import FastHashing, Outbox
from uness_auth.web.cookies import Cookies
from uness_auth.policy import SessionPolicy

CAMILLE = "camille@univ-exemple.fr"
KEPT = []


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def auth(outbox):
    auth = UnessAuth(
        site=Site(base_url="http://localhost"),
        stores=MemoryStorage().stores,
        mailer=outbox,
        hashing=FastHashing(),
    )
    auth.provisioning.add(CAMILLE)
    return auth


def tell(text, name="uness_auth.planted"):
    logging.getLogger(name).debug("it is %s", text)


def test_link(auth, outbox):
    auth.password_link.request(CAMILLE, Client())
    tell(outbox.link(CAMILLE))


def test_code(auth, outbox):
    auth.code_sign_in.begin(CAMILLE, Client(browser_digest="b" * 64))
    tell(outbox.code(CAMILLE))


def test_token(auth):
    account = auth.provisioning.accounts.by_address(CAMILLE)
    opened = auth.sessions.open(account, Client(), method="x", is_remembered=False)
    tell(opened.session_token)


def test_digest(auth):
    account = auth.provisioning.accounts.by_address(CAMILLE)
    opened = auth.sessions.open(account, Client(), method="x", is_remembered=False)
    tell(auth.sessions.resume(opened.session_token).session.digest)


def test_password(auth):
    auth.password_sign_in.sign_in(CAMILLE, "Cheval7+Agrafe", Client(), is_remembered=False)
    tell("Cheval7+Agrafe")


def test_cookie():
    cookies = Cookies(Site(base_url="http://localhost"), SessionPolicy())
    tell(cookies.new_browser().cookie_value)


def test_key():
    KeyRing(["k3y-of-this-site-0123456789-abcdefgh"], base_url="http://localhost")
    tell("k3y-of-this-site-0123456789-abcdefgh")


def test_traceback():
    try:
        raise ValueError(secrets.token_urlsafe(32))
    except ValueError:
        logging.getLogger("werkzeug").exception("it broke")


def test_stream():
    print(secrets.token_urlsafe(32), file=sys.stderr)


def test_logger_that_does_not_propagate():
    logging.getLogger("apart").propagate = False
    tell(secrets.token_urlsafe(32), "apart")


def test_made_first():
    KEPT.append(secrets.token_urlsafe(32))


def test_said_later():
    tell(KEPT[0])


@pytest.mark.unheard("to show that nobody listens")
def test_unheard():
    tell(secrets.token_urlsafe(32))


def test_innocent(auth, caplog):
    auth.password_link.request(CAMILLE, Client())
    tell("nothing")
    assert [] == caplog.records
"""
CONFTEST: Final = """
from tests.secrecy import Watch


def pytest_configure(config):
    config.pluginmanager.register(Watch(), "secrecy")
"""


def run_of(folder: Path, *options: str) -> tuple[int, str]:
    """
    Say how a run ends in which secrets are logged, and what it tells.
    """
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_planted.py").write_text(PLANTED, encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - the command stands here
        [
            *(sys.executable, "-m", "pytest", "-p", "no:randomly", *options),
            *("-p", "no:cacheprovider", "-rfE", "--rootdir", folder, folder),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture(name="told", scope="module")
def _told(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str]:
    """
    A run with every planted secret.
    """
    return run_of(tmp_path_factory.mktemp("planted"))


class TestWatch:
    @pytest.mark.parametrize(
        ("test", "find"),
        [
            ("link", "a link in the log uness_auth.planted"),
            ("code", "a code in the log uness_auth.planted"),
            ("token", "a token in the log uness_auth.planted"),
            ("digest", "a token in the log uness_auth.planted"),
            ("password", "a password in the log uness_auth.planted"),
            ("cookie", "a token in the log uness_auth.planted"),
            ("key", "a key in the log uness_auth.planted"),
            ("traceback", "a token in the log werkzeug"),
            ("stream", "a token in captured stderr call"),
            ("logger_that_does_not_propagate", "a token in the log apart"),
        ],
    )
    def test_a_planted_secret_is_found(
        self, told: tuple[int, str], test: str, find: str
    ) -> None:
        """
        Whatever a test logs of what it made fails it, and is told by its kind.
        """
        _, output = told

        assert f"::test_{test} tells a secret: {find}\n" in output

    def test_the_run_as_a_whole(self, tmp_path: Path) -> None:
        """
        What one test made and another one logged is found when the run ends, and fails
        it, though every test of it passed.
        """
        status, output = run_of(tmp_path, "-k", "made_first or said_later")

        assert 1 == status
        assert "2 passed" in output
        assert re.search(
            r"SECRET: \S+::test_said_later, the log uness_auth.planted, tells a token "
            r"that \S+::test_made_first made",
            output,
        )
        assert 1 == output.count("SECRET: ")

    def test_nothing_else(self, told: tuple[int, str]) -> None:
        """
        An innocent test passes, and is not shown a record that it would not have had.
        """
        status, output = told

        assert 1 == status
        assert "14 passed, 10 errors" in output
        assert "logs of 13 tests" in output
