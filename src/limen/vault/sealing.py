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
    """Return a grant's access token."""
    return await _open(work, envelope, grant, sealed=grant.sealed_access, field="access")


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


async def _open(
    work: Work, envelope: Envelope, grant: Grant, *, sealed: bytes | None, field: str
) -> Secret[str] | None:
    if sealed is None:
        return None
    raw = await envelope.open(work, _place(grant.id, field, grant.generation), sealed)
    return Secret(raw.reveal().decode())


def _place(grant_id: str, field: str, generation: int) -> Place:
    return Place("upstream_grant", grant_id, field, generation, key_name(grant_id))


def _journal_place(grant_id: str, fence: int, generation: int) -> Place:
    record_id = f"{grant_id}/{fence}"
    return Place("refresh_intent", record_id, "response", generation, key_name(grant_id))
