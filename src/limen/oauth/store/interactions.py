"""Interactions in SQL."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.db.single_use import take
from limen.db.statements import Row
from limen.db.types import Moment
from limen.db.work import Work
from limen.oauth.model import Binding, Interaction
from limen.oauth.tables import interactions
from limen.protocol.authorization_request import AuthorizationRequest

_OPEN: Final = (
    interactions.c.tenant_id == bindparam("tenant_id"),
    interactions.c.handle_hash == bindparam("hash"),
    interactions.c.taken_at.is_(None),
    interactions.c.expires_at > bindparam("at", type_=Moment()),
)
_ADD: Final = sa.insert(interactions)
_FIND: Final = sa.select(*interactions.c).where(*_OPEN)
_TAKE: Final = (
    sa.update(interactions)
    .where(*_OPEN)
    .values(taken_at=bindparam("new_taken_at"))
    .returning(*interactions.c)
)
_SIGNED_IN: Final = (
    sa.update(interactions)
    .where(*_OPEN)
    .values(
        user_id=bindparam("new_user_id"),
        session_id=bindparam("new_session_id"),
        pending_hash=None,
    )
    .returning(*interactions.c)
)
_WAITING: Final = (
    sa.update(interactions)
    .where(*_OPEN)
    .values(pending_hash=bindparam("new_pending_hash"))
    .returning(*interactions.c)
)
_SWEEP: Final = sa.delete(interactions).where(
    interactions.c.tenant_id == bindparam("tenant_id"),
    interactions.c.expires_at <= bindparam("at", type_=Moment()),
)


async def add_interaction(work: Work, interaction: Interaction) -> None:
    """Insert an interaction just opened."""
    await work.execute(
        _ADD,
        handle_hash=interaction.handle_hash,
        client_id=interaction.client_id,
        bound_by=interaction.binding.by,
        bound_to=interaction.binding.to,
        request=interaction.request.to_json(),
        redirect_uri=interaction.redirect_uri,
        resource=interaction.resource,
        scope=list(interaction.scope),
        steps=list(interaction.steps),
        hinted_subject=interaction.hinted_subject,
        authenticated_after=interaction.authenticated_after,
        pushed_hash=interaction.pushed_hash,
        is_signed=interaction.is_signed,
        user_id=interaction.user_id,
        session_id=interaction.session_id,
        pending_hash=interaction.pending_hash,
        created_at=interaction.created_at,
        expires_at=interaction.expires_at,
    )


async def find_interaction(work: Work, handle_hash: bytes) -> Interaction | None:
    """Return an interaction that is neither answered nor expired."""
    row = (await work.execute(_FIND, hash=handle_hash, at=work.now)).first()
    return None if row is None else _interaction(row)


async def take_interaction(work: Work, handle_hash: bytes) -> Interaction | None:
    """Mark an interaction answered and return it; to one caller only."""
    row = await take(work, _TAKE, hash=handle_hash, at=work.now, new_taken_at=work.now)
    return None if row is None else _interaction(row)


async def note_sign_in(
    work: Work, handle_hash: bytes, *, user_id: str, session_id: str
) -> Interaction | None:
    """Write who signed in through an interaction that is still open."""
    changed = await work.execute(
        _SIGNED_IN, hash=handle_hash, at=work.now, new_user_id=user_id, new_session_id=session_id
    )
    row = changed.first()
    return None if row is None else _interaction(row)


async def note_waiting(
    work: Work, handle_hash: bytes, *, pending_hash: bytes | None
) -> Interaction | None:
    """Write who is on the way in through an interaction that is still open."""
    changed = await work.execute(
        _WAITING, hash=handle_hash, at=work.now, new_pending_hash=pending_hash
    )
    row = changed.first()
    return None if row is None else _interaction(row)


async def sweep_interactions(work: Work) -> int:
    """Delete interactions whose time is over."""
    return (await work.execute(_SWEEP, at=work.now)).count


def _interaction(row: Row) -> Interaction:
    return Interaction(
        handle_hash=bytes(row.handle_hash),
        client_id=row.client_id,
        binding=Binding(row.bound_by, row.bound_to),
        request=AuthorizationRequest.from_json(row.request),
        redirect_uri=row.redirect_uri,
        resource=row.resource,
        scope=tuple(row.scope),
        steps=tuple(row.steps),
        hinted_subject=row.hinted_subject,
        authenticated_after=row.authenticated_after,
        user_id=row.user_id,
        session_id=row.session_id,
        pushed_hash=None if row.pushed_hash is None else bytes(row.pushed_hash),
        is_signed=row.is_signed,
        pending_hash=None if row.pending_hash is None else bytes(row.pending_hash),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
