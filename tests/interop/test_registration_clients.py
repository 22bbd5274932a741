from __future__ import annotations

import pytest

from tests.interop.conftest import LOGOUT_URI, REDIRECT_URI, Installation
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


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_oauth4webapi_registers_itself_and_logs_people_out(
    installation: Installation, method: str
) -> None:
    made = installation.server.cli("client", "initial-token", "create")
    told = run_script(
        "oauth4webapi_registration.mjs",
        {
            "issuer": installation.issuer,
            "initialAccessToken": made["token"],
            "method": method,
            "redirectUri": REDIRECT_URI,
            "logoutUri": LOGOUT_URI,
            "person": installation.person,
        },
    )
    assert told == {
        "uninvited": 401,
        "secretExpires": None if method == "none" else 0,
        "email": "ada@example.org",
        "strayed": ["/oauth2/logout/answer", True],
        "loggedOutTo": f"{LOGOUT_URI}?state=bye",
        "sameId": True,
        "showsSecret": False,
        "left": 204,
        "gone": 401,
        "afterwards": 401,
    }
