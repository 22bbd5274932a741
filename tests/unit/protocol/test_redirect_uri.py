from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput, OAuthRefusal
from limen.protocol.redirect_uri import (
    MAX_CHARACTERS,
    check_redirect_uri,
    check_web_uri,
    is_loopback,
    is_private_use,
    match_redirect_uri,
    origin_of,
)

CB = "https://app.example/cb"


@pytest.mark.parametrize(
    ("case", "sent"),
    [
        ("N003", f"{CB}x"),
        ("N003", f"{CB}/"),
        ("N003", f"{CB}/x"),
        ("N003", f"{CB}?"),
        ("N003", f"{CB}?a=b"),
        ("N003", "https://app.example/CB"),
        ("N003", "https://app.example/"),
        ("N003", "https://app.example/x/../cb"),
        ("N003", "https://app.example/%63b"),
        ("N004", "https://app.example.evil.example/cb"),
        ("N004", "https://evilapp.example/cb"),
        ("N004", "https://app.exampleevil/cb"),
        ("N004", "https://app.example:8443/cb"),
        ("N004", "https://app.example:443/cb"),
        ("N004", "http://app.example/cb"),
        ("N006", "https://app.example@evil.example/cb"),
        ("N006", "https://user@app.example/cb"),
        ("N006", "https://a@b@app.example/cb"),
        ("N007", f"{CB}#x"),
        ("N007", f"{CB}#"),
        ("N009", "javascript:alert(1)"),
        ("N009", f" {CB}"),
        ("N009", f"{CB}\n"),
        ("N009", f"{CB}\t"),
        ("N012", f"{CB}?" + "a" * 100_000),
        ("N012", "https://[" + ":" * 10_000),
        ("N013", "https://APP.example/cb"),
        ("N013", "https://app.ex\u0430mple/cb"),
        ("N013", "https://%61pp.example/cb"),
        ("N013", "https://app.example./cb"),
        ("O7", ""),
    ],
)
def test_refuses_whatever_is_not_the_registered_uri(case: str, sent: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        match_redirect_uri(sent, registered=[CB, "http://127.0.0.1/cb"])
    assert refused.value.code == "invalid_redirect_uri"


def test_takes_the_registered_uri() -> None:
    assert match_redirect_uri(CB, registered=["https://other.example", CB]).uri == CB


def test_an_absent_uri_means_the_only_one() -> None:
    assert match_redirect_uri(None, registered=[CB]).uri == CB
    for registered in ([], [CB, f"{CB}2"]):
        with pytest.raises(OAuthRefusal):
            match_redirect_uri(None, registered=registered)


@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:1234/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:1234/cb", "http://127.0.0.1/cb"),
        ("http://[::1]/cb?x=y", "http://[::1]:65535/cb?x=y"),
        ("http://localhost/callback", "http://localhost:3000/callback"),
        ("http://localhost", "http://localhost:3000"),
    ],
)
def test_rfc_8252_the_port_of_a_loopback_uri_may_vary(registered: str, sent: str) -> None:
    assert match_redirect_uri(sent, registered=[registered]).uri == sent


@pytest.mark.parametrize(
    ("case", "registered", "sent"),
    [
        ("N010", "http://127.0.0.1/cb", "http://localhost:1234/cb"),
        ("N010", "http://localhost/cb", "http://127.0.0.1:1234/cb"),
        ("N010", "http://127.0.0.1/cb", "http://[::1]:1234/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:1234/other"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:1234/cb?x=y"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:1234/cb#x"),
        ("N010", "http://127.0.0.1/cb", "https://127.0.0.1:1234/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.2:1234/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.1:1234/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
        ("N010", "http://127.0.0.1/cb", "http://127.0.0.1:080/cb"),
        ("N010", "https://app.example/cb", "https://app.example:8443/cb"),
        ("N011", "http://localhost/cb", "http://localhost.evil.example/cb"),
        ("N011", "http://localhost/cb", "http://localhost@evil.example/cb"),
        ("N011", "http://localhost/cb", "http://localhost:80@evil.example/cb"),
        ("N011", "http://localhost/cb", "http://xlocalhost/cb"),
        ("N011", "http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
        ("N011", "http://127.0.0.1", "http://127.0.0.1\\@evil.example"),
        ("N011", "http://localhost/cb", "http://LOCALHOST:1/cb"),
    ],
)
def test_nothing_but_the_port_may_vary(case: str, registered: str, sent: str) -> None:
    with pytest.raises(OAuthRefusal):
        match_redirect_uri(sent, registered=[registered])


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "https://app.example:8443/cb",
        "https://app.example/cb?tenant=a%20b",
        "https://xn--bcher-kva.example/cb",
        "https://[2001:db8::1]/cb",
        "https://192.0.2.1/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
        "http://localhost:3000/callback",
        "https://app.example",
    ],
)
@pytest.mark.parametrize("application", ["web", "native"])
def test_these_may_be_registered(uri: str, application: str) -> None:
    check_redirect_uri(uri, application="web" if application == "web" else "native")


@pytest.mark.parametrize(
    "uri", ["com.example.app:/callback", "com.example.app://callback", "com.example.app:cb"]
)
def test_private_use_schemes_are_for_native_applications(uri: str) -> None:
    check_redirect_uri(uri, application="native")
    with pytest.raises(InvalidInput):
        check_redirect_uri(uri, application="web")


@pytest.mark.parametrize(
    ("case", "uri"),
    [
        ("N005", "https://*.app.example/cb"),
        ("N005", "https://app.example/*"),
        ("N005", "https://.*.example/cb"),
        ("N005", "^https://app.example/cb$"),
        ("N005", "https://app\\.example/cb"),
        ("N005", "https://(a|b).example/cb"),
        ("N006", "https://user:pass@app.example/cb"),
        ("N006", "https://@app.example/cb"),
        ("N006", "https://app.example@evil.example/cb"),
        ("N007", "https://app.example/cb#"),
        ("N007", "https://app.example/cb#x"),
        ("N009", "javascript:alert(1)"),
        ("N009", "JavaScript://app.example/%0aalert(1)"),
        ("N009", "data:text/html,x"),
        ("N009", "file:///etc/passwd"),
        ("N009", "blob:https://app.example/x"),
        ("N009", "about:blank"),
        ("N009", "vbscript:x"),
        ("N009", " https://app.example/cb"),
        ("N009", "https://app.example/cb "),
        ("N009", "https://app.example/\ncb"),
        ("N009", "https://app.example/\x00cb"),
        ("N009", "\x01https://app.example/cb"),
        ("N009", "myapp://cb"),
        ("N009", "com.example.app:"),
        ("N009", "com.example.app://u@x"),
        ("N009", "ftp://app.example/cb"),
        ("N009", "http://app.example/cb"),
        ("N010", "http://127.0.0.2/cb"),
        ("N011", "http://localhost.evil.example/cb"),
        ("N012", "https://[::::]/cb"),
        ("N012", "https://[::1/cb"),
        ("N012", "https://app.example/" + "x" * 3000),
        ("N012", "https://app.example:99999/"),
        ("N012", "https://app.example:x/"),
        ("N012", "https://app.example:/"),
        ("N013", "https://APP.example/cb"),
        ("N013", "HTTPS://app.example/cb"),
        ("N013", "https://b\u00fccher.example/cb"),
        ("N013", "https://%61pp.example/cb"),
        ("N013", "https://app..example/cb"),
        ("N013", "https://app.example./cb"),
        ("N013", "https://-app.example/cb"),
        ("N013", "https://999.1.1.1/cb"),
        ("N013", "https://app.example/%zz"),
        ("O7", ""),
        ("O7", "cb"),
        ("O7", "/cb"),
        ("O7", "//app.example/cb"),
        ("O7", "https:"),
        ("O7", "https://"),
        ("O7", "https:///cb"),
        ("dots", "https://app.example/a/../cb"),
        ("dots", "https://app.example/./cb"),
        ("ours", "https://app.example/cb?code=x"),
        ("ours", "https://app.example/cb?a=b&iss=x"),
        ("ours", "https://app.example/cb?state"),
    ],
)
@pytest.mark.parametrize("native", [False, True])
def test_these_may_not_be_registered(case: str, uri: str, native: bool) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_redirect_uri(uri, application="native" if native else "web")
    assert refused.value.code == "invalid_redirect_uri"
    assert refused.value.field == "redirect_uris"


@pytest.mark.parametrize(
    ("uri", "word"),
    [
        ("https://app.example/cb#x", "fragment"),
        ("https://*.app.example/cb", "wildcards"),
        ("https://u@app.example/cb", "user-info"),
        ("http://app.example/cb", "https"),
        ("myapp:/cb", "com.example.app"),
    ],
)
def test_says_what_is_wrong_with_a_uri(uri: str, word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_redirect_uri(uri, application="native")
    assert word in refused.value.public


def test_n193_a_link_is_https() -> None:
    check_web_uri("https://app.example/terms", field="tos_uri")
    for uri in ("javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:,x", "com.example.app:/x"):
        with pytest.raises(InvalidInput) as refused:
            check_web_uri(uri, field="tos_uri")
        assert (refused.value.code, refused.value.field) == ("invalid_client_metadata", "tos_uri")


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        (CB, f"{CB}?code=a%20b%26c&state=%3D"),
        (f"{CB}?x=y", f"{CB}?x=y&code=a%20b%26c&state=%3D"),
        (f"{CB}?", f"{CB}?code=a%20b%26c&state=%3D"),
        ("com.example.app:/cb", "com.example.app:/cb?code=a%20b%26c&state=%3D"),
    ],
)
def test_adds_an_answer_to_the_query(uri: str, url: str) -> None:
    redirect = match_redirect_uri(uri, registered=[uri])
    assert redirect.with_params([("code", "a b&c"), ("state", "=")]) == url


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://app.example/cb", "https://app.example"),
        ("https://app.example:443/cb", "https://app.example"),
        ("https://app.example:8443", "https://app.example:8443"),
        ("http://localhost:3000/cb", "http://localhost:3000"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("com.example.app:/cb", None),
        ("", None),
    ],
)
def test_origin_of(uri: str, origin: str | None) -> None:
    assert origin_of(uri) == origin


def test_kinds_of_uri() -> None:
    assert is_loopback("http://localhost:1/cb")
    assert not is_loopback("https://localhost/cb")
    assert not is_loopback("http://localhost.evil.example/cb")
    assert not is_loopback("http://localhost@evil.example/cb")
    assert not is_loopback("http://127.0.0.2/cb")
    assert not is_loopback("http://127x0.0.1/cb")
    assert is_private_use("com.example.app:/cb")
    assert not is_private_use(CB)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="htps:/@.#?*[]\\%0127locahxmpe\n\x00\u0430", max_size=60),
    st.builds(lambda tail: CB + tail, st.text(min_size=1, max_size=20)),
    st.builds(
        lambda tail: "http://127.0.0.1" + tail, st.text(alphabet=":/@.?#0123cb", max_size=20)
    ),
)


@given(HOSTILE)
def test_any_text_is_refused_or_lands_on_a_registered_host(sent: str) -> None:
    try:
        redirect = match_redirect_uri(sent, registered=[CB, "http://127.0.0.1/cb"])
    except OAuthRefusal:
        return
    url = urlsplit(redirect.with_params([("code", "x")]))
    assert (url.hostname, url.path) in {("app.example", "/cb"), ("127.0.0.1", "/cb")}
    assert dict(parse_qsl(url.query)) == {"code": "x"}


@given(HOSTILE)
def test_any_text_may_be_registered_or_is_invalid_input(uri: str) -> None:
    try:
        check_redirect_uri(uri, application="native")
    except InvalidInput:
        return
    assert uri.isascii()
    assert not set(uri) & set("#* \\\n\x00<>\"'^`{|}") - {"'"}
    assert urlsplit(uri).scheme == uri.partition(":")[0]


@pytest.mark.parametrize(
    "hostile",
    ["a:" * 500_000, "https://" + "a." * 500_000, "http://127.0.0.1:" + "1" * 900_000],
    ids=["schemes", "labels", "digits"],
)
def test_n012_a_megabyte_is_refused(hostile: str) -> None:
    # That it ends at all: a pattern that backtracks would be at it for hours.
    with pytest.raises(OAuthRefusal):
        match_redirect_uri(hostile, registered=[CB])
    with pytest.raises(InvalidInput, match="invalid_redirect_uri"):
        check_redirect_uri(hostile, application="native")


@pytest.mark.parametrize("length", [MAX_CHARACTERS, MAX_CHARACTERS + 1])
def test_n012_length_is_looked_at_before_anything_else(length: int) -> None:
    uri = CB + "#" * (length - len(CB))
    with pytest.raises(InvalidInput) as refused:
        check_redirect_uri(uri, application="web")
    assert ("characters" in refused.value.public) is (length > MAX_CHARACTERS)
