"""Get hold of a grant to refresh it: lease with a fence, leftovers settled, intent written.

All in one transaction, durable before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.health.incidents import draw_rate, may_probe
from limen.federation.provider import Provider
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel import failpoints
from limen.kernel.secret import Secret
from limen.kernel.tokens import random_secret, token_hash
from limen.vault.model import Grant, Intent
from limen.vault.parts import Parts
from limen.vault.refresh.apply import (
    Held,
    Journalled,
    apply_answer,
    end_grant,
    lose_answer,
    wait,
)
from limen.vault.refresh.outcome import Busy, Outcome, Postponed
from limen.vault.revoke_upstream import discard_tokens
from limen.vault.sealing import open_refresh, open_response
from limen.vault.store import journal

OWNER = random_secret().reveal()[:12]
"""Names this process on the leases it holds, for operators; the fence decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A provider and our client there, as read before the lease is taken."""

    client: UpstreamClient
    provider: Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A grant under our lease, its intent durable: its refresh token may be spent now."""

    held: Held
    upstream: Upstream
    raw_refresh: Secret[str]


async def claim(
    work: Work, parts: Parts, *, grant_id: str, seen_generation: int, upstream: Upstream
) -> Claimed | Outcome:
    """Lease one grant that is still at the generation its caller saw.

    Returns:
        What was claimed; ``Busy`` to all callers but one; or what a crash had left to do.
    """
    if not await may_ask(work, upstream):
        return Postponed("client_blocked")
    grant = await journal.claim_grant(
        work,
        grant_id=grant_id,
        seen_generation=seen_generation,
        owner=OWNER,
        lease_seconds=parts.times.lease_seconds,
    )
    return Busy() if grant is None else await prepare(work, parts, grant, upstream=upstream)


async def may_ask(work: Work, upstream: Upstream) -> bool:
    """Say whether our client may ask now; after an incident one asks, and the others wait."""
    client = upstream.client
    if client.is_blocked:
        return False
    return not client.incident or await may_probe(work, provider=client.provider)


async def prepare(
    work: Work, parts: Parts, grant: Grant, *, upstream: Upstream
) -> Claimed | Outcome:
    """Settle what was left of earlier refreshes, then write the intent of this one."""
    for intent in await journal.intents_of(work, grant.id):
        outcome = await settle_leftover(work, parts, grant, intent=intent, upstream=upstream)
        if outcome is not None:
            return outcome
    if grant.upstream_client_id != upstream.client.at_provider.client_id:
        await journal.give_back(work, grant)
        return Postponed("client_replaced")
    if not upstream.provider.keeps_accounts_of(grant.issuer):
        await journal.give_back(work, grant)
        return Postponed("provider_moved")
    raw_refresh = await open_refresh(work, parts.envelope, grant)
    if raw_refresh is None:
        return await end_grant(work, grant, reason="no_refresh_token")
    rate = upstream.client.refreshes_per_second
    pause = await draw_rate(work, provider=grant.provider, per_second=rate)
    if pause:
        return await wait(work, grant, reason="rate_limited", seconds=pause)
    await journal.add_intent(work, grant, refresh_fingerprint=token_hash(raw_refresh))
    failpoints.reach("vault.refresh.in_claim")
    held = Held(grant=grant, provider=upstream.provider, intent_fence=grant.fence)
    return Claimed(held=held, upstream=upstream, raw_refresh=raw_refresh)


async def settle_leftover(
    work: Work, parts: Parts, grant: Grant, *, intent: Intent, upstream: Upstream
) -> Outcome | None:
    """Finish what a refresher that is gone began; ``None`` if the grant may be refreshed anew.

    An answer in the journal is applied as if it had just come. Without one nobody knows
    whether the refresh token was spent.
    """
    held = Held(grant=grant, provider=upstream.provider, intent_fence=intent.fence)
    if not grant.is_live or intent.generation != grant.generation:
        await _drop(work, parts, held, intent=intent)
        return None
    if intent.sealed_response is None:
        if upstream.provider.facts.is_single_use:
            return await lose_answer(work, held, sent_at=intent.sent_at)
        await journal.settle_intent(work, grant_id=grant.id, fence=intent.fence)
        return None
    told = await open_response(work, parts.envelope, intent)
    return await apply_answer(work, parts, held, journalled=Journalled.from_json(told))


async def _drop(work: Work, parts: Parts, held: Held, *, intent: Intent) -> None:
    """Forget a refresh of tokens that are history; what it brought is revoked."""
    await journal.settle_intent(work, grant_id=held.grant.id, fence=intent.fence)
    if intent.sealed_response is None:
        return
    try:
        told = await open_response(work, parts.envelope, intent)
    except SealBroken:
        return  # erased, and its key with it
    journalled = Journalled.from_json(told)
    if held.provider.classify(journalled.answer) == "ok":
        answer = held.provider.read_tokens(journalled.answer)
        await discard_tokens(work, parts, held.grant, answer=answer, provider=held.provider)
