"""All simulators under one application: mounted in development, or served apart."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.routing import Mount

from limen.kernel.clock import Clock
from limen.simulators.google import google
from limen.simulators.misbehave import Stage
from limen.simulators.notion import notion
from limen.simulators.state import Account, Client, State, Store

CLIENT_ID: Final = "limen-simulated"
CLIENT_SECRET: Final = "simulated-secret-not-for-production"  # noqa: S105 -- known to everybody, on purpose

_GOOGLE_ACCOUNTS: Final = (
    Account(
        sub="108000000000000000001",
        email="ada@example.test",
        name="Ada Lovelace",
        hd="example.test",
    ),
    Account(
        sub="108000000000000000002",
        email="grace@example.test",
        name="Grace Hopper",
        hd="example.test",
    ),
    Account(
        sub="108000000000000000003",
        email="mallory@example.test",
        name="Mallory",
        email_verified=False,
    ),
)
_NOTION_ACCOUNTS: Final = (
    Account(
        sub="3c6a28ac-0000-4000-8000-000000000001",
        email="ada@example.test",
        name="Ada Lovelace",
        workspace_id="7d1f0c2a-0000-4000-8000-00000000000a",
        workspace_name="Analytical Engine",
    ),
    Account(
        sub="3c6a28ac-0000-4000-8000-000000000002",
        email="grace@example.test",
        name="Grace Hopper",
        workspace_id="7d1f0c2a-0000-4000-8000-00000000000a",
        workspace_name="Analytical Engine",
    ),
)


def providers(*, base_url: str, clock: Clock, state: Path | None = None) -> Starlette:
    """Return an application that serves every simulator, each under its own name.

    Args:
        base_url: Where the application stands, absolute, without trailing slash; the simulated
            Google is at ``{base_url}/google``.
        clock: The development clock.
        state: A directory to keep the providers' memory in, shared by processes; ``None``
            keeps it in this process and forgets it at the end.
    """
    made = []
    for name, build, accounts in (
        ("google", google, _GOOGLE_ACCOUNTS),
        ("notion", notion, _NOTION_ACCOUNTS),
    ):
        initial = State(
            clients={CLIENT_ID: Client(client_id=CLIENT_ID, secret=CLIENT_SECRET)},
            accounts={account.sub: account for account in accounts},
        )
        path = None if state is None else state / f"simulated-{name}.sqlite"
        stage = Stage(base_url=f"{base_url}/{name}", clock=clock, store=Store(initial, path=path))
        made.append(Mount(f"/{name}", build(stage)))
    return Starlette(routes=made)
