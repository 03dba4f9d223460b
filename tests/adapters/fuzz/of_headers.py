"""
Mutations of headers, cookies among them.
"""

from __future__ import annotations

from tests.adapters.fuzz import scene
from tests.adapters.fuzz.chance import Chance, mutation, rarely
from tests.adapters.fuzz.draft import COOKIE, HOSTS, ORIGINS, TWICE, Draft
from tests.adapters.hostile import SCRIPT


@mutation
@rarely
def host(draft: Draft, chance: Chance) -> None:
    """
    Another host, none, or several.
    """
    evil = [b"evil.example", b"localhost:8000", b"LOCALHOST", b"localhost:99999", b"["]
    evil += [b"", b"a b", b"[::1]:80", b"evil.example:80@localhost", SCRIPT.encode()]
    evil += [b"localhost\x00", b"\xff.example", b"localhost:8000/auth", b"a" * 5_000]
    draft.hosts = [
        chance.pick(evil) for _ in range(chance.random.choice([0, 1, 1, 1, 2]))
    ]
    draft.told.add(HOSTS)
    draft.is_at_server = True


@mutation
def forwarded(draft: Draft, chance: Chance) -> None:
    """
    What a proxy would say, and is not believed, or only of the address.
    """
    pairs = [
        (b"X-Forwarded-Host", b"evil.example"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Port", b"99999"),
        (b"X-Forwarded-Prefix", b"/evil"),
        (b"Forwarded", b"for=1.2.3.4;host=evil.example;proto=https"),
        (b"X-Original-Host", b"evil.example"),
        (b"X-Original-URL", b"/private"),
        (b"X-Rewrite-URL", b"/private"),
        (b"X-Real-IP", b"10.0.0.1"),
        (b"X-Script-Name", b"/evil"),
        *(
            (b"X-Forwarded-For", one)
            for one in (
                *(b"1.2.3.4", b"1.2.3.4, 5.6.7.8", b"", b"," * 3_000, b"unknown", b"["),
                *(b"::1%eth0", b"[2001:db8::1]:443", b"::ffff:1.2.3.4", b"\xff\xfe"),
                *(b"1.2.3.4:99999", b"1" * 4_000, b"_hidden", b"0x7f.1", b"127.1"),
            )
        ),
    ]
    count = chance.random.choice([1, 1, 2, 4])
    draft.headers += chance.random.sample(pairs, count)


@mutation
def origin(draft: Draft, chance: Chance) -> None:
    """
    Another page that it comes from.
    """
    draft.headers = [one for one in draft.headers if one[0] != b"Origin"]
    draft.headers += chance.random.sample(
        [
            (b"Origin", b"null"),
            (b"Origin", b"https://evil.example"),
            (b"Origin", b"http://localhost:8000.evil.example"),
            (b"Origin", b"HTTP://LOCALHOST:8000"),
            (b"Origin", b"http://localhost:8000/"),
            (b"Origin", b"http://["),
            (b"Origin", b"\xff"),
            (b"Referer", b"https://evil.example/auth/"),
            (b"Referer", b"http://["),
            (b"Referer", SCRIPT.encode()),
            (b"Sec-Fetch-Site", b"cross-site"),
            (b"Sec-Fetch-Site", b"same-site"),
            (b"Sec-Fetch-Site", b"\xff"),
            (b"Sec-Fetch-Mode", b"no-cors"),
        ],
        chance.random.choice([1, 2]),
    )
    draft.told.add(ORIGINS)


@mutation
def cookies(draft: Draft, chance: Chance) -> None:
    """
    Cookies twice, planted, misspelt, broken or gone.
    """
    browser, session = scene.BROWSER.encode(), scene.SESSION.encode()
    right = b"uness-browser=" + browser
    other = b"uness-browser=" + b"x" * 22
    signed_in = b"uness-session=" + session
    forms: list[list[bytes]] = [
        *([], [b""], [right], [right, signed_in], [right + b"; " + signed_in]),
        *(
            [right + b"; " + other],
            [other + b"; " + right],
            [right, right],
            [right, other],
        ),
        *([right + b"; uness-session=" + b"t" * 43 + b"; " + signed_in],),
        *([b"=" + right], [b"$Version=1; " + right], [b"\xe2\x80\x80" + right]),
        *([right.upper()], [right + b"\x00"], [right + b"\xff"], [right + b" "]),
        *([b"__Host-" + right], [b"__Secure-" + right], [right.replace(b"-", b"_")]),
        *([b'uness-browser="' + browser + b'"'], [right + b";"], [right + b","]),
        *(
            [b"; ".join([right] * 200)],
            [b";" * 3_000],
            [b"a=" + b"b" * 8_192 + b"; " + right],
        ),
        *(
            [b"uness-session=" + session[:-1] + b"; " + right],
            [b"uness-session=; " + right],
        ),
        *([b"uness-device=" + b"d" * 43 + b"; " + right], [right + b"; csrftoken=x"]),
        *([b"uness-session=" + SCRIPT.encode()], [b"uness-browser=" + browser * 50]),
        *(
            [b"uness-session\x00=1"],
            [b"\r\n " + right],
            [b"uness-browser%3D" + browser],
        ),
    ]
    draft.cookies = list(chance.random.choice(forms))
    draft.told |= {COOKIE, TWICE} if len(draft.cookies) > 1 else {COOKIE}
    draft.is_at_server |= any(b"\x00" in one or b"\r" in one for one in draft.cookies)


@mutation
def language(draft: Draft, chance: Chance) -> None:
    """
    A language that nobody speaks.
    """
    header = chance.pick(
        [
            *(
                b"en",
                b"en;q=nan",
                b"en;q=1e400",
                b"fr;q=-1",
                b"*",
                b"\xff",
                b"," * 3_000,
            ),
            *(
                b"x" * 6_000,
                b"en-" * 1_000,
                b"en\xc2\xad",
                b"zh-hant-hk,../../etc",
                b";q=1",
            ),
            *(b"fr;q=0, en;q=0", b"en;q=\xb2", b"i" + b"-a" * 250, b"en;" * 500, b""),
        ]
    )
    draft.headers = [
        (name, header if name == b"Accept-Language" else found)
        for name, found in draft.headers
    ]


@mutation
def other_headers(draft: Draft, chance: Chance) -> None:
    """
    Headers that mean something to somebody.
    """
    draft.headers += chance.random.sample(
        [
            (b"X-HTTP-Method-Override", b"DELETE"),
            (b"X-CSRFToken", b"s" * 32),
            (b"X-Requested-With", b"XMLHttpRequest"),
            (b"Accept", b"application/json"),
            (b"Authorization", b"Basic \xff"),
            (b"Authorization", b"Bearer " + scene.SESSION.encode()),
            (b"Range", b"bytes=0-,-1"),
            (b"If-None-Match", b"*"),
            (b"If-Modified-Since", b"Sat, 29 Oct 9999 19:43:31 GMT"),
            (b"If-Match", b'"x"'),
            (b"Upgrade", b"websocket"),
            (b"HTTP2-Settings", b"\xff"),
            (b"Keep-Alive", b"timeout=0"),
            (b"Trailer", b"Set-Cookie"),
            (b"Max-Forwards", b"0"),
            (b"Cache-Control", b"only-if-cached"),
            (b"User-Agent", SCRIPT.encode() * 20),
            (b"User-Agent", b""),
            (b"Remote-User", scene.CAMILLE.encode()),
            (b"Proxy", b"http://evil.example"),
            (b"Content-Location", b"/private"),
            (b"Content-MD5", b"\xff"),
            (b"Content-Disposition", b"attachment"),
        ],
        chance.random.choice([1, 2, 5]),
    )


@mutation
@rarely
def expect(draft: Draft, chance: Chance) -> None:
    """
    A client that waits to be asked for its body, or for something else.
    """
    draft.headers.append(
        (b"Expect", chance.pick([b"100-continue", b"200-ok", b"\xff"]))
    )
    draft.is_at_server = True


@mutation
@rarely
def odd_headers(draft: Draft, chance: Chance) -> None:
    """
    Headers that are none, too many, or too long.
    """
    odd: list[list[tuple[bytes, bytes]]] = [
        *([(b"X-Long", b"a" * 20_000)], [(b"X-Long", b"a" * 70_000)]),
        *([(b"X-%d" % one, b"1") for one in range(count)] for count in (90, 150)),
        *([(b"X-Folded", b"a\r\n b\r\n\tc")], [(b"X Y", b"1")], [(b"", b"1")]),
        *([(b"X-Nul", b"a\x00b")], [(b"X-Cr", b"a\rb")], [(b"X-Lf", b"a\nb")]),
        *([(b"\xff", b"1")], [(b"Content_Length", b"5")], [(b"content_type", b"a/b")]),
        *(
            [(b"Cookie ", b"a=b")],
            [(b"Accept-Language", b"en")] * 3,
            [(b"X", b"\x7f\x1b")],
        ),
        *([(b"Connection", b"keep-alive")], [(b"Connection", b"upgrade, close, \xff")]),
    ]
    draft.headers += chance.random.choice(odd)
    draft.is_at_server = True
