"""Cases E: client authentication, at every endpoint that asks for it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.rotate_client_secret import rotate_client_secret
from limen.testing.visitor import Page
from tests.installation import Installation, Known, basic

ENDPOINTS = ("/oauth2/token", "/oauth2/introspect", "/oauth2/revoke")
FORM = {"grant_type": "client_credentials", "token": "x"}


@pytest.fixture
async def machine(limen: Installation) -> Known:
    return await limen.client("machine")


async def send(
    limen: Installation,
    path: str = ENDPOINTS[0],
    *,
    header: dict[str, str] | None = None,
    **form: Any,
) -> Page:
    return await limen.api.fetch("POST", path, form={**FORM, **form}, headers=header or {})


def check(answer: Page, *errors: str) -> None:
    assert answer.status in {400, 401}, answer.text
    assert answer.json()["error"] in errors, answer.text
    assert (answer.json()["error"] == "invalid_client") == (answer.status == 401)
    assert "access_token" not in answer.text


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n055_one_method_at_a_time(limen: Installation, machine: Known, path: str) -> None:
    both: dict[str, Any] = {"client_id": machine.id, "client_secret": machine.secret}
    check(await send(limen, path, header=machine.basic, **both), "invalid_request")
    secret: dict[str, Any] = {"client_secret": machine.secret}
    check(await send(limen, path, header=machine.basic, **secret), "invalid_request")
    assertion: dict[str, Any] = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "x.y.z",
    }
    check(await send(limen, path, header=machine.basic, **assertion), "invalid_request")
    check(await send(limen, path, **assertion, **both), "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n057_a_public_client_has_no_secret(limen: Installation, path: str) -> None:
    public = await limen.client("spa")
    for secret in ("anything", "x" * 43):
        check(await send(limen, path, header=basic(public.id, secret)), "invalid_client")
        check(await send(limen, path, client_id=public.id, client_secret=secret), "invalid_client")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n059_header_and_body_name_one_client(
    limen: Installation, machine: Known, path: str
) -> None:
    other = await limen.client("machine")
    check(await send(limen, path, header=machine.basic, client_id=other.id), "invalid_request")
    check(await send(limen, path, header=machine.basic, client_id="nobody"), "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n064_every_failure_is_told_alike(
    limen: Installation, machine: Known, path: str
) -> None:
    disabled, public = await limen.client("machine"), await limen.client("spa")
    await limen.run(lambda work: disable_client(work, client_id=disabled.id))
    tried = [
        basic(machine.id, "wrong"),
        basic("nobody-at-all", "wrong"),
        basic(disabled.id, disabled.secret),
        basic(public.id, "wrong"),
    ]
    answers = [await send(limen, path, header=header) for header in tried]
    told = {(answer.status, answer.text, answer.headers["www-authenticate"]) for answer in answers}
    assert len(told) == 1, told
    assert answers[0].status == 401


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_o2_who_sent_no_header_is_not_challenged(
    limen: Installation, machine: Known, path: str
) -> None:
    answer = await send(limen, path, client_id=machine.id, client_secret="wrong")
    assert (answer.status, "www-authenticate" in answer.headers) == (401, False)


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n067_a_disabled_client_is_refused_at_once(
    limen: Installation, machine: Known, path: str
) -> None:
    assert (await send(limen, path, header=machine.basic)).status == 200
    await limen.run(lambda work: disable_client(work, client_id=machine.id))
    check(await send(limen, path, header=machine.basic), "invalid_client")


async def test_a_rotated_secret_is_over(limen: Installation, machine: Known) -> None:
    assert (await send(limen, header=machine.basic)).status == 200
    made = await limen.run(lambda work: rotate_client_secret(work, client_id=machine.id))
    new = basic(machine.id, made.raw_secret.reveal())
    assert (await send(limen, header=new)).status == 200
    limen.clock.advance(days=40)
    check(await send(limen, header=machine.basic), "invalid_client")


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic " + _encoded(b"no colon"),
        "Basic " + _encoded(b":"),
        "Basic " + _encoded(b":secret"),
        "Basic " + _encoded(b"a\0b:secret"),
        "Basic " + _encoded(b"\xff\xfe:\xff"),
        "Basic " + _encoded(b"%zz:%"),
        "Basic " + _encoded(b"%00:%00"),
        "Basic " + _encoded(b"%ff%fe:x"),
        "Basic " + _encoded(b"x" * 6000 + b":y"),
        "Basic " + _encoded(b"a:b")[:-1],
        "Basic " + _encoded(b"a:b") + " extra",
        "Bearer x",
        "Negotiate x",
        "basic",
    ],
)
async def test_n068_a_malformed_header(limen: Installation, path: str, value: str) -> None:
    check(
        await send(limen, path, header={"Authorization": value}),
        "invalid_client",
        "invalid_request",
    )


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "client_id", ["", " ", "\0", "\ud7ff\u0000", "%00", "x" * 60_000, "../..", "' OR 1=1 --", "€"]
)
async def test_n068_a_malformed_client_id(limen: Installation, path: str, client_id: str) -> None:
    form: dict[str, Any] = {"client_id": client_id, "client_secret": "x"}
    check(await send(limen, path, **form), "invalid_client", "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("name", ["client_id", "client_secret"])
async def test_n041_n232_credentials_twice(
    limen: Installation, machine: Known, path: str, name: str
) -> None:
    form = {**FORM, "client_id": machine.id, "client_secret": machine.secret}
    answer = await limen.api.fetch("POST", path, form=[*form.items(), (name, form[name])])
    check(answer, "invalid_request")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", [None, ""])
async def test_o7_credentials_absent_or_empty(
    limen: Installation, machine: Known, path: str, *, name: str, value: str | None
) -> None:
    form = {**FORM, "client_id": machine.id, "client_secret": machine.secret}
    if value is None:
        del form[name]
    else:
        form[name] = value
    check(await limen.api.fetch("POST", path, form=form), "invalid_client", "invalid_request")


@pytest.mark.parametrize("path", ["/oauth2/introspect"])
async def test_a_public_client_introspects_nothing(limen: Installation, path: str) -> None:
    public = await limen.client("spa")
    check(await send(limen, path, client_id=public.id), "invalid_client")


async def test_a_public_client_gets_no_token_of_its_own(limen: Installation) -> None:
    public = await limen.client("spa")
    answer = await send(limen, client_id=public.id)
    check(answer, "unauthorized_client", "invalid_client")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_n041_json_is_no_form(limen: Installation, machine: Known, path: str) -> None:
    body = json.loads(json.dumps(FORM))
    answer = await limen.api.fetch("POST", path, body=body, headers=machine.basic)
    assert (answer.status, answer.json()["error"]) == (415, "invalid_request")
