"""
Every page under both engines: the same bytes, whole, and usable without a mouse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args, get_type_hints

import attrs
import django.template
import flask
import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import uness_auth
from uness_auth import Policy, Site
from uness_auth.addresses import AddressFault
from uness_auth.model import Account, OrderKind, Session
from uness_auth.outcomes import (
    AddressMalformed,
    AddressUnknown,
    Busy,
    ChangeRefused,
    CodeExpired,
    LinkExpired,
    LinkSent,
    LinkUsed,
    MailPaused,
    NothingTyped,
    PasswordRefused,
    PasswordSuspended,
    Scope,
    SessionsListed,
    Throttled,
    WrongCode,
    WrongPassword,
)
from uness_auth.web.account_pages import AccountPages
from uness_auth.web.frame import PageContext
from uness_auth.web.http import Page
from uness_auth.web.pages import Pages
from uness_auth.web.views import VIEWS


FOLDER = Path(uness_auth.__file__).parent / "templates"
NOW = datetime(2026, 11, 22, 13, 32, tzinfo=UTC)
SECONDS = timedelta(seconds=1)
ADDRESS = "camille.durand@univ-exemple.fr"
RULES = (
    "too_short",
    "no_uppercase",
    "no_lowercase",
    "no_digit",
    "no_special",
    "forbidden_character",
    "too_common",
)
HOSTILE = (
    "</p><script>alert(1)</script>",
    "\" autofocus onfocus='alert(1)' x=\"",
    "{{ view.csrf_value }}{% include 'x' %}{# y #}",
    "&amp; &lt; &#x27; é \u2028 \u200f\u202e مرحبا 🎓",
    "`${x}` \\ %s %(a)s {0} {name}",
)


def gallery(
    text: str = ADDRESS, *, language: str = "fr", policy: Policy | None = None
) -> dict[str, Page]:
    """
    Every page there is, with *text* wherever a visitor or a host has a say.
    """
    site = Site(base_url="https://portail.example.fr", support_url=text)
    site = attrs.evolve(site, name=text, mark=text) if text != ADDRESS else site
    pages = Pages(site, policy or Policy.uness(), lambda name: f"/static/{name}?{text}")
    context = PageContext(language=language, csrf=text, next=text, now=NOW)
    stops = pages.stops

    def paused(kind: OrderKind | None) -> MailPaused:
        return MailPaused(
            sent_at=NOW - 20 * SECONDS, until=NOW + 40 * SECONDS, kind=kind
        )

    def refused(*unmet: str, differs: bool) -> Page:
        outcome = PasswordRefused(
            address=text, kind=OrderKind.FIRST_LINK, unmet=unmet, differs=differs
        )
        return pages.create(context, token=text, address=text, refused=outcome)

    def identify(fault: AddressMalformed | AddressUnknown) -> Page:
        return pages.identify(context, typed=text, fault=fault)

    def sent(outcome: LinkSent | MailPaused) -> Page:
        return pages.sent(context, address=text, outcome=outcome)

    found = {
        "identify": pages.identify(context),
        "identify-cookies": pages.identify(context, typed=text, is_cookie_refused=True),
        "identify-unknown": identify(AddressUnknown()),
        "identify-suggestion": identify(AddressUnknown(suggestion=text)),
        "sent-any": sent(LinkSent(address=text, kind=None)),
        "sent-again": sent(paused(OrderKind.FIRST_LINK)),
        "sent-any-again": sent(paused(None)),
        "create": pages.create(context, token=text, address=text),
        "create-refused": refused(*RULES, differs=True),
        "create-differs": refused(differs=True),
        "create-common": refused("too_common", differs=False),
        "password": pages.password(context, address=text, is_remembered=True),
        "password-any": pages.password(context, address=text, is_any=True),
        "password-wrong": pages.password(context, address=text, fault=WrongPassword()),
        "password-empty": pages.password(context, address=text, fault=NothingTyped()),
        "password-suspended": pages.password(
            context, address=text, fault=PasswordSuspended()
        ),
        "code": pages.code(context, challenge_id=text),
        "code-any": pages.code(context, challenge_id=text, username=text),
        "code-wrong": pages.code(
            context, challenge_id=text, fault=WrongCode(attempts_left=4)
        ),
        "code-empty": pages.code(context, challenge_id=text, fault=NothingTyped()),
        "code-expired": pages.code(
            context, challenge_id=text, fault=CodeExpired(challenge_id=text)
        ),
        "code-again": pages.code(context, challenge_id=text, paused=paused(None)),
        "code-any-again": pages.code(
            context, challenge_id=text, username=text, paused=paused(None)
        ),
        "code-paused": pages.code(context, challenge_id="", paused=paused(None)),
        "wait-bare": pages.wait(
            context,
            outcome=Throttled(scope=Scope.NETWORK_MAILS, until=NOW + 65 * SECONDS),
        ),
        "created": stops.created(context),
        "changed": stops.changed(context),
        "signed-out": stops.signed_out(context),
        "gone": stops.gone(context),
        "link-used": stops.link_used(context, LinkUsed(has_password=True)),
        "link-void": stops.link_used(context, LinkUsed(has_password=False)),
        "link-invalid": stops.link_invalid(context),
        "busy": stops.busy(context, Busy(retry_after=30 * SECONDS)),
        "mail-failed": stops.mail_failed(context),
        "store-failed": stops.store_failed(context),
        "vetoed": stops.vetoed(context),
        "stale": stops.stale(context),
        "bad-request": stops.bad_request(context),
        "too-large": stops.too_large(context),
        "unsupported": stops.unsupported(context),
        "not-found": stops.not_found(context),
        "not-allowed": stops.not_allowed(context, ("GET", "POST")),
    }
    for reason in AddressFault:
        found[f"identify-{reason}"] = identify(AddressMalformed(fault=reason))
    for kind in (OrderKind.FIRST_LINK, OrderKind.RESET_LINK):
        found[f"sent-{kind}"] = sent(LinkSent(address=text, kind=kind))
        found[f"expired-{kind}"] = stops.link_expired(context, LinkExpired(kind=kind))
    for scope in Scope:
        outcome = Throttled(scope=scope, until=NOW + 65 * SECONDS)
        found[f"wait-{scope}"] = pages.wait(context, outcome=outcome, address=text)
    return found | account_gallery(text, AccountPages(pages, True), context)


def account_gallery(
    text: str, pages: AccountPages, context: PageContext
) -> dict[str, Page]:
    """
    Every page of the account, with *text* wherever somebody has a say.
    """
    bare = Account(id="1", address=text, credential_version=1, created_at=NOW)
    account = attrs.evolve(bare, password_hash="$argon2id$")
    own = Session(
        digest="0" * 64,
        account_id="1",
        credential_version=1,
        opened_at=NOW,
        last_seen_at=NOW,
        browser=text,
        network=text,
    )
    other = attrs.evolve(own, digest="1" * 64, browser="", network="")
    waits = Throttled(scope=Scope.ACCOUNT_PASSWORDS, until=NOW + 65 * SECONDS)

    def change(fault: ChangeRefused | WrongPassword | NothingTyped) -> Page:
        return pages.change_password(context, account=account, fault=fault)

    def sessions(*others: Session, is_recent: bool) -> Page:
        listed = SessionsListed(own=own, others=others, is_recent=is_recent)
        return pages.sessions(context, listed=listed)

    return {
        "again": pages.ask_again(context, account=account),
        "again-wrong": pages.ask_again(context, account=account, fault=WrongPassword()),
        "again-bare": pages.ask_again(context, account=bare),
        "again-waits": pages.again_waits(context, account=account, outcome=waits),
        "change": pages.change_password(context, account=account),
        "change-refused": change(ChangeRefused(unmet=RULES, differs=True)),
        "change-wrong": change(WrongPassword()),
        "change-empty": change(NothingTyped()),
        "change-suspended": pages.change_password(
            context, account=account, fault=PasswordSuspended()
        ),
        "change-waits": pages.change_waits(context, account=account, outcome=waits),
        "no-password": pages.no_password(context, account=bare),
        "sessions": sessions(other, is_recent=True),
        "sessions-later": sessions(other, is_recent=False),
        "sessions-alone": sessions(is_recent=True),
        "sessions-unlisted": attrs.evolve(pages, lists_sessions=False).ask_again(
            context, account=account
        ),
    }


def jinja(*folders: Path) -> jinja2.Environment:
    """
    Jinja, with a complaint about every undefined name.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, FOLDER]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )


def flask_jinja() -> jinja2.Environment:
    """
    Jinja as Flask sets it up for an application's own templates.
    """
    app = flask.Flask("portal", template_folder=str(FOLDER))
    return app.jinja_env


def django_engine(*folders: Path) -> django.template.Engine:
    """
    Django's engine, with a mark at every undefined name.
    """
    return django.template.Engine(
        dirs=[str(one) for one in (*folders, FOLDER)], string_if_invalid="undefined!"
    )


JINJA = jinja()
FLASK = flask_jinja()
DJANGO = django_engine()


def by_jinja(page: Page) -> str:
    return JINJA.get_template(page.template).render(view=page.view)


def by_flask(page: Page) -> str:
    return FLASK.get_template(page.template).render(view=page.view)


def by_django(page: Page) -> str:
    context = django.template.Context({"view": page.view})
    return str(DJANGO.get_template(page.template).render(context))


class Elements(HTMLParser):
    """
    The elements of a page, as a browser would read them.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """
        The attributes of every element of that name.
        """
        return [attributes for name, attributes in self.found if name == tag]

    def one(self, element_id: str) -> dict[str, str]:
        """
        The attributes of the element with that id.
        """
        return next(each for _, each in self.found if each.get("id") == element_id)

    def values(self, attribute: str) -> list[str]:
        """
        Every value that this attribute has on the page.
        """
        return [each[attribute] for _, each in self.found if attribute in each]


PAGES = gallery()
every_page = pytest.mark.parametrize("name", PAGES)


def elements(name: str) -> Elements:
    """
    Read the page of the gallery.
    """
    return Elements(by_jinja(PAGES[name]))


class TestEngines:
    @pytest.mark.parametrize("text", [ADDRESS, *HOSTILE])
    @pytest.mark.parametrize("language", ["fr", "en"])
    def test_write_the_same_bytes(self, text: str, language: str) -> None:
        """
        Jinja, Flask's Jinja and Django write each page alike, whatever is in it.
        """
        for page in gallery(text, language=language).values():
            written = by_jinja(page)

            assert written == by_flask(page)
            assert written == by_django(page)
            assert "undefined!" not in written

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_any_text_arrives_as_typed(self, text: str) -> None:
        """
        What was typed stands in its field, letter by letter, and nowhere as markup.
        """
        context = PageContext(language="fr", csrf="c", next="", now=NOW)
        site = Site(base_url="https://portail.example.fr")
        pages = Pages(site, Policy.uness(), lambda name: name)
        page = pages.identify(context, typed=text, fault=AddressUnknown())
        written = by_jinja(page)
        plain = by_jinja(pages.identify(context, typed="", fault=AddressUnknown()))

        assert written == by_django(page)
        assert text == Elements(written).one("email")["value"]
        assert len(Elements(plain).found) == len(Elements(written).found)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_adds_no_element(self, text: str) -> None:
        """
        A page has the same elements with hostile text as with an address.
        """
        for name, page in gallery(text).items():
            expected = [tag for tag, _ in elements(name).found]

            assert expected == [tag for tag, _ in Elements(by_jinja(page)).found]


class TestHosts:
    def test_a_host_adds_to_every_page(self, tmp_path: Path) -> None:
        """
        A base of the host's own extends the layout and fills its blocks.
        """
        (tmp_path / "uness_auth").mkdir()
        (tmp_path / "uness_auth" / "base.html").write_text(
            '{% extends "uness_auth/layout.html" %}'
            '{% block head_extra %}<link rel="stylesheet" href="/ours.css">'
            "{% endblock head_extra %}",
            encoding="utf-8",
        )
        page = PAGES["password"]
        context = django.template.Context({"view": page.view})
        written = jinja(tmp_path).get_template(page.template).render(view=page.view)
        again = django_engine(tmp_path).get_template(page.template).render(context)
        sheets = [
            link["href"]
            for link in Elements(written).all("link")
            if link["rel"] == "stylesheet"
        ]

        assert written == str(again)
        # After ours, so that the host's properties win.
        assert [f"/static/uness.css?{ADDRESS}", "/ours.css"] == sheets


def parts(template: str) -> set[str]:
    """
    The template and all it extends and includes.
    """
    text = (FOLDER / template).read_text(encoding="utf-8")
    below = re.findall(r'\{% (?:extends|include) "([^"]+)" %\}', text)
    return {template}.union(*(parts(name) for name in below))


def paths(template: str) -> Iterator[str]:
    """
    Every path that the template uses, loop variables spelled out: ``view.rules.0.text``.
    """
    text = (FOLDER / template).read_text(encoding="utf-8")
    loops = dict(re.findall(r"\{% for (\w+) in ([\w.]+) %\}", text))
    for tag in re.findall(r"\{[{%] (?!extends|include|block)(.*?) [%}]\}", text):
        for path in re.findall(r"(?<![\w.])[a-z]\w*(?:\.\w+)+", tag):
            root, _, rest = path.partition(".")
            yield path if root == "view" else f"{loops[root]}.0.{rest}"


def fields(view: type[attrs.AttrsInstance]) -> Iterator[str]:
    """
    Every path that ends in a text or a flag of the view.
    """
    hints = get_type_hints(view)
    for field in attrs.fields(view):
        kind, step = hints[field.name], field.name
        if get_args(kind):
            kind, step = get_args(kind)[0], f"{step}.0"
        if attrs.has(kind):
            yield from (f"{step}.{path}" for path in fields(kind))
        else:
            yield step


class TestViews:
    def test_each_page_has_its_view(self) -> None:
        """
        Templates of pages and views belong together, one to one.
        """
        # Two that pages extend, and a form for the pages of the host.
        others = {"base.html", "layout.html", "sign_out.html"}
        found = {
            path.relative_to(FOLDER).as_posix()
            for path in (FOLDER / "uness_auth").glob("*.html")
            if path.name not in others
        }

        assert sorted(found) == sorted(view.template for view in VIEWS)

    def test_each_part_is_used(self) -> None:
        """
        No part lies about that no page includes.
        """
        found = {
            path.relative_to(FOLDER).as_posix()
            for path in (FOLDER / "uness_auth" / "parts").glob("*.html")
        }
        used = set[str]().union(*(parts(view.template) for view in VIEWS))

        assert set() == found - used

    @pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
    def test_templates_use_what_there_is(self, view: type[attrs.AttrsInstance]) -> None:
        """
        Every name that a page's templates use, its view has, in every branch.
        """
        template = vars(view)["template"]
        used = {path for part in parts(template) for path in paths(part)}
        known = {f"view.{path}" for path in fields(view)}
        lists = {path.rpartition(".0.")[0] for path in known if ".0." in path}

        assert set() == used - known - lists

    @pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
    def test_views_hold_what_is_used(self, view: type[attrs.AttrsInstance]) -> None:
        """
        A page's templates use everything its view holds.
        """
        template = vars(view)["template"]
        used = {path for part in parts(template) for path in paths(part)}
        # Parts that several pages share hold what one of them does without.
        spare = {
            "view.account.after",
            "view.field.described_by",
            "view.field.fault",
            "view.frame.script_url",
            "view.reveal.second",
        }
        spare |= {f"view.{name}.has_focus" for name in ("password", "confirmation")}
        spare |= {"view.confirmation.described_by", "view.current.has_focus"}

        assert set() == {f"view.{path}" for path in fields(view)} - used - spare


class TestEveryPage:
    @every_page
    def test_is_one_document(self, name: str) -> None:
        """
        A page has a language, a title, one main part, one heading and unique ids.
        """
        page = elements(name)
        ids = page.values("id")

        assert ["fr"] == page.values("lang")
        assert 1 == len(page.all("title"))
        assert 1 == len(page.all("main"))
        assert 1 == len(page.all("h1"))
        assert len(set(ids)) == len(ids)

    @every_page
    def test_points_at_what_is_there(self, name: str) -> None:
        """
        Labels, descriptions and links within the page lead to an element of it.
        """
        page = elements(name)
        targets = {href[1:] for href in page.values("href") if href.startswith("#")}
        targets |= {*page.values("for"), *page.values("aria-controls")}
        targets |= set(" ".join(page.values("aria-describedby")).split())
        targets |= {*page.values("data-rules"), *page.values("data-status")}

        assert set() == targets - set(page.values("id"))

    @every_page
    def test_labels_every_field(self, name: str) -> None:
        """
        A field that can be seen has a label, and a name for the server.
        """
        page = elements(name)
        seen = [
            field
            for field in page.all("input")
            if field.get("type") != "hidden" and "hidden" not in field
        ]

        assert set() == {field["id"] for field in seen} - set(page.values("for"))
        assert all(field["name"] for field in seen)

    @every_page
    def test_has_one_focus_at_most(self, name: str) -> None:
        """
        Only one element asks for the focus; after an error it is the message.
        """
        page = elements(name)
        focused = [each for _, each in page.found if "autofocus" in each]
        alerts = [each for _, each in page.found if each.get("role") == "alert"]

        assert len(focused) <= 1
        assert len(alerts) <= 1
        assert alerts == [each for each in alerts if each in focused]

    @every_page
    def test_says_error_in_its_title(self, name: str) -> None:
        """
        A page with an error says so first of all; every other one does not.
        """
        title = by_jinja(PAGES[name]).partition("<title>")[2]
        has_alert = "alert" in elements(name).values("role")

        assert has_alert == title.startswith("Erreur\N{NO-BREAK SPACE}:")

    @every_page
    def test_posts_with_a_guard(self, name: str) -> None:
        """
        Every form posts below the site's path, with the guard against other sites.
        """
        page = elements(name)
        forms = page.all("form")
        guards = [field for field in page.all("input") if field.get("name") == "csrf"]
        # Who knows the link needs no victim: S5 alone has no guard.
        expected = 0 if name.startswith("create") else len(forms)

        assert all("post" == form["method"] for form in forms)
        assert all(form["action"].startswith("/auth/") for form in forms)
        assert [ADDRESS] * expected == [guard["value"] for guard in guards]

    @every_page
    def test_names_every_link_and_button(self, name: str) -> None:
        """
        What can be pressed has words.
        """
        written = by_jinja(PAGES[name])
        pressed = re.findall(r"<(a|button)\b[^>]*>(.*?)</\1>", written, re.DOTALL)

        assert pressed
        assert all(re.sub(r"<[^>]*>", "", words).strip() for _, words in pressed)

    @every_page
    def test_has_no_fixed_length(self, name: str) -> None:
        """
        Nothing that is typed is cut or judged by the browser.
        """
        page = elements(name)

        assert [] == page.values("maxlength")
        assert [] == page.values("pattern")


class TestFields:
    def test_of_the_address(self) -> None:
        """
        S1 tells password managers and phones what its field is for.
        """
        field = elements("identify").one("email")

        assert "username" == field["autocomplete"]
        assert "email" == field["inputmode"] == field["type"]
        assert "none" == field["autocapitalize"]
        assert "false" == field["spellcheck"]
        assert {"autofocus", "required"} <= set(field)
        assert "aria-invalid" not in field

    def test_of_the_address_refused(self) -> None:
        """
        S2 keeps what was typed and says that the field is wrong, and why.
        """
        field = elements("identify-unknown").one("email")

        assert ADDRESS == field["value"]
        assert "true" == field["aria-invalid"]
        assert "summary email-note" == field["aria-describedby"]
        assert "autofocus" not in field

    @pytest.mark.parametrize("field_id", ["password", "confirmation"])
    def test_of_a_new_password(self, field_id: str) -> None:
        """
        S5 asks password managers for a new password, and tells them the rules.
        """
        field = elements("create").one(field_id)

        assert "password" == field["type"]
        assert "new-password" == field["autocomplete"]
        assert field["passwordrules"].startswith("minlength: 8; maxlength: 50;")
        assert "required" in field

    def test_of_a_new_password_refused(self) -> None:
        """
        S5 marks what was wrong, in the list and at the fields.
        """
        page = elements("create-refused")

        assert "true" == page.one("password")["aria-invalid"]
        assert (
            "password-fault password-rules" == page.one("password")["aria-describedby"]
        )
        assert "confirmation-fault" == page.one("confirmation")["aria-describedby"]
        assert 6 == len([each for each in page.all("li") if "data-pattern" in each])
        assert 6 == page.values("class").count("is-unmet")

    def test_of_the_password(self) -> None:
        """
        S7 tells password managers whose password is asked for.
        """
        page = elements("password")
        names = [field for field in page.all("input") if field["name"] == "username"]

        assert "current-password" == page.one("password")["autocomplete"]
        assert "autofocus" in page.one("password")
        assert "checked" in page.one("remember")
        assert "username" == names[0]["autocomplete"]
        assert {"readonly", "hidden"} <= set(names[0])
        assert [ADDRESS] * 3 == [field["value"] for field in names]

    def test_of_the_code(self) -> None:
        """
        S8 lets phones offer the code, and shows digits to type.
        """
        field = elements("code").one("code")

        assert "one-time-code" == field["autocomplete"]
        assert "numeric" == field["inputmode"]
        assert "text" == field["type"]
        assert "autofocus" in field

    @pytest.mark.parametrize(("name", "expected"), [("code", 0), ("code-any", 2)])
    def test_the_address_travels_with_a_code(self, name: str, expected: int) -> None:
        """
        Only where one page serves every address S8 carries it, in both forms.
        """
        page = elements(name)
        names = [field for field in page.all("input") if field["name"] == "username"]
        challenges = [
            field for field in page.all("input") if field["name"] == "challenge"
        ]

        assert expected == len(names)
        assert 2 == len(challenges)

    @every_page
    def test_the_script_comes_with_passwords_alone(self, name: str) -> None:
        """
        The script is on pages with a password field, and on no other.
        """
        page = elements(name)
        has_password = any(
            field.get("type") == "password" for field in page.all("input")
        )

        assert [True] * has_password == ["defer" in each for each in page.all("script")]
