from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth import model
from uness_auth.errors import ConfigurationError
from uness_auth.model import Account, Client, MailOrder, OrderKind, Session, Site


NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)

SECRETS = ("digest", "hash", "token", "secret", "code")


# Of nobody.
STORED = "5ec7e7"


def account(**fields: Any) -> Account:
    return Account(
        id="7",
        address="camille@univ-exemple.fr",
        credential_version=1,
        created_at=NOW,
        **fields,
    )


class TestAccount:
    def test_a_new_one_has_no_password(self) -> None:
        """
        An account has a password once there is a hash of one.
        """
        assert not account().has_password
        assert account(password_hash=STORED).has_password

    def test_it_is_open(self) -> None:
        """
        Nobody is disabled or suspended from the start.
        """
        assert not account().is_disabled
        assert not account().is_password_suspended
        assert not account().is_closed(NOW)

    def test_it_is_open_from_its_first_instant_to_its_last(self) -> None:
        """
        The first instant is within its days, and the last is not.
        """
        second = timedelta(seconds=1)
        one = account(valid_from=NOW, valid_until=NOW + 9 * second)

        assert [True, False, False, True] == [
            one.is_closed(NOW + n * second) for n in (-1, 0, 8, 9)
        ]

    def test_a_disabled_one_is_closed(self) -> None:
        """
        A registrar's word ends its days.
        """
        assert account(is_disabled=True, valid_from=NOW).is_closed(NOW)


class TestRecords:
    @pytest.mark.parametrize(
        "record",
        [one for one in vars(model).values() if attrs.has(one)],
        ids=lambda one: one.__name__,
    )
    def test_records_are_frozen(self, record: type[attrs.AttrsInstance]) -> None:
        """
        Nobody changes a record that somebody else holds.
        """
        made = object.__new__(record)

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, attrs.fields(record)[0].name, "x")

    @pytest.mark.parametrize(
        "record",
        [one for one in vars(model).values() if attrs.has(one)],
        ids=lambda one: one.__name__,
    )
    def test_nothing_secret_is_shown(self, record: type[attrs.AttrsInstance]) -> None:
        """
        Digests and hashes stay out of every repr.
        """
        shown = [field.name for field in attrs.fields(record) if field.repr]

        assert [] == [name for name in shown if name.endswith(SECRETS)]

    def test_the_rest_stays_hidden_too(self) -> None:
        """
        What is stored of a password or a cookie is in no repr.
        """
        session = Session(
            digest=STORED,
            account_id="7",
            credential_version=1,
            opened_at=NOW,
            last_seen_at=NOW,
        )

        assert STORED not in repr(session)
        assert STORED not in repr(account(password_hash=STORED))
        assert STORED not in repr(Client(browser_digest=STORED))

    def test_an_order_for_a_link_names_no_challenge(self) -> None:
        """
        Only a code has a challenge and a key.
        """
        order = MailOrder(
            kind=OrderKind.FIRST_LINK,
            account_id="7",
            credential_version=1,
            issued_at=NOW,
            expires_at=NOW,
        )

        assert ("", "") == (order.challenge_id, order.key_id)


class TestSite:
    def test_defaults_are_the_tutorials(self) -> None:
        """
        Name, paths, links and languages are those of the tutorial.
        """
        site = Site(base_url="https://portail.example.fr")

        assert "cockpit" == site.name
        assert "uness" == site.mark
        assert "/auth/" == site.path
        assert "/" == site.home_path
        assert "https://sos.uness.fr/" == site.support_url
        assert "https://www.uness.fr/" == site.home_url
        assert "Europe/Paris" == site.zone.key
        assert ("fr", "en") == site.languages

    @pytest.mark.parametrize(
        ("base_url", "host", "is_https", "is_loopback"),
        [
            ("https://portail.example.fr", "portail.example.fr", True, False),
            ("https://portail.example.fr:8443", "portail.example.fr", True, False),
            ("https://xn--t-9fab.fr", "xn--t-9fab.fr", True, False),
            ("https://[2001:db8::1]:8443", "2001:db8::1", True, False),
            ("https://localhost", "localhost", True, False),
            ("http://localhost:8000", "localhost", False, True),
            ("http://127.0.0.1:5000", "127.0.0.1", False, True),
            ("http://[::1]:8000", "::1", False, True),
        ],
    )
    def test_a_base_url_is_read(
        self, base_url: str, host: str, is_https: bool, is_loopback: bool
    ) -> None:
        """
        Scheme and host tell whether cookies are Secure and doors may open.
        """
        site = Site(base_url=base_url)

        assert host == site.host
        assert is_https == site.is_https
        assert is_loopback == site.is_loopback

    @pytest.mark.parametrize(
        "base_url",
        [
            "",
            "portail.example.fr",
            "//portail.example.fr",
            "ftp://portail.example.fr",
            "javascript:alert(1)",
            "https://",
            "https://:8443",
            "https://portail.example.fr/",
            "https://portail.example.fr/auth",
            "https://portail.example.fr?",
            "https://portail.example.fr?a=b",
            "https://portail.example.fr#",
            "https://portail.example.fr#a",
            "https://a@portail.example.fr",
            "https://@portail.example.fr",
            "https://a:b@portail.example.fr",
            "https://portail.example.fr\n",
            "https://portail.\texample.fr",
            " https://portail.example.fr",
            "https://portail example.fr",
            "https://portail.example.fr\\evil",
            "https://-x.fr",
            "HTTPS://portail.example.fr",
            "https://Portail.Example.fr",
            "https://été.fr",
            "https://portail.example.fr:",
            "https://portail.example.fr:0",
            "https://portail.example.fr:443",
            "https://portail.example.fr:65536",
            "https://portail.example.fr:http",
            "http://localhost:80",
            "https://[::1",
            "https://[:::]",
            "https://[1.2.3.4]",
        ],
    )
    def test_a_base_url_is_scheme_and_host_alone(self, base_url: str) -> None:
        """
        Anything more, or spelt as no browser would, is refused at start.
        """
        with pytest.raises(ConfigurationError, match="scheme and host alone"):
            Site(base_url=base_url)

    @pytest.mark.parametrize(
        "base_url",
        [
            "http://portail.example.fr",
            "http://localhost.example.fr",
            "http://127.0.0.1.example.fr",
            "http://10.0.0.1:8000",
            "http://[2001:db8::1]",
        ],
    )
    def test_plain_http_is_for_this_machine_only(self, base_url: str) -> None:
        """
        No password travels in clear: http is refused beyond the loopback addresses.
        """
        with pytest.raises(ConfigurationError, match="would send passwords in clear"):
            Site(base_url=base_url)

    @given(st.text() | st.text(alphabet="htps:/.@#?[]x1\n").map("https://{}".format))
    def test_any_base_url_is_read_or_refused(self, base_url: str) -> None:
        """
        A wrong base URL is a configuration error and nothing else.
        """
        try:
            site = Site(base_url=base_url)
        except ConfigurationError:
            return

        assert base_url == site.base_url
        assert site.host

    @pytest.mark.parametrize(
        ("path", "home_path"), [("/", "/"), ("/auth/", "/auth/"), ("/a/", "/a/b")]
    )
    def test_nobody_is_led_in_circles(self, path: str, home_path: str) -> None:
        """
        The page after the sign-in is none of the sign-in's own.
        """
        with pytest.raises(ConfigurationError, match="in circles"):
            Site(base_url="https://portail.example.fr", path=path, home_path=home_path)

    @pytest.mark.parametrize("path", ["/auth/", "/compte/connexion/", "/~a/b-c.d/"])
    def test_a_path_may_have_several_parts(self, path: str) -> None:
        """
        The pages live where the host wants them.
        """
        site = Site(base_url="https://portail.example.fr", path=path)

        assert f"https://portail.example.fr{path}code" == site.url("code")
        assert f"https://portail.example.fr{path}" == site.url()

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "auth/",
            "/auth",
            "//auth/",
            "/auth//",
            "//",
            "/../",
            "/auth/../",
            "/./",
            "/a b/",
            "/auth/\n",
            "/auth?/",
            "/auth#/",
            "/%2e/",
            "/\\evil/",
            "/été/",
            "/<page>/",
        ],
    )
    def test_a_path_begins_and_ends_with_one_slash(self, path: str) -> None:
        """
        A path that routers or browsers would read differently is refused.
        """
        with pytest.raises(ConfigurationError, match=r"Site\(path="):
            Site(base_url="https://portail.example.fr", path=path)

    @pytest.mark.parametrize("home_path", ["/", "/accueil", "/a/b/?c=d#e"])
    def test_the_home_path_is_on_this_site(self, home_path: str) -> None:
        """
        A sign-in ends on any page of the host.
        """
        site = Site(base_url="https://portail.example.fr", home_path=home_path)

        assert home_path == site.home_path

    @pytest.mark.parametrize(
        "home_path",
        [
            "",
            "accueil",
            "//evil.example",
            "/\\evil.example",
            "/a\\b",
            "/\t/evil.example",
            "/a b",
            "/a\n",
            "https://evil.example",
            "/été",
        ],
    )
    def test_the_home_path_leads_nowhere_else(self, home_path: str) -> None:
        """
        What a browser would read as another site is refused.
        """
        with pytest.raises(ConfigurationError, match=r"Site\(home_path="):
            Site(base_url="https://portail.example.fr", home_path=home_path)

    @pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../etc", "Europe", "a\0b"])
    def test_a_time_zone_is_known(self, name: str) -> None:
        """
        An unknown time zone is refused at start, not when the first mail is written.
        """
        with pytest.raises(ConfigurationError, match=r"Site\(time_zone="):
            Site(base_url="https://portail.example.fr", time_zone=name)

    @pytest.mark.parametrize("languages", [(), ("de",), ("fr", "de")])
    def test_languages_are_spoken(self, languages: tuple[str, ...]) -> None:
        """
        At least one language, and only those there are texts in.
        """
        with pytest.raises(ConfigurationError, match=r"choose among \('fr', 'en'\)"):
            Site(base_url="https://portail.example.fr", languages=languages)

    def test_one_language_is_enough(self) -> None:
        """
        A site may speak English alone.
        """
        site = Site(base_url="https://portail.example.fr", languages=("en",))

        assert ("en",) == site.languages

    @pytest.mark.parametrize("field", ["name", "mark", "sender"])
    @pytest.mark.parametrize(
        "mark", ["\n", "\r", "\0", "\x0b", "\x0c", "\x1c", "\x7f", "\x85"]
    )
    def test_texts_of_mails_hold_no_controls(self, field: str, mark: str) -> None:
        """
        P55: nothing that could end a header stands in a name or a sender.
        """
        text = {"name": "cockpit", "mark": "uness", "sender": "acces@uness.example"}
        text[field] += f"{mark}Bcc: a@e.fr"

        with pytest.raises(ConfigurationError, match="control character"):
            Site(
                base_url="https://portail.example.fr",
                name=text["name"],
                mark=text["mark"],
                sender=text["sender"],
            )
