"""Six views under the names that older applications' tables have: read-only, and no secret.

Somebody who reports on ``oauth_integrations`` and its siblings goes on doing so. A view whose
name is taken, by the older application itself say, is not made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

_ON_GRANT = (
    "limen_connections c JOIN limen_upstream_grants g"
    " ON g.tenant_id = c.tenant_id AND g.id = c.grant_id"
)
_STATUS = "CASE WHEN c.ended_at IS NULL THEN g.state ELSE 'disconnected' END"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One view.

    Args:
        columns: By name; in braces, what the two databases say differently.
        source: Of two tables at least: PostgreSQL lets nobody write through a join.
    """

    name: str
    comment: str
    columns: Mapping[str, str]
    source: str


VIEWS: Final = (
    View(
        name="oauth_integrations",
        comment="Connections; ended ones are ``disconnected``.",
        columns={
            "id": "c.id",
            "tenant_id": "c.tenant_id",
            "user_id": "c.user_id",
            "belongs_to": "c.belongs_to",
            "provider": "c.provider",
            "provider_user_id": "g.subject",
            "label": "c.label",
            "status": _STATUS,
            "reason": "g.reason",
            "metadata": "c.metadata",
            "created_at": "{at:c.created_at}",
            "updated_at": "{at:g.updated_at}",
            "ended_at": "{at:c.ended_at}",
        },
        source=_ON_GRANT,
    ),
    View(
        name="oauth_tokens",
        comment="What is known of each connection's tokens; never a token.",
        columns={
            "id": "g.id",
            "tenant_id": "c.tenant_id",
            "integration_id": "c.id",
            "user_id": "c.user_id",
            "provider": "c.provider",
            "status": _STATUS,
            "generation": "g.generation",
            "has_refresh_token": "g.sealed_refresh IS NOT NULL",
            "expires_at": "{at:g.access_expires_at}",
            "issued_at": "{at:g.requested_at}",
        },
        source=_ON_GRANT,
    ),
    View(
        name="oauth_scopes",
        comment="What was granted, one row for each scope of each connection.",
        columns={
            "tenant_id": "c.tenant_id",
            "integration_id": "c.id",
            "user_id": "c.user_id",
            "provider": "c.provider",
            "scope": "s.value",
        },
        source=f"{_ON_GRANT} CROSS JOIN {{each:g.granted_scopes}} AS s",
    ),
    View(
        name="oauth_consents",
        comment="What a person switched on over a connection, or left out.",
        columns={
            "tenant_id": "c.tenant_id",
            "integration_id": "c.id",
            "user_id": "c.user_id",
            "provider": "c.provider",
            "feature": "f.feature",
            "granted": "f.state = 'active'",
            "denied_at": "{at:f.denied_at}",
            "updated_at": "{at:f.changed_at}",
        },
        source=(
            "limen_connections c JOIN limen_connection_features f"
            " ON f.tenant_id = c.tenant_id AND f.connection_id = c.id"
        ),
    ),
    View(
        name="oauth_state",
        comment="Browsers away at a provider to connect something; never their ``state``.",
        columns={
            "tenant_id": "a.tenant_id",
            "user_id": "a.user_id",
            "provider": "a.provider",
            "redirect_uri": "a.redirect_uri",
            "expires_at": "{at:a.expires_at}",
        },
        source=(
            "limen_upstream_authorizations a JOIN limen_upstream_clients p"
            " ON p.tenant_id = a.tenant_id AND p.provider = a.provider"
            " WHERE a.purpose = 'connect'"
        ),
    ),
    View(
        name="oauth_audit_log",
        comment="The audit log's part about connections and providers.",
        columns={
            "id": "e.id",
            "tenant_id": "e.tenant_id",
            "user_id": "e.user_id",
            "actor_id": "e.actor_id",
            "client_id": "e.client_id",
            "action": "e.name",
            "outcome": "e.outcome",
            "details": "e.detail",
            "created_at": "{at:e.at}",
        },
        source=(
            "limen_audit_events e JOIN limen_tenants t ON t.tenant_id = e.tenant_id"
            " WHERE e.name LIKE 'connection:%' OR e.name LIKE 'provider:%'"
        ),
    ),
)


def create_views(connection: sa.Connection) -> None:
    """Make those whose names are free."""
    inspected = sa.inspect(connection)
    taken = {*inspected.get_table_names(), *inspected.get_view_names()}
    for view in VIEWS:
        if view.name not in taken:
            connection.exec_driver_sql(statement_of(view, dialect=connection.dialect.name))


def statement_of(view: View, *, dialect: str) -> str:
    """Return the statement that makes a view."""
    columns = ", ".join(
        f"{_said(of, dialect=dialect)} AS {name}" for name, of in view.columns.items()
    )
    source = _said(view.source, dialect=dialect)
    return f"CREATE VIEW {view.name} AS SELECT {columns} FROM {source}"  # noqa: S608 -- ours alone


def _said(text: str, *, dialect: str) -> str:
    """Fill in what the two databases say differently: moments, and arrays in JSON."""
    before, opened, rest = text.partition("{")
    if not opened:
        return text
    told, _, after = rest.partition("}")
    kind, _, column = told.partition(":")
    if kind == "at":
        made = f"strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000000.0, 'unixepoch')"
    else:
        made = f"json_each({column})"
    if dialect == "postgresql":
        made = column if kind == "at" else f"LATERAL jsonb_array_elements_text({column})"
    return f"{before}{made}{after}"
