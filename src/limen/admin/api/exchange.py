"""``/api/v1/admin/clients/{client_id}/…``: what a client may exchange, and whose API it is."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path
from fastapi.routing import APIRoute

from limen.access.permissions import CLIENTS_READ, CLIENTS_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.token_schemas import BoundResources, PolicyView
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.set_policy import (
    drop_exchange_policy,
    get_exchange_policy,
    set_exchange_policy,
)
from limen.oauth.introspection.bind_resources import bind_resources, bound_resources
from limen.web.deps import CurrentWork

_ClientId = Annotated[str, Path(max_length=2048)]
_SHAPE: Final = "#/components/schemas/ExchangePolicy"
_Policy = Annotated[
    dict[str, Any],
    Body(
        json_schema_extra={"$ref": _SHAPE},
        examples=[{"subject_clients": ["*"], "audiences": ["https://api.example"]}],
    ),
]
_READ = [require(CLIENTS_READ)]
_WRITE = [require(CLIENTS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:  # noqa: ARG001 -- every noun's shape
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/clients", tags=["admin: clients"], route_class=kind)

    @router.get("/{client_id}/exchange-policy", dependencies=_READ)
    async def show_policy(work: CurrentWork, client_id: _ClientId) -> PolicyView:
        """Show what a client may exchange tokens for."""
        policy = await get_exchange_policy(work, client_id=client_id)
        return PolicyView(client_id=client_id, policy=policy)

    @router.put("/{client_id}/exchange-policy", dependencies=_WRITE)
    async def set_policy(work: CurrentWork, client_id: _ClientId, body: _Policy) -> PolicyView:
        """Set what a client may exchange tokens for, all of it; what is not named is refused."""
        policy = ExchangePolicy.read(body)
        await set_exchange_policy(work, client_id=client_id, policy=policy)
        return PolicyView(client_id=client_id, policy=policy)

    @router.delete("/{client_id}/exchange-policy", status_code=204, dependencies=_WRITE)
    async def drop_policy(work: CurrentWork, client_id: _ClientId) -> None:
        """Let a client exchange nothing any more."""
        await drop_exchange_policy(work, client_id=client_id)

    _add_resources(router)
    return router


def _add_resources(router: APIRouter) -> None:
    @router.get("/{client_id}/resources", dependencies=_READ)
    async def show_resources(work: CurrentWork, client_id: _ClientId) -> BoundResources:
        """List the APIs that a client belongs to, and may introspect the tokens of."""
        return BoundResources(resources=await bound_resources(work, client_id=client_id))

    @router.put("/{client_id}/resources", dependencies=_WRITE)
    async def set_resources(
        work: CurrentWork, client_id: _ClientId, body: BoundResources
    ) -> BoundResources:
        """Say which APIs a client belongs to, all of them."""
        bound = await bind_resources(work, client_id=client_id, resources=body.resources)
        return BoundResources(resources=bound)
