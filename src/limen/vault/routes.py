"""``/api/v1/oauth``: connections over JSON. Everything is the caller's own, or the tenant's."""

from __future__ import annotations

from fastapi import APIRouter

from limen.vault.endpoints.asking import add_asking
from limen.vault.endpoints.connect_sessions import add_connect_sessions
from limen.vault.endpoints.connecting import add_connecting
from limen.vault.endpoints.ending import add_ending
from limen.vault.endpoints.features import add_features
from limen.vault.endpoints.giving import add_giving
from limen.vault.endpoints.pushing import add_push_secrets
from limen.vault.endpoints.reading import add_reading
from limen.vault.endpoints.sharing import add_sharing
from limen.vault.endpoints.tokens import add_tokens, hot_routes
from limen.vault.endpoints.using import add_using
from limen.vault.parts import Parts
from limen.web.exchange import WorkRoute

__all__ = ["hot_routes", "routes"]


def routes(parts: Parts) -> APIRouter:
    """Return the vault's JSON API."""
    router = APIRouter(prefix="/api/v1/oauth", route_class=WorkRoute, tags=["connections"])
    for add in (
        add_connect_sessions,
        add_connecting,
        add_giving,
        add_push_secrets,
        add_reading,
        add_tokens,
        add_using,
        add_features,
        add_sharing,
        add_asking,
        add_ending,
    ):
        add(router, parts)
    return router
