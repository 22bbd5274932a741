"""Whose connections a caller speaks of, and through which client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Query

from limen.access.permissions import CONNECTIONS_SERVICE, scope_allows
from limen.access.rights import may
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import BearerRefusal, NotPermitted
from limen.vault.model import TENANT_OWNER
from limen.vault.sharing.policy import is_person
from limen.vault.token_for import Wanted

Owner = Literal["me", "tenant"]
OwnerQuery = Annotated[
    Owner, Query(description="`tenant` for the tenant's own connections, not a person's.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who uses a connection.

    Args:
        owner_id: Whose connections these are.
        client_id: The client that uses them; empty for the owner, who needs nobody's consent.
        reader: Who is named in the audit log.
    """

    owner_id: str
    client_id: str
    reader: str

    def wanted(self, connection_id: str, *, feature: str = "") -> Wanted:
        """Return what is to be asked for on this caller's behalf."""
        return Wanted(
            connection_id=connection_id,
            user_id=self.owner_id,
            reader=self.reader,
            client_id=self.client_id,
            feature=feature,
        )


async def caller_of(work: Work, owner: Owner) -> Caller:
    """Return who uses a connection: its owner, or a client with the owner's consent.

    A person's browser, our own first-party tokens and the person's own API keys are the person;
    any other token is a client's. A machine uses what the tenant shares with it.

    Raises:
        NotPermitted, BearerRefusal: The tenant's connections are not the caller's.
    """
    actor = work.actor
    if actor.kind == "client":
        return as_caller(actor, owner_id=TENANT_OWNER)
    return as_caller(actor, owner_id=await owner_of(work, owner))


def as_caller(actor: Actor, *, owner_id: str) -> Caller:
    """Return as whom an actor uses somebody's connections."""
    client_id = "" if is_person(actor) else actor.client_id
    return Caller(owner_id=owner_id, client_id=client_id, reader=reader_of(actor))


async def owner_of(work: Work, owner: Owner) -> str:
    """Return whose connections are meant: always the caller's own (N197), or the tenant's.

    Raises:
        NotPermitted: ``user_required``; or the caller may not speak for the tenant.
        BearerRefusal: ``insufficient_scope``: its token may not.
    """
    actor = work.actor
    if owner == "tenant":
        if not await may(work, actor, CONNECTIONS_SERVICE):
            raise NotPermitted(public="You are not allowed to do this.")
        if not scope_allows(actor.scope, CONNECTIONS_SERVICE):
            text = "The access token does not cover this."
            raise BearerRefusal("insufficient_scope", text, scope=CONNECTIONS_SERVICE)
        return TENANT_OWNER
    if actor.kind != "user":
        raise NotPermitted("user_required", "Connections are people's.")
    return actor.id


def reader_of(actor: Actor) -> str:
    """Return who is named as having been given a token."""
    return f"client:{actor.client_id}" if actor.client_id else f"user:{actor.id}"
