from __future__ import annotations

from collections.abc import Iterator

import pytest

from limen.protocol.client_metadata import CIBA, DEVICE_CODE
from tests.interop.conftest import Installation, Registered
from tests.interop.node_scripts import run_script


@pytest.fixture
def often(installation: Installation) -> Iterator[None]:
    """Let devices ask every second: the library waits for as long as it is told."""
    _set_interval(installation, 1)
    yield
    _set_interval(installation, None)


def _set_interval(installation: Installation, seconds: int | None) -> None:
    changes = {"approvals": {"interval_seconds": seconds}}
    changed = installation.administer("PATCH", "/policy", changes)
    assert changed["approvals"]["interval_seconds"] == (seconds or 5)


def _register(installation: Installation, kind: str, *grants: str, scope: str) -> Registered:
    named = [argument for grant in grants for argument in ("--grant-type", grant)]
    made = installation.server.cli(
        *("client", "create", f"interop {kind}", "--type", kind, "--scope", scope, *named)
    )
    return Registered(made["client_id"], made.get("client_secret"))


@pytest.mark.usefixtures("often")
def test_openid_client_gets_its_tokens_by_device_code_and_by_ciba(
    installation: Installation,
) -> None:
    device = _register(
        *(installation, "native", DEVICE_CODE, "refresh_token"),
        scope="openid email offline_access",
    )
    server = _register(installation, "machine", CIBA, scope="openid email")
    told = run_script(
        "decoupled.mjs",
        {
            "issuer": installation.issuer,
            "device": {"clientId": device.client_id},
            "server": {"clientId": server.client_id, "clientSecret": server.client_secret},
            "person": installation.person,
        },
    )
    assert told == {
        "done": 200,
        "email": "ada@example.org",
        "refreshed": True,
        "denied": "access_denied",
        "answered": 204,
        "subjects": 1,
        "scope": "openid email",
        "ciba": "access_denied",
    }


def test_oauth4webapi_gets_its_tokens_by_device_code(installation: Installation) -> None:
    device = _register(
        *(installation, "native", DEVICE_CODE, "refresh_token"),
        scope="openid email offline_access",
    )
    told = run_script(
        "oauth4webapi_device.mjs",
        {
            "issuer": installation.issuer,
            "clientId": device.client_id,
            "person": installation.person,
        },
    )
    assert told == {
        "early": ["authorization_pending", "slow_down"],
        "audience": device.client_id,
        "email": "ada@example.org",
        "refreshed": True,
        "again": "invalid_grant",
        "denied": "access_denied",
    }
