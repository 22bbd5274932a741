"""Requests approved elsewhere over JSON: listed, looked at, approved, denied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request

from limen.access.require import signed_in
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.decoupled.decide import approve, deny, look_at
from limen.oauth.decoupled.typed_code import find_typed, open_typed
from limen.oauth.decoupled.waiting_for import waiting_for
from limen.oauth.endpoints.decoupled.answering import answering
from limen.oauth.endpoints.decoupled.shown import (
    Answered,
    ApprovalList,
    ApprovalView,
    approval_view,
)
from limen.oauth.parts import Parts
from limen.oauth.pending.model import DecoupledRequest
from limen.protocol.decoupled.user_code import MAX_TYPED_CHARACTERS
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute, address_block, client_ip, works_of
from limen.web.rate_limit import limit

UserCode = Annotated[str, Path(max_length=MAX_TYPED_CHARACTERS)]
RequestId = Annotated[str, Path(max_length=64)]


def routes(parts: Parts) -> APIRouter:
    """Return the routes under ``/api/v1/approvals`` and ``/api/v1/device``."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["approvals"],
        route_class=WorkRoute,
        dependencies=[signed_in(), Depends(limit("interaction"))],
    )
    _of_servers(router, parts)
    _of_devices(router, parts)
    return router


def _of_servers(router: APIRouter, parts: Parts) -> None:
    @router.get("/approvals", response_model_exclude_none=True)
    async def list_approvals(work: CurrentWork) -> ApprovalList:
        """List what servers want you to approve (CIBA)."""
        who, items = answering(work.actor), []
        for each in await waiting_for(work, user_id=who.user_id):
            # What its client may not have any more can't be approved, and hides no other.
            with suppress(OAuthRefusal):
                looked = await look_at(work, request=each, who=who, desk=parts.desk)
                items.append(approval_view(looked, work.site))
        return ApprovalList(items=items)

    @router.post("/approvals/{request_id}/approve")
    async def approve_request(work: CurrentWork, request_id: RequestId) -> Answered:
        """Approve one; its client gets its tokens."""
        who = answering(work.actor)
        await approve(work, request_id=request_id, who=who, desk=parts.desk)
        return Answered(id=request_id, status="approved")

    @router.post("/approvals/{request_id}/deny")
    async def deny_request(work: CurrentWork, request_id: RequestId) -> Answered:
        """Deny one."""
        await deny(work, request_id=request_id, who=answering(work.actor))
        return Answered(id=request_id, status="denied")


def _of_devices(router: APIRouter, parts: Parts) -> None:
    @router.get("/device/{user_code}", response_model_exclude_none=True)
    async def look_at_device(
        request: Request, work: CurrentWork, user_code: UserCode
    ) -> ApprovalView:
        """Look at the device that shows this code. Show its person all of it before they answer."""
        found = await _typed(request, work, parts=parts, user_code=user_code, find=find_typed)
        who = answering(work.actor)
        looked = await look_at(work, request=found, who=who, desk=parts.desk)
        return approval_view(looked, work.site)

    @router.post("/device/{user_code}/approve")
    async def approve_device(request: Request, work: CurrentWork, user_code: UserCode) -> Answered:
        """Approve it; the device gets its tokens."""
        found = await _typed(request, work, parts=parts, user_code=user_code)
        await approve(work, request_id=found.id, who=answering(work.actor), desk=parts.desk)
        return Answered(id=found.id, status="approved")

    @router.post("/device/{user_code}/deny")
    async def deny_device(request: Request, work: CurrentWork, user_code: UserCode) -> Answered:
        """Deny it."""
        found = await _typed(request, work, parts=parts, user_code=user_code)
        await deny(work, request_id=found.id, who=answering(work.actor))
        return Answered(id=found.id, status="denied")


async def _typed(
    request: Request,
    work: Work,
    *,
    parts: Parts,
    user_code: str,
    find: Callable[..., Awaitable[DecoupledRequest]] = open_typed,
) -> DecoupledRequest:
    return await find(
        work,
        works=works_of(request),
        envelope=parts.envelope,
        who=answering(work.actor),
        block=address_block(client_ip(request)),
        typed=user_code,
    )
