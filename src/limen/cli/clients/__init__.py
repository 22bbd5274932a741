"""``limen client``: applications that obtain tokens.

- ``manage``: register, list, disable, give a new secret.
- ``change``: show one, change some of what it registered.
- ``initial_tokens``: leave for clients to register themselves.
- ``transfer``: write all down, take them in again.
- ``inspect``: why a request would be refused.
"""

from __future__ import annotations

from limen.cli.clients import change, initial_tokens, inspect, manage, transfer

group = manage.group
group.add_typer(initial_tokens.group, name="initial-token")
group.command("show")(change.show)
group.command("update")(change.update)
group.command("inspect")(inspect.inspect)
group.command("export")(transfer.export)
group.command("import")(transfer.take_in)

__all__ = ["group"]
