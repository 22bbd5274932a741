from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey

from limen.kernel.clock import SystemClock
from tests.interop.conftest import Installation, Registered
from tests.interop.node_scripts import run_script

pytestmark = pytest.mark.anyio
KEY = ECKey.generate_key("P-256", parameters={"kid": "interop", "use": "sig"})


def machine(installation: Installation, folder: Path, **members: Any) -> Registered:
    file = folder / "client.json"
    file.write_text(json.dumps(members))
    return installation.client("machine", "--metadata", str(file))


def signing(installation: Installation, folder: Path, **members: Any) -> Registered:
    jwks = {"keys": [KEY.as_dict(private=False)]}
    return machine(
        installation,
        folder,
        token_endpoint_auth_method="private_key_jwt",
        jwks=jwks,
        **members,
    )


def fresh(kind: type[ClientSecretJWT], audience: str, alg: str) -> ClientSecretJWT:
    """Return Authlib's method for one request: it would use its `jti` again, for an hour."""
    exp = int(SystemClock().now().timestamp()) + 60
    made: ClientSecretJWT = kind(audience, claims={"exp": exp}, alg=alg)
    return made


@pytest.mark.parametrize("audience", ["issuer", "endpoints"])
async def test_authlib_signs_with_its_key(
    installation: Installation, tmp_path: Path, audience: str
) -> None:
    registered = signing(installation, tmp_path, assertion_audience=audience)
    base = f"{installation.issuer}/oauth2"
    async with AsyncOAuth2Client(
        registered.client_id, KEY, token_endpoint_auth_method="private_key_jwt"
    ) as client:

        def method(path: str) -> Any:
            named = installation.issuer if audience == "issuer" else f"{base}/{path}"
            return fresh(PrivateKeyJWT, named, "ES256")

        client.register_client_auth_method(method("token"))
        token = await client.fetch_token(f"{base}/token", grant_type="client_credentials")
        assert token["scope"] == "things:read"
        client.register_client_auth_method(method("introspect"))
        seen = await client.introspect_token(f"{base}/introspect", token["access_token"])
        assert seen.json()["active"] is True


async def test_authlib_signs_with_its_secret(installation: Installation, tmp_path: Path) -> None:
    registered = machine(installation, tmp_path, token_endpoint_auth_method="client_secret_jwt")
    async with AsyncOAuth2Client(
        registered.client_id,
        registered.client_secret,
        token_endpoint_auth_method="client_secret_jwt",
    ) as client:
        client.register_client_auth_method(fresh(ClientSecretJWT, installation.issuer, "HS256"))
        token = await client.fetch_token(
            f"{installation.issuer}/oauth2/token", grant_type="client_credentials"
        )
        assert token["scope"] == "things:read"


def test_openid_client_signs_at_every_endpoint(installation: Installation, tmp_path: Path) -> None:
    shared = machine(installation, tmp_path, token_endpoint_auth_method="client_secret_jwt")
    told = run_script(
        "client_assertions.mjs",
        {
            "issuer": installation.issuer,
            "signing": {
                "clientId": signing(installation, tmp_path).client_id,
                "kid": "interop",
                "privateJwk": KEY.as_dict(private=True),
            },
            "sharing": {"clientId": shared.client_id, "clientSecret": shared.client_secret},
        },
    )
    done = {"scope": "things:read", "before": True, "after": False}
    assert told == {"signing": done, "sharing": done}
