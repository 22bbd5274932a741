from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import REDIRECT_URI, Installation
from tests.interop.node_scripts import run_script
from tests.servers import running

RESOURCE = "https://things.example/api"


@pytest.fixture(scope="module", params=["accepted", "always"])
def nonces(request: pytest.FixtureRequest) -> str:
    """Who must put a nonce into proofs."""
    return str(request.param)


@pytest.fixture(scope="module")
def bound(nonces: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    settings = {"LIMEN_TOKENS_DPOP_NONCE": nonces}
    with running(tmp_path_factory.mktemp("server"), settings=settings) as server:
        yield Installation(server)


@pytest.fixture
def metadata(tmp_path: Path) -> str:
    """A file that says that a client's tokens are bound to a key."""
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"dpop_bound_access_tokens": True}))
    return str(file)


@pytest.mark.parametrize(("kind", "algorithm"), [("web", "ES256"), ("spa", "PS256")])
def test_openid_client_proves_its_key(
    bound: Installation, metadata: str, kind: str, algorithm: str
) -> None:
    registered = bound.client(kind, "--metadata", metadata)
    told = run_script(
        "dpop_openid_client.mjs",
        {
            "issuer": bound.issuer,
            "clientId": registered.client_id,
            "clientSecret": registered.client_secret,
            "redirectUri": REDIRECT_URI,
            "person": bound.person,
            "algorithm": algorithm,
            "resource": f"{bound.issuer}/oauth2/userinfo",
        },
    )
    assert told == {
        "offered": True,
        "tokenType": "dpop",
        "email": "ada@example.org",
        "otherKey": "invalid_grant",
        "asBearer": "invalid_token",
        "refreshedType": "dpop",
        # A confidential client may change its key; a public one is known by nothing else.
        "stolen": "dpop" if kind == "web" else "invalid_grant",
        "answer": 200,
    }


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256", "Ed25519"])
def test_oauth4webapi_proves_its_key(
    bound: Installation, metadata: str, nonces: str, algorithm: str
) -> None:
    registered = bound.client("machine", "--metadata", metadata)
    told = run_script(
        "dpop_oauth4webapi.mjs",
        {
            "issuer": bound.issuer,
            "clientId": registered.client_id,
            "clientSecret": registered.client_secret,
            "algorithm": algorithm,
            "resource": RESOURCE,
        },
    )
    assert told == {
        "without": "invalid_dpop_proof",
        "nonces": 1 if nonces == "always" else 0,
        "tokenType": "dpop",
        "bound": True,
        "seenType": "DPoP",
    }
