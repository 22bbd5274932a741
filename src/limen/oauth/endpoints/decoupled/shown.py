"""What a person is told before they answer, on the page and as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from limen.kernel.site import Site
from limen.oauth.authorization.interaction import Waits
from limen.oauth.decoupled.decide import Looked
from limen.oauth.endpoints.interactive import words
from limen.oauth.endpoints.interactive.schemas import ClientView, ScopeView, client_view
from limen.oauth.model import Client
from limen.oauth.pending.model import Kind


class ApprovalView(BaseModel):
    """A request that waits for you; ``status`` says what comes first, ``consent`` at the end.

    ``requested_from`` is the address of the device that asks; ``binding_message`` is what the
    other screen shows too.
    """

    id: str
    kind: Kind
    status: Waits
    client: ClientView
    scopes: list[ScopeView]
    authorization_details: list[dict[str, Any]]
    resource: str
    binding_message: str = ""
    requested_from: str = ""
    warning: str = ""
    requested_at: dt.datetime
    expires_at: dt.datetime


class ApprovalList(BaseModel):
    """All that waits for you."""

    items: list[ApprovalView]


class Answered(BaseModel):
    """What became of a request."""

    id: str
    status: Literal["approved", "denied"]


def approval_view(looked: Looked, site: Site) -> ApprovalView:
    """Describe a request as JSON."""
    request, allowed = looked.request, looked.allowed
    return ApprovalView(
        id=request.id,
        kind=request.kind,
        status=looked.waits,
        client=client_view(allowed.client, site),
        scopes=[
            ScopeView(scope=scope, text=words.scope_text(scope, resource=allowed.resource))
            for scope in allowed.scope
        ],
        authorization_details=[dict(detail) for detail in allowed.details],
        resource=allowed.resource.identifier,
        binding_message=request.binding_message,
        requested_from=request.requested_from,
        warning=warning(allowed.client),
        requested_at=request.created_at,
        expires_at=request.expires_at,
    )


def approval_words(looked: Looked) -> Mapping[str, Any]:
    """Describe a request for the page."""
    allowed = looked.allowed
    resource = allowed.resource
    return {
        "asked": looked.request,
        "client": allowed.client,
        "scopes": words.scope_texts(allowed.scope, resource=resource),
        "details": words.detail_words(allowed.details, resource=resource),
        "resource": "" if resource.is_issuer else resource.name or resource.identifier,
        "warning": warning(allowed.client),
        "links": words.links(allowed.client),
    }


def warning(client: Client) -> str:
    """Say what speaks against believing the client's name; nothing if nothing does."""
    if client.is_public:
        return "Unverified: any program could use this name, on any device."
    if not client.verified:
        return words.SELF_REGISTERED
    return ""
