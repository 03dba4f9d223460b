"""
No access log keeps a link's token, and none of them breaks over that.
"""

from __future__ import annotations

import logging
from collections import UserDict
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.web.logs import (
    ACCESS_LOGGERS,
    LinkTokenFilter,
    mask_link_tokens,
    masked,
)


TOKEN = "fWyJhY2NvdW50IiwxXQ.c2lnbmF0dXJl"
LINE = f"GET /auth/link/{TOKEN} HTTP/1.1"


class SafeAtoms(dict[str, object]):
    """
    As gunicorn's: made from atoms, quotes escaped, a dash for what is missing.
    """

    def __init__(self, atoms: Mapping[str, object]) -> None:
        super().__init__()
        for key, value in atoms.items():
            self[key] = value.replace('"', '\\"') if isinstance(value, str) else value

    def __getitem__(self, key: str) -> object:
        return super().__getitem__(key) if key in self else "-"


def record(message: object, *args: object) -> logging.LogRecord:
    """
    A record as `logging` makes it, filtered.
    """
    made = logging.LogRecord("x", logging.INFO, "", 0, message, args, None)
    assert LinkTokenFilter().filter(made) is True
    return made


@pytest.fixture(name="loggers")
def _loggers() -> Iterator[tuple[str, ...]]:
    """
    Names of loggers that nobody else uses.
    """
    names = ("uness-auth-test.a", "uness-auth-test.b")
    yield names
    for name in names:
        logging.getLogger(name).filters.clear()


class TestMasked:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (f"/auth/link/{TOKEN}", "/auth/link/[masked]"),
            (f"/auth/link/{TOKEN}?a=b", "/auth/link/[masked]?a=b"),
            (f'"{LINE}" 200', '"GET /auth/link/[masked] HTTP/1.1" 200'),
            (f"/auth/link/{TOKEN}/more", "/auth/link/[masked]"),
            (
                f"/auth/link/{TOKEN} /auth/link/b",
                "/auth/link/[masked] /auth/link/[masked]",
            ),
            ("/auth/link", "/auth/link"),
            ("/auth/link/", "/auth/link/"),
            ("/auth/link/?a", "/auth/link/?a"),
            ("/auth/", "/auth/"),
            ("", ""),
        ],
    )
    def test_what_stands_behind_link(self, text: str, expected: str) -> None:
        """
        The token goes, all of it, and nothing else.
        """
        assert expected == masked(text)

    @given(
        st.text(),
        st.text("abcXYZ019_-.%/=", min_size=8),
        st.sampled_from(["", " ", "?a=b", "#x", '"', "'", "\n", "\u2028"]),
    )
    def test_any_line(self, before: str, token: str, after: str) -> None:
        """
        Whatever stands around it, a token is gone, and masking again changes nothing.
        """
        text = masked(f"{before}/auth/link/{token}{after}")

        assert token not in text.removeprefix(masked(f"{before}/auth/link/"))
        assert masked(text) == text


class TestLinkTokenFilter:
    def test_werkzeug(self) -> None:
        """
        Its message holds address and time, its arguments the request line.
        """
        message = '203.0.113.9 - - [22/Nov/2026 14:32:00] "%s" %s %s\n'

        assert (
            "203.0.113.9 - - [22/Nov/2026 14:32:00] "
            '"GET /auth/link/[masked] HTTP/1.1" 200 -\n'
            == record(message, LINE, "200", "-").getMessage()
        )

    def test_gunicorn(self) -> None:
        """
        Its arguments are one mapping that answers missing names itself, and still do.
        """
        atoms = SafeAtoms(
            {
                "h": "203.0.113.9",
                "r": LINE,
                "U": f"/auth/link/{TOKEN}",
                "s": 200,
                "{raw_uri}e": f"/auth/link/{TOKEN}",
                "{referer}i": f'https://x/auth/link/{TOKEN}"',
            }
        )
        made = record('%(h)s "%(r)s" %(U)s %(s)d %({raw_uri}e)s %(f)s', atoms)

        assert (
            '203.0.113.9 "GET /auth/link/[masked] HTTP/1.1" /auth/link/[masked] 200 '
            "/auth/link/[masked] -" == made.getMessage()
        )
        assert isinstance(made.args, SafeAtoms)
        assert TOKEN not in str(made.args)
        assert LINE == atoms["r"]

    def test_uvicorn(self) -> None:
        """
        Its formatter unpacks five arguments, which stay five and in order.
        """
        made = record(
            '%s - "%s %s HTTP/%s" %d',
            "203.0.113.9:5000",
            "GET",
            f"/auth/link/{TOKEN}?a=b",
            "1.1",
            200,
        )

        assert (
            "203.0.113.9:5000",
            "GET",
            "/auth/link/[masked]?a=b",
            "1.1",
            200,
        ) == made.args
        assert (
            '203.0.113.9:5000 - "GET /auth/link/[masked]?a=b HTTP/1.1" 200'
            == made.getMessage()
        )

    def test_flask(self) -> None:
        """
        Flask names the path of a request that failed.
        """
        made = record("Exception on %s [%s]", f"/auth/link/{TOKEN}", "GET")

        assert "Exception on /auth/link/[masked] [GET]" == made.getMessage()

    def test_another_mapping(self) -> None:
        """
        A mapping that is no dict is masked too.
        """
        made = record("%(path)s", UserDict({"path": f"/auth/link/{TOKEN}"}))

        assert "/auth/link/[masked]" == made.getMessage()

    def test_no_arguments(self) -> None:
        """
        A message without arguments keeps its percent signs.
        """
        made = record(f"100% of /auth/link/{TOKEN}")

        assert "100% of /auth/link/[masked]" == made.getMessage()

    def test_a_record_made_by_hand(self) -> None:
        """
        Arguments that are None, and a message that is no text, pass.
        """
        error = ValueError("x")
        made = logging.makeLogRecord({"msg": error, "args": None})

        assert LinkTokenFilter().filter(made) is True
        assert error is made.msg


class TestMaskLinkTokens:
    def test_a_real_logger(
        self, loggers: tuple[str, ...], caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        What reaches the handlers is masked.
        """
        mask_link_tokens(loggers)
        with caplog.at_level(logging.INFO):
            for name in loggers:
                logging.getLogger(name).info('"%s" %s', LINE, 200)

        assert [
            '"GET /auth/link/[masked] HTTP/1.1" 200',
            '"GET /auth/link/[masked] HTTP/1.1" 200',
        ] == caplog.messages

    def test_once_each(self, loggers: tuple[str, ...]) -> None:
        """
        Two apps in one process put one filter on.
        """
        mask_link_tokens(loggers)
        mask_link_tokens(loggers)

        assert [1, 1] == [len(logging.getLogger(name).filters) for name in loggers]

    def test_the_servers_we_know(self) -> None:
        """
        By default werkzeug, gunicorn and uvicorn, their error logs too.
        """
        mask_link_tokens()

        for name in ACCESS_LOGGERS:
            filters = logging.getLogger(name).filters
            assert 1 == sum(isinstance(one, LinkTokenFilter) for one in filters)
