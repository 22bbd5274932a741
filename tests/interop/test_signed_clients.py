"""What is signed on its way: requests, responses, introspections, logout tokens; FAPI 2.0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from limen.testing.processes import free_port
from tests.interop.conftest import LOGOUT_URI, REDIRECT_URI, Installation, Registered
from tests.interop.node_scripts import run_script

RESOURCE = "https://things.example/api"
BANK_URI = "https://bank.example/callback"
KEY = ECKey.generate_key("P-256", parameters={"kid": "bank", "use": "sig", "alg": "ES256"})


def _client(installation: Installation, folder: Path, kind: str, **members: Any) -> Registered:
    file = folder / "client.json"
    file.write_text(json.dumps(members))
    return installation.client(kind, "--metadata", str(file))


@pytest.mark.parametrize("profile", ["fapi2", "fapi2_message_signing"])
def test_openid_client_under_fapi(installation: Installation, tmp_path: Path, profile: str) -> None:
    file = tmp_path / "client.json"
    jwks = {"keys": [KEY.as_dict(private=False)]}
    file.write_text(json.dumps({"jwks": jwks, "dpop_bound_access_tokens": True}))
    registered = installation.server.cli(
        *("client", "create", "A bank", "--type", "web", "--profile", profile),
        *("--redirect-uri", BANK_URI, "--metadata", str(file)),
        *("--scope", "openid email offline_access"),
    )
    signs = profile == "fapi2_message_signing"
    told = run_script(
        "fapi.mjs",
        {
            "issuer": installation.issuer,
            "clientId": registered["client_id"],
            "redirectUri": BANK_URI,
            "person": installation.person,
            "privateJwk": KEY.as_dict(private=True),
            "signs": signs,
        },
    )
    assert told == {
        "parameters": ["client_id", "request_uri"],
        "unpushed": "invalid_request",
        "unsigned": "invalid_request" if signs else "accepted",
        "signedResponse": signs,
        "tokenType": "dpop",
        "email": "ada@example.org",
        "rotated": False,
        "active": True,
        "bound": True,
    }


@pytest.mark.parametrize("way", ["plain", "pushed"])
def test_oauth4webapi_signs_its_request_and_verifies_the_answer(
    installation: Installation, tmp_path: Path, way: str
) -> None:
    registered = _client(
        *(installation, tmp_path, "spa"),
        jwks={"keys": [KEY.as_dict(private=False)]},
        request_object_signing_alg="ES256",
        authorization_signed_response_alg="ES256",
        require_signed_request_object=True,
        require_pushed_authorization_requests=way == "pushed",
    )
    told = run_script(
        "signed_request.mjs",
        {
            "issuer": installation.issuer,
            "clientId": registered.client_id,
            "redirectUri": REDIRECT_URI,
            "person": installation.person,
            "privateJwk": KEY.as_dict(private=True),
            "pushed": way == "pushed",
        },
    )
    assert told == {"members": ["response"], "scope": "openid email", "email": "ada@example.org"}


def test_oauth4webapi_verifies_a_signed_introspection(
    installation: Installation, tmp_path: Path
) -> None:
    machine = installation.client("machine")
    api = _client(*(installation, tmp_path, "machine"), introspection_signed_response_alg="ES256")
    installation.server.cli("token", "bind", api.client_id, RESOURCE)
    told = run_script(
        "signed_introspection.mjs",
        {
            "issuer": installation.issuer,
            "api": {"clientId": api.client_id, "clientSecret": api.client_secret},
            "machine": {"clientId": machine.client_id, "clientSecret": machine.client_secret},
            "resource": RESOURCE,
        },
    )
    assert told == {
        "type": "application/token-introspection+jwt",
        "active": True,
        "scope": "things:read",
        "about": True,
    }


def test_jose_verifies_the_logout_token(installation: Installation, tmp_path: Path) -> None:
    port = free_port()
    registered = _client(
        *(installation, tmp_path, "web"),
        backchannel_logout_uri=f"http://127.0.0.1:{port}/bye",
        backchannel_logout_session_required=True,
    )
    told = run_script(
        "bye.mjs",
        {
            "issuer": installation.issuer,
            "clientId": registered.client_id,
            "clientSecret": registered.client_secret,
            "redirectUri": REDIRECT_URI,
            "logoutUri": LOGOUT_URI,
            "port": port,
            "person": installation.person,
        },
    )
    assert told == {
        "loggedOutTo": LOGOUT_URI,
        "algorithm": told["algorithm"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sameSession": True,
        "sameSubject": True,
        "nonce": None,
    }
