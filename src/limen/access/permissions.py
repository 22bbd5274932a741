"""What a person may do, by role.

Scopes say what a client may do, permissions what a person may do; the effective right is the
intersection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

Permission = str
Role = Literal["owner", "admin", "auditor", "member"]

ROLE_NAMES: Final[tuple[Role, ...]] = get_args(Role)

PUBLIC: Final = "public"
"""No permission: a route that says so is open to anyone, on purpose."""

SELF: Final = "self"
"""One's own account: every signed-in person has it."""

TENANTS_READ: Final = "tenants:read"
TENANTS_WRITE: Final = "tenants:write"
POLICY_READ: Final = "policy:read"
POLICY_WRITE: Final = "policy:write"
USERS_READ: Final = "users:read"
USERS_WRITE: Final = "users:write"
ROLES_READ: Final = "roles:read"
ROLES_WRITE: Final = "roles:write"
SESSIONS_READ: Final = "sessions:read"
SESSIONS_WRITE: Final = "sessions:write"
CLIENTS_READ: Final = "clients:read"
CLIENTS_WRITE: Final = "clients:write"
RESOURCES_READ: Final = "resources:read"
RESOURCES_WRITE: Final = "resources:write"
TOKENS_READ: Final = "tokens:read"
TOKENS_WRITE: Final = "tokens:write"
CONSENTS_READ: Final = "consents:read"
CONSENTS_WRITE: Final = "consents:write"
KEYS_READ: Final = "keys:read"
KEYS_WRITE: Final = "keys:write"
PROVIDERS_READ: Final = "providers:read"
PROVIDERS_WRITE: Final = "providers:write"
HOOKS_READ: Final = "hooks:read"
HOOKS_WRITE: Final = "hooks:write"
WEBHOOKS_READ: Final = "webhooks:read"
WEBHOOKS_WRITE: Final = "webhooks:write"
AUDIT_READ: Final = "audit:read"
STATS_READ: Final = "stats:read"

# One's own connections to third parties; each a permission of its own, so that a token can be
# limited to reading the list without ever obtaining a third-party token.
CONNECTIONS_READ: Final = "connections:read"
CONNECTIONS_CONNECT: Final = "connections:connect"
CONNECTIONS_TOKEN: Final = "connections:token"  # noqa: S105 -- a permission's name, no secret
CONNECTIONS_REFRESH: Final = "connections:refresh"
CONNECTIONS_DISCONNECT: Final = "connections:disconnect"
CONNECTIONS_WRITE: Final = "connections:write"
CONNECTIONS_PROXY: Final = "connections:proxy"
CONNECTIONS_SHARE: Final = "connections:share"
CONNECTIONS_ASK: Final = "connections:ask"
CONNECTIONS_EXPORT: Final = "connections:export"
CONNECTIONS_ERASE: Final = "connections:erase"

CONNECTIONS_SERVICE: Final = "connections:service"
"""The tenant's own connections, beside those of its people."""

CONNECTIONS_IMPORT: Final = "connections:import"
"""Connections in other people's names, by tokens that they gave to another application."""

FULL_SCOPE: Final = "limen:full"
"""The scope of first-party tokens: whatever the person may do. No other client obtains it."""

_MEMBER: Final = frozenset(
    {
        SELF,
        CONNECTIONS_READ,
        CONNECTIONS_CONNECT,
        CONNECTIONS_TOKEN,
        CONNECTIONS_REFRESH,
        CONNECTIONS_DISCONNECT,
        CONNECTIONS_WRITE,
        CONNECTIONS_PROXY,
        CONNECTIONS_SHARE,
        CONNECTIONS_ASK,
        CONNECTIONS_EXPORT,
        CONNECTIONS_ERASE,
    }
)
_AUDITOR: Final = _MEMBER | {
    TENANTS_READ,
    POLICY_READ,
    USERS_READ,
    ROLES_READ,
    SESSIONS_READ,
    CLIENTS_READ,
    RESOURCES_READ,
    TOKENS_READ,
    CONSENTS_READ,
    KEYS_READ,
    PROVIDERS_READ,
    HOOKS_READ,
    WEBHOOKS_READ,
    AUDIT_READ,
    STATS_READ,
}
_ADMIN: Final = _AUDITOR | {
    POLICY_WRITE,
    USERS_WRITE,
    ROLES_WRITE,
    SESSIONS_WRITE,
    CLIENTS_WRITE,
    RESOURCES_WRITE,
    TOKENS_WRITE,
    CONSENTS_WRITE,
    KEYS_WRITE,
    PROVIDERS_WRITE,
    CONNECTIONS_SERVICE,
    CONNECTIONS_IMPORT,
    HOOKS_WRITE,
    WEBHOOKS_WRITE,
}
_OWNER: Final = _ADMIN | {TENANTS_WRITE}

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    "owner": _OWNER,
    "admin": _ADMIN,
    "auditor": _AUDITOR,
    "member": _MEMBER,
}

OF_THE_SERVER: Final = frozenset({TENANTS_READ, TENANTS_WRITE})
"""Held in the default tenant alone: who owns another tenant manages no tenants."""

ALL: Final = _OWNER


def permissions_of_roles(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return what these roles together may do."""
    return frozenset().union(*(ROLES[role] for role in roles))


def scope_allows(scope: frozenset[str] | None, permission: Permission) -> bool:
    """Whether a token's scope lets its bearer use a permission; ``None`` is no token."""
    return scope is None or FULL_SCOPE in scope or permission in scope
