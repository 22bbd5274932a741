from __future__ import annotations

import pytest

from tests.interop.conftest import REDIRECT_URI, Installation
from tests.interop.node_scripts import run_script


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_openid_client_registers_itself(installation: Installation, method: str) -> None:
    made = installation.server.cli("client", "initial-token", "create")
    told = run_script(
        "registration.mjs",
        {
            "issuer": installation.issuer,
            "initialAccessToken": made["token"],
            "method": method,
            "redirectUri": REDIRECT_URI,
            "person": installation.person,
        },
    )
    assert told == {
        "name": "Registers itself",
        "secretExpires": None if method == "none" else 0,
        "email": "ada@example.org",
        "sameId": True,
        "showsSecret": False,
        "left": 204,
        "afterwards": "invalid_client",
    }
