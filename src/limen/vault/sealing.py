"""Where the vault's secrets are sealed to: each to its tenant, grant, field and generation.

Every grant has a data key of its own, so that one connection can be shredded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.vault.model import Grant, Intent, Tokens


def key_name(grant_id: str) -> str:
    """Return the name of a grant's own data key."""
    return f"upstream-grant/{grant_id}"


async def seal_tokens(
    work: Work, envelope: Envelope, *, grant_id: str, generation: int, tokens: Tokens
) -> tuple[bytes, bytes | None]:
    """Seal both tokens to one generation: an older half put back beside a newer does not open."""
    access = await envelope.seal(
        work, _place(grant_id, "access", generation), tokens.raw_access.reveal().encode()
    )
    if tokens.raw_refresh is None:
        return access, None
    refresh = await envelope.seal(
        work, _place(grant_id, "refresh", generation), tokens.raw_refresh.reveal().encode()
    )
    return access, refresh


async def open_access(work: Work, envelope: Envelope, grant: Grant) -> Secret[str] | None:
    """Return the access token of a grant, or of the resource it is seen for."""
    field = f"access {grant.audience}" if grant.resource else "access"
    return await _open(work, envelope, grant, sealed=grant.sealed_access, field=field)


async def open_refresh(work: Work, envelope: Envelope, grant: Grant) -> Secret[str] | None:
    """Return a grant's refresh token."""
    return await _open(work, envelope, grant, sealed=grant.sealed_refresh, field="refresh")


async def seal_response(
    work: Work, envelope: Envelope, grant: Grant, *, told: Mapping[str, Any]
) -> bytes:
    """Seal a provider's answer for the journal."""
    place = _journal_place(grant.id, grant.fence, grant.generation)
    return await envelope.seal(work, place, json.dumps(told).encode())


async def open_response(work: Work, envelope: Envelope, intent: Intent) -> dict[str, Any]:
    """Return an answer from the journal."""
    assert intent.sealed_response is not None
    place = _journal_place(intent.grant_id, intent.fence, intent.generation)
    raw = await envelope.open(work, place, intent.sealed_response)
    told: dict[str, Any] = json.loads(raw.reveal())
    return told


def revocation_place(grant_id: str, revocation_id: str) -> Place:
    """Return where tokens that are to be revoked are sealed to."""
    return Place("upstream_revocation", revocation_id, "tokens", key=key_name(grant_id))


async def seal_access_for(
    work: Work,
    envelope: Envelope,
    *,
    grant_id: str,
    audience: str,
    generation: int,
    raw_access: Secret[str],
) -> bytes:
    """Seal another resource's access token to what it is for: it opens for nothing else."""
    place = _place(grant_id, f"access {audience}", generation)
    return await envelope.seal(work, place, raw_access.reveal().encode())


async def seal_refresh(
    work: Work, envelope: Envelope, *, grant_id: str, generation: int, raw_refresh: Secret[str]
) -> bytes:
    """Seal a refresh token that comes without an access token to stand beside it."""
    return await envelope.seal(
        work, _place(grant_id, "refresh", generation), raw_refresh.reveal().encode()
    )


async def _open(
    work: Work, envelope: Envelope, grant: Grant, *, sealed: bytes | None, field: str
) -> Secret[str] | None:
    if sealed is None:
        return None
    generation = grant.generation if field == "refresh" else grant.token_generation
    raw = await envelope.open(work, _place(grant.id, field, generation), sealed)
    return Secret(raw.reveal().decode())


def _place(grant_id: str, field: str, generation: int) -> Place:
    return Place("upstream_grant", grant_id, field, generation, key_name(grant_id))


def _journal_place(grant_id: str, fence: int, generation: int) -> Place:
    record_id = f"{grant_id}/{fence}"
    return Place("refresh_intent", record_id, "response", generation, key_name(grant_id))
