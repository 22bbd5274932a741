"""Sections A, B and E at each entrance that asks who calls, or what is asked for."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from limen.db.engines import open_database
from limen.db.work import Works
from limen.kernel.site import Site
from limen.oauth.registry.disable_client import disable_client
from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from limen.testing.clock import FrozenClock
from tests.databases import Services
from tests.negative.oauth_cases import snapshot
from tests.unit.oauth.http_kit import Known, Server, serve
from tests.unit.oauth.journey_kit import request_of
from tests.unit.oauth.request_kit import KEY, keys_of, proof_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server(
    services: Services, tmp_path: Path, clock: FrozenClock, site: Site
) -> AsyncIterator[Server]:
    """On SQLite alone: who calls is asked before any statement that differs."""
    database = open_database(services.sqlite_database(tmp_path))
    await database.open()
    made = await serve(Works(database, clock), site)
    yield made
    await made.close()
    await database.close()


ENTRANCES: dict[str, dict[str, str]] = {
    "/oauth2/token": {"grant_type": "client_credentials", "scope": "read"},
    "/oauth2/par": {"response_type": "code"},
    "/oauth2/introspect": {"token": "x"},
    "/oauth2/revoke": {"token": "x"},
    "/oauth2/device_authorization": {"scope": "openid"},
    "/oauth2/bc-authorize": {"scope": "openid", "login_hint": "ada@app.example"},
    "/oauth2/authorization_challenge": {"response_type": "code"},
}
GRANTS: dict[str, dict[str, str]] = {
    "authorization_code": {"code": "lmc_x", "code_verifier": "v" * 43},
    "refresh_token": {"refresh_token": "lmr_x"},
    "client_credentials": {"scope": "read"},
    DEVICE_CODE: {"device_code": "lmd_x"},
    CIBA: {"auth_req_id": "lmb_x"},
    "urn:ietf:params:oauth:grant-type:jwt-bearer": {"assertion": "a.b.c"},
    "urn:ietf:params:oauth:grant-type:token-exchange": {
        "subject_token": "x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    },
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def basic(pair: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


async def callers(server: Server) -> tuple[Known, Known, Known, Known]:
    """A client with a secret, another one, one that signs, and one that was disabled."""
    first, other, gone = [await server.client() for _ in range(3)]
    await server.run(lambda work: disable_client(work, client_id=gone.id))
    signing = await server.client(auth_method="private_key_jwt", metadata={"jwks": keys_of(KEY)})
    return first, other, signing, gone


def attempts(
    server: Server, first: Known, other: Known, signing: Known, gone: Known
) -> dict[str, tuple[dict[str, str], dict[str, Any], set[int]]]:
    """Name each attempt: its headers, its form, and how it may be refused."""
    half = {"client_assertion": "a.b.c"}
    return {
        "n055 header and body": (first.basic, {"client_secret": first.secret}, {400}),
        "n055 header and assertion": (first.basic, proof_of(server, signing), {400, 401}),
        "n055 body and assertion": (
            {},
            {"client_id": first.id, "client_secret": first.secret, **proof_of(server, signing)},
            {400, 401},
        ),
        "n055 two secrets": ({}, {"client_id": first.id, "client_secret": [first.secret] * 2}, {400}),
        "n055 half an assertion": ({}, {"client_id": signing.id, **half}, {400, 401}),
        "n057 a secret of who signs": (basic(f"{signing.id}:secret"), {}, {401}),
        "n057 a name alone": ({}, {"client_id": first.id}, {401}),
        "n057 a name and an empty secret": ({}, {"client_id": first.id, "client_secret": ""}, {401}),
        "n057 an empty secret in the header": (basic(f"{first.id}:"), {}, {400, 401}),
        "n059 another id beside": (first.basic, {"client_id": other.id}, {400, 401}),
        "n059 another's secret": (basic(f"{first.id}:{other.secret}"), {}, {401}),
        "n041 its id twice": (first.basic, {"client_id": [first.id, first.id]}, {400}),
        "n067 a disabled client": (gone.basic, {}, {401}),
        "n068 no base64": ({"authorization": "Basic ===="}, {}, {400, 401}),
        "n068 no colon": (basic(first.id), {}, {400, 401}),
        "n068 NUL": (basic(f"{first.id}\0:{first.secret}"), {}, {400, 401}),
        "n068 no UTF-8": ({"authorization": "Basic /////w=="}, {}, {400, 401}),
        "n068 bad escapes": (basic(f"{first.id}%zz:{first.secret}%"), {}, {400, 401}),
        "n068 very long": (basic(f"{first.id}:{'x' * 20_000}"), {}, {400, 401, 413}),
        "n068 another scheme": ({"authorization": f"Bearer {first.secret}"}, {}, {400, 401}),
        "n064 an unknown client": (basic("nobody:secret"), {}, {401}),
        "o7 nobody": ({}, {}, {400, 401}),
    }  # fmt: skip


async def sent(
    server: Server, path: str, headers: dict[str, str], form: dict[str, Any]
) -> httpx2.Response:
    body = urlencode(form, doseq=True)
    return await server.http.post(path, content=body, headers={**FORM, **headers})


@pytest.mark.parametrize("path", ENTRANCES)
async def test_n041_n055_n057_n059_n064_n067_n068_whoever_calls_proves_it(
    server: Server, path: str
) -> None:
    first, other, signing, gone = await callers(server)
    good = await sent(server, path, first.basic, ENTRANCES[path])
    assert good.status_code != 401, "the honest one is let in, whatever is missing else"
    before = await snapshot(server)
    for name, (headers, form, statuses) in attempts(server, first, other, signing, gone).items():
        answer = await sent(server, path, headers, {**ENTRANCES[path], **form})
        assert answer.status_code in statuses, (name, answer.status_code, answer.text)
        _check(answer, name, by_header="authorization" in headers)
    assert await snapshot(server) == before


@pytest.mark.parametrize("grant", GRANTS, ids=[name.rpartition(":")[2] for name in GRANTS])
async def test_n050_n055_n057_no_grant_is_reached_unproven(server: Server, grant: str) -> None:
    first, other, signing, gone = await callers(server)
    said = {"grant_type": grant, **GRANTS[grant]}
    honest = await sent(server, "/oauth2/token", first.basic, said)
    assert honest.status_code != 401
    before = await snapshot(server)
    for name, (headers, form, statuses) in attempts(server, first, other, signing, gone).items():
        answer = await sent(server, "/oauth2/token", headers, {**said, **form})
        assert answer.status_code in statuses, (name, answer.status_code, answer.text)
        _check(answer, name, by_header="authorization" in headers)
    assert await snapshot(server) == before


@pytest.mark.parametrize("grant", GRANTS, ids=[name.rpartition(":")[2] for name in GRANTS])
async def test_n041_every_parameter_of_every_grant_once(server: Server, grant: str) -> None:
    client = await server.client()
    said: dict[str, Any] = {"grant_type": grant, "scope": "read", **GRANTS[grant]}
    for name, value in said.items():
        twice = {**said, name: [value, value]}
        answer = await sent(server, "/oauth2/token", client.basic, twice)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), name
        differ = {**said, name: [value, f"{value}x"]}
        answer = await sent(server, "/oauth2/token", client.basic, differ)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), name
    in_query = await sent(server, f"/oauth2/token?{urlencode(said)}", client.basic, {})
    assert in_query.status_code == 400
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
        answer = await server.http.post(
            "/oauth2/token",
            content=urlencode(said),
            headers={**client.basic, "content-type": kind},
        )
        assert answer.status_code in {400, 415}, kind


def _check(answer: httpx2.Response, name: str, *, by_header: bool) -> None:
    """O1, O2, O5."""
    told = answer.json()
    assert told["error"] in {"invalid_client", "invalid_request"}, (name, told)
    assert answer.headers["cache-control"] == "no-store", name
    assert "location" not in answer.headers, name
    if answer.status_code == 401 and by_header:
        assert "www-authenticate" in answer.headers, name


ASKED: list[tuple[dict[str, str | None], str]] = [
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "A" * 42}, "invalid_request"),
    ({"code_challenge": "A" * 42 + "="}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code id_token"}, "unsupported_response_type"),
    ({"response_type": "none"}, "unsupported_response_type"),
    ({"scope": "admin"}, "invalid_scope"),
    ({"scope": '"'}, "invalid_scope"),
    ({"resource": "https://unknown.example"}, "invalid_target"),
    ({"resource": "https://app.example/#x"}, "invalid_target"),
    ({"prompt": "none login"}, "invalid_request"),
    ({"max_age": "-1"}, "invalid_request"),
    ({"max_age": "soon"}, "invalid_request"),
    ({"claims": "[]"}, "invalid_request"),
    ({"authorization_details": "{}"}, "invalid_authorization_details"),
    ({"id_token_hint": "x.y.z"}, "invalid_request"),
    ({"dpop_jkt": "short"}, "invalid_request"),
]


@pytest.mark.parametrize("path", ["/oauth2/par", "/oauth2/authorization_challenge"])
async def test_n020_n025_n027_n030_n090_what_is_asked_is_held_to_one_rule(
    server: Server, path: str
) -> None:
    client = await server.client(metadata={"require_pkce": True}, first_party=True)
    before = await snapshot(server)
    for changes, error in ASKED:
        form = request_of(client, **changes)
        answer = await sent(server, path, client.basic, form)
        assert answer.status_code == 400, (changes, answer.text)
        assert answer.json()["error"] == error, (changes, answer.text)
    assert await snapshot(server) == before
