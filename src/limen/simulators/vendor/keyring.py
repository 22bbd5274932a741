"""A simulated vendor that takes every kind of credential, and asks nobody's consent.

No such provider ships: a tenant describes it, with the entry that it serves at ``/_entry``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from limen.federation.catalogue.key_entry import KeyEntry
from limen.kernel.clock import Clock
from limen.simulators.control import control
from limen.simulators.misbehave import Stage
from limen.simulators.state import Account, Client, State, Store
from limen.simulators.vendor.apis import Apis
from limen.simulators.vendor.by_key import keys_of
from limen.simulators.vendor.machines import Machines

CLIENT_ID: Final = "limen-simulated"
CLIENT_SECRET: Final = "simulated-secret-not-for-production"  # noqa: S105 -- known to everybody, on purpose
KEYRING: Final = "keyring"
_SUBS: Final = ("key-ada", "key-grace", "key-mallory")


def entry_at(base_url: str) -> dict[str, Any]:
    """Return the entry that describes it, as a tenant writes one of its own.

    Args:
        base_url: Where it stands.
    """
    proof = {"url": f"{base_url}/me", "subject": "/account", "label": ["/account"]}
    token = f"{base_url}/token"
    return {
        "id": KEYRING,
        "title": "Keyring",
        "api": {"hosts": ["api.keyring.example"]},
        "scopes": {"notes": {"title": "Read your notes"}},
        "features": {"notes": {"title": "Read your notes", "scopes": ["notes"]}},
        "credentials": {
            "manage_url": "https://keyring.example/keys",
            "api_key": {
                "title": "API key",
                "verify": proof,
                "header": "X-Keyring-Key",
                "prefix": "",
            },
            "basic": {"title": "User name and password", "verify": proof},
            "client_credentials": {
                "title": "Your own client",
                "token": {"url": token, "client_auth": "basic"},
            },
            "service_account": {
                "title": "Service account",
                "token": {"url": token},
                "may_impersonate": True,
            },
        },
        "evidence": [
            {
                "url": "https://keyring.example/docs",
                "verified_at": "2026-11-21",
                "about": "made up: it is simulated",
            }
        ],
    }


def keyring(base_url: str, *, clock: Clock, state: Path | None = None) -> Router:
    """Return the vendor, to be mounted under its name.

    Args:
        base_url: Of all simulators, without trailing slash.
        clock: The development clock.
        state: As ``providers`` takes it.
    """
    here = f"{base_url}/{KEYRING}"
    document = entry_at(here)
    entry = KeyEntry.model_validate(entry_at("https://api.keyring.example"))  # as it sees itself
    initial = State(
        clients={CLIENT_ID: Client(client_id=CLIENT_ID, secret=CLIENT_SECRET)},
        accounts={sub: Account(sub=sub, email="", name=sub) for sub in _SUBS},
        keys=keys_of(_SUBS, entry.credentials),
    )
    path = None if state is None else state / f"simulated-{KEYRING}.sqlite"
    stage = Stage(base_url=here, clock=clock, store=Store(initial, path=path))

    async def tell(_: Request) -> Response:
        return JSONResponse(document)

    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Router(
        [
            *control(stage),
            Route("/_entry", tell),
            *Machines(entry.credentials, stage).routes(),
            Route("/{path:path}", Apis(entry, stage).any, methods=every),
        ]
    )
