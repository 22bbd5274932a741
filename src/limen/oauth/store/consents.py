"""Consents in SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.statements import Row
from limen.db.types import upsert
from limen.db.work import Work
from limen.oauth.model import Consent
from limen.oauth.tables import consents

_OF_USER: Final = (
    consents.c.tenant_id == bindparam("tenant_id"),
    consents.c.user_id == bindparam("user"),
)
_FIND: Final = sa.select(*consents.c).where(
    *_OF_USER,
    consents.c.client_id == bindparam("client"),
    consents.c.resource == bindparam("at_resource"),
)
_LIST: Final = (
    sa.select(*consents.c).where(*_OF_USER).order_by(consents.c.client_id, consents.c.resource)
)
_REMEMBERED: Final = (
    sa.select(consents.c.id)
    .where(
        consents.c.tenant_id == bindparam("tenant_id"),
        consents.c.client_id == bindparam("client"),
        consents.c.remembered,
    )
    .limit(1)
)
_PUT: Final = upsert(
    consents,
    conflict=("tenant_id", "user_id", "client_id", "resource"),
    changes={
        "scopes": bindparam("new_scopes", type_=consents.c.scopes.type),
        "remembered": bindparam("new_remembered", type_=sa.Boolean()),
        "granted_at": bindparam("new_granted_at", type_=consents.c.granted_at.type),
    },
    returning=(consents.c.id,),
)
_ASK_ANEW: Final = (
    sa.update(consents)
    .where(
        consents.c.tenant_id == bindparam("tenant_id"),
        consents.c.client_id == bindparam("client"),
        consents.c.remembered,
    )
    .values(remembered=sa.false())
)
_TAKE: Final = (
    sa.delete(consents)
    .where(*_OF_USER, consents.c.id == bindparam("consent"))
    .returning(*consents.c)
)


async def find_consent(
    work: Work, *, user_id: str, client_id: str, resource: str
) -> Consent | None:
    """Return what the user lets the client do at the resource."""
    found = await work.execute(_FIND, user=user_id, client=client_id, at_resource=resource)
    row = found.first()
    return None if row is None else _consent(row)


async def list_consents(work: Work, *, user_id: str) -> list[Consent]:
    """Return all that a user agreed to."""
    return [_consent(row) for row in (await work.execute(_LIST, user=user_id)).all()]


async def is_remembered(work: Work, client_id: str) -> bool:
    """Say whether any consent for a client is remembered."""
    return (await work.execute(_REMEMBERED, client=client_id)).first() is not None


async def ask_anew(work: Work, client_id: str) -> None:
    """Let no consent for a client spare anybody the next question."""
    await work.execute(_ASK_ANEW, client=client_id)


async def put_consent(work: Work, consent: Consent) -> str:
    """Write a consent over the one for the same client and resource; return its id."""
    row = await work.execute(
        _PUT,
        id=consent.id,
        user_id=consent.user_id,
        client_id=consent.client_id,
        resource=consent.resource,
        scopes=list(consent.scopes),
        remembered=consent.remembered,
        granted_at=consent.granted_at,
        new_scopes=list(consent.scopes),
        new_remembered=consent.remembered,
        new_granted_at=consent.granted_at,
    )
    return str(row.one().id)


async def take_consent(work: Work, *, user_id: str, consent_id: str) -> Consent | None:
    """Delete one of the user's consents and return it."""
    row = (await work.execute(_TAKE, user=user_id, consent=consent_id)).first()
    return None if row is None else _consent(row)


def _consent(row: Row) -> Consent:
    return Consent(
        id=row.id,
        user_id=row.user_id,
        client_id=row.client_id,
        resource=row.resource,
        scopes=tuple(row.scopes),
        remembered=row.remembered,
        granted_at=row.granted_at,
    )
