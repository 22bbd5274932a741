from typing import Any

import pytest

from limen.accounts.create_user import NewUser, create_user
from limen.kernel.secret import Secret
from limen.oauth.codes import find_code
from tests.unit.oauth.http_kit import CALLBACK, Known, Server
from tests.unit.oauth.journey_kit import STATE, query, request_of

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse battery staple"
JSON = {"accept": "application/json"}
ORIGIN = {"origin": "https://app.example"}
WHO = {"email": "ada@app.example", "password": PASSWORD}


@pytest.fixture
async def user_id(journey: Server) -> str:
    new = NewUser(email=WHO["email"], password=Secret(PASSWORD), verified=True)
    user = await journey.run(lambda work: create_user(work, new=new, hasher=journey.parts.hasher))
    return user.id


async def ask(journey: Server, client: Known, headers: dict[str, str], **changes: Any) -> Any:
    return await journey.http.get(
        "/oauth2/authorize", params=request_of(client, **changes), headers={**JSON, **headers}
    )


async def post(journey: Server, path: str, headers: dict[str, str], body: Any = None) -> Any:
    return await journey.http.post(
        f"/api/v1/interactions/{path}", json=body, headers={**JSON, **headers}
    )


async def test_sign_in_and_consent_over_json(journey: Server, user_id: str) -> None:
    client = await journey.client()
    opened = await ask(journey, client, ORIGIN)
    assert opened.status_code == 200
    assert "set-cookie" not in opened.headers
    waiting = opened.json()
    handle = waiting["id"]
    assert waiting["status"] == "sign_in"
    assert waiting["client"]["name"] == "App"
    signed_in = await post(journey, f"{handle}/login", ORIGIN, WHO)
    assert signed_in.status_code == 200, signed_in.text
    assert "set-cookie" not in signed_in.headers
    assert (signed_in.json()["status"], signed_in.json()["user_id"]) == ("consent", user_id)
    shown = await journey.http.get(f"/api/v1/interactions/{handle}", headers={**JSON, **ORIGIN})
    assert shown.json() == signed_in.json()
    done = (await post(journey, f"{handle}/consent", ORIGIN)).json()
    assert done["status"] == "complete"
    assert done["redirect_to"].startswith(f"{CALLBACK}?")
    told = query(done["redirect_to"])
    assert (told["state"], told["iss"]) == (STATE, journey.site.issuer)
    code = await journey.run(lambda work: find_code(work, raw_code=Secret(told["code"])))
    assert code is not None
    assert (code.user_id, code.amr) == (user_id, ("pwd",))
    assert (await post(journey, f"{handle}/consent", ORIGIN)).status_code == 404


async def test_a_confidential_client_drives_its_own(journey: Server, user_id: str) -> None:
    client = await journey.client(trusted=True)
    handle = (await ask(journey, client, client.basic)).json()["id"]
    assert (await post(journey, f"{handle}/login", ORIGIN, WHO)).status_code == 404
    done = await post(journey, f"{handle}/login", client.basic, WHO)
    assert "code" in query(done.json()["redirect_to"])


async def test_our_own_application_needs_no_more_than_the_handle(
    journey: Server, user_id: str
) -> None:
    client = await journey.client("spa", first_party=True)
    handle = (await ask(journey, client, {})).json()["id"]
    done = await post(journey, f"{handle}/login", {}, WHO)
    assert "code" in query(done.json()["redirect_to"])


async def test_nobody_else_may(journey: Server) -> None:
    client, other = await journey.client(), await journey.client()
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        answer = await ask(journey, client, headers)
        assert answer.status_code == 403
    assert (await ask(journey, client, other.basic)).status_code == 401
    wrong = {"authorization": "Basic " + "eDp5"}
    assert (await ask(journey, client, wrong)).status_code == 401


async def test_a_wrong_password_changes_nothing(journey: Server, user_id: str) -> None:
    client = await journey.client()
    handle = (await ask(journey, client, ORIGIN)).json()["id"]
    refused = await post(journey, f"{handle}/login", ORIGIN, {**WHO, "password": "wrong"})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    shown = await journey.http.get(f"/api/v1/interactions/{handle}", headers={**JSON, **ORIGIN})
    assert shown.json()["status"] == "sign_in"


async def test_denying_over_json(journey: Server) -> None:
    client = await journey.client()
    handle = (await ask(journey, client, ORIGIN)).json()["id"]
    done = (await post(journey, f"{handle}/deny", ORIGIN)).json()
    assert query(done["redirect_to"])["error"] == "access_denied"


async def test_errors_are_typed(journey: Server) -> None:
    client = await journey.client()
    wrong = await ask(journey, client, ORIGIN, scope="unknown")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_scope")
    assert query(wrong.json()["redirect_to"])["error"] == "invalid_scope"
    elsewhere = await ask(journey, client, ORIGIN, redirect_uri="https://evil.example/cb")
    assert elsewhere.status_code == 400
    assert elsewhere.json()["error"] == "invalid_redirect_uri"
    assert "redirect_to" not in elsewhere.json()
    silent = await ask(journey, client, ORIGIN, prompt="none")
    assert silent.json()["error"] == "login_required"
    gone = await post(journey, "lmi_unknown/deny", ORIGIN)
    assert (gone.status_code, gone.json()["code"]) == (404, "interaction_not_found")


async def test_form_post_is_described(journey: Server, user_id: str) -> None:
    client = await journey.client(trusted=True)
    opened = await ask(journey, client, ORIGIN, response_mode="form_post")
    done = (await post(journey, f"{opened.json()['id']}/login", ORIGIN, WHO)).json()
    assert done["form_post"]["action"] == CALLBACK
    assert set(done["form_post"]["fields"]) == {"code", "state", "iss"}
    assert "redirect_to" not in done


async def test_an_interaction_is_opened_by_post_too(journey: Server) -> None:
    client = await journey.client()
    opened = await journey.http.post(
        "/api/v1/interactions", json=request_of(client), headers={**JSON, **ORIGIN}
    )
    assert opened.json()["status"] == "sign_in"
