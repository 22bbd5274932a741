"""All of the admin API, in one list."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from limen.admin.api import (
    api_keys,
    audit,
    bulk,
    clients,
    exchange,
    hooks,
    initial_access_tokens,
    issuers,
    keys,
    oauth2,
    resources,
    service_accounts,
    tenants,
    tokens,
    transfer,
    upstream_providers,
    users,
    webhooks,
)
from limen.admin.api.invitations import routes as invitations
from limen.admin.api.upstream_providers import connections as upstream_connections
from limen.admin.idempotency import remembering
from limen.admin.parts import Parts
from limen.web.rate_limit import limit


def routes(parts: Parts, *, short_paths: bool = False) -> list[APIRouter]:
    """Return the routes under ``/api/v1/admin``.

    Args:
        parts: What they share.
        short_paths: Whether ``/admin/oauth2`` answers too, for older applications.
    """
    kind = remembering(parts.envelope)
    router = APIRouter(prefix="/api/v1/admin", dependencies=[Depends(limit("admin"))])
    for noun in (
        bulk,  # before the clients: their ids would match its paths
        transfer,
        clients,
        service_accounts,
        api_keys,
        exchange,
        initial_access_tokens,
        users,
        invitations,
        resources,
        tokens,
        issuers,
        upstream_providers,
        upstream_connections,
        tenants,
        keys,
        hooks,
        webhooks,
        audit,
        oauth2,
    ):
        router.include_router(noun.routes(parts, kind))
    if not short_paths:
        return [router]
    short = APIRouter(
        prefix="/admin", dependencies=[Depends(limit("admin"))], include_in_schema=False
    )
    short.include_router(oauth2.routes(parts, kind))
    return [router, short]
