"""``/api/v1/admin/clients/bulk`` and ``/api/v1/admin/tokens/bulk``: many operations at once."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema

from limen.access.permissions import CLIENTS_WRITE, TOKENS_WRITE
from limen.access.require import require
from limen.admin.batch import MOST, Done, Operation, Results, read_operation, run_batch
from limen.admin.manage_clients import change_one, register_one, rotate_one, switch_one
from limen.admin.parts import Parts
from limen.admin.schemas import ClientBody, ClientPatch
from limen.admin.token_schemas import Revoked
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.oauth.registry.issued_tokens import revoke_tokens
from limen.oauth.revocation.revoke_all import revoke_all_tokens
from limen.web.deps import CurrentWork

_MAX_REF: Final = 100


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ref: str = Field(default="", max_length=_MAX_REF)


class _Create(_Read):
    op: Literal["create"]
    client: ClientBody


class _Update(_Read):
    op: Literal["update"]
    client_id: str = Field(max_length=2048)
    changes: ClientPatch


class _Switch(_Read):
    op: Literal["disable", "enable", "rotate", "delete"]
    client_id: str = Field(max_length=2048)


class _Revoke(_Read):
    op: Literal["revoke"] = "revoke"
    token_id: str = Field(default="", max_length=64)
    user_id: str = Field(default="", max_length=64)
    client_id: str = Field(default="", max_length=2048)


_Raw = Annotated[Any, WithJsonSchema({"type": "object", "additionalProperties": True})]
"""Whatever stands in an operation's place: what is none is refused with its own result."""

_ClientOperation = Annotated[_Create | _Update | _Switch, Field(discriminator="op")]
_CLIENTS: Final[TypeAdapter[Any]] = TypeAdapter(_ClientOperation)
_TOKENS: Final[TypeAdapter[Any]] = TypeAdapter(_Revoke)


class Operations(BaseModel):
    """Up to 500 operations; each is read and answered by itself, and may have a ``ref``.

    One that cannot be read, or is no object, is refused in its own result; the others are done.

    On clients: ``create`` with ``client``; ``update`` with ``client_id`` and ``changes``;
    ``disable``, ``enable``, ``rotate``, ``delete`` with ``client_id``. On tokens: ``revoke``
    with a ``token_id``, or with a ``user_id``, a ``client_id`` or both.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    operations: Annotated[list[_Raw], Field(min_length=1, max_length=MOST)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(tags=["admin: bulk"], route_class=kind)

    @router.post("/clients/bulk", dependencies=[require(CLIENTS_WRITE)])
    async def clients(request: Request, work: CurrentWork, body: Operations) -> Results:
        """Create, change, disable, enable, rotate, delete many clients; each by itself."""
        operations = [_read(_CLIENTS, raw, parts=parts) for raw in body.operations]
        return await run_batch(request, work, parts, operations=operations)

    @router.post("/tokens/bulk", dependencies=[require(TOKENS_WRITE)])
    async def tokens(request: Request, work: CurrentWork, body: Operations) -> Results:
        """End many tokens: by their id, by whose or by which client's they are."""
        operations = [_read(_TOKENS, raw, parts=parts) for raw in body.operations]
        return await run_batch(request, work, parts, operations=operations)

    return router


def _read(
    adapter: TypeAdapter[Any], raw: object, *, parts: Parts
) -> tuple[str, Operation | InvalidInput]:
    # Shown in an answer that is written when all is done: nothing in it may fail that.
    given = raw.get("ref", "") if isinstance(raw, dict) else ""
    ref = str(given)[:_MAX_REF].encode("utf-8", "replace").decode()
    try:
        return ref, partial(_do, parts=parts, asked=read_operation(adapter, raw))
    except InvalidInput as refusal:
        return ref, refusal


async def _do(work: Work, *, parts: Parts, asked: _Create | _Update | _Switch | _Revoke) -> Done:
    match asked:
        case _Create():
            made = await register_one(work, parts, asked.client)
            return Done(status=201, body=made.model_dump(mode="json"))
        case _Update():
            made = await change_one(work, parts, client_id=asked.client_id, body=asked.changes)
            return Done(status=200, body=made.model_dump(mode="json"))
        case _Switch():
            return await _switch(work, parts, asked)
        case _Revoke():
            return await _revoke(work, asked)


async def _switch(work: Work, parts: Parts, asked: _Switch) -> Done:
    if asked.op == "rotate":
        rotated = await rotate_one(work, parts, client_id=asked.client_id)
        return Done(status=200, body=rotated.model_dump(mode="json"))
    await switch_one(work, client_id=asked.client_id, to=asked.op)
    return Done(status=204)


async def _revoke(work: Work, asked: _Revoke) -> Done:
    if not asked.token_id:
        ended = await revoke_all_tokens(work, user_id=asked.user_id, client_id=asked.client_id)
        return Done(status=200, body=Revoked.of(ended).model_dump(mode="json"))
    if asked.user_id or asked.client_id:
        raise InvalidInput("filter_invalid", "Name a token, or whose.", field="token_id")
    await revoke_tokens(work, grant_id=asked.token_id)
    return Done(status=204)
