"""The addresses of the authorization server, in one list each."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.routing import BaseRoute

from limen.oauth.endpoints import (
    authorization_challenge,
    authorize,
    decisions,
    discovery,
    introspect,
    jwks,
    logos,
    logout,
    par,
    register,
    revoke,
    token,
    userinfo,
)
from limen.oauth.endpoints.decoupled import (
    approvals,
    approve_page,
    bc_authorize,
    device_authorization,
    device_page,
)
from limen.oauth.endpoints.interactive import (
    api_keys,
    consent_page,
    consents,
    interactions,
    provider_routes,
    step_routes,
    tokens,
)
from limen.oauth.parts import Parts


def routes(parts: Parts) -> APIRouter:
    """Return the JSON API: interactions, consents and tokens."""
    router = APIRouter()
    for endpoint in (
        interactions,
        step_routes,
        provider_routes,
        consents,
        decisions,
        approvals,
        tokens,
        api_keys,
    ):
        router.include_router(endpoint.routes(parts))
    return router


def pages(parts: Parts) -> list[BaseRoute]:
    """Return the OAuth endpoints and the pages."""
    return [
        *authorize.routes(parts),
        *authorization_challenge.routes(parts),
        *consent_page.routes(parts),
        *par.routes(parts),
        *device_authorization.routes(parts),
        *bc_authorize.routes(parts),
        *device_page.routes(parts),
        *approve_page.routes(parts),
        *token.routes(parts),
        *introspect.routes(parts),
        *revoke.routes(parts),
        *userinfo.routes(parts),
        *jwks.routes(parts),
        *logout.routes(parts),
        *logos.routes(),
        *register.routes(parts),
        *discovery.routes(parts),
    ]
