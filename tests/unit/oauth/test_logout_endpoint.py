from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from limen.sessions.listing import find_session
from limen.sessions.session import Session
from limen.testing.clock import FrozenClock
from tests.unit.oauth.http_kit import GOODBYE, Known, Server

pytestmark = pytest.mark.anyio

PATH = "/oauth2/logout"


async def signed_in(server: Server, **client: Any) -> tuple[Session, dict[str, str], str, Known]:
    """A session with its cookie header, and a hint that its client got for it."""
    known = await server.client("web", **client)
    session, cookie = await server.session(await server.person())
    made = await server.redeem(known, await server.code(known, session))
    return session, cookie, made.json()["id_token"], known


async def is_live(server: Server, session: Session) -> bool:
    return await server.run(lambda work: find_session(work, session.id)) is not None


def fields(page: httpx2.Response) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    return {name: value.replace("&amp;", "&") for name, value in found}


async def answer(
    server: Server, page: httpx2.Response, cookie: dict[str, str], said: str
) -> httpx2.Response:
    planted = page.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": f"{cookie['cookie']}; {planted}"}
    form = {**fields(page), "answer": said}
    return await server.http.post(f"{PATH}/answer", data=form, headers=headers)


def asks(page: httpx2.Response) -> bool:
    return page.status_code == 200 and 'id="logout-yes"' in page.text


async def test_n184_asks_first_and_then_goes_where_the_client_registered(server: Server) -> None:
    session, cookie, hint, _ = await signed_in(server)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "state": "a&b"}
    page = await server.http.get(PATH, params=asked, headers=cookie)
    assert asks(page)
    assert 'id="logout-no"' in page.text
    assert "form-action" not in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert await is_live(server, session)
    done = await answer(server, page, cookie, "yes")
    assert done.status_code == 303
    to = urlsplit(done.headers["location"])
    assert f"{to.scheme}://{to.netloc}{to.path}" == GOODBYE
    assert dict(parse_qsl(to.query)) == {"state": "a&b"}
    assert not await is_live(server, session)
    assert "lm_session" in done.headers["set-cookie"]


async def test_no_keeps_the_session_and_goes_nowhere(server: Server) -> None:
    session, cookie, hint, _ = await signed_in(server)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE}
    page = await server.http.get(PATH, params=asked, headers=cookie)
    kept = await answer(server, page, cookie, "no")
    assert kept.status_code == 200
    assert "location" not in kept.headers
    assert await is_live(server, session)


async def test_a_trusted_client_spares_the_question(server: Server) -> None:
    session, cookie, hint, _ = await signed_in(server, trusted=True)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE}
    done = await server.http.get(PATH, params=asked, headers=cookie)
    assert (done.status_code, done.headers["location"]) == (303, GOODBYE)
    assert not await is_live(server, session)


async def test_an_expired_hint_is_a_hint(server: Server, clock: FrozenClock) -> None:
    session, cookie, hint, _ = await signed_in(server, trusted=True)
    clock.advance(dt.timedelta(hours=2))
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE}
    done = await server.http.get(PATH, params=asked, headers=cookie)
    assert done.status_code == 303
    assert not await is_live(server, session)


async def test_n188_without_a_hint_it_asks_and_stays_here(server: Server) -> None:
    session, cookie, _, client = await signed_in(server, trusted=True)
    asked = {"client_id": client.id, "post_logout_redirect_uri": GOODBYE}
    page = await server.http.get(PATH, params=asked, headers=cookie)
    assert asks(page)
    done = await answer(server, page, cookie, "yes")
    assert done.status_code == 200
    assert 'id="logged-out"' in done.text
    assert not await is_live(server, session)


@pytest.mark.parametrize(
    "uri",
    [
        f"{GOODBYE}x",
        f"{GOODBYE}?x=y",
        "https://app.example.evil.example/bye",
        "https://evil.example/bye",
        "javascript:alert(1)",
        "//evil.example",
    ],
)
async def test_n187_an_unregistered_address_is_never_gone_to(server: Server, uri: str) -> None:
    _, cookie, hint, _ = await signed_in(server, trusted=True)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": uri}
    page = await server.http.get(PATH, params=asked, headers=cookie)
    assert asks(page)
    done = await answer(server, page, cookie, "yes")
    assert done.status_code == 200
    assert "location" not in done.headers


async def test_n188_the_hint_of_another_session_only_asks(server: Server) -> None:
    _, _, hint, _ = await signed_in(server, trusted=True)
    other, cookie = await server.session(await server.person("eve@app.example"))
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE}
    page = await server.http.get(PATH, params=asked, headers=cookie)
    assert asks(page)
    done = await answer(server, page, cookie, "yes")
    assert "location" not in done.headers
    assert not await is_live(server, other)


async def test_n177_only_the_session_of_this_browser_ends(server: Server) -> None:
    session, _, hint, _ = await signed_in(server, trusted=True)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE}
    done = await server.http.get(PATH, params=asked)
    assert done.status_code == 303
    assert await is_live(server, session)


async def test_nobody_is_signed_in_and_no_hint(server: Server) -> None:
    done = await server.http.get(PATH)
    assert done.status_code == 200
    assert 'id="logged-out"' in done.text


@pytest.mark.parametrize("kind", ["access_token", "garbage", "tampered", "other_client"])
async def test_n084_what_is_no_hint_of_ours_only_asks(server: Server, kind: str) -> None:
    client = await server.client("web", trusted=True)
    session, cookie = await server.session(await server.person())
    made = (await server.redeem(client, await server.code(client, session))).json()
    head, payload, signature = made["id_token"].split(".")
    hints = {
        "access_token": made["access_token"],
        "garbage": "x",
        "tampered": f"{head}.{payload}.{signature[::-1]}",
        "other_client": made["id_token"],
    }
    asked = {"id_token_hint": hints[kind], "post_logout_redirect_uri": GOODBYE}
    if kind == "other_client":
        asked["client_id"] = (await server.client("web")).id
    page = await server.http.get(PATH, params=asked, headers=cookie)
    assert asks(page)
    assert "location" not in (await answer(server, page, cookie, "yes")).headers
    assert not await is_live(server, session)


async def test_a_post_from_a_clients_page_continues_by_get(server: Server) -> None:
    session, cookie, hint, _ = await signed_in(server, trusted=True)
    form = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "state": "s", "x": "y"}
    sent = await server.http.post(PATH, data=form, headers=cookie)
    assert sent.status_code == 303
    assert await is_live(server, session)
    to = urlsplit(sent.headers["location"])
    assert (to.netloc, to.path) == ("", PATH)
    form.pop("x")
    assert dict(parse_qsl(to.query)) == form
    done = await server.http.get(sent.headers["location"], headers=cookie)
    assert done.headers["location"] == f"{GOODBYE}?state=s"


async def test_n180_the_answer_comes_from_our_own_page(server: Server) -> None:
    session, cookie, hint, _ = await signed_in(server)
    form = {"id_token_hint": hint, "post_logout_redirect_uri": GOODBYE, "answer": "yes"}
    for forged in (form, {**form, "csrf": "x"}):
        sent = await server.http.post(f"{PATH}/answer", data=forged, headers=cookie)
        assert sent.status_code == 403
    assert (await server.http.get(f"{PATH}/answer", headers=cookie)).status_code == 405
    assert await is_live(server, session)


@pytest.mark.parametrize("query", ["state=a&state=b", "id_token_hint=%zz", "state=" + "s" * 3000])
async def test_o7_a_malformed_request_is_a_page(server: Server, query: str) -> None:
    sent = await server.http.get(f"{PATH}?{query}")
    assert sent.status_code == 400
    assert 'id="error-page"' in sent.text
    assert "location" not in sent.headers


async def test_n227_what_is_reflected_is_escaped(server: Server) -> None:
    _, cookie, hint, _ = await signed_in(server)
    asked = {"id_token_hint": hint, "state": '"><script>alert(1)</script>'}
    page = await server.http.get(PATH, params=asked, headers=cookie)
    assert "<script>alert" not in page.text
