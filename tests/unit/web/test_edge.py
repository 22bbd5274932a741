from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import override

from limen.db.work import Work
from limen.kernel.errors import Unavailable
from limen.kernel.site import Site
from limen.web.exchange import PUBLIC, route, site_of
from limen.web.health import health_routes
from limen.web.pages import Pages
from limen.web.policy.cors import path_class
from limen.web.state import edge_of
from tests.unit.web.conftest import FixedSites, Serve

pytestmark = pytest.mark.anyio


async def tell(request: Request, work: Work) -> Response:
    return JSONResponse({"tenant": site_of(request).slug, "issuer": site_of(request).issuer})


async def show(request: Request, work: Work) -> Response:
    pages = edge_of(request).pages
    return pages.render(request, "web/base.html", form_action=request.url.query != "out")


TELL = route("/where", tell, guard=PUBLIC, face="json")
WELL_KNOWN = route("/.well-known/openid-configuration", tell, guard=PUBLIC, face="json")
RESOURCE = route("/.well-known/oauth-protected-resource/api/v1", tell, guard=PUBLIC, face="json")
TOKEN = route("/oauth2/token", tell, guard=PUBLIC, face="oauth", methods=["POST"])
API = route("/api/v1/x", tell, guard=PUBLIC, face="json")
PAGE = route("/page", show, guard=PUBLIC, face="page")


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://id.example/where", "default"),
        ("https://id.example/t/acme/where", "acme"),
        ("https://login.globex.example/where", "globex"),
        ("https://LOGIN.globex.example:443/where", "globex"),
        ("https://anything.else/where", "default"),
        ("https://[::1]/where", "default"),
        ("https://id.example/.well-known/openid-configuration", "default"),
        ("https://id.example/t/acme/.well-known/openid-configuration", "acme"),
        ("https://id.example/.well-known/openid-configuration/t/acme", "acme"),
        ("https://id.example/.well-known/oauth-protected-resource/t/acme/api/v1", "acme"),
    ],
)
async def test_the_tenant_is_found(serve: Serve, url: str, slug: str) -> None:
    answer = await serve(TELL, WELL_KNOWN, RESOURCE).get(url)
    assert answer.json()["tenant"] == slug


@pytest.mark.parametrize(
    "path",
    [
        "/t/nobody/where",
        "/t/default/where",
        "/t/globex/where",
        "/t//where",
        "/t/ACME/where",
        "/t/acme%20/where",
        "/.well-known/openid-configuration/t/nobody",
        # A tenant with a host of its own shares that origin with nobody.
        "https://login.globex.example/t/acme/where",
        "https://login.globex.example/.well-known/openid-configuration/t/acme",
    ],
)
async def test_an_unknown_tenant_is_404(serve: Serve, path: str) -> None:
    answer = await serve(TELL, WELL_KNOWN).get(path)
    assert answer.status_code == 404


async def test_no_header_but_host_names_a_tenant_and_none_builds_a_url(serve: Serve) -> None:
    forged = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "http",
        "x-forwarded-prefix": "/t/acme",
        "forwarded": "host=evil.example",
        "x-tenant": "acme",
    }
    answer = await serve(TELL).get("/where", headers=forged)
    assert answer.json() == {"tenant": "default", "issuer": "https://id.example"}


async def test_n207_two_host_names_name_no_tenant(serve: Serve) -> None:
    hosts = [("host", "id.example"), ("host", "login.globex.example")]
    answer = await serve(TELL).get("/where", headers=hosts)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_every_answer_carries_the_headers(serve: Serve) -> None:
    client = serve(TELL, PAGE, base="https://id.example")
    for path in ("/where", "/page", "/nothing", "/t/nobody"):
        headers = (await client.get(path, headers={"accept": "text/html"})).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert headers["strict-transport-security"] == "max-age=31536000"


async def test_nothing_has_no_content_type(serve: Serve) -> None:
    async def nothing(request: Request, work: Work) -> Response:
        return JSONResponse(None, 204)  # as FastAPI answers a route that returns nothing

    gone = route("/api/v1/gone", nothing, guard=PUBLIC, face="json", methods=["DELETE"])
    answer = await serve(gone).delete("/api/v1/gone")
    assert answer.status_code == 204
    assert "content-type" not in answer.headers
    assert (await serve(TELL).get("/where")).headers["content-type"] == "application/json"


async def test_a_page_restricts_forms_unless_they_end_elsewhere(serve: Serve) -> None:
    client = serve(PAGE)
    inside = (await client.get("/page")).headers["content-security-policy"]
    outside = (await client.get("/page?out")).headers["content-security-policy"]
    assert "form-action 'self'" in inside
    assert "form-action" not in outside
    assert "unsafe-inline" not in inside
    assert re.search(r"'nonce-([\w-]{20,})'", inside)
    assert inside != (await client.get("/page")).headers["content-security-policy"]


async def test_the_stylesheet_is_served_for_ever_under_a_name_of_its_content(serve: Serve) -> None:
    pages = Pages()
    client = serve(PAGE, pages.static.route(), pages=pages)
    page = (await client.get("/page")).text
    found = re.search(r'href="(/static/limen\.[0-9a-f]{16}\.css)"', page)
    assert found is not None
    sheet = await client.get(found[1])
    assert sheet.status_code == 200
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await client.get("/static/limen.css")).status_code == 404
    assert (await client.get("/static/..%2fpages.py")).status_code == 404


def test_who_may_read_what_from_a_script() -> None:
    assert path_class("/.well-known/openid-configuration") == "anyone"
    assert path_class("/oauth2/jwks") == "anyone"
    assert path_class("/oauth2/authorization_challenge") == "nobody"
    assert path_class("/oauth2/register") == "anyone"
    assert path_class("/oauth2/token") == "clients"
    assert path_class("/oauth2/introspect") == "clients"
    assert path_class("/api/v1/auth/login") == "api"
    for path in ("/oauth2/authorize", "/oauth2/logout", "/sign-in", "/", "/oauth2/token/"):
        assert path_class(path) == "nobody"


@pytest.mark.parametrize(
    ("method", "path", "origin", "allowed"),
    [
        ("GET", "/.well-known/openid-configuration", "https://any.example", "*"),
        ("POST", "/oauth2/token", "https://clients.example", "https://clients.example"),
        ("POST", "/oauth2/token", "https://api.example", None),
        ("POST", "/oauth2/token", "null", None),
        ("GET", "/api/v1/x", "https://api.example", "https://api.example"),
        ("GET", "/api/v1/x", "https://clients.example", None),
        ("GET", "/page", "https://clients.example", None),
        ("POST", "/t/acme/oauth2/token", "https://clients.example", None),
    ],
)
async def test_cors(serve: Serve, method: str, path: str, origin: str, allowed: str | None) -> None:
    client = serve(TOKEN, API, PAGE, WELL_KNOWN)
    answer = await client.request(method, path, headers={"origin": origin})
    assert answer.status_code == 200
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert "access-control-allow-credentials" not in answer.headers
    asked = {"origin": origin, "access-control-request-method": method}
    preflight = await client.options(path, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers.get("access-control-allow-origin") == allowed
    assert ("access-control-allow-methods" in preflight.headers) == (allowed is not None)


async def test_an_error_is_readable_by_the_script_that_caused_it(serve: Serve) -> None:
    async def crash(_: Request) -> Response:
        raise ValueError

    client = serve(Route("/api/v1/crash", crash))
    answer = await client.get("/api/v1/crash", headers={"origin": "https://api.example"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "server_error"
    assert answer.headers["access-control-allow-origin"] == "https://api.example"


async def test_ordinary_answers_vary_by_origin_only_where_it_counts(serve: Serve) -> None:
    client = serve(TOKEN, WELL_KNOWN)
    origin = {"origin": "https://other.example"}
    assert (await client.post("/oauth2/token", headers=origin)).headers["vary"] == "Origin"
    assert "vary" not in (await client.get(WELL_KNOWN.path, headers=origin)).headers


async def test_a_database_that_is_gone_is_503_everywhere_but_at_the_pulse(serve: Serve) -> None:
    class Gone:
        async def by_slug(self, slug: str) -> Site | None:
            raise Unavailable

        by_host = by_slug

        async def default(self) -> Site:
            raise Unavailable

    client = serve(TELL, *health_routes({}), sites=Gone())
    for path in ("/where", "/t/acme/where"):
        answer = await client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
    assert (await client.get("/healthz")).status_code == 200


async def test_a_suspended_tenant_is_not_there(serve: Serve) -> None:
    @dataclass(frozen=True, slots=True)
    class Suspended(Site):
        state: str = "suspended"

    class Sites(FixedSites):
        @override
        async def by_slug(self, slug: str) -> Site | None:
            return Suspended("dddddddddd", slug, f"https://id.example/t/{slug}", f"/t/{slug}")

    answer = await serve(TELL, sites=Sites()).get("/t/initech/where")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_tenant")


@pytest.mark.parametrize(
    "path",
    [
        "/where",
        "/t/acme/where",
        "/things/one",
        "/files/a/b",
        "/healthz",
        "/oauth2/token",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/t/acme",
    ],
)
async def test_a_line_break_behind_a_path_makes_it_one_that_nobody_knows(
    serve: Serve, path: str
) -> None:
    templates = ("/things/{name}", "/files/{rest:path}", "/oauth2/token")
    more = [route(each, tell, guard=PUBLIC, face="json") for each in templates]
    client = serve(TELL, WELL_KNOWN, *more, *health_routes({}))
    assert (await client.get(path)).status_code == 200
    for end in ("%0A", "%0a", "%0D%0A", "/%0A"):
        answer = await client.get(path + end)
        assert answer.status_code == 404, end
    for accept in ("text/html", "application/json"):
        headers = {"accept": accept}
        answer = await client.get("/where%0A", headers=headers)
        unknown = await client.get("/nowhere", headers=headers)
        assert (answer.status_code, answer.content) == (404, unknown.content)


@pytest.mark.parametrize("path", ["/t/acme%0A", "/t/acme%0A/where"])
async def test_a_line_break_behind_a_tenant_makes_it_another(serve: Serve, path: str) -> None:
    answer = await serve(TELL).get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_tenant")
