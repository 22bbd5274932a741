"""``/api/v1/admin/webhooks``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.access.permissions import WEBHOOKS_READ, WEBHOOKS_WRITE
from limen.access.require import require
from limen.admin.paging import open_page, seal_page
from limen.admin.parts import Parts
from limen.admin.schemas import PageQuery
from limen.web.deps import CurrentWork
from limen.webhooks import manage, replay
from limen.webhooks.model import KINDS, Endpoint, EndpointState, MessageDelivery

_Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Kinds = Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(max_length=40)]
_Text = Annotated[str, StringConstraints(max_length=200)]
_EndpointId = Annotated[str, Path(max_length=64)]
_READ = [require(WEBHOOKS_READ)]
_WRITE = [require(WEBHOOKS_WRITE)]


class WebhookBody(BaseModel):
    """An address to be told what happens.

    It gets POSTs signed as Standard Webhooks says and answers with any 2xx; everything else is
    tried again, ten times in three days. ``types`` are those of ``GET /webhooks/types``, a
    group such as ``connection.*``, or ``*``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: _Url
    types: _Kinds
    description: _Text = ""


class WebhookChanges(BaseModel):
    """What to change; members left out stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: _Url | None = None
    types: _Kinds | None = None
    description: _Text | None = None
    enabled: bool | None = None


class WebhookView(BaseModel):
    """An endpoint without its secret; ``failing`` is one we turned off after days of failures."""

    id: str
    url: str
    types: list[str]
    description: str
    state: EndpointState
    failing_since: dt.datetime | None
    created_at: dt.datetime


class WebhookWithSecret(WebhookView):
    """An endpoint whose messages are signed with ``secret``, shown this once."""

    secret: str


class WebhookList(BaseModel):
    """All of a tenant's endpoints."""

    webhooks: list[WebhookView]


class WebhookType(BaseModel):
    """A type of message, and when it is sent."""

    type: str
    sent: str


class WebhookTypes(BaseModel):
    """Every type of message."""

    types: list[WebhookType]


class DeliveryView(BaseModel):
    """What became of a message; ``status`` is the last answer's, absent if there was none."""

    message_id: str
    type: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    status: int | None
    created_at: dt.datetime
    updated_at: dt.datetime


class DeliveryPage(BaseModel):
    """An endpoint's messages, newest first."""

    deliveries: list[DeliveryView]
    next_cursor: str


class SentMessage(BaseModel):
    """A message on its way."""

    message_id: str


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/webhooks", tags=["admin: webhooks"], route_class=kind)
    _add_managing(router, parts)
    _add_messages(router, parts)
    return router


def _add_managing(router: APIRouter, parts: Parts) -> None:
    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork) -> WebhookList:
        """List the endpoints."""
        return WebhookList(webhooks=[_view(each) for each in await manage.list_endpoints(work)])

    @router.get("/types", dependencies=_READ)
    async def types(work: CurrentWork) -> WebhookTypes:
        """List what can be subscribed to."""
        del work
        return WebhookTypes(types=[WebhookType(type=kind, sent=KINDS[kind]) for kind in KINDS])

    @router.post("", status_code=201, dependencies=_WRITE)
    async def add(work: CurrentWork, body: WebhookBody) -> WebhookWithSecret:
        """Add an endpoint."""
        shown = await manage.add_endpoint(
            work,
            envelope=parts.envelope,
            net=parts.net,
            url=body.url,
            kinds=body.types,
            description=body.description,
        )
        return _with_secret(shown)

    @router.get("/{endpoint_id}", dependencies=_READ)
    async def show(work: CurrentWork, endpoint_id: _EndpointId) -> WebhookView:
        """Show one."""
        return _view(await manage.get_endpoint(work, endpoint_id=endpoint_id))

    @router.patch("/{endpoint_id}", dependencies=_WRITE)
    async def change(
        work: CurrentWork, endpoint_id: _EndpointId, body: WebhookChanges
    ) -> WebhookView:
        """Change an endpoint, or turn it on or off."""
        changed = await manage.change_endpoint(
            work,
            net=parts.net,
            endpoint_id=endpoint_id,
            url=body.url,
            kinds=body.types,
            description=body.description,
            enabled=body.enabled,
        )
        return _view(changed)

    @router.post("/{endpoint_id}/rotate-secret", dependencies=_WRITE)
    async def rotate(work: CurrentWork, endpoint_id: _EndpointId) -> WebhookWithSecret:
        """Make a new secret; for a day messages are signed with the old one too."""
        shown = await manage.rotate_secret(work, envelope=parts.envelope, endpoint_id=endpoint_id)
        return _with_secret(shown)

    @router.delete("/{endpoint_id}", status_code=204, dependencies=_WRITE)
    async def remove(work: CurrentWork, endpoint_id: _EndpointId) -> None:
        """Remove an endpoint: it is told no more."""
        await manage.remove_endpoint(work, endpoint_id=endpoint_id)


def _add_messages(router: APIRouter, parts: Parts) -> None:
    @router.get("/{endpoint_id}/deliveries", dependencies=_READ)
    async def deliveries(
        work: CurrentWork, endpoint_id: _EndpointId, page: Annotated[PageQuery, Query()]
    ) -> DeliveryPage:
        """List what became of an endpoint's messages, newest first; kept for 30 days."""
        place = ("webhook deliveries", endpoint_id)
        before = await open_page(work, parts.envelope, cursor=page.cursor, place=place)
        found = await replay.list_deliveries(
            work, endpoint_id=endpoint_id, before=before, limit=page.limit + 1
        )
        shown = found[: page.limit]
        last = shown[-1].message_id if len(found) > page.limit else ""
        cursor = await seal_page(work, parts.envelope, last=last, place=place)
        return DeliveryPage(deliveries=[_delivery(each) for each in shown], next_cursor=cursor)

    @router.post("/{endpoint_id}/test", status_code=202, dependencies=_WRITE)
    async def test(work: CurrentWork, endpoint_id: _EndpointId) -> SentMessage:
        """Send a message of type ``webhook.test``."""
        message = await replay.send_test(work, endpoint_id=endpoint_id)
        return SentMessage(message_id=message.id)

    @router.post(
        "/{endpoint_id}/deliveries/{message_id}/replay", status_code=202, dependencies=_WRITE
    )
    async def send_again(
        work: CurrentWork,
        endpoint_id: _EndpointId,
        message_id: Annotated[str, Path(max_length=64)],
    ) -> SentMessage:
        """Send a message again, under its id, to an endpoint that had it or missed it."""
        await replay.replay(work, endpoint_id=endpoint_id, message_id=message_id)
        return SentMessage(message_id=message_id)


def _view(endpoint: Endpoint) -> WebhookView:
    return WebhookView(
        id=endpoint.id,
        url=endpoint.url,
        types=list(endpoint.kinds),
        description=endpoint.description,
        state=endpoint.state,
        failing_since=endpoint.failing_since,
        created_at=endpoint.created_at,
    )


def _with_secret(shown: manage.Shown) -> WebhookWithSecret:
    view = _view(shown.endpoint)
    return WebhookWithSecret(**view.model_dump(), secret=shown.raw_secret.reveal())


def _delivery(delivery: MessageDelivery) -> DeliveryView:
    return DeliveryView(
        message_id=delivery.message_id,
        type=delivery.kind,
        state=delivery.state,
        attempts=delivery.attempts,
        status=delivery.status,
        created_at=delivery.created_at,
        updated_at=delivery.updated_at,
    )
