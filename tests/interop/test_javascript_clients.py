from __future__ import annotations

import pytest

from tests.interop.conftest import LOGOUT_URI, REDIRECT_URI, Installation
from tests.interop.node_scripts import run_script


@pytest.mark.parametrize("kind", ["web", "spa"])
def test_openid_client_does_everything_a_relying_party_does(
    installation: Installation, kind: str
) -> None:
    registered = installation.client(kind)
    machine = installation.client("machine")
    told = run_script(
        "openid_client.mjs",
        {
            "issuer": installation.issuer,
            "clientId": registered.client_id,
            "clientSecret": registered.client_secret,
            "redirectUri": REDIRECT_URI,
            "logoutUri": LOGOUT_URI,
            "person": installation.person,
            "machine": {"clientId": machine.client_id, "clientSecret": machine.client_secret},
        },
    )
    is_public = kind == "spa"
    assert told == {
        "email": "ada@example.org",
        "subject": told["subject"],
        "refreshed": True,
        "rotated": is_public,
        "active": None if is_public else True,
        "afterRevocation": "invalid_grant",
        "loggedOutTo": f"{LOGOUT_URI}?state=bye",
        "machineScope": "things:read",
    }


@pytest.mark.parametrize("kind", ["web", "native"])
@pytest.mark.parametrize("discovery", ["oidc", "oauth2"])
def test_oauth4webapi_accepts_every_answer(
    installation: Installation, kind: str, discovery: str
) -> None:
    registered = installation.client(kind)
    told = run_script(
        "oauth4webapi.mjs",
        {
            "issuer": installation.issuer,
            "clientId": registered.client_id,
            "clientSecret": registered.client_secret,
            "redirectUri": REDIRECT_URI,
            "person": installation.person,
            "algorithm": discovery,
        },
    )
    is_public = kind == "native"
    assert told == {
        "issuers": [installation.issuer, installation.issuer],
        "email": "ada@example.org",
        "accessClient": registered.client_id,
        "rotated": is_public,
        "active": None if is_public else True,
        "lateError": "invalid_grant",
    }
