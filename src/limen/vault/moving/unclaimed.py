"""Tokens that are redeemed before anybody knows whose they are.

Where only the answer to a refresh names the account, or the access token has expired, the
refresh token has to be spent first. It is kept here before: intent, journal and swap are those of
every other refresh, so that whatever the provider gives in exchange is lost to no crash. Who
brings the same line again is led back to it.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Final

from limen.db.outbox import Delivery, Handler, enqueue
from limen.db.work import Work
from limen.federation.provider import TokenAnswer
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import NotFound
from limen.vault.model import Grant, Tokens
from limen.vault.parts import Parts
from limen.vault.refresh.terms import Before, merge_tokens, terms_of
from limen.vault.revoke_upstream import enqueue_revocation, erase_if_settled
from limen.vault.sealing import key_name, open_access, open_refresh, seal_tokens
from limen.vault.store import grants
from limen.vault.store.unclaimed import add_unclaimed

if TYPE_CHECKING:  # every process gives up what nobody came for; few take lines in
    from limen.vault.moving.line import ConnectionLine
    from limen.vault.moving.target import Target

KIND: Final = "vault.unclaimed"
KEPT_FOR: Final = dt.timedelta(days=30)
"""How long tokens wait for their line to come again."""


async def hold(work: Work, parts: Parts, *, target: Target, line: ConnectionLine) -> Grant:
    """Keep a line's tokens, about to be redeemed; whoever holds them already is returned.

    Nobody refreshes them by time before they are redeemed once: until then they are the other
    application's.
    """
    refresh = line.raw_refresh
    assert refresh is not None
    tokens = Tokens(raw_access=line.raw_access or refresh, raw_refresh=refresh)
    start = _Start(
        tokens,
        generation=1,
        has_access=line.raw_access is not None,
        terms={
            "granted_scopes": list(target.provider.normalise(line.scopes)),
            "requested_at": work.now,
            "consented_at": line.connected_at or work.now,
        },
    )
    return await _add(work, parts, start, target=target)


async def hold_successor(
    work: Work, parts: Parts, *, target: Target, line: ConnectionLine, answer: TokenAnswer
) -> Grant:
    """Keep what came in exchange although the catalogue says that nothing does."""
    provider = target.provider
    before = Before(
        raw_refresh=line.raw_refresh,
        scopes=provider.normalise(line.scopes),
        lifetime_seconds=None,
        jitter=0.0,
        consented_at=line.connected_at or work.now,
    )
    terms = terms_of(answer, before, provider=provider, requested_at=work.now)
    start = _Start(
        merge_tokens(answer, before),
        generation=2,
        has_access=True,
        terms={
            "granted_scopes": list(terms.scopes),
            "requested_at": terms.requested_at,
            "consented_at": terms.consented_at,
            "access_expires_at": terms.expires_at,
            "lifetime_seconds": terms.lifetime_seconds,
            "next_refresh_at": terms.next_refresh_at,
            "refresh_ends_at": terms.refresh_ends_at,
            "reconnect_by": terms.reconnect_by,
            "remind_at": terms.remind_at,
        },
    )
    return await _add(work, parts, start, target=target)


@dataclass(frozen=True, slots=True)
class _Start:
    tokens: Tokens
    _: KW_ONLY
    generation: int
    has_access: bool
    terms: Mapping[str, Any]


async def _add(work: Work, parts: Parts, start: _Start, *, target: Target) -> Grant:
    grant_id = target.grant_id
    found = await grants.find_grant(work, grant_id)
    if found is not None:
        return found
    await parts.envelope.create_key(work, name=key_name(grant_id))
    access, refresh = await seal_tokens(
        work, parts.envelope, grant_id=grant_id, generation=start.generation, tokens=start.tokens
    )
    added = await add_unclaimed(
        work,
        id=grant_id,
        provider=target.client.provider,
        upstream_client_id=target.client.at_provider.client_id,
        issuer=target.provider.issuer_of_identities,
        generation=start.generation,
        sealed_access=access if start.has_access else None,
        sealed_refresh=refresh,
        jitter_permille=secrets.randbelow(1000),
        **start.terms,
    )
    if added:
        await enqueue(
            work,
            kind=KIND,
            payload=grant_id.encode(),
            delay_seconds=KEPT_FOR.total_seconds(),
        )
    kept = await grants.find_grant(work, grant_id)
    assert kept is not None
    return kept


async def held_tokens(work: Work, parts: Parts, grant: Grant) -> Tokens | None:
    """Return the tokens of an unclaimed grant; ``None`` if it has no access token."""
    raw_access = await open_access(work, parts.envelope, grant)
    if raw_access is None:
        return None
    return Tokens(
        raw_access=raw_access, raw_refresh=await open_refresh(work, parts.envelope, grant)
    )


async def let_go(work: Work, parts: Parts, grant: Grant, *, reason: str) -> None:
    """Wipe an unclaimed grant whose tokens are dead, or kept elsewhere by now."""
    await grants.bury_grant(work, grant_id=grant.id, state="revoked", reason=reason)
    await erase_if_settled(work, parts, grant_id=grant.id)


async def give_up(work: Work, parts: Parts, grant_id: str) -> None:
    """Wipe what nobody came for, and tell the provider where that ends nothing else."""
    grant = await grants.lock_grant(work, grant_id)
    if grant is None or not grant.is_live or grant.subject:
        return
    tokens = await held_tokens(work, parts, grant)
    await grants.bury_grant(work, grant_id=grant_id, state="revoked", reason="unclaimed")
    if tokens is not None and await _ends_alone(work, parts, grant):
        await enqueue_revocation(work, parts, grant=grant, tokens=tokens, reason="unclaimed")
    else:
        await erase_if_settled(work, parts, grant_id=grant_id)


def unclaimed_handler(parts: Parts) -> Handler:
    """Return the outbox's handler of ``vault.unclaimed``."""

    async def handle(delivery: Delivery) -> None:
        async def body(work: Work) -> None:
            await give_up(work, parts, delivery.payload.decode())

        await parts.works.run(delivery.site, body)

    return handle


async def _ends_alone(work: Work, parts: Parts, grant: Grant) -> bool:
    """Whether a revocation ends these tokens and no other of the account."""
    try:
        client = await get_upstream_client(
            work, parts.envelope, provider=grant.provider, even_disabled=True
        )
        provider = parts.catalogue.get(grant.provider, client.config)
    except NotFound:
        return False
    return provider.facts.blast_radius == "token"
