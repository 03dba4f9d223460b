"""
What an adapter hands in and gets back says no secret and forgets no header.
"""

from __future__ import annotations

from uness_auth.web.http import SECURITY_HEADERS, Cookie, Page, Redirect, Request


class TestSecurityHeaders:
    def test_each_of_them(self) -> None:
        """
        P15, P44: exactly the headers that the documentation promises, to the letter.
        """
        assert {
            "Cache-Control": "no-store",
            "Vary": "Cookie",
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'self'; img-src 'self'; "
                "script-src 'self'; form-action 'self'; frame-ancestors 'none'; "
                "base-uri 'none'"
            ),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "strict-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=()",
            "X-Robots-Tag": "noindex, nofollow",
        } == dict(SECURITY_HEADERS)


class TestRequest:
    def test_a_header_that_did_not_come(self) -> None:
        """
        It is the empty text, so that nobody asks twice.
        """
        request = Request(method="GET", path="/", headers={"origin": "null"})

        assert "null" == request.header("origin")
        assert "" == request.header("cookie")

    def test_a_body_that_did_not_come(self) -> None:
        """
        It is empty.
        """
        assert b"" == Request(method="GET", path="/").read(10)

    def test_its_repr_is_no_leak(self) -> None:
        """
        Neither the link's token nor a cookie nor a query is in what a crash prints.
        """
        request = Request(
            method="GET",
            path="/auth/link/secret",
            query="q=secret",
            headers={"cookie": "secret"},
            read=lambda _limit: b"secret",
        )

        assert "secret" not in repr(request)


class TestCookie:
    def test_its_repr_is_no_leak(self) -> None:
        """
        A cookie names itself, not its value.
        """
        cookie = Cookie(name="uness-session", cookie_value="secret")

        assert "uness-session" in repr(cookie)
        assert "secret" not in repr(cookie)


class TestPage:
    def test_headers(self) -> None:
        """
        Every page has the security headers and says that it is HTML.
        """
        headers = Page(template="x.html", view=None).headers

        assert set(SECURITY_HEADERS) < set(headers)
        assert ("Content-Type", "text/html; charset=utf-8") in headers
        assert {"Retry-After", "Allow"}.isdisjoint(dict(headers))

    def test_when_to_come_back(self) -> None:
        """
        A wait is a header too.
        """
        headers = Page(template="x.html", view=None, retry_after=0).headers

        assert "0" == dict(headers)["Retry-After"]

    def test_what_is_allowed(self) -> None:
        """
        A 405 names the methods.
        """
        headers = Page(template="x.html", view=None, allow=("GET", "HEAD")).headers

        assert "GET, HEAD" == dict(headers)["Allow"]


class TestRedirect:
    def test_headers(self) -> None:
        """
        Every redirect has the security headers, and becomes a GET.
        """
        redirect = Redirect(location="https://portail.example.fr/")

        assert 303 == redirect.status
        assert set(SECURITY_HEADERS) < set(redirect.headers)
        assert "https://portail.example.fr/" == dict(redirect.headers)["Location"]
