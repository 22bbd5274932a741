"""Whether a provider is switched on, for statements that read something else."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from limen.federation.tables import upstream_clients

_clients = upstream_clients.c


def is_switched_on(*, tenant_id: sa.ColumnElement[Any], provider: sa.ColumnElement[Any]) -> Any:
    """Return the condition that a tenant has a client at a provider, and lets it be used.

    Whoever reads what a provider gave reads this in the same statement: asked for by itself it
    would cost one more each time, and forgotten where nobody thinks of it (N126).

    Args:
        tenant_id: Of the row that is read.
        provider: Likewise: the provider's id in that tenant.
    """
    return sa.exists().where(
        _clients.tenant_id == tenant_id,
        _clients.provider == provider,
        _clients.state == "enabled",
    )
