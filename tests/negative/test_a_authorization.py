"""Cases A: the authorization endpoint and redirect URIs."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest

from limen.kernel.errors import InvalidInput
from limen.oauth.registry.register_client import NewClient, register_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.testing.clock import FrozenClock
from limen.web.errors import status_of
from tests.negative.oauth_cases import journey, refused, snapshot, told
from tests.statements_seen import StatementsSeen
from tests.unit.oauth.http_kit import CALLBACK, Server
from tests.unit.oauth.journey_kit import (
    Browser,
    answered,
    hidden,
    query,
    refused_by_page,
    request_of,
    way_back,
)

__all__ = ["journey"]

pytestmark = pytest.mark.anyio


def url(asked: dict[str, str]) -> str:
    return f"/oauth2/authorize?{urlencode(asked)}"


async def refuse_redirect(journey: Server, registered: str, sent: str, kind: Any = "web") -> None:
    client = await journey.client(kind, redirect_uris=(registered,))
    good = request_of(client, redirect_uri=registered)
    assert (await Browser(journey).get(url(good))).status_code == 303
    bad = {**good, "redirect_uri": sent}
    assert await refused(journey, url(bad)) in {"invalid_redirect_uri", "invalid_request"}


@pytest.mark.parametrize(
    "sent",
    [
        CALLBACK + "x",
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK + "?",
        CALLBACK + "/../cb",
        CALLBACK.replace("/cb", "/CB"),
        CALLBACK.replace("/cb", "/%63b"),
        CALLBACK.removesuffix("/cb"),
    ],
)
async def test_n003_the_path_is_exact(journey: Server, sent: str) -> None:
    await refuse_redirect(journey, CALLBACK, sent)


@pytest.mark.parametrize(
    "sent",
    [
        "https://app.example.evil.example/cb",
        "https://evilapp.example/cb",
        "https://app.examples/cb",
        "https://app.example:8443/cb",
        "https://app.example:443/cb",
        "http://app.example/cb",
    ],
)
async def test_n004_look_alike_hosts_ports_and_schemes(journey: Server, sent: str) -> None:
    await refuse_redirect(journey, CALLBACK, sent)


async def refuse_registration(journey: Server, uri: str, kind: Any = "web") -> None:
    before = await snapshot(journey)
    new = NewClient(name="App", type=kind, redirect_uris=(uri,))
    with pytest.raises(InvalidInput) as refusal:
        await journey.run(lambda work: register_client(work, new=new))
    assert refusal.value.code in {"invalid_redirect_uri", "invalid_client_metadata"}
    assert (refusal.value.field, status_of(refusal.value)) == ("redirect_uris", 422)
    assert await snapshot(journey) == before


@pytest.mark.parametrize(
    "uri", ["https://*.app.example/cb", "https://app.example/*", r"https://app\.example/.+"]
)
async def test_n005_no_patterns_are_registered(journey: Server, uri: str) -> None:
    await refuse_registration(journey, uri)
    await refuse_registration(journey, uri, "native")


USER_INFO = [
    "https://app.example@evil.example/cb",
    "https://app.example:x@evil.example/cb",
    "https://a@b@app.example/cb",
    "https://@app.example/cb",
]


@pytest.mark.parametrize("uri", USER_INFO)
async def test_n006_no_user_info(journey: Server, uri: str) -> None:
    await refuse_registration(journey, uri)
    await refuse_redirect(journey, CALLBACK, uri)


async def test_n007_no_fragment(journey: Server) -> None:
    for uri in (CALLBACK + "#", CALLBACK + "#x"):
        await refuse_registration(journey, uri)
        await refuse_redirect(journey, CALLBACK, uri)


SCHEMES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "blob:https://app.example/x",
    "about:blank",
    " https://app.example/cb",
    "https://app.example/cb ",
    "https://app.example/\tcb",
    "https://app.example/cb\r\nx: y",
    "java\nscript:alert(1)",
    "//app.example/cb",
    "/cb",
    "http://app.example/cb",
]


@pytest.mark.parametrize("uri", SCHEMES)
async def test_n009_an_allow_list_of_schemes(journey: Server, uri: str) -> None:
    await refuse_registration(journey, uri)
    await refuse_registration(journey, uri, "native")
    await refuse_redirect(journey, CALLBACK, uri)


@pytest.mark.parametrize(
    ("registered", "sent"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:4000/other"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:4000/cb?x=1"),
        ("http://127.0.0.1/cb", "http://localhost:4000/cb"),
        ("http://localhost/cb", "http://127.0.0.1:4000/cb"),
        ("http://[::1]/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1:4000/cb"),
        ("https://app.example/cb", "https://app.example:4000/cb"),
        ("com.example.app:/cb", "com.example.app:/other"),
    ],
)
async def test_n010_only_the_port_of_loopback_varies(
    journey: Server, registered: str, sent: str
) -> None:
    await refuse_redirect(journey, registered, sent, "native")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_n010_any_port_on_loopback_works(journey: Server, host: str) -> None:
    client = await journey.client("native", redirect_uris=(f"http://{host}/cb",))
    sent = f"http://{host}:50123/cb"
    asked = request_of(client, redirect_uri=sent, prompt="none")
    answer = await Browser(journey).get(url(asked))
    assert answered(answer, to=sent)["error"] == "login_required"


@pytest.mark.parametrize(
    "sent",
    [
        "http://127.0.0.1.evil.example:4000/cb",
        "http://localhost.evil.example/cb",
        "http://evil.example/127.0.0.1/cb",
        "http://127.0.0.1@evil.example/cb",
        "http://127.1:4000/cb",
        "http://0x7f.0.0.1/cb",
        "http://127.0.0.1:4000@evil.example/cb",
        "http://127.0.0.1:99999/cb",
        "http://localhost:/cb",
    ],
)
async def test_n011_what_only_contains_loopback(journey: Server, sent: str) -> None:
    await refuse_redirect(journey, "http://127.0.0.1/cb", sent, "native")


@pytest.mark.parametrize(
    "sent",
    [
        "http://[::1" + ":" * 2000 + "]/cb",
        "https://" + "a." * 4000 + "example/cb",
        CALLBACK + "?" + "a=b&" * 3000,
        "http://127.0.0.1:" + "1" * 5000 + "/cb",
        "https://[" * 500,
        "%" * 5000,
    ],
    ids=range(6),
)
async def test_n012_pathological_uris_cost_no_more_than_any_other(
    journey: Server, monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    client = await journey.client("native", redirect_uris=("http://127.0.0.1/cb",))
    browser, statements = Browser(journey), StatementsSeen(monkeypatch)
    plain = url(request_of(client, redirect_uri="https://app.example/other"))
    await browser.get(plain)
    statements.clear()
    assert refused_by_page(await browser.get(plain)) == "invalid_redirect_uri"
    usual = list(statements.seen)
    statements.clear()
    answer = await browser.get(url(request_of(client, redirect_uri=sent)))
    assert refused_by_page(answer) in {"invalid_redirect_uri", "invalid_request"}
    assert statements.seen == usual


@pytest.mark.parametrize(
    "sent",
    [
        "https://APP.example/cb",
        "HTTPS://app.example/cb",
        "https://\u0430pp.example/cb",
        "https://xn--pp-7kc.example/cb",
        "https://%61pp.example/cb",
        "https://app.example./cb",
    ],
)
async def test_n013_other_spellings_of_the_host(journey: Server, sent: str) -> None:
    await refuse_redirect(journey, CALLBACK, sent)


@pytest.mark.parametrize(
    "wrong",
    [
        {"response_type": "token"},
        {"scope": "nonsense"},
        {"prompt": "none login"},
        {"prompt": "none"},
        {"response_mode": "form_post"},
        {"response_mode": "fragment"},
        {"code_challenge": ""},
        {"max_age": "x"},
        {"request_uri": "https://evil.example/r"},
    ],
)
async def test_n014_the_redirect_uri_is_checked_first(
    journey: Server, wrong: dict[str, str]
) -> None:
    client = await journey.client()
    asked = {**request_of(client, redirect_uri="https://evil.example/cb"), **wrong}
    assert await refused(journey, url(asked)) == "invalid_redirect_uri"


async def test_n015_an_unverified_client_bounces_nobody(journey: Server) -> None:
    client = await journey.client(verified=False)
    for wrong in ({"scope": "x"}, {"response_type": "token"}, {"code_challenge": "x"}):
        await refused(journey, url({**request_of(client), **wrong}))
    silent = url(request_of(client, prompt="none"))
    assert await told(journey, silent) == "login_required"
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    wrong = {"scope": "x"}
    assert await told(journey, url({**request_of(client), **wrong}), browser=browser)


async def test_n016_every_redirect_is_a_303(journey: Server) -> None:
    client, browser = await journey.client(), Browser(journey)
    back = way_back(await browser.ask(client))
    await browser.sign_in(await journey.person())
    to_consent = await browser.get(back)
    page = await browser.get(to_consent.headers["location"])
    done = await browser.decide(page, "allow")
    post = await browser.send("POST", "/oauth2/authorize", data=request_of(client))
    assert [answer.status_code for answer in (to_consent, done, post)] == [303, 303, 303]


async def test_n017_parameters_come_from_the_flow_alone(journey: Server) -> None:
    client, other, browser = await journey.client(), await journey.client(), Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    forged = {
        **hidden(page),
        "decision": "allow",
        "client_id": other.id,
        "redirect_uri": "https://evil.example/cb",
        "scope": "openid offline_access",
        "code_challenge": "x" * 43,
    }
    answered(await browser.send("POST", "/consent", data=forged), to=CALLBACK)


async def test_n017_a_uri_unregistered_meanwhile_gets_nothing(journey: Server) -> None:
    client, browser = await journey.client(), Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    changes = ClientChanges(metadata={"redirect_uris": ["https://app.example/new"]})
    await journey.run(lambda work: update_client(work, client_id=client.id, changes=changes))
    before = await snapshot(journey)
    assert refused_by_page(await browser.decide(page, "allow")) == "invalid_redirect_uri"
    assert await snapshot(journey) == before


@pytest.mark.parametrize("mode", ["fragment", "form_post", "jwt", "query.jwt", "web_message", "x"])
async def test_n018_only_registered_response_modes(journey: Server, mode: str) -> None:
    client = await journey.client(metadata={"response_modes": ["query"]})
    asked = request_of(client, response_mode=mode)
    assert await told(journey, url(asked)) == "invalid_request"
    bad = {**asked, "redirect_uri": "https://evil.example/cb"}
    assert await refused(journey, url(bad)) == "invalid_redirect_uri"


@pytest.mark.parametrize("silent", [True, False])
async def test_n019_form_post_escapes(journey: Server, silent: bool) -> None:
    client, browser = await journey.client(trusted=True), Browser(journey)
    if not silent:
        await browser.sign_in(await journey.person())
    state = "'\"><script>alert(1)</script>&#x27;\n{{7*7}}"
    changes = {"prompt": "none"} if silent else {}
    page = await browser.ask(client, response_mode="form_post", state=state, **changes)
    assert "<script>alert" not in page.text
    assert "49" not in hidden(page)["state"]
    assert hidden(page)["state"] == state
    policy = page.headers["content-security-policy"]
    assert "form-action" not in policy
    assert "unsafe-inline" not in policy
    assert page.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "code id_token", "code token", "none", "", "CODE", "code code"],
)
async def test_n020_code_alone(journey: Server, response_type: str) -> None:
    client = await journey.client()
    error = await told(journey, url({**request_of(client), "response_type": response_type}))
    assert error == ("unsupported_response_type" if response_type else "invalid_request")


async def test_n020_a_forged_way_back_is_no_request(journey: Server) -> None:
    for handle in ("", "x", "lmi_testtenant_" + "A" * 43, "lmc_testtenant_" + "A" * 43):
        for path in ("/oauth2/authorize/continue", "/consent"):
            answer = await Browser(journey).get(f"{path}?{urlencode({'interaction': handle})}")
            assert (answer.status_code, "location" in answer.headers) == (404, False)


async def test_n176_a_strangers_flow_admits_nobody(journey: Server) -> None:
    client = await journey.client(trusted=True)
    back = way_back(await Browser(journey).ask(client))
    victim = Browser(journey)
    await victim.sign_in(await journey.person())
    assert (await victim.get(back)).status_code == 404
    assert "code" in answered(await victim.ask(client))
    assert (await victim.get(back)).status_code == 404


@pytest.mark.parametrize("redirect", ["com.example.app:/cb", "http://127.0.0.1/cb"])
async def test_n272_unproven_clients_are_asked_about_each_time(
    journey: Server, redirect: str
) -> None:
    client = await journey.client("native", redirect_uris=(redirect,), trusted=True)
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    for _ in range(2):
        asked = await browser.ask(client, redirect_uri=redirect)
        page = await browser.get(asked.headers["location"])
        assert 'id="consent-unverified"' in page.text
        assert "code" in answered(await browser.decide(page, "allow"), to=redirect)


async def test_n272_other_consents_hold(journey: Server) -> None:
    client = await journey.client("spa")
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    answered(await browser.decide(page, "allow"))
    assert "code" in answered(await browser.ask(client))


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_n273_old_sessions_do_not_do(
    journey: Server, clock: FrozenClock, changes: dict[str, Any]
) -> None:
    client, browser = await journey.client(trusted=True), Browser(journey)
    await browser.sign_in(await journey.person())
    clock.advance(dt.timedelta(hours=1))
    answer = await browser.ask(client, **changes)
    assert query(answer.headers["location"])["reauth"] == "1"
    assert way_back(await browser.get(way_back(answer)))


@pytest.mark.parametrize(
    "changes",
    [
        {"max_age": "-1"},
        {"max_age": "9" * 400},
        {"max_age": "1e3"},
        {"max_age": "٣"},
        {"max_age": "1.5"},
        {"prompt": "none login"},
        {"prompt": "whatever"},
    ],
    ids=range(7),
)
async def test_n273_bad_values_are_refused(journey: Server, changes: dict[str, str]) -> None:
    client, browser = await journey.client(trusted=True), Browser(journey)
    await browser.sign_in(await journey.person())
    asked = {**request_of(client), **changes}
    assert await told(journey, url(asked), browser=browser) == "invalid_request"


@pytest.mark.parametrize("changes", [{}, {"max_age": "0"}, {"scope": "openid"}])
async def test_n273_prompt_none_never_shows_a_page(
    journey: Server, clock: FrozenClock, changes: dict[str, Any]
) -> None:
    client, browser = await journey.client(), Browser(journey)
    asked = url(request_of(client, prompt="none", **changes))
    assert await told(journey, asked) == "login_required"
    await browser.sign_in(await journey.person())
    clock.advance(dt.timedelta(minutes=1))
    expected = "login_required" if "max_age" in changes else "consent_required"
    assert await told(journey, asked, browser=browser) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scope", " ".join(f"s{n}" for n in range(100))),
        ("acr_values", " ".join(f"a{n}" for n in range(1_000))),
        ("state", "x" * 10_000),
        ("nonce", "x" * 10_000),
    ],
    ids=["scope", "acr_values", "state", "nonce"],
)
async def test_n233_too_much_of_one_thing_is_refused(
    journey: Server, name: str, value: str
) -> None:
    client = await journey.client()
    asked = url({**request_of(client), name: value})
    assert await told(journey, asked) == ("invalid_scope" if name == "scope" else "invalid_request")


@pytest.mark.parametrize("name", ["scope", "state", "unheard_of"])
async def test_n233_a_query_without_end_is_not_even_read(
    journey: Server, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    client, browser = await journey.client(), Browser(journey)
    statements = StatementsSeen(monkeypatch)
    answer = await browser.get(url({**request_of(client), name: "s " * 16_384}))
    assert (answer.status_code, statements.seen) == (413, [])
    assert 'id="error-code">request_too_large<' in answer.text


async def test_n232_repeated_parameters(journey: Server) -> None:
    client = await journey.client()
    good = request_of(client)
    for name in good:
        twice = f"{url(good)}&{urlencode({name: good[name]})}"
        if name in {"client_id", "redirect_uri"}:
            assert await refused(journey, twice) == "invalid_request"
        else:
            assert await told(journey, twice) == "invalid_request"
    resource = {"resource": journey.site.issuer}
    twice = f"{url({**good, **resource, 'prompt': 'none'})}&{urlencode(resource)}"
    assert await told(journey, twice) == "login_required"


async def test_n180_changes_need_a_post_of_our_own_page(journey: Server) -> None:
    client, browser = await journey.client(), Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    good = {**hidden(page), "decision": "allow"}
    before = await snapshot(journey)
    attacks: list[tuple[str, dict[str, Any]]] = [
        ("GET", {"params": good}),
        ("HEAD", {"params": good}),
        ("PUT", {"data": good}),
        ("POST", {"data": {**good, "csrf": ""}}),
        ("POST", {"data": {**good, "csrf": "A" * 60}}),
        ("POST", {"data": good, "headers": {"sec-fetch-site": "cross-site"}}),
        ("POST", {"data": good, "headers": {"sec-fetch-site": "same-site"}}),
        ("POST", {"params": good, "data": {"_method": "PUT"}}),
    ]
    for method, sent in attacks:
        answer = await browser.send(method, "/consent", **sent)
        assert "location" not in answer.headers
        assert await snapshot(journey) == before
    answered(await browser.decide(page, "allow"))


async def test_n227_what_is_reflected_is_escaped(journey: Server) -> None:
    name = "<b onmouseover=alert(1)>{{7*7}}</b>"
    client = await journey.client(name=name)
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    page = await browser.get((await browser.ask(client)).headers["location"])
    assert "<b onmouseover" not in page.text
    assert "{{7*7}}" in page.text
    wrong = await browser.get("/oauth2/authorize?client_id=%3Cscript%3E")
    assert "<script>" not in wrong.text
