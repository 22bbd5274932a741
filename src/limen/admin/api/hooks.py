"""``/api/v1/admin/hooks``."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from limen.access.permissions import HOOKS_READ, HOOKS_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.hooks.manage import add_hook, list_hooks, remove_hook
from limen.hooks.model import Hook, Point
from limen.web.deps import CurrentWork


class HookBody(BaseModel):
    """An address to be asked.

    It gets a signed POST (Standard Webhooks) and answers ``{"allow": true}``, or ``false`` with
    a ``reason``; before a token also with ``claims``. What gives no such answer within
    ``deadline_ms`` stops what it was asked about, unless it is ``optional``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    point: Point
    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    deadline_ms: int = Field(default=2000, ge=100, le=10_000)
    optional: bool = False


class HookView(BaseModel):
    """A hook without its secret."""

    id: str
    point: Point
    url: str
    deadline_ms: int
    optional: bool
    created_at: dt.datetime


class AddedHook(HookView):
    """A hook just added; what it is sent is signed with ``secret``, shown this once."""

    secret: str


class HookList(BaseModel):
    """All of a tenant's hooks, in the order they are asked."""

    hooks: list[HookView]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/hooks", tags=["admin: hooks"], route_class=kind)

    @router.get("", dependencies=[require(HOOKS_READ)])
    async def list_all(work: CurrentWork) -> HookList:
        """List the hooks."""
        return HookList(hooks=[_view(hook) for hook in await list_hooks(work)])

    @router.post("", status_code=201, dependencies=[require(HOOKS_WRITE)])
    async def add(work: CurrentWork, body: HookBody) -> AddedHook:
        """Add a hook."""
        added = await add_hook(
            work,
            envelope=parts.envelope,
            net=parts.net,
            point=body.point,
            url=body.url,
            deadline=dt.timedelta(milliseconds=body.deadline_ms),
            optional=body.optional,
        )
        return AddedHook(**_view(added.hook).model_dump(), secret=added.raw_secret.reveal())

    @router.delete("/{hook_id}", status_code=204, dependencies=[require(HOOKS_WRITE)])
    async def remove(work: CurrentWork, hook_id: Annotated[str, Path(max_length=64)]) -> None:
        """Remove a hook: it is asked no more."""
        await remove_hook(work, hook_id=hook_id)

    return router


def _view(hook: Hook) -> HookView:
    return HookView(
        id=hook.id,
        point=hook.point,
        url=hook.url,
        deadline_ms=round(hook.deadline.total_seconds() * 1000),
        optional=hook.optional,
        created_at=hook.created_at,
    )
