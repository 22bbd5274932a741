"""The simulated Google keeps Google's habits."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from limen.kernel.secret import Secret
from limen.protocol.jwk import import_key_set
from limen.protocol.jwt import Expected, verify
from limen.protocol.jwt_claims import AuthorizedParty
from limen.protocol.pkce import s256
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.testing.clock import FrozenClock
from tests.simulated import ADA, Simulated, query_of

pytestmark = pytest.mark.anyio
CALLBACK = "http://localhost:9999/cb"
VERIFIER = "v" * 43
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"
DRIVE = "https://www.googleapis.com/auth/drive.readonly"


def authorize_url(simulated: Simulated, **changes: str) -> str:
    params = {
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": f"openid email {CALENDAR}",
        "state": "st",
        "nonce": "nn",
        "access_type": "offline",
        "code_challenge": s256(Secret(VERIFIER)),
        "code_challenge_method": "S256",
        **changes,
    }
    return f"{simulated.base_url}/google/o/oauth2/v2/auth?{urlencode(params)}"


async def token(simulated: Simulated, **form: str) -> httpx2.Response:
    given = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **form}
    return await simulated.http.post(f"{simulated.base_url}/google/token", data=given)


async def exchange(simulated: Simulated, callback: str, **form: str) -> httpx2.Response:
    given = {
        "grant_type": "authorization_code",
        "code": query_of(callback)["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **form,
    }
    return await token(simulated, **given)


async def connected(simulated: Simulated, **changes: str) -> dict[str, Any]:
    callback = await simulated.approve(authorize_url(simulated, **changes), account=ADA)
    answer = await exchange(simulated, callback)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_code_becomes_tokens_and_a_verifiable_id_token(
    simulated: Simulated, clock: FrozenClock
) -> None:
    callback = await simulated.approve(authorize_url(simulated), account=ADA)
    assert query_of(callback)["state"] == "st"
    assert query_of(callback)["iss"] == f"{simulated.base_url}/google"
    told = (await exchange(simulated, callback)).json()
    keys = await simulated.http.get(f"{simulated.base_url}/google/oauth2/v3/certs")
    claims = verify(
        told["id_token"],
        import_key_set(keys.json()),
        now=clock.now(),
        expected=Expected(
            algorithms=frozenset({"RS256"}),
            typ=("JWT",),
            issuer=f"{simulated.base_url}/google",
            audience=AuthorizedParty(CLIENT_ID),
        ),
    )
    assert claims["sub"] == ADA
    assert claims["nonce"] == "nn"
    assert told["expires_in"] == 3599


async def test_scopes_come_back_under_their_long_names(simulated: Simulated) -> None:
    told = await connected(simulated)
    assert "https://www.googleapis.com/auth/userinfo.email" in told["scope"].split()


async def test_a_refresh_token_needs_offline_and_a_consent_screen(simulated: Simulated) -> None:
    assert "refresh_token" not in await connected(simulated, access_type="online")
    assert "refresh_token" not in await connected(simulated)  # consented before: no screen
    assert "refresh_token" in await connected(simulated, prompt="consent")


async def test_an_unticked_scope_is_not_granted(simulated: Simulated) -> None:
    url = authorize_url(simulated, scope=f"openid {CALENDAR} {DRIVE}")
    callback = await simulated.approve(url, account=ADA, untick=[DRIVE])
    granted = (await exchange(simulated, callback)).json()["scope"].split()
    assert CALENDAR in granted
    assert DRIVE not in granted


async def test_refreshing_keeps_the_refresh_token(simulated: Simulated) -> None:
    raw = (await connected(simulated))["refresh_token"]
    for _ in range(2):
        answer = await token(simulated, grant_type="refresh_token", refresh_token=raw)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()
    seen = await simulated.seen("google")
    assert list(seen["redemptions"].values()) == [{"presented": 2, "accepted": 2}]


async def test_revoking_one_token_ends_the_whole_grant(simulated: Simulated) -> None:
    told = await connected(simulated)
    url = f"{simulated.base_url}/google/revoke"
    assert (await simulated.http.post(url, data={"token": told["access_token"]})).status_code == 200
    answer = await token(simulated, grant_type="refresh_token", refresh_token=told["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await simulated.http.post(url, data={"token": "x"})).json()["error"] == "invalid_token"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:9999/other"}, 400, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"code": "unknown"}, 400, "invalid_grant"),
    ],
)
async def test_a_bad_exchange_is_refused(
    simulated: Simulated, form: dict[str, str], status: int, error: str
) -> None:
    callback = await simulated.approve(authorize_url(simulated), account=ADA)
    answer = await exchange(simulated, callback, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_code_works_once(simulated: Simulated) -> None:
    callback = await simulated.approve(authorize_url(simulated), account=ADA)
    assert (await exchange(simulated, callback)).status_code == 200
    assert (await exchange(simulated, callback)).json()["error"] == "invalid_grant"


async def test_an_access_token_ends_by_the_development_clock(
    simulated: Simulated, clock: FrozenClock
) -> None:
    raw = (await connected(simulated))["access_token"]
    url = f"{simulated.base_url}/google/calendar/v3/users/me/calendarList"
    headers = {"authorization": f"Bearer {raw}"}
    assert (await simulated.http.get(url, headers=headers)).status_code == 200
    clock.advance(dt.timedelta(hours=1))
    assert (await simulated.http.get(url, headers=headers)).status_code == 401


async def test_an_api_wants_its_scope(simulated: Simulated) -> None:
    raw = (await connected(simulated))["access_token"]
    url = f"{simulated.base_url}/google/drive/v3/files"
    answer = await simulated.http.get(url, headers={"authorization": f"Bearer {raw}"})
    assert answer.status_code == 403


async def test_basic_authentication_is_taken_too(simulated: Simulated) -> None:
    raw = (await connected(simulated))["refresh_token"]
    pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    answer = await simulated.http.post(
        f"{simulated.base_url}/google/token",
        data={"grant_type": "refresh_token", "refresh_token": raw},
        headers={"authorization": f"Basic {pair}"},
    )
    assert answer.status_code == 200


async def test_cancel_comes_back_as_access_denied(simulated: Simulated) -> None:
    callback = await simulated.approve(authorize_url(simulated), account=ADA, deny=True)
    assert query_of(callback)["error"] == "access_denied"


@pytest.mark.parametrize(
    "changes", [{"client_id": "nobody"}, {"response_type": "token"}, {"redirect_uri": ""}]
)
async def test_a_bad_request_never_redirects(simulated: Simulated, changes: dict[str, str]) -> None:
    answer = await simulated.http.get(authorize_url(simulated, **changes))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 429, "retry_after": 30}, 429),
        ({"kind": "status", "status": 500}, 500),
        ({"kind": "html", "status": 200}, 200),
        ({"kind": "array"}, 200),
        ({"kind": "error", "error": "invalid_client", "status": 401}, 401),
    ],
)
async def test_it_fails_once_as_ordered(
    simulated: Simulated, fault: dict[str, Any], status: int
) -> None:
    raw = (await connected(simulated))["refresh_token"]
    await simulated.order("google", faults={"refresh": [fault]})
    first = await token(simulated, grant_type="refresh_token", refresh_token=raw)
    assert first.status_code == status
    again = await token(simulated, grant_type="refresh_token", refresh_token=raw)
    assert again.status_code == 200
    assert "access_token" in again.json()


async def test_it_lies_as_ordered(simulated: Simulated) -> None:
    lies = {"token_response": {"expires_in": "3600abc", "scope": None}}
    await simulated.order("google", lies=lies)
    told = await connected(simulated)
    assert told["expires_in"] == "3600abc"
    assert "scope" not in told


async def test_an_order_nobody_knows_is_refused(simulated: Simulated) -> None:
    url = f"{simulated.base_url}/google/_control"
    answer = await simulated.http.post(url, content=json.dumps({"fault": {}}))
    assert answer.status_code == 422
