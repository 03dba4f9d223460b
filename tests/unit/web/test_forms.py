"""
A body is a form of ours, or has one of four faults.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uness_auth.web.forms import (
    LONGEST_BODY,
    MOST_FIELDS,
    FormFault,
    read_fields,
    read_form,
    read_next,
)
from uness_auth.web.http import Request


FORM = "application/x-www-form-urlencoded"


def post(
    body: bytes | Callable[[int], bytes], content_type: str = FORM, **headers: str
) -> Request:
    """
    A POST of *body*, cut where the reader asks for no more.
    """
    given_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method="POST",
        path="/auth/",
        headers={"content-type": content_type, **given_headers},
        read=body if callable(body) else lambda limit: body[:limit],
    )


def unread(_limit: int) -> bytes:
    """
    A body that must not be read.
    """
    msg = "the body was read"
    raise AssertionError(msg)


class TestReadForm:
    @pytest.mark.parametrize(
        "content_type",
        [
            FORM,
            FORM.upper(),
            f"{FORM}; charset=utf-8",
            f" {FORM} ;charset=whatever",
        ],
    )
    def test_fields(self, content_type: str) -> None:
        """
        A form comes back as its fields, whatever is said beside its type.
        """
        body = b"email=a%40b.fr&next=%2Fprivate&empty="

        assert {"email": "a@b.fr", "next": "/private", "empty": ""} == read_form(
            post(body, content_type)
        )

    @pytest.mark.parametrize(
        "content_type",
        [
            "",
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            f"text/plain; {FORM}",
            f"{FORM}, text/plain",
            "application/x-www-form-urlencoded-not",
            "\x00",
        ],
    )
    def test_another_type(self, content_type: str) -> None:
        """
        P53: what is no form is not read: text/plain and JSON need no preflight from a
        hostile page, or are read as something else elsewhere.
        """
        assert FormFault.UNSUPPORTED is read_form(post(unread, content_type))

    @pytest.mark.parametrize("length", [str(LONGEST_BODY + 1), "9" * 9, "9" * 5_000])
    def test_declared_too_large(self, length: str) -> None:
        """
        A body that says it is too large is refused before a byte is read.
        """
        assert FormFault.TOO_LARGE is read_form(post(unread, content_length=length))

    @pytest.mark.parametrize(
        "length", ["", "0", "12", "-1", "lies", "٣٣٣٣٣٣", "0" * 10 + "99999", "1e9"]
    )
    def test_really_too_large(self, length: str) -> None:
        """
        P53: a body that lies about its length is refused when it is read, and no more
        of it than that takes.
        """
        asked: list[int] = []

        def read(limit: int) -> bytes:
            asked.append(limit)
            return b"a" * limit

        assert FormFault.TOO_LARGE is read_form(post(read, content_length=length))
        assert [LONGEST_BODY + 1] == asked

    def test_as_large_as_may_be(self) -> None:
        """
        Exactly the limit passes.
        """
        value = "a" * (LONGEST_BODY - 2)

        assert {"a": value} == read_form(
            post(f"a={value}".encode(), content_length=str(LONGEST_BODY))
        )


class TestReadFields:
    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            (b"", {}),
            (b"a=", {"a": ""}),
            (b"a=1+2%203", {"a": "1 2 3"}),
            (b"a=%C3%A9", {"a": "é"}),
            (b"a=%00", {"a": "\x00"}),
            (b"a=b=c", {"a": "b=c"}),
            (b"a=1;b=2", {"a": "1;b=2"}),
            (b"email[]=a", {"email[]": "a"}),
            (b"email%5B0%5D=a&email%5B1%5D=b", {"email[0]": "a", "email[1]": "b"}),
            (b"a=%zz%4", {"a": "%zz%4"}),
            (b"=a", {"": "a"}),
        ],
    )
    def test_what_is_a_form(self, body: bytes, fields: dict[str, str]) -> None:
        """
        Fields are text and nothing else: brackets make no list.
        """
        assert fields == read_fields(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"a=1&a=2",
            b"a=1&a=1",
            b"a=1&b=2&a=",
            b"a=1&%61=2",
            b"email=v@x.fr&email=a@e.fr",
        ],
    )
    def test_a_field_sent_twice(self, body: bytes) -> None:
        """
        P1: a repeated field is refused, equal or not, however it is spelt.
        """
        assert FormFault.REPEATED is read_fields(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"a=%ff",
            b"a=%C3",
            b"a=%ED%A0%80",
            b"a=%C0%AF",
            b"%ff=a",
            b"a=\xc3\xa9",
            b"\xff\xfe",
            b"a",
            b"&",
            b"a=1&",
            b"&a=1",
            b'{"email": "a@b.fr"}',
            b"[]",
            b"null",
            b"\x00",
            b"&".join([b"a=1"] * (MOST_FIELDS + 1)),
        ],
        ids=ascii,
    )
    def test_what_is_no_form(self, body: bytes) -> None:
        """
        Broken UTF-8, surrogates, raw bytes, no pairs or too many of them.
        """
        assert FormFault.MALFORMED is read_fields(body)

    def test_ten_thousand_fields(self) -> None:
        """
        P53: a flood of fields is counted before one is parsed.
        """
        body = "&".join(f"f{number}=1" for number in range(10_000)).encode()

        assert FormFault.MALFORMED is read_fields(body)

    @given(
        st.one_of(
            st.binary(max_size=400),
            st.text(alphabet="ab=&%;+[]0fF", max_size=60).map(str.encode),
        )
    )
    def test_any_bytes(self, body: bytes) -> None:
        """
        Any bytes are fields of text or a fault, and never an exception.
        """
        fields = read_fields(body)

        assert isinstance(fields, FormFault) or all(
            text.encode() is not None for pair in fields.items() for text in pair
        )

    @given(
        st.dictionaries(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
            st.text(st.characters(codec="utf-8"), max_size=9),
            max_size=MOST_FIELDS,
        )
    )
    def test_what_was_sent_arrives(self, fields: dict[str, str]) -> None:
        """
        What a browser encodes is what comes out.
        """
        assert fields == read_fields(urlencode(fields).encode())


class TestReadNext:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ""),
            ("next=/private", "/private"),
            ("next=%2Fprivate%3Ftab%3D2", "/private?tab=2"),
            ("a=b&next=/x&c=d", "/x"),
            ("next=", ""),
            ("next", ""),
            ("Next=/x", ""),
            ("next=/a&next=/a", ""),
            ("next=/a&next=/b", ""),
            ("next=%ff", ""),
            ("next=/a&x=%ff", ""),
            ("&" * 100 + "next=/a", ""),
        ],
    )
    def test_one_next(self, query: str, found: str) -> None:
        """
        One `next` is taken; none, two and a query that is no query are none.
        """
        assert found == read_next(query)

    @given(st.text())
    def test_any_text(self, query: str) -> None:
        """
        No query raises.
        """
        assert read_next(query) is not None
