"""Discovery (RFC 8414, RFC 9728, OpenID Connect Discovery 1.0). CORS: any origin.

Of the authorization server, and of our own JSON API, which takes its tokens. The server's both
names answer with the same document, under the tenant's root (suffix) and, the web edge and
``mount()`` see to that, at the host's root with the issuer's path behind it.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from limen.access.permissions import ALL
from limen.db.work import Work
from limen.oauth.endpoints.answers import public_answer
from limen.oauth.mutual_tls.offer import offered_methods
from limen.oauth.parts import Parts
from limen.protocol.client_assertion import ASSERTION_ALGS, SECRET_ALGS
from limen.protocol.client_metadata import (
    DEVICE_CODE,
    FAPI_PROFILES,
    KEY_METHODS,
    RESPONSE_MODES,
    SIGNED_MODES,
    SIGNING_ALGS,
    Profile,
)
from limen.protocol.metadata import Offers, discovery_document, resource_document
from limen.protocol.prompt import PROMPTS
from limen.protocol.scopes import IDENTITY_SCOPES
from limen.protocol.token_request import GRANT_TYPES
from limen.tenants import TenantPolicy, api_audience, policy_of
from limen.web.exchange import PUBLIC, route
from limen.web.languages.negotiate import SPOKEN

NAMES: Final = ("openid-configuration", "oauth-authorization-server")
API_METADATA: Final = "/.well-known/oauth-protected-resource/api/v1"

OFFERS: Final = Offers(
    grant_types=GRANT_TYPES,
    auth_methods=offered_methods(None),
    assertion_algs=ASSERTION_ALGS,
    response_modes=RESPONSE_MODES,
    prompts=tuple(sorted(PROMPTS)),
    ui_locales=SPOKEN,
    signing_algs=SIGNING_ALGS,
    scopes=IDENTITY_SCOPES,
)
"""Read from the tables that the endpoints themselves decide by.

A resource's scopes are in its own metadata (RFC 9728).
"""


def routes(parts: Parts) -> list[BaseRoute]:
    """Return both names of the server's document, and our API's."""

    async def discovery(request: Request, work: Work) -> Response:  # noqa: ARG001 -- a handler's shape
        policy = policy_of(work)
        offers = _by_policy(_offers(parts, issuer=work.site.issuer), policy)
        offers = _without_closed(_by_profile(offers, policy.profile))
        offers = dataclasses.replace(offers, detail_types=await parts.resources.detail_types(work))
        return public_answer(
            json.dumps(discovery_document(work.site.issuer, offers=offers)).encode()
        )

    async def api_metadata(request: Request, work: Work) -> Response:  # noqa: ARG001 -- a handler's shape
        document = resource_document(
            api_audience(work.site),
            issuer=work.site.issuer,
            scopes=sorted(ALL),
            certificates=parts.mtls is not None,
        )
        return public_answer(json.dumps(document).encode())

    return [
        *(route(f"/.well-known/{name}", discovery, guard=PUBLIC, face="json") for name in NAMES),
        route(API_METADATA, api_metadata, guard=PUBLIC, face="json"),
    ]


def _by_policy(offers: Offers, policy: TenantPolicy) -> Offers:
    """Add what the tenant decides for itself."""
    return dataclasses.replace(
        offers,
        acr_values=tuple(policy.assurance.acr),
        registration=policy.registration.mode != "closed",
        client_documents=policy.registration.client_documents,
        require_pushed=policy.authorization.require_pushed,
        require_signed=policy.authorization.require_signed,
    )


def _by_profile(offers: Offers, profile: Profile) -> Offers:
    """Leave out what the profile that a whole tenant keeps to refuses of every client (N022)."""
    if not profile:
        return offers
    methods = tuple(method for method in offers.auth_methods if method != "client_secret_jwt")
    if profile not in FAPI_PROFILES:
        return dataclasses.replace(offers, auth_methods=methods, refused_algs=SECRET_ALGS)
    signed = profile == "fapi2_message_signing"
    return dataclasses.replace(
        offers,
        grant_types=tuple(grant for grant in offers.grant_types if grant != DEVICE_CODE),
        auth_methods=tuple(method for method in methods if method in KEY_METHODS),
        refused_algs=SECRET_ALGS | {"RS256"},
        response_modes=SIGNED_MODES if signed else offers.response_modes,
        require_pushed=True,
        require_signed=offers.require_signed or signed,
    )


def _without_closed(offers: Offers) -> Offers:
    """Leave out the endpoints that would refuse everybody (N022).

    An authorization challenge is no pushed request: where those are required it opens nothing.
    """
    closed = set()
    if offers.require_pushed:
        closed.add("authorization_challenge_endpoint")
    if DEVICE_CODE not in offers.grant_types:
        closed.add("device_authorization_endpoint")
    return dataclasses.replace(offers, closed=frozenset(closed))


def _offers(parts: Parts, *, issuer: str) -> Offers:
    """Return what is on offer where certificates are seen, and where they are not."""
    if parts.mtls is None:
        return OFFERS
    return dataclasses.replace(
        OFFERS,
        auth_methods=offered_methods(parts.mtls),
        mtls=True,
        mtls_alias=parts.mtls.alias_of(issuer),
    )
