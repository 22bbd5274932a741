"""The egress proxy's rules: where a token goes, what goes with it, and what comes back."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.facts import Api
from limen.federation.registry import Providers
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.vault.proxy.reach import reaches
from limen.vault.proxy.redact import Redactor
from limen.vault.proxy.way import (
    check_host,
    check_operation,
    check_path,
    headers_back,
    headers_out,
    with_token,
)
from limen.web.body_limits import BodyLimits

API = Api(hosts=("*.googleapis.com", "api.notion.com"), headers={"Notion-Version": "2022-06-28"})
TOKEN = "ya29.a0/secret+token=="
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"
CALENDAR_WRITE = "https://www.googleapis.com/auth/calendar"
DRIVE = "https://www.googleapis.com/auth/drive.readonly"


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("slack", "/api/auth.revoke"),
        ("slack", "/api/auth%2Erevoke/"),
        ("slack", "/API/Auth.Revoke"),
        ("slack", "/api/oauth.v2.access"),
        ("dropbox", "/2/auth/token/revoke"),
        ("linear", "/oauth/revoke"),
        ("notion", "/v1/oauth/introspect"),
        ("salesforce", "/services/oauth2/revoke"),
    ],
)
def test_who_may_use_a_connection_may_not_end_it(provider: str, path: str) -> None:
    found = Providers().find(provider, {})
    assert isinstance(found, CatalogueProvider)
    check_path(path)
    with pytest.raises(NotPermitted, match="proxy_operation_refused"):
        check_operation(path, found.about_tokens)
    check_operation(f"{path.rstrip('/')}d", found.about_tokens)
    check_operation("/api/chat.postMessage", found.about_tokens)


@pytest.mark.parametrize("host", ["www.googleapis.com", "gmail.googleapis.com", "api.notion.com"])
def test_f45_a_token_goes_to_the_providers_api(host: str) -> None:
    check_host(host, API)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "googleapis.com",
        "evilgoogleapis.com",
        "www.googleapis.com.evil.example",
        "www.googleapis.com:8443",
        "www.googleapis.com@evil.example",
        "www.googleapis.com%2eevil",
        "127.0.0.1",
        "",
        "WWW.googleapis.com",
        "oauth2.googleapis.com",
        "sts.googleapis.com",
        "iamcredentials.googleapis.com",
    ],
)
def test_f45_and_nowhere_else(host: str) -> None:
    with pytest.raises(NotPermitted, match="proxy_host_refused"):
        check_host(host, API)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "calendar",
        "/a/../b",
        "/a/%2e%2E/b",
        "/a/.",
        "//evil.example/a",
        "/a//b",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "/a?b",
        "/a#b",
        "/a b",
        "/\x00",
        "/é",
        "/" + "a" * 2001,
    ],
    ids=range(16),
)
def test_a_path_that_turns_or_can_be_read_twice_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="proxy_path_refused"):
        check_path(path)


def test_ordinary_paths_pass() -> None:
    for path in ("/", "/calendar/v3/users/me/calendarList", "/a.b/c..d/%20x", "/x:batch"):
        check_path(path)


def test_nothing_of_ours_goes_out() -> None:
    sent = headers_out(
        [
            ("accept", "application/json"),
            ("content-type", "text/plain"),
            ("authorization", "Bearer ours"),
            ("cookie", "session=ours"),
            ("dpop", "proof"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-http-method-override", "DELETE"),
            ("connection", "keep-alive"),
            ("host", "limen.example"),
            ("origin", "https://app.example"),
            ("notion-version", "2025-01-01"),
            ("accept-encoding", "gzip"),
            ("range", "bytes=0-3"),
            ("if-range", '"x"'),
        ],
        api=API,
    )
    assert sent == {
        "accept": "application/json",
        "content-type": "text/plain",
        "notion-version": "2025-01-01",
    }
    assert headers_out([], api=API) == {"Notion-Version": "2022-06-28"}
    out = with_token({"accept": "x", "authorization": "theirs"}, api=API, raw_access=TOKEN)
    assert out == {"accept": "x", "Authorization": f"Bearer {TOKEN}"}


def test_no_cookie_policy_or_token_comes_back() -> None:
    back = headers_back(
        [
            ("content-type", "application/json"),
            ("set-cookie", "a=b"),
            ("www-authenticate", "Bearer"),
            ("access-control-allow-origin", "*"),
            ("content-security-policy", "default-src *"),
            ("clear-site-data", "*"),
            ("etag", f'"{TOKEN}"'),
            ("x-ratelimit-remaining", "3"),
            ("location", "https://evil.example/"),
            ("link", "<https://www.googleapis.com/x?access_token=ya29.a0%2Fsecret%2Btoken%3D%3D>"),
        ],
        api=API,
        raw_access=TOKEN,
    )
    assert back == [("content-type", "application/json"), ("x-ratelimit-remaining", "3")]
    carried = base64.b64encode(f"x:{TOKEN}:y".encode()).decode()
    for away in ("https://[", f"https://www.googleapis.com/x?t={carried}"):
        assert headers_back([("location", away)], api=API, raw_access=TOKEN) == []
    home = [("location", "https://www.googleapis.com/upload/x")]
    assert headers_back(home, api=API, raw_access=TOKEN) == home


def test_what_is_handed_on_may_be_larger_than_what_is_read() -> None:
    limits = BodyLimits()
    base = "/api/v1/oauth/connections/01c1"
    assert limits.for_path(f"{base}/proxy/www.googleapis.com/x") == limits.max_proxied_bytes
    for path in (f"{base}/token", f"{base}/a/proxy/x", "/api/v1/proxy/x"):
        assert limits.for_path(path) == limits.max_json_bytes


@given(
    before=st.binary(max_size=60), after=st.binary(max_size=60), cuts=st.lists(st.integers(0, 200))
)
def test_a_token_is_struck_out_however_it_is_cut(
    before: bytes, after: bytes, cuts: list[int]
) -> None:
    whole = before + TOKEN.encode() + after
    redactor, told = Redactor(TOKEN), b""
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for start, stop in itertools.pairwise(edges):
        told += redactor.feed(whole[start:stop])
    told += redactor.end()
    assert TOKEN.encode() not in told
    assert len(told) == len(whole)
    assert told.startswith(before[: max(0, len(before) - len(TOKEN))])


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        "ya29.a0%2Fsecret%2Btoken%3D%3D",
        "ya29.a0%2fsecret%2btoken%3d%3d",
        "ya29.a0%252Fsecret%252Btoken%253D%253D",
        "ya29.a0\\/secret+token==",
        "ya29.a0\\\\/secret+token==",
        "ya29.a0/secret\\u002Btoken\\u003D\\u003D",
        TOKEN.encode().hex(),
        TOKEN.encode().hex().upper(),
    ],
    ids=["plain", "percent", "lower", "twice", "json", "json-twice", "dotnet", "hex", "HEX"],
)
def test_so_are_its_other_spellings(form: str) -> None:
    redactor = Redactor(TOKEN)
    told = redactor.feed(b"<" + form.encode() + b">") + redactor.end()
    assert told == b"<" + b"*" * len(form) + b">"
    back = headers_back([("link", f"<https://x?a={form}>")], api=API, raw_access=TOKEN)
    assert back == []


@given(before=st.binary(max_size=9), after=st.binary(max_size=9), url_safe=st.booleans())
def test_a_token_within_base64_is_struck_out(
    before: bytes, after: bytes, *, url_safe: bool
) -> None:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    decode = base64.urlsafe_b64decode if url_safe else base64.b64decode
    whole = encode(before + TOKEN.encode() + after)
    redactor = Redactor(TOKEN)
    told = redactor.feed(whole) + redactor.end()
    assert len(told) == len(whole)
    # Of what is left nobody makes more than a letter at either end.
    left = decode(told.replace(b"*", b"-" if url_safe else b"/"))
    middle = TOKEN.encode()[2:-2]
    assert middle not in left
    assert all(middle[at : at + 3] not in left for at in range(len(middle) - 2))


def test_a_short_token_is_not_looked_for_in_other_spellings() -> None:
    redactor = Redactor("a/b")
    told = redactor.feed(b"a/b a%2Fb YS9i " * 2) + redactor.end()
    assert told == b"*** a%2Fb YS9i " * 2


def test_a_part_of_a_consent_reaches_its_part_of_the_api() -> None:
    def may(agreed: str, beyond: str, path: str, host: str = "www.googleapis.com") -> bool:
        return reaches((agreed,), (beyond,), host=host, path=path)

    assert may(CALENDAR, DRIVE, "/calendar/v3/users/me/calendarList")
    assert not may(CALENDAR, DRIVE, "/drive/v3/files")
    assert not may(CALENDAR, DRIVE, "/batch")
    assert not may(CALENDAR, DRIVE, "/calendar/v3", host="gmail.googleapis.com")
    assert not may("unknown", DRIVE, "/anything")
    # The same path reads and writes: who may read only is not let near it.
    assert not may(CALENDAR, CALENDAR_WRITE, "/calendar/v3/events")
    # And a scope that nobody knows may write there too.
    assert not may(CALENDAR, "https://www.googleapis.com/auth/calendar.events", "/calendar/v3/x")
