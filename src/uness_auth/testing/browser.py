"""
What a journey needs of a browser, and one that needs no browser at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlencode, urljoin

import attrs


MOST_REDIRECTS: Final = 10
_VOID: Final = frozenset({"meta", "link", "input", "img", "br"})
_SPACES: Final = re.compile(r"\s+")


class Browser(Protocol):
    """
    A browser as a person uses it: by the words that are on the page.
    """

    @property
    def title(self) -> str:
        """
        The document's title, spaces tidied.
        """
        ...

    @property
    def text(self) -> str:
        """
        The words on the page, spaces tidied.
        """
        ...

    @property
    def path(self) -> str:
        """
        The path where one is, with its query.
        """
        ...

    @property
    def status(self) -> int:
        """
        The status of the last answer.
        """
        ...

    def visit(self, url: str, /) -> None:
        """
        Go to an address, or to a path of the site.
        """
        ...

    def follow(self, words: str, /) -> None:
        """
        Follow the link that reads *words*.
        """
        ...

    def fill(self, label: str, text: str, /) -> None:
        """
        Type into the field with this label.
        """
        ...

    def check(self, label: str, /) -> None:
        """
        Tick the box with this label.
        """
        ...

    def value(self, label: str, /) -> str:
        """
        Return what the field with this label holds.
        """
        ...

    def press(self, words: str, /) -> None:
        """
        Press the button that reads *words*.
        """
        ...


@attrs.frozen(kw_only=True)
class Reply:
    """
    What a server answered.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def header(self, name: str, /) -> str:
        """
        Return the first header of this name, or the empty text.
        """
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")


Send: TypeAlias = Callable[[str, str, bytes, Mapping[str, str]], Reply]


def tidy(text: str, /) -> str:
    """
    Return *text* with every run of spaces, no-break ones too, as one space.
    """
    return _SPACES.sub(" ", text).strip()


@attrs.define
class _Control:
    name: str = ""
    value: str = ""
    kind: str = ""
    id: str = ""
    is_checked: bool = False


@attrs.define
class _Form:
    action: str
    controls: list[_Control] = attrs.field(factory=list[_Control])
    buttons: list[str] = attrs.field(factory=list[str])


@attrs.define
class _Link:
    href: str
    words: str = ""


class PageReader(HTMLParser):
    """
    Reads title, words, links, labels and forms of a page.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title: str = ""
        self.words: str = ""
        self.links: list[_Link] = []
        self.forms: list[_Form] = []
        self.labels: dict[str, str] = {}
        self._open: list[str] = []
        self._label_for = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Note what opens.
        """
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID:
            self._open.append(tag)
        match tag:
            case "a":
                self.links.append(_Link(given.get("href", "")))
            case "form":
                self.forms.append(_Form(given.get("action", "")))
            case "input":
                self._control(given, is_checked="checked" in given)
            case "label":
                self._label_for = given.get("for", "")
                self.labels[self._label_for] = ""
            case "button" if self.forms and given.get("type") != "button":
                self.forms[-1].buttons.append("")
            case _:
                pass

    def handle_endtag(self, tag: str) -> None:
        """
        Note what closes.
        """
        if tag in self._open:
            # With it closes whatever was left open inside.
            del self._open[-1 - self._open[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        """
        Give the words to whatever is open.
        """
        if "title" in self._open:
            self.title += data
            return
        self.words += data
        if "a" in self._open:
            self.links[-1].words += data
        if "label" in self._open:
            self.labels[self._label_for] += data
        if "button" in self._open and self.forms and self.forms[-1].buttons:
            self.forms[-1].buttons[-1] += data

    def labelled(self, label: str, /) -> _Control:
        """
        Return the control with this label.
        """
        ids = [one for one, words in self.labels.items() if tidy(words) == tidy(label)]
        for control in self._controls():
            if control.id in ids:
                return control
        msg = f"no field is labelled {label!r}, only {sorted(self.labels.values())}"
        raise LookupError(msg)

    def form_with(self, words: str, /) -> _Form:
        """
        Return the form with the button that reads *words*.
        """
        for form in self.forms:
            if tidy(words) in map(tidy, form.buttons):
                return form
        msg = f"no button reads {words!r}"
        raise LookupError(msg)

    def link(self, words: str, /) -> str:
        """
        Return where the link that reads *words* leads.
        """
        for link in self.links:
            if tidy(link.words) == tidy(words):
                return link.href
        msg = f"no link reads {words!r}, only {[tidy(one.words) for one in self.links]}"
        raise LookupError(msg)

    def _controls(self) -> Iterator[_Control]:
        for form in self.forms:
            yield from form.controls

    def _control(self, given: Mapping[str, str], *, is_checked: bool) -> None:
        if self.forms:
            self.forms[-1].controls.append(
                _Control(
                    name=given.get("name", ""),
                    value=given.get("value", ""),
                    kind=given.get("type", "text"),
                    id=given.get("id", ""),
                    is_checked=is_checked,
                )
            )


class HtmlBrowser:
    """
    A browser without script, style or network: it reads pages and sends forms.

    Args:
        send: ``send(method, path, body, headers)``; the adapter's own test client, or
            real HTTP.

        base_url: Of the site: where links that begin with it lead.

        language: What Accept-Language says.

        takes_cookies: False for someone who blocks them.
    """

    def __init__(
        self,
        send: Send,
        base_url: str,
        /,
        *,
        language: str = "fr",
        takes_cookies: bool = True,
    ) -> None:
        self.cookies: dict[str, str] = {}
        self.reply: Reply = Reply(status=0)
        self._send = send
        self._base_url = base_url
        self._language = language
        self._takes_cookies = takes_cookies
        self._url = base_url + "/"
        self._page = PageReader("")

    @property
    def title(self) -> str:
        """
        The document's title, spaces tidied.
        """
        return tidy(self._page.title)

    @property
    def text(self) -> str:
        """
        The words on the page, spaces tidied.
        """
        return tidy(self._page.words)

    @property
    def path(self) -> str:
        """
        The path where one is, with its query.
        """
        return self._url.removeprefix(self._base_url)

    @property
    def status(self) -> int:
        """
        The status of the last answer.
        """
        return self.reply.status

    def visit(self, url: str, /) -> None:
        """
        Go to an address, or to a path of the site.
        """
        self._go("GET", url, b"")

    def follow(self, words: str, /) -> None:
        """
        Follow the link that reads *words*.
        """
        self._go("GET", self._page.link(words), b"")

    def fill(self, label: str, text: str, /) -> None:
        """
        Type into the field with this label.
        """
        self._page.labelled(label).value = text

    def check(self, label: str, /) -> None:
        """
        Tick the box with this label.
        """
        self._page.labelled(label).is_checked = True

    def value(self, label: str, /) -> str:
        """
        Return what the field with this label holds.
        """
        return self._page.labelled(label).value

    def press(self, words: str, /) -> None:
        """
        Press the button that reads *words*.
        """
        form = self._page.form_with(words)
        sent = [
            (one.name, one.value)
            for one in form.controls
            if one.name and (one.kind != "checkbox" or one.is_checked)
        ]
        self._go("POST", form.action or self._url, urlencode(sent).encode())

    def _go(self, method: str, url: str, body: bytes) -> None:
        for _ in range(MOST_REDIRECTS):
            target = urljoin(self._url, url)
            if not target.startswith(self._base_url + "/"):
                msg = f"{target} leads away from {self._base_url}"
                raise LookupError(msg)
            self._url = target
            self.reply = self._send(method, self.path, body, self._headers(method))
            self._keep_cookies()
            location = self.reply.header("location")
            if not location:
                self._page = PageReader(self.reply.body)
                return
            method, url, body = "GET", location, b""
        msg = f"{self._url} redirects without end"
        raise LookupError(msg)

    def _headers(self, method: str) -> dict[str, str]:
        headers = {"Accept-Language": self._language}
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = self._base_url
            headers["Sec-Fetch-Site"] = "same-origin"
        return headers

    def _keep_cookies(self) -> None:
        if not self._takes_cookies:
            return
        for name, value in self.reply.headers:
            if name.lower() == "set-cookie":
                pair, _, rest = value.partition(";")
                key, _, content = pair.partition("=")
                _ = self.cookies.pop(key, None)
                if "max-age=0" not in rest.lower():
                    self.cookies[key] = content
