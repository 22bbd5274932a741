"""What is answered, held against the document at ``/openapi.json``: status, content type, code."""

from __future__ import annotations

from typing import Any, Final

import pytest

from limen.testing.visitor import Page
from tests.installation import PASSWORD, Installation

pytestmark = pytest.mark.parametrize("limen", [("root", "sqlite")], indirect=True, ids="-".join)

JSON: Final = {"Accept": "application/json"}
PKCE: Final = {
    "response_type": "code",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


class Told:
    """The document, and what of the answers it does not say."""

    def __init__(self, limen: Installation, document: dict[str, Any]) -> None:
        self.limen, self.document = limen, document
        self.untold: list[str] = []

    async def ask(self, method: str, path: str, *, as_in: str = "", **sent: Any) -> Page:
        """Ask, and compare; ``as_in`` is the method described, where a wrong one is tried."""
        page = await self.limen.api.fetch(method, path, **sent)
        plain = path.partition("?")[0]
        answers = self.document["paths"][plain][as_in or method.lower()]["responses"]
        self.untold += [f"{method} {plain}: {what}" for what in self._lacking(page, answers)]
        return page

    def _lacking(self, page: Page, answers: dict[str, Any]) -> list[str]:
        status, kind = str(page.status), page.headers.get("content-type", "").partition(";")[0]
        if status not in answers:
            return [f"{status} {page.text[:100]}"]
        answer = answers[status]
        if "$ref" in answer:
            name = answer["$ref"].rpartition("/")[2]
            answer = self.document["components"]["responses"][name]
        if page.text and kind not in answer.get("content", {}):
            return [f"{status} as {kind}"]
        if page.status >= 400 and kind == "application/json":
            code = page.json()["error"]
            return [] if f"`{code}`" in answer["description"] else [f"{status} {code}"]
        return []


@pytest.fixture
async def told(limen: Installation) -> Told:
    document = (await limen.api.fetch("GET", "/openapi.json")).json()
    return Told(limen, document)


async def test_the_comparison_sees_what_is_not_told(told: Told) -> None:
    responses = told.document["paths"]["/oauth2/revoke"]["post"]["responses"]
    del responses["415"]
    responses["400"] = {"description": "Refused: `invalid_grant`.", "content": {}}
    await told.ask("POST", "/oauth2/revoke", body={})
    web = await told.limen.client()
    await told.ask("POST", "/oauth2/revoke", form={}, headers=web.basic)
    responses["400"]["content"] = {"application/json": {}}
    await told.ask("POST", "/oauth2/revoke", form={}, headers=web.basic)
    assert [each.partition(": ")[2][:25] for each in told.untold[1:]] == [
        "400 as application/json",
        "400 invalid_request",
    ]
    assert told.untold[0].startswith("POST /oauth2/revoke: 415 ")


async def test_what_clients_are_told_is_in_the_document(told: Told) -> None:
    limen = told.limen
    web, machine = await limen.client(), await limen.client("machine")
    spa = await limen.client("spa")
    issued = await limen.post("/oauth2/token", machine, grant_type="client_credentials")
    theirs = {"token": issued.json()["access_token"]}
    signed = {"Accept": "application/token-introspection+jwt"}
    for path in ("token", "par", "revoke", "introspect", "device_authorization", "bc-authorize"):
        assert (await told.ask("POST", f"/oauth2/{path}", body={})).status == 415
        assert (await told.ask("PUT", f"/oauth2/{path}", as_in="post")).status == 405
        large = {"token": "x" * 800_000}
        assert (await told.ask("POST", f"/oauth2/{path}", form=large)).status == 413
        assert (await told.ask("POST", f"/oauth2/{path}", form={})).status in {400, 401}
    for sent in ({"request": "x.y.z"}, {"request_uri": "u"}, {**PKCE, "redirect_uri": "x"}):
        assert (await told.ask("POST", "/oauth2/par", form=sent, headers=web.basic)).status == 400
    await told.ask("POST", "/oauth2/revoke", form=theirs, headers=web.basic)
    await told.ask("POST", "/oauth2/introspect", form=theirs, headers=machine.basic)
    shown = {**machine.basic, **signed}
    page = await told.ask("POST", "/oauth2/introspect", form=theirs, headers=shown)
    assert page.headers["content-type"] == "application/token-introspection+jwt"
    named = {**theirs, "client_id": spa.id}
    assert (await told.ask("POST", "/oauth2/introspect", form=named)).status == 401
    bearer = f"Bearer {theirs['token']}"
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": bearer}):
        assert (await told.ask("GET", "/oauth2/userinfo", headers=header)).status in {401, 403}
    as_proof = {"Authorization": bearer.replace("Bearer", "DPoP"), "DPoP": "x"}
    assert (await told.ask("GET", "/oauth2/userinfo", headers=as_proof)).status == 401
    await told.ask("POST", "/oauth2/register", form={"a": "1"})
    await told.ask("POST", "/oauth2/register", body={})
    assert told.untold == []


async def test_what_people_are_told_is_in_the_document(told: Told) -> None:
    limen = told.limen
    web, ours = await limen.client(), await limen.client("spa", first_party=True)
    asked = f"scope=openid&code_challenge={PKCE['code_challenge']}&code_challenge_method=S256"
    for client in (web, ours):
        start = f"/oauth2/authorize?client_id={client.id}&response_type=code&{asked}"
        for rest in ("&redirect_uri=x", f"&redirect_uri={client.redirect_uri}", "&prompt=none"):
            await told.ask("GET", start + rest, headers=JSON)
            await told.ask("GET", start + rest, headers={"Accept": "text/html"})
    for headers in (JSON, {"Accept": "text/html"}):
        await told.ask("GET", "/oauth2/authorize?client_id=nobody", headers=headers)
        await told.ask("PUT", "/oauth2/authorize", as_in="get", headers=headers)
        await told.ask("POST", "/oauth2/authorize", body={}, headers=headers)
    await told.ask("GET", "/oauth2/logout?state=a&state=b")
    assert told.untold == []


async def test_what_applications_are_told_is_in_the_document(told: Told) -> None:
    limen = told.limen
    person, ours = await limen.person(), await limen.client("spa", first_party=True)
    challenge = "/oauth2/authorization_challenge"
    first = {"client_id": ours.id, "scope": "openid", **PKCE}
    page = await told.ask("POST", challenge, form=first)
    assert (page.status, page.json()["error"]) == (400, "insufficient_authorization")
    wrong = {**first, "username": person.email, "password": "another one entirely"}
    page = await told.ask("POST", challenge, form=wrong)
    assert (page.status, page.json()["error"]) == (400, "invalid_grant")
    bad = {"email": person.email, "password": "x" * 20}
    assert (await told.ask("POST", "/api/v1/auth/login", body=bad)).status == 401
    assert (await told.ask("POST", "/api/v1/auth/login", form={"a": "b"})).status == 415
    large = {"email": person.email, "password": PASSWORD * 25_000}
    assert (await told.ask("POST", "/api/v1/auth/login", body=large)).status == 413
    assert (await told.ask("PUT", "/api/v1/auth/login", as_in="post")).status == 405
    admin = await limen.person(role="admin")
    headers = {"Authorization": f"Bearer {(await limen.login(admin))['access_token']}"}
    lines = await told.ask("GET", "/api/v1/admin/clients/export", headers=headers)
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    left = await told.ask("POST", "/api/v1/auth/logout", headers=headers)
    assert (left.status, left.headers.get("content-type")) == (204, None)
    assert told.untold == []
