from __future__ import annotations

import datetime as dt
import re
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.web import cookies, csrf
from limen.web.deps import authenticate
from limen.web.exchange import PUBLIC, route
from limen.web.forms import read_form, read_query
from limen.web.pages import Pages
from limen.web.redirects import page_url, see_other
from limen.web.state import edge_of
from tests.unit.web.conftest import Serve

pytestmark = pytest.mark.anyio

NAME = "__Host-lm_session_aaaaaaaaaa"


async def set_cookie(request: Request, work: Work) -> Response:
    response = Response()
    cookies.write(response, request, "session", value="abc", max_age=dt.timedelta(days=1))
    cookies.write(response, request, "flow", value="x~y.z")
    cookies.clear(response, request, "device")
    return response


async def read_cookie(request: Request, work: Work) -> Response:
    return JSONResponse({"value": cookies.read(request, "session")})


async def accept(request: Request, work: Work) -> Response:
    return JSONResponse({"ok": True, "form": (await read_form(request)).one("a")})


@pytest.mark.parametrize(
    ("base", "prefix", "secure"),
    [
        ("https://id.example", "__Host-", "; Secure"),
        ("https://id.example/t/acme", "__Host-", "; Secure"),
    ],
)
async def test_cookies_are_bound_to_host_and_tenant(
    serve: Serve, base: str, prefix: str, secure: str
) -> None:
    client = serve(route("/set", set_cookie, guard=PUBLIC, face="json"))
    tenant = "bbbbbbbbbb" if "acme" in base else "aaaaaaaaaa"
    answer = await client.get(f"{base}/set")
    assert answer.headers.get_list("set-cookie") == [
        f"{prefix}lm_session_{tenant}=abc; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax{secure}",
        f"{prefix}lm_flow_{tenant}=x~y.z; Path=/; HttpOnly; SameSite=Lax{secure}",
        f"{prefix}lm_device_{tenant}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax{secure}",
    ]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (f"{NAME}=abc", "abc"),
        (f"other=1; {NAME}=abc", "abc"),
        ("lm_session_aaaaaaaaaa=abc", None),
        ("__Host-lm_session_bbbbbbbbbb=abc", None),
        (f"{NAME}=abc; {NAME}=def", None),
        (f"{NAME}=", None),
        (f"{NAME}", None),
        (f'{NAME}="abc"', None),
        (f"{NAME}=a b", None),
        (f"{NAME}=" + "a" * 2000, None),
        ("; ".join(f"c{n}=1" for n in range(100)) + f"; {NAME}=abc", "abc"),
        ("\xff=\xfe;;==;", None),
        ("", None),
    ],
)
async def test_cookies_are_read_strictly(serve: Serve, header: str, value: str | None) -> None:
    client = serve(route("/read", read_cookie, guard=PUBLIC, face="json"))
    answer = await client.get("/read", headers={b"cookie": header.encode("latin-1")})
    assert answer.json() == {"value": value}


async def test_a_post_from_another_site_sees_no_cookie(serve: Serve) -> None:
    made = route(
        "/authorize",
        read_cookie,
        guard=PUBLIC,
        face="page",
        methods=["GET", "POST"],
        cross_site=True,
    )
    client = serve(made)
    headers = {"cookie": f"{NAME}=abc"}
    assert (await client.get("/authorize", headers=headers)).json() == {"value": "abc"}
    assert (await client.post("/authorize", headers=headers)).json() == {"value": None}


def test_a_cookie_value_that_could_break_its_header_is_refused() -> None:
    with pytest.raises(ValueError, match="cookie"):
        cookies.write(Response(), None, "session", value="a; Path=/x")  # type: ignore[arg-type]  # never reached


async def open_form(client: httpx2.AsyncClient) -> str:
    client.cookies.clear()
    page = await client.get("/form")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


@pytest.fixture
def form_client(serve: Serve, tmp_path: Any) -> httpx2.AsyncClient:
    folder = tmp_path / "templates" / "probe"
    folder.mkdir(parents=True)
    (folder / "form.html").write_text(
        '{% import "web/forms.html" as forms with context %}{{ forms.csrf() }}'
    )

    async def page(request: Request, work: Work) -> Response:
        return edge_of(request).pages.render(request, "probe/form.html")

    return serve(
        route("/form", page, guard=PUBLIC, face="page"),
        route("/form", accept, guard=PUBLIC, face="page", methods=["POST"]),
        pages=Pages([tmp_path / "templates"]),
    )


async def test_a_form_of_this_browser_is_accepted(form_client: httpx2.AsyncClient) -> None:
    value = await open_form(form_client)
    for sender in (None, "same-origin", "none"):
        headers = {"sec-fetch-site": sender} if sender else {}
        answer = await form_client.post("/form", data={"csrf": value, "a": "1"}, headers=headers)
        assert answer.json() == {"ok": True, "form": "1"}
    by_header = await form_client.post("/form", data={"a": "1"}, headers={"x-csrf-token": value})
    assert by_header.status_code == 200


@pytest.mark.parametrize("sender", ["cross-site", "same-site", "", "x"])
async def test_a_browser_that_says_another_site_sent_it_is_refused(
    form_client: httpx2.AsyncClient, sender: str
) -> None:
    value = await open_form(form_client)
    answer = await form_client.post(
        "/form", data={"csrf": value}, headers={"sec-fetch-site": sender}
    )
    assert answer.status_code == 403


async def test_forged_forms_are_refused(form_client: httpx2.AsyncClient) -> None:
    foreign = await open_form(form_client)
    mine = await open_form(form_client)
    assert foreign != mine
    forged: list[dict[str, Any]] = [
        {},
        {"csrf": ""},
        {"csrf": foreign},
        {"csrf": mine[:-4]},
        {"csrf": mine + "AAAA"},
        {"csrf": "a" * len(mine)},
        {"csrf": "not base64!"},
        {"csrf": [mine, mine]},
    ]
    for data in forged:
        answer = await form_client.post(
            "/form", data=data, headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code in {400, 403}, data
    form_client.cookies.clear()
    answer = await form_client.post("/form", data={"csrf": mine})
    assert answer.status_code == 403
    assert 'id="error-code">csrf_failed<' in answer.text


async def test_a_token_of_one_tenant_is_none_of_another(form_client: httpx2.AsyncClient) -> None:
    value = await open_form(form_client)
    secret = form_client.cookies["__Host-lm_csrf_aaaaaaaaaa"]
    # Even where one browser holds one secret for both, which no browser of ours does.
    both = {"cookie": f"__Host-lm_csrf_bbbbbbbbbb={secret}"}
    answer = await form_client.post("/t/acme/form", data={"csrf": value}, headers=both)
    assert answer.status_code == 403


async def test_someone_known_by_a_cookie_proves_each_unsafe_request(serve: Serve) -> None:
    async def by_cookie(request: Request, work: Work) -> Actor | None:
        return Actor("user", "ada") if "cookie" in request.headers else None

    async def by_token(request: Request, work: Work) -> Actor | None:
        return (
            Actor("user", "ada", scope=frozenset()) if "authorization" in request.headers else None
        )

    async def handler(request: Request, work: Work) -> Response:
        return JSONResponse({"id": (await authenticate(request, work)).id})

    made = route("/x", handler, guard=PUBLIC, face="json", methods=["GET", "POST", "DELETE"])
    client = serve(made, authenticators=(by_token, by_cookie))
    cookie = {"cookie": "a=b"}
    assert (await client.get("/x", headers=cookie)).json() == {"id": "ada"}
    assert (await client.post("/x", headers=cookie)).json()["code"] == "csrf_failed"
    assert (await client.delete("/x", headers=cookie)).status_code == 403
    assert (await client.post("/x", headers={"authorization": "Bearer x"})).json() == {"id": "ada"}
    assert (await client.post("/x")).json() == {"id": ""}


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
async def test_a_form_is_urlencoded(serve: Serve, kind: str) -> None:
    made = route("/x", accept, guard=PUBLIC, face="oauth", methods=["POST"])
    answer = await serve(made).post(
        "/x?a=from-the-query", content=b"b=1", headers={"content-type": kind}
    )
    assert answer.status_code == 415


async def test_a_query_is_never_merged_into_a_form(serve: Serve) -> None:
    async def both(request: Request, work: Work) -> Response:
        form = await read_form(request)
        return JSONResponse({"form": form.one("a"), "query": read_query(request).one("a")})

    client = serve(route("/x", both, guard=PUBLIC, face="oauth", methods=["POST"]))
    kind = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    answer = await client.post("/x?a=1", content=b"b=2;a=3", headers=kind)
    assert answer.json() == {"form": None, "query": "1"}
    answer = await client.post("/x", content=b"a=1&a=2", headers=kind)
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("url", ["/a\r\nset-cookie: x=1", "/a b", "/ä", "/a\x00"])
def test_a_location_can_not_break_out_of_its_line(url: str) -> None:
    with pytest.raises(ValueError, match="Location"):
        see_other(url)


async def test_a_redirect_is_303_and_stays_with_the_tenant(serve: Serve) -> None:
    async def go(request: Request, work: Work) -> Response:
        return see_other(page_url(request, "/sign-in", **{"continue": "/a?b=c&d", "empty": ""}))

    client = serve(route("/go", go, guard=PUBLIC, face="page"))
    answer = await client.get("/t/acme/go")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/t/acme/sign-in?continue=%2Fa%3Fb%3Dc%26d"


async def test_signing_in_renews_what_forms_are_bound_to(serve: Serve) -> None:
    async def renew(request: Request, work: Work) -> Response:
        before = csrf.token_for(request)
        response = JSONResponse({"before": before})
        csrf.renew(response, request)
        return response

    client = serve(route("/renew", renew, guard=PUBLIC, face="json"))
    first = (await client.get("/renew")).headers["set-cookie"]
    second = (await client.get("/renew")).headers["set-cookie"]
    assert first != second
