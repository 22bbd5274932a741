"""Get hold of a grant to refresh it: lease with a fence, leftovers settled, intent written.

All in one transaction, durable before anything is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.health.incidents import draw_rate, draw_rates, may_probe
from limen.federation.provider import Provider
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel import failpoints
from limen.kernel.secret import Secret
from limen.kernel.tokens import random_secret, token_hash
from limen.vault.model import Grant, Intent
from limen.vault.parts import Parts
from limen.vault.refresh.apply import (
    BLOCKED_SECONDS,
    Held,
    Journalled,
    end_grant,
    lose_answer,
    wait,
)
from limen.vault.refresh.for_resource import apply_any
from limen.vault.refresh.outcome import Busy, Outcome, Postponed
from limen.vault.revoke_upstream import discard_tokens
from limen.vault.sealing import key_name, open_refresh, open_response
from limen.vault.store import in_batches, journal
from limen.vault.store.in_batches import Sent

OWNER = random_secret().reveal()[:12]
"""Names this process on the leases it holds, for operators; the fence decides."""

CLIENT_REPLACED: Final = Postponed("client_replaced")
PROVIDER_MOVED: Final = Postponed("provider_moved")
"""What an operator set makes this grant's tokens useless: until they set it back, or its person
connects the account again."""
NO_REFRESH_TOKEN: Final = Postponed("no_refresh_token")
_MOVED_SECONDS: Final = 600.0
"""How often the loop looks whether it was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A provider and our client there, as read before the lease is taken."""

    client: UpstreamClient
    provider: Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A grant under our lease, its intent durable: its refresh token may be spent now.

    Args:
        resource: What for, by name; empty for the grant's own access token.
    """

    held: Held
    upstream: Upstream
    raw_refresh: Secret[str]
    resource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrenewable:
    """A grant under our lease without a refresh token, whose access token has not expired.

    Somebody says that the provider refuses it; only the provider's own word ends it.
    """

    grant: Grant
    upstream: Upstream


async def claim(
    work: Work,
    parts: Parts,
    *,
    grant_id: str,
    seen_generation: int,
    upstream: Upstream,
    resource: str = "",
) -> Claimed | Unrenewable | Outcome:
    """Lease one grant that is still at the generation its caller saw.

    Returns:
        What was claimed, or can't be renewed; ``Busy`` to all callers but one; or what a crash
        had left to do.
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
    if grant is None:
        return Busy()
    if not resource and _can_be_asked_about(grant, upstream, now=work.now):
        return Unrenewable(grant=grant, upstream=upstream)
    return await prepare(work, parts, grant, upstream=upstream, resource=resource)


def _can_be_asked_about(grant: Grant, upstream: Upstream, *, now: dt.datetime) -> bool:
    return (
        grant.sealed_refresh is None
        and grant.sealed_access is not None
        and (grant.access_expires_at is None or grant.access_expires_at > now)
        and grant.upstream_client_id == upstream.client.at_provider.client_id
        and upstream.provider.keeps_accounts_of(grant.issuer)
    )


async def may_ask(work: Work, upstream: Upstream) -> bool:
    """Say whether our client may ask now; after an incident one asks, and the others wait."""
    client = upstream.client
    if client.is_blocked:
        return False
    return not client.incident or await may_probe(work, provider=client.provider)


async def prepare(
    work: Work, parts: Parts, grant: Grant, *, upstream: Upstream, resource: str = ""
) -> Claimed | Outcome:
    """Settle what was left of earlier refreshes, then write the intent of this one."""
    for intent in await journal.intents_of(work, grant.id):
        outcome = await settle_leftover(work, parts, grant, intent=intent, upstream=upstream)
        if outcome is not None:
            return outcome
    if grant.upstream_client_id != upstream.client.at_provider.client_id:
        await journal.give_back(work, grant, seconds=_MOVED_SECONDS)
        return CLIENT_REPLACED
    if not upstream.provider.keeps_accounts_of(grant.issuer):
        await journal.give_back(work, grant, seconds=_MOVED_SECONDS)
        return PROVIDER_MOVED
    raw_refresh = await open_refresh(work, parts.envelope, grant)
    if raw_refresh is None and resource:
        await journal.give_back(work, grant)  # its own access token may be good for long
        return NO_REFRESH_TOKEN
    if raw_refresh is None:
        return await end_grant(work, grant, reason="no_refresh_token")
    rate = upstream.client.refreshes_per_second
    pause = await draw_rate(work, provider=grant.provider, per_second=rate)
    if pause:
        return await wait(work, grant, reason="rate_limited", seconds=pause)
    await journal.add_intent(work, grant, refresh_fingerprint=token_hash(raw_refresh))
    failpoints.reach("vault.refresh.in_claim")
    held = Held(grant=grant, provider=upstream.provider, intent_fence=grant.fence)
    return Claimed(held=held, upstream=upstream, raw_refresh=raw_refresh, resource=resource)


async def prepare_together(
    work: Work, parts: Parts, grants: Sequence[Grant], *, upstream: Upstream
) -> tuple[list[Claimed], list[Grant]]:
    """Write the intents of grants of one provider that the loop has leased, in one transaction.

    Those that may not be sent just now wait.

    Returns:
        Those that may be sent, and those that are anything but plain: ``prepare`` looks at each
        of these by itself, with all that may be the matter.
    """
    asking = await _may_ask_together(work, grants, upstream=upstream)
    plain = [grant for grant in asking if _is_plain(grant, upstream)]
    opened = await _open_together(work, parts, plain)
    rate, provider = upstream.client.refreshes_per_second, upstream.client.provider
    taken, pause = await draw_rates(work, provider=provider, per_second=rate, wanted=len(opened))
    await in_batches.defer(work, [grant for grant, _ in opened[taken:]], least_seconds=pause)
    sent = [Sent(grant, token_hash(raw)) for grant, raw in opened[:taken]]
    written = await in_batches.add_intents(work, sent)
    failpoints.reach("vault.refresh.in_claim")
    claimed = [
        Claimed(
            held=Held(grant=grant, provider=upstream.provider, intent_fence=grant.fence),
            upstream=upstream,
            raw_refresh=raw,
        )
        for grant, raw in opened[:taken]
        if grant.id in written
    ]
    done = written | {grant.id for grant, _ in opened[taken:]}
    return claimed, [grant for grant in asking if grant.id not in done]


async def _may_ask_together(
    work: Work, grants: Sequence[Grant], *, upstream: Upstream
) -> Sequence[Grant]:
    """Return those that may ask now, and have the others wait."""
    client, most = upstream.client, len(grants)
    if client.is_blocked:
        most = 0
    elif client.incident:
        most = int(await may_probe(work, provider=client.provider))
    await in_batches.defer(work, grants[most:], least_seconds=BLOCKED_SECONDS)
    return grants[:most]


def _is_plain(grant: Grant, upstream: Upstream) -> bool:
    """Say whether nothing about a grant wants a closer look: ``prepare`` has the reasons."""
    return (
        grant.sealed_refresh is not None
        and grant.upstream_client_id == upstream.client.at_provider.client_id
        and upstream.provider.keeps_accounts_of(grant.issuer)
    )


async def _open_together(
    work: Work, parts: Parts, grants: Sequence[Grant]
) -> list[tuple[Grant, Secret[str]]]:
    """Open refresh tokens, whose keys are read at once; what does not open is left out."""
    await parts.envelope.have_at_hand(work, [key_name(grant.id) for grant in grants])
    opened = []
    for grant in grants:
        try:
            raw = await open_refresh(work, parts.envelope, grant)
        except SealBroken:
            continue
        if raw is not None:
            opened.append((grant, raw))
    return opened


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
    return await apply_any(work, parts, held, journalled=Journalled.from_json(told))


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
