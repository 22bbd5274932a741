"""Cases O: registration, administration, roles, tenants."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from limen.testing.visitor import Page
from tests.architecture.test_routes import walked
from tests.installation import Installation, Person
from tests.oauth_client import Flow
from tests.standings import add_tenant

CALLBACK = "https://admin-made.example/cb"
ADMIN = "/api/v1/admin"


@pytest.fixture
async def admin(limen: Installation) -> tuple[Person, str]:
    person = await limen.person(role="admin")
    return person, (await limen.login(person))["access_token"]


async def ask(limen: Installation, token: str, method: str, path: str, body: Any = None) -> Page:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await limen.api.fetch(method, path, body=body, headers=headers)


async def count(limen: Installation, token: str) -> int:
    found, cursor = 0, ""
    while True:
        page = (await ask(limen, token, "GET", f"{ADMIN}/clients?limit=200&cursor={cursor}")).json()
        found += len(page["clients"])
        cursor = page["next_cursor"]
        if not cursor:
            return found


@pytest.mark.parametrize(
    "uri",
    [
        "https://*.example/cb",
        "https://app.example/*",
        "^https://app[.]example/.*$",
        "https://app.example/cb#frag",
        "https://user@app.example/cb",
        "https://a@b@app.example/cb",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " https://app.example/cb",
        "https://app.example/cb\n",
        "data:text/html,x",
        "file:///etc/passwd",
        "blob:https://app.example/x",
        "about:blank",
        "http://app.example/cb",
        "//app.example/cb",
        "/cb",
        "",
    ],
)
async def test_n005_n006_n007_n009_no_dangerous_uri_is_registered(
    limen: Installation, admin: tuple[Person, str], uri: str
) -> None:
    before = await count(limen, admin[1])
    for member in ("redirect_uris", "post_logout_redirect_uris"):
        body = {"name": "App", "redirect_uris": [CALLBACK], member: [uri]}
        answer = await ask(limen, admin[1], "POST", f"{ADMIN}/clients", body)
        assert answer.status == 422, answer.text
    assert await count(limen, admin[1]) == before


@pytest.mark.parametrize("member", ["client_uri", "logo_uri", "policy_uri", "tos_uri"])
@pytest.mark.parametrize(
    "uri", ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "\tjavascript:x", "ftp://x"]
)
async def test_n193_no_dangerous_link(
    limen: Installation, admin: tuple[Person, str], member: str, uri: str
) -> None:
    body = {"name": "App", "redirect_uris": [CALLBACK], "metadata": {member: uri}}
    answer = await ask(limen, admin[1], "POST", f"{ADMIN}/clients", body)
    assert answer.status == 422, answer.text


async def test_n191_a_change_is_validated_as_a_whole(
    limen: Installation, admin: tuple[Person, str]
) -> None:
    body = {"name": "App", "redirect_uris": [CALLBACK]}
    made = (await ask(limen, admin[1], "POST", f"{ADMIN}/clients", body)).json()
    path = f"{ADMIN}/clients/{made['client_id']}"
    changes: list[dict[str, Any]] = [
        {"redirect_uris": ["javascript:x"]},
        {"redirect_uris": []},
        {"metadata": {"token_endpoint_auth_method": "none"}},
        {"metadata": {"redirect_uris": ["javascript:x"]}},
        {"metadata": {"client_type": "machine"}},
        {"metadata": {"grant_types": ["implicit"]}},
        {"type": "machine"},
        {"first_party": "yes"},
    ]
    for change in changes:
        answer = await ask(limen, admin[1], "PATCH", path, change)
        after = (await ask(limen, admin[1], "GET", path)).json()
        assert answer.status == 422 or after == {k: made[k] for k in after}, (change, answer.text)
        assert {k: after[k] for k in ("type", "redirect_uris")} == {
            "type": "web",
            "redirect_uris": [CALLBACK],
        }


async def test_n195_a_secret_is_shown_once(limen: Installation, admin: tuple[Person, str]) -> None:
    body = {"name": "App", "redirect_uris": [CALLBACK]}
    made = (await ask(limen, admin[1], "POST", f"{ADMIN}/clients", body)).json()
    path, secret = f"{ADMIN}/clients/{made['client_id']}", made["client_secret"]
    for shown in (
        await ask(limen, admin[1], "GET", path),
        await ask(limen, admin[1], "PATCH", path, {"name": "Other"}),
        await ask(limen, admin[1], "GET", f"{ADMIN}/clients?limit=200"),
        await ask(limen, admin[1], "GET", f"{ADMIN}/audit?limit=200"),
    ):
        assert shown.status == 200
        assert secret not in shown.text


async def test_n197_whose_it_is_comes_from_the_session(limen: Installation) -> None:
    person, other = await limen.person(), await limen.person()
    token = (await limen.login(person))["access_token"]
    for name in ("user_id", "owner", "userId", "sub"):
        body = {name: other.id}
        answer = await ask(limen, token, "POST", "/api/v1/oauth/google/connect", body)
        assert answer.status == 422, answer.text
        for path in ("/api/v1/auth/sessions", "/api/v1/oauth/connections", "/api/v1/consents"):
            told = await ask(limen, token, "GET", f"{path}?{name}={other.id}")
            assert told.status in {200, 422}
            assert other.id not in told.text


async def test_n200_anothers_sessions_consents_and_connections_are_not_there(
    limen: Installation,
) -> None:
    person, other = await limen.person(), await limen.person()
    token, theirs = [(await limen.login(one))["access_token"] for one in (person, other)]
    await Flow(limen, await limen.client()).tokens(other)
    [session] = [
        item
        for item in (await ask(limen, theirs, "GET", "/api/v1/auth/sessions")).json()["items"]
        if item["current"]
    ]
    [consent] = (await ask(limen, theirs, "GET", "/api/v1/consents")).json()["items"]
    for path in (
        f"/api/v1/auth/sessions/{session['id']}",
        f"/api/v1/consents/{consent['id']}",
        "/api/v1/auth/sessions/00000000-0000-7000-8000-000000000000",
        "/api/v1/consents/%00",
        "/api/v1/consents/' OR 1=1 --".replace(" ", "%20"),
    ):
        assert (await ask(limen, token, "DELETE", path)).status == 404, path
    assert (await ask(limen, theirs, "GET", "/api/v1/auth/me")).status == 200
    assert len((await ask(limen, theirs, "GET", "/api/v1/consents")).json()["items"]) == 1


def _guarded() -> list[tuple[str, str, str]]:
    return sorted(
        (method, demand.path, demand.permissions[0])
        for demand in walked()
        for method in demand.methods - {"HEAD"}
        if demand.permissions != ("public",)
    )


@pytest.mark.parametrize(("method", "path", "permission"), _guarded())
async def test_n199_n201_every_route_asks_who_is_there(
    limen: Installation, method: str, path: str, *, permission: str
) -> None:
    url = path.replace("{provider}", "google").replace("{", "").replace("}", "")
    body: Any = {} if method in {"POST", "PATCH", "PUT"} else None
    other = limen.at(await _other_tenant(limen))
    elsewhere = (await other.login(await other.person(role="owner")))["access_token"]
    machine = await limen.client("machine")
    own = (await limen.post("/oauth2/token", machine, grant_type="client_credentials")).json()
    for token in ("", "x.y.z", elsewhere, own["access_token"]):
        answer = await ask(limen, token, method, url, body)
        signs_in = answer.status == 303 and "/sign-in" in answer.headers["location"]
        assert signs_in or answer.status in {401, 403}, (token[:5], answer.status, answer.text)
    if permission.partition(":")[0] in {"self", "connections"}:
        return
    member = (await limen.login(await limen.person()))["access_token"]
    assert (await ask(limen, member, method, url, body)).status == 403
    if permission.endswith(":write"):
        auditor = (await limen.login(await limen.person(role="auditor")))["access_token"]
        assert (await ask(limen, auditor, method, url, body)).status == 403


_made: dict[int, Any] = {}


async def _other_tenant(limen: Installation) -> Any:
    if id(limen) not in _made:
        _made[id(limen)] = await add_tenant(limen.application, slug="elsewhere")
    return _made[id(limen)]


async def test_n207_nothing_but_the_address_names_a_tenant(limen: Installation) -> None:
    other = limen.at(await _other_tenant(limen))
    person = await limen.person()
    token = (await limen.login(person))["access_token"]
    for headers in (
        {"X-Tenant": "elsewhere"},
        {"X-Tenant-Id": other.site.tenant_id},
        {"X-Forwarded-Host": "elsewhere.example"},
        {"X-Forwarded-Prefix": "/t/elsewhere"},
        {"X-Original-URL": "/t/elsewhere/api/v1/auth/me"},
    ):
        bearer = {"Authorization": f"Bearer {token}", **headers}
        told = await limen.api.fetch("GET", "/api/v1/auth/me?tenant=elsewhere", headers=bearer)
        assert (told.status, told.json()["id"]) == (200, person.id), headers
        document = await limen.api.fetch(
            "GET", "/.well-known/openid-configuration", headers=headers
        )
        assert document.json()["issuer"] == limen.issuer
        assert "elsewhere" not in document.text
    for path in ("/t/nobody", "/t/default", "/t/ELSEWHERE", "/t/elsewhere%2f..", "/t/", "/t/../t"):
        page = await limen.api.fetch("GET", f"{limen.root}{path}/api/v1/auth/me")
        assert page.status in {401, 404}, (path, page.status)


async def test_n143_n207_an_unknown_host_builds_no_url(limen: Installation) -> None:
    for host in ("evil.example", "localhost.evil.example", "[::1]", "a" * 300, "evil.example:1"):
        page = await limen.api.fetch(
            "GET", "/.well-known/openid-configuration", headers={"Host": host}
        )
        assert page.status in {200, 400, 404, 421}
        assert "evil" not in page.text


async def test_n274_nobody_gives_a_role_above_their_own(
    limen: Installation, admin: tuple[Person, str]
) -> None:
    person, token = admin
    for target in (person.id, (await limen.person()).id):
        path = f"{ADMIN}/users/{target}/roles/owner"
        assert (await ask(limen, token, "PUT", path)).status == 403
    assert (await ask(limen, token, "POST", f"{ADMIN}/tenants", {"slug": "mine"})).status == 403


async def test_n275_one_owner_stays(limen: Installation) -> None:
    other = limen.at(await add_tenant(limen.application, slug="owned"))
    owners = [await other.person(role="owner") for _ in range(2)]
    tokens = [(await other.login(one))["access_token"] for one in owners]

    async def demote(of: int) -> Page:
        path = f"{ADMIN}/users/{owners[of].id}/roles/owner"
        return await ask(other, tokens[of], "DELETE", path)

    answers = await asyncio.gather(*(demote(number % 2) for number in range(20)))
    assert {answer.status for answer in answers} <= {204, 403, 404, 409}
    roles = []
    for one in owners:
        token = (await other.login(one))["access_token"]
        roles.append((await ask(other, token, "GET", "/api/v1/auth/me")).json()["roles"])
    assert sum("owner" in each for each in roles) == 1, roles
    [last] = [one for one, each in zip(owners, roles, strict=True) if "owner" in each]
    token = (await other.login(last))["access_token"]
    for method, path in (
        ("DELETE", f"{ADMIN}/users/{last.id}/roles/owner"),
        ("POST", f"{ADMIN}/users/{last.id}/disable"),
    ):
        assert (await ask(other, token, method, path)).status == 409, path


@pytest.mark.parametrize(
    ("bad", "is_text"),
    [
        ("\0", False),
        ("\ud800", False),
        ("x" * 5000, False),
        ("\u202e", False),
        ("%", True),
        ("'; DROP TABLE users; --", True),
    ],
)
async def test_n212_what_no_database_takes_is_refused_before_it(
    limen: Installation, admin: tuple[Person, str], bad: str, *, is_text: bool
) -> None:
    body = {"name": bad, "redirect_uris": [CALLBACK]}
    answer = await ask(limen, admin[1], "POST", f"{ADMIN}/clients", body)
    assert answer.status == (201 if is_text else 422), answer.text
    body = {"name": "App", "redirect_uris": [CALLBACK], "scope": f"a{bad}b\x7f"}
    answer = await ask(limen, admin[1], "POST", f"{ADMIN}/clients", body)
    assert answer.status == 422, answer.text
    answer = await ask(limen, admin[1], "POST", f"{ADMIN}/users", {"email": bad})
    assert answer.status == 422, answer.text
    query = quote(bad.encode("utf-8", "surrogatepass"))
    answer = await ask(limen, admin[1], "GET", f"{ADMIN}/users?email={query}")
    assert answer.status in {200, 400, 422}, answer.text


@pytest.mark.parametrize("bad", ["a\r\nSet-Cookie: x=y", "a\0b", "a\u2028b", "a\x1b[31m"])
async def test_n239_no_name_becomes_a_header(limen: Installation, bad: str) -> None:
    owner = await limen.person(role="owner")
    token = (await limen.login(owner))["access_token"]
    body = {"slug": "named", "name": bad}
    assert (await ask(limen, token, "POST", f"{ADMIN}/tenants", body)).status == 422
    change = {"default_scopes": [bad]}
    assert (await ask(limen, token, "PATCH", f"{ADMIN}/policy", change)).status == 422
    change = {"allowed_origins": [f"https://app.example{bad}"]}
    assert (await ask(limen, token, "PATCH", f"{ADMIN}/policy", change)).status == 422
    assert (await limen.browser().open("/sign-in")).has("sign-in-submit")


async def test_n234_strangers_fill_no_cache(limen: Installation) -> None:
    runtime = limen.application.runtime
    before = len(runtime.clients._cache._kept), len(runtime.directory._cache)
    for number in range(50):
        await limen.api.fetch("GET", f"/oauth2/authorize?client_id=stranger{number}")
        await limen.api.fetch("GET", f"{limen.root}/t/stranger{number}/sign-in")
        headers = {"Accept-Language": f"x-{number}", "Host": f"stranger{number}.example"}
        await limen.api.fetch("GET", f"/sign-in?ui_locales=x-{number}", headers=headers)
    assert (len(runtime.clients._cache._kept), len(runtime.directory._cache)) <= before
