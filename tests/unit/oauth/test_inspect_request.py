from __future__ import annotations

import pytest

from limen.oauth.inspect_request import Finding, inspect_authorization, inspect_token_request
from limen.oauth.registry.disable_client import disable_client
from limen.protocol.params import Params
from tests.unit.oauth.exchange_kit import API
from tests.unit.oauth.http_kit import CALLBACK, CHALLENGE, VERIFIER, Known, Server

pytestmark = pytest.mark.anyio

GOOD = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def asked(server: Server, client: Known, /, **changes: str | None) -> list[Finding]:
    given = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    return await inspect_authorization(
        server.works,
        server.site,
        parts=server.parts,
        client_id=client.id,
        params=Params(given.items()),
    )


async def presented(server: Server, client: Known, /, **form: str) -> list[Finding]:
    return await inspect_token_request(
        server.works,
        server.site,
        parts=server.parts,
        client_id=client.id,
        params=Params(form.items()),
        authorization=client.basic["authorization"] if client.secret else None,
    )


def refused(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.check, one.code) for one in findings if one.outcome == "refused"]


async def test_a_good_request_passes_every_check(server: Server) -> None:
    client = await server.client()
    findings = await asked(server, client)
    assert {one.outcome for one in findings} == {"passes"}
    assert {"known client", "pkce satisfied", "scope allowed"} <= {one.check for one in findings}


@pytest.mark.parametrize(
    ("changes", "check", "code"),
    [
        ({"redirect_uri": "https://evil.example"}, "redirect URI and form", "invalid_redirect_uri"),
        ({"response_type": "token"}, "redirect URI and form", "unsupported_response_type"),
        ({"client_id": "another"}, "known client", "invalid_client"),
        ({"code_challenge": None, "code_challenge_method": None}, "pkce satisfied", None),
        ({"scope": "unheard"}, "scope allowed", "invalid_scope"),
        ({"resource": "https://nowhere.example"}, "resource known", "invalid_target"),
    ],
)
async def test_it_names_the_check_that_refuses(
    server: Server, changes: dict[str, str | None], check: str, code: str | None
) -> None:
    client = await server.client()
    assert refused(await asked(server, client, **changes)) == [(check, code or "invalid_request")]


async def test_it_says_that_a_client_is_disabled(server: Server) -> None:
    client = await server.client()
    await server.run(lambda work: disable_client(work, client_id=client.id))
    findings = await asked(server, client)
    assert refused(findings) == [("known client", "invalid_client")]
    assert "disabled" in findings[0].reason
    assert {one.outcome for one in findings[1:]} == {"not reached"}


async def test_nothing_of_an_inspection_lasts(server: Server) -> None:
    client = await server.client()
    session, _ = await server.session(await server.person())
    code = await server.code(client, session)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    before = len(server.events)
    for _ in range(3):
        findings = await presented(server, client, **form)
        assert {one.outcome for one in findings} == {"passes"}
    wrong = {**form, "code_verifier": "x" * 43}
    for _ in range(6):
        assert refused(await presented(server, client, **wrong)) == [("grant", "invalid_grant")]
    answer = await server.redeem(client, code)
    assert answer.status_code == 200, answer.text
    assert "oauth:token:refused" not in [event.name for event in server.events[before:]]


async def test_it_says_how_the_client_should_authenticate(server: Server) -> None:
    client = await server.client()
    findings = await presented(server, Known(client.id), grant_type="refresh_token")
    assert refused(findings) == [("registered method", "invalid_client")]
    assert "Registered for client_secret_basic" in findings[1].reason
    guess = Known(client.id, "wrong")
    findings = await presented(server, guess, grant_type="refresh_token")
    assert refused(findings) == [("client authentication", "invalid_client")]


async def test_it_says_that_a_secret_is_wrong_and_the_client_does_not_hear_it(
    server: Server,
) -> None:
    client = await server.client()
    findings = await presented(server, Known(client.id, "wrong"), grant_type="refresh_token")
    assert findings[2].reason == "Client authentication failed. (the secret is wrong)"
    sent = await server.post("/oauth2/token", Known(client.id, "wrong"), grant_type="refresh_token")
    assert sent.json()["error_description"] == "Client authentication failed."


async def test_it_says_which_scopes_are_left_out(server: Server) -> None:
    client = await server.client(scope=("openid", "read"))
    await server.resource(API, scopes=("other",))

    async def remark(**changes: str) -> str:
        findings = await asked(server, client, **changes)
        assert not refused(findings)
        return next(one.reason for one in findings if one.check == "scope allowed")

    assert not await remark()
    bogus = "Dropped, for the client is not registered for it: bogus."
    assert await remark(scope="openid bogus") == bogus
    elsewhere = f"Dropped, for the client may not have it at {API}: read."
    assert await remark(scope="openid read", resource=API) == elsewhere
    assert await remark(scope="openid read bogus", resource=API) == f"{bogus} {elsewhere}"


async def test_it_says_which_scopes_a_machine_does_not_get(server: Server) -> None:
    client = await server.client("machine", scope=("read",))
    form = {"grant_type": "client_credentials", "scope": "read bogus"}
    findings = await presented(server, client, **form)
    assert not refused(findings)
    assert findings[-1].reason == "Dropped, for the client is not registered for it: bogus."


async def test_it_says_which_grants_are_registered(server: Server) -> None:
    client = await server.client()
    findings = await presented(server, client, grant_type="client_credentials")
    assert refused(findings) == [("grant registered", "unauthorized_client")]
