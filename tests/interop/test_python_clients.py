from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from google.auth.transport.requests import Request as GoogleRequest
from google.oauth2.credentials import Credentials
from requests_oauthlib import OAuth2Session

from limen.testing.visitor import Visitor
from tests.interop.conftest import REDIRECT_URI, Installation, Registered

pytestmark = pytest.mark.anyio
SCOPE = "openid profile email offline_access"


async def _callback(installation: Installation, url: str) -> str:
    """Let the person sign in and consent; return the address the client is called back at."""
    async with Visitor(installation.issuer) as visitor:
        page = await visitor.authorize(url, **installation.person)
    assert page.status == 0, page.text[:800]
    return page.url


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlib_signs_in_refreshes_introspects_and_revokes(
    installation: Installation, method: str
) -> None:
    registered = installation.client("web")
    base = f"{installation.issuer}/oauth2"
    async with AsyncOAuth2Client(
        registered.client_id,
        registered.client_secret,
        token_endpoint_auth_method=method,
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        code_challenge_method="S256",
    ) as client:
        verifier = secrets.token_urlsafe(48)
        url, state = client.create_authorization_url(f"{base}/authorize", code_verifier=verifier)
        callback = await _callback(installation, url)
        token: dict[str, Any] = await client.fetch_token(
            f"{base}/token", authorization_response=callback, state=state, code_verifier=verifier
        )
        assert token["token_type"] == "Bearer"
        userinfo = (await client.get(f"{base}/userinfo")).json()
        assert userinfo["email"] == "ada@example.org"
        refreshed = await client.refresh_token(f"{base}/token", token["refresh_token"])
        assert refreshed["access_token"] != token["access_token"]
        seen = await client.introspect_token(f"{base}/introspect", refreshed["access_token"])
        assert seen.json()["active"] is True
        revoked = await client.revoke_token(f"{base}/revoke", token["refresh_token"])
        assert revoked.status_code == 200
        seen = await client.introspect_token(f"{base}/introspect", refreshed["access_token"])
        assert seen.json() == {"active": False}


async def test_authlib_as_a_machine(installation: Installation) -> None:
    machine = installation.client("machine")
    async with AsyncOAuth2Client(machine.client_id, machine.client_secret) as client:
        token = await client.fetch_token(
            f"{installation.issuer}/oauth2/token",
            grant_type="client_credentials",
            scope="things:read",
        )
    assert token["scope"] == "things:read"
    assert "refresh_token" not in token


async def _tokens(installation: Installation, registered: Registered) -> tuple[Any, OAuth2Session]:
    session = OAuth2Session(registered.client_id, redirect_uri=REDIRECT_URI, scope=SCOPE.split())
    verifier = secrets.token_urlsafe(48)
    url, _ = session.authorization_url(
        f"{installation.issuer}/oauth2/authorize",
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    callback = await _callback(installation, url)
    token = session.fetch_token(
        f"{installation.issuer}/oauth2/token",
        authorization_response=callback,
        client_secret=registered.client_secret,
        code_verifier=verifier,
    )
    return token, session


async def test_requests_oauthlib_the_lenient_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    registered = installation.client("web")
    token, session = await _tokens(installation, registered)
    userinfo = session.get(f"{installation.issuer}/oauth2/userinfo").json()
    assert userinfo["email"] == "ada@example.org"
    refreshed = session.refresh_token(
        f"{installation.issuer}/oauth2/token",
        refresh_token=token["refresh_token"],
        auth=(registered.client_id, registered.client_secret),
    )
    assert refreshed["access_token"] != token["access_token"]
    session.close()


async def test_google_auth_refreshes_with_our_token_endpoint(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    registered = installation.client("web")
    token, session = await _tokens(installation, registered)
    session.close()
    credentials = Credentials(
        None,
        refresh_token=token["refresh_token"],
        token_uri=f"{installation.issuer}/oauth2/token",
        client_id=registered.client_id,
        client_secret=registered.client_secret,
        scopes=["openid", "email"],
    )
    with GoogleRequest().session as transport:
        credentials.refresh(GoogleRequest(transport))
    assert credentials.valid
    assert json.loads(json.dumps(credentials.granted_scopes))
