"""``limen client``: applications that obtain tokens.

- ``manage``: register, list, disable, give a new secret.
- ``initial_tokens``: leave for clients to register themselves.
- ``transfer``: write all down, take them in again.
- ``inspect``: why a request would be refused.
"""

from __future__ import annotations

from limen.cli.clients import initial_tokens, inspect, manage, transfer

group = manage.group
group.add_typer(initial_tokens.group, name="initial-token")
group.command("inspect")(inspect.inspect)
group.command("export")(transfer.export)
group.command("import")(transfer.take_in)

__all__ = ["group"]
