from __future__ import annotations

import base64
import dataclasses

import pytest
from sqlalchemy.exc import SQLAlchemyError

from limen.db.work import Work
from limen.kernel.errors import InvalidClient
from limen.kernel.secret import Secret
from limen.oauth.client_authentication.by_secret import check_secret
from limen.oauth.model import Client
from limen.protocol.client_authentication import SecretCredentials
from tests.unit.oauth.http_kit import CALLBACK, Known, Server, refusal

pytestmark = pytest.mark.anyio

MACHINE = {"grant_type": "client_credentials"}


def basic(raw: bytes) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(raw).decode()}


async def test_n041_takes_a_posted_form_and_nothing_else(server: Server) -> None:
    client = await server.client("machine")
    got = await server.http.get("/oauth2/token", params=MACHINE, headers=client.basic)
    assert got.status_code == 405
    assert got.headers["allow"] == "POST"
    json = await server.http.post("/oauth2/token", json=MACHINE, headers=client.basic)
    assert refusal(json) == (415, "invalid_request")
    query = await server.http.post(
        "/oauth2/token", params=MACHINE, data={"x": "y"}, headers=client.basic
    )
    assert refusal(query) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["grant_type", "client_id", "client_secret", "scope"])
async def test_n041_refuses_repeated_parameters(server: Server, name: str) -> None:
    client = await server.client("machine")
    form = {**MACHINE, "client_id": client.id, "client_secret": client.secret, "scope": "read"}
    body = "&".join(f"{key}={value}" for key, value in form.items()) + f"&{name}={form[name]}"
    sent = await server.http.post(
        "/oauth2/token",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert refusal(sent) == (400, "invalid_request")


async def test_authenticates_by_header_or_by_form(server: Server) -> None:
    client = await server.client("machine")
    by_header = await server.post("/oauth2/token", client, **MACHINE)
    by_form = await server.post(
        "/oauth2/token", client_id=client.id, client_secret=client.secret, **MACHINE
    )
    assert (by_header.status_code, by_form.status_code) == (200, 200)


async def test_n055_refuses_two_methods_at_once(server: Server) -> None:
    client = await server.client("machine")
    sent = await server.post("/oauth2/token", client, client_secret=client.secret, **MACHINE)
    assert refusal(sent) == (400, "invalid_request")


async def test_n055_refuses_two_headers_at_once(server: Server) -> None:
    client, other = await server.client("machine"), await server.client("machine")
    headers = [*client.basic.items(), *other.basic.items()]
    sent = await server.http.post("/oauth2/token", data=MACHINE, headers=headers)
    assert refusal(sent) == (400, "invalid_request")


async def test_n059_refuses_another_client_in_the_body(server: Server) -> None:
    client, other = await server.client("machine"), await server.client("machine")
    sent = await server.post("/oauth2/token", client, client_id=other.id, **MACHINE)
    assert refusal(sent) == (400, "invalid_request")


async def test_n057_every_failure_of_authentication_looks_alike(server: Server) -> None:
    confidential, public = await server.client("machine"), await server.client("spa")
    attempts = [
        {"client_id": confidential.id, "client_secret": "wrong"},
        {"client_id": confidential.id},
        {"client_id": confidential.id, "client_secret": ""},
        {"client_id": public.id, "client_secret": "any"},
        {"client_id": public.id, "client_secret": confidential.secret},
        {"client_id": "nobody", "client_secret": "wrong"},
        {"client_id": "nobody"},
        {"client_id": "x" * 5000, "client_secret": "wrong"},
    ]
    answers = [await server.post("/oauth2/token", **form, **MACHINE) for form in attempts]
    assert {refusal(answer) for answer in answers} == {(401, "invalid_client")}
    assert len({answer.content for answer in answers}) == 1
    assert not any("www-authenticate" in answer.headers for answer in answers)


async def test_o2_challenges_only_who_used_the_header(server: Server) -> None:
    client = await server.client("machine")
    sent = await server.post("/oauth2/token", Known(client.id, "wrong"), **MACHINE)
    assert refusal(sent) == (401, "invalid_client")
    assert sent.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Bearer x", "Digest x", "Basic eA==", "Basic " + "A" * 9000],
)
async def test_n068_refuses_a_malformed_header(server: Server, header: str) -> None:
    sent = await server.http.post("/oauth2/token", data=MACHINE, headers={"authorization": header})
    assert refusal(sent) == (401, "invalid_client")


@pytest.mark.parametrize(
    "raw", [b"a\x00:b", b"a:\x00", b"\xff:b", b"a:%zz", b"a%00:b", b":", b":b"]
)
async def test_n068_refuses_credentials_that_are_no_text(server: Server, raw: bytes) -> None:
    sent = await server.http.post("/oauth2/token", data=MACHINE, headers=basic(raw))
    assert refusal(sent) == (401, "invalid_client")


@pytest.mark.parametrize("body", [b"grant_type=%zz", b"grant_type=%00", b"\xff=1", b"a=\x00"])
async def test_n068_refuses_a_body_that_is_no_form(server: Server, body: bytes) -> None:
    sent = await server.http.post(
        "/oauth2/token",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert refusal(sent) == (400, "invalid_request")


async def test_a_client_id_without_end_is_not_even_looked_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> object:
        raise AssertionError("a connection was taken")

    monkeypatch.setattr(server.works.database, "acquire", refuse)
    sent = await server.post("/oauth2/token", client_id="x" * 5000, client_secret="x", **MACHINE)
    assert refusal(sent) == (401, "invalid_client")


async def test_n057_a_public_client_has_no_secret_even_if_one_is_stored(server: Server) -> None:
    web, spa = await server.client("web"), await server.client("spa")

    async def body(work: Work) -> Client:
        confidential = await server.parts.clients.find(work, web.id)
        public = await server.parts.clients.find(work, spa.id)
        assert confidential is not None
        assert public is not None
        return dataclasses.replace(public, secrets=confidential.secrets)

    odd = await server.run(body)
    credentials = SecretCredentials(
        client_id=spa.id, raw_secret=Secret(web.secret), method="client_secret_post"
    )
    with pytest.raises(InvalidClient):
        check_secret(odd, credentials, now=server.works.clock.now())


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"scope": "read"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unauthorized_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "unauthorized_client"),
    ],
)
async def test_refuses_grants_the_client_has_not(
    server: Server, form: dict[str, str], code: str
) -> None:
    client = await server.client("machine")
    assert refusal(await server.post("/oauth2/token", client, **form)) == (400, code)


async def test_a_public_client_gets_no_token_of_its_own(server: Server) -> None:
    client = await server.client("spa")
    sent = await server.post("/oauth2/token", client, **MACHINE)
    assert refusal(sent) == (400, "unauthorized_client")


async def test_o4_a_refusal_leaves_one_trace_without_a_secret(server: Server) -> None:
    client = await server.client("machine")
    server.events.clear()
    await server.post("/oauth2/token", Known(client.id, "wrong-secret-canary"), **MACHINE)
    assert server.denied() == ["oauth:client:refused"]
    await server.post("/oauth2/token", client, scope="nothing-we-know", **MACHINE)
    assert server.denied() == ["oauth:client:refused", "oauth:token:refused"]
    assert "canary" not in repr(server.events)


async def test_a_database_that_is_gone_is_no_500(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await server.client("web", redirect_uris=(CALLBACK,))

    async def gone() -> object:
        raise SQLAlchemyError

    monkeypatch.setattr(server.works.database, "acquire", gone)
    sent = await server.post("/oauth2/token", client, **MACHINE)
    assert sent.status_code in {500, 503}
    assert set(sent.json()) == {"error", "error_description"}
