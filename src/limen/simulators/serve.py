"""All simulators under one application: mounted in development, or served apart."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from limen.federation.catalogue.load import load_entries
from limen.kernel.clock import Clock
from limen.simulators.misbehave import Stage
from limen.simulators.state import Client, State, Store
from limen.simulators.vendor.app import vendor
from limen.simulators.vendor.by_key import keys_of
from limen.simulators.vendor.keyring import CLIENT_ID, CLIENT_SECRET, KEYRING, keyring
from limen.simulators.vendor.people import people

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "providers"]


def providers(*, base_url: str, clock: Clock, state: Path | None = None) -> Starlette:
    """Return an application that serves every vendor of the catalogue, each under its own name.

    Args:
        base_url: Where the application stands, absolute, without trailing slash; the simulated
            Google is at ``{base_url}/google``.
        clock: The development clock.
        state: A directory to keep the providers' memory in, shared by processes; ``None``
            keeps it in this process and forgets it at the end.
    """
    made = []
    for name, entry in load_entries().items():
        accounts = {account.sub: account for account in people(entry)}
        initial = State(
            clients={CLIENT_ID: Client(client_id=CLIENT_ID, secret=CLIENT_SECRET)},
            accounts=accounts,
            keys=keys_of(accounts, entry.credentials),
        )
        path = None if state is None else state / f"simulated-{name}.sqlite"
        stage = Stage(base_url=f"{base_url}/{name}", clock=clock, store=Store(initial, path=path))
        made.append(Mount(f"/{name}", vendor(entry, stage)))
    made.append(Mount(f"/{KEYRING}", keyring(base_url, clock=clock, state=state)))
    return Starlette(routes=made)
