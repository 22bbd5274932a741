"""Clients and resources page by page, behind cursors that can't be forged (N210)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from limen.audit.cursor import open_cursor, seal_cursor
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.oauth.model import Client, Resource
from limen.oauth.store import clients as client_store
from limen.oauth.store import resources as resource_store

T = TypeVar("T")

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list.

    Args:
        next_cursor: Where the rest begins; empty at the end.
    """

    items: tuple[T, ...]
    next_cursor: str


async def list_clients(
    work: Work, envelope: Envelope, *, cursor: str = "", limit: int = 50
) -> Page[Client]:
    """Return clients by id, without their secrets.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    after = await read_cursor(work, envelope, cursor=cursor, place="clients")
    most = max(1, min(limit, MOST))
    found = await client_store.list_clients(work, after=after, most=most + 1)
    last = found[most - 1].client_id if len(found) > most else ""
    return Page(
        tuple(found[:most]), await next_cursor(work, envelope, position=last, place="clients")
    )


async def find_resource(work: Work, identifier: str) -> Resource | None:
    """Return a resource by its canonical identifier, as it is now."""
    return await resource_store.find_resource(work, identifier)


async def list_resources(
    work: Work, envelope: Envelope, *, cursor: str = "", limit: int = 50
) -> Page[Resource]:
    """Return resources by identifier.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    after = await read_cursor(work, envelope, cursor=cursor, place="resources")
    most = max(1, min(limit, MOST))
    found = await resource_store.list_resources(work, after=after, most=most + 1)
    last = found[most - 1].identifier if len(found) > most else ""
    return Page(
        tuple(found[:most]), await next_cursor(work, envelope, position=last, place="resources")
    )


async def read_cursor(work: Work, envelope: Envelope, *, cursor: str, place: str) -> str:
    """Return the position a cursor stands for; empty at the beginning.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    if not cursor:
        return ""
    key = await envelope.derive(work, "cursor")
    (after,) = open_cursor(key, cursor, place=f"{work.tenant_id} {place}")
    return after


async def next_cursor(work: Work, envelope: Envelope, *, position: str, place: str) -> str:
    """Seal a position; empty at the end."""
    if not position:
        return ""
    key = await envelope.derive(work, "cursor")
    return seal_cursor(key, place=f"{work.tenant_id} {place}", position=(position,))
