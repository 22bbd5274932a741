"""Redeem a refresh token: exactly once at a time, whatever crashes in between.

Claim (lease, fence, intent), call, journal, swap: each step durable before the next begins,
none of them open across the call. Between any two of them the process may die:

- before the call: the intent has no answer; see ``apply.lose_answer``;
- after the call, before the journal: the same;
- after the journal: whoever comes next applies the journalled answer (``claim``, ``recover``).
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

from limen.crypto.sealed_text import SealBroken
from limen.db.work import Work
from limen.federation.call import call_as_client
from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.facts import Resource
from limen.federation.provider import Endpoints, ProviderAnswer
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel import failpoints
from limen.kernel.errors import ProviderUnavailable, Unavailable
from limen.kernel.site import Site
from limen.kernel.tokens import token_hash
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.refresh.apply import Held, Journalled, fail, lose_answer, postpone
from limen.vault.refresh.claim import Claimed, Unrenewable, Upstream, claim
from limen.vault.refresh.for_resource import apply_any
from limen.vault.refresh.outcome import Moved, Outcome
from limen.vault.refresh.stands import ask_whether_it_stands
from limen.vault.revoke_upstream import discard_tokens
from limen.vault.sealing import seal_response
from limen.vault.store import journal

T = TypeVar("T")
Heard = Callable[[Journalled], None]
"""Is told an answer, for what it says of the account beside its tokens."""
_KEEP_ATTEMPTS: Final = 6
_KEEP_PAUSE_SECONDS: Final = 0.1


async def refresh(
    parts: Parts,
    site: Site,
    *,
    grant_id: str,
    provider: str,
    seen_generation: int,
    heard: Heard | None = None,
) -> Outcome:
    """Refresh a grant that is still at the generation its caller saw.

    Args:
        parts: The vault's.
        site: The tenant.
        grant_id: Which grant.
        provider: Its provider's id.
        seen_generation: Refreshing is for whoever saw this one; later ones are already new.
        heard: Is told the provider's answer, if one came to this call; it is durable when this
            returns.

    Raises:
        NotPermitted: ``provider_disabled``.
    """
    upstream = await find_upstream(parts, site, provider=provider)
    endpoints = await upstream.provider.endpoints(parts.net, now=parts.works.clock.now())

    async def body(work: Work) -> Claimed | Unrenewable | Outcome:
        return await claim(
            work, parts, grant_id=grant_id, seen_generation=seen_generation, upstream=upstream
        )

    failpoints.reach("vault.refresh.before_claim")
    begun = asyncio.get_running_loop().time()
    claimed = await parts.works.run(site, body)
    if isinstance(claimed, Unrenewable):
        return await ask_whether_it_stands(parts, site, claimed, endpoints=endpoints)
    if not isinstance(claimed, Claimed):
        return claimed
    return await redeem(parts, site, claimed, endpoints=endpoints, begun=begun, heard=heard)


async def find_upstream(parts: Parts, site: Site, *, provider: str) -> Upstream:
    """Return a grant's provider and our client there."""

    async def body(work: Work) -> Upstream:
        client = await get_upstream_client(work, parts.envelope, provider=provider)
        found = parts.catalogue.get(provider, client.config)
        return Upstream(client=client, provider=found)

    return await parts.works.run(site, body)


async def redeem(
    parts: Parts,
    site: Site,
    claimed: Claimed,
    *,
    endpoints: Endpoints,
    begun: float,
    heard: Heard | None = None,
) -> Outcome:
    """Send the refresh token of a claimed grant, keep the answer, make something of it.

    Args:
        parts: The vault's.
        site: The tenant.
        claimed: What ``claim`` or ``prepare`` returned.
        endpoints: The provider's.
        begun: The event loop's time just before the lease was taken.
        heard: As ``refresh``.
    """
    answered = await ask(parts, site, claimed, endpoints=endpoints, begun=begun)
    if not isinstance(answered, Journalled):
        return answered
    if heard is not None:
        heard(answered)
    return await settle(parts, site, claimed, journalled=answered)


async def ask(
    parts: Parts, site: Site, claimed: Claimed, *, endpoints: Endpoints, begun: float
) -> Journalled | Outcome:
    """Send the refresh token of a claimed grant; return the answer, or what its absence means.

    Args:
        parts: The vault's.
        site: The tenant.
        claimed: As for ``redeem``.
        endpoints: The provider's.
        begun: As for ``redeem``.
    """
    failpoints.reach("vault.refresh.after_claim")
    spare = parts.times.lease_seconds - parts.times.deadline_seconds
    if asyncio.get_running_loop().time() - begun > spare:
        # This process stood still for so long that the lease might end before the call does.
        return await _unsent(parts, site, claimed.held, reason="lease_too_short")
    requested_at = parts.works.clock.now()
    try:
        answer = await _ask(parts, claimed, endpoints=endpoints)
    except ProviderUnavailable as unanswered:
        return await _unanswered(
            parts, site, claimed, sent=unanswered.sent, requested_at=requested_at
        )
    failpoints.reach("vault.refresh.after_answer")
    resource = _resource_of(claimed)
    return Journalled(
        answer=answer,
        requested_at=requested_at,
        resource=claimed.resource,
        audience="" if resource is None else resource.identifier,
    )


async def settle(parts: Parts, site: Site, claimed: Claimed, *, journalled: Journalled) -> Outcome:
    """Keep an answer in the journal, then make something of it."""
    grant = claimed.held.grant

    async def keep_answer(work: Work) -> None:
        try:
            sealed = await seal_response(work, parts.envelope, grant, told=journalled.to_json())
        except SealBroken:
            return  # erased meanwhile, and its key with it: what came is revoked below
        if not await journal.journal_response(work, grant, sealed_response=sealed):
            # Given up as lost a moment ago. It is not: recovery shall find it if we end here.
            fingerprint = token_hash(claimed.raw_refresh)
            await journal.add_intent(work, grant, refresh_fingerprint=fingerprint)
            await journal.journal_response(work, grant, sealed_response=sealed)
        failpoints.reach("vault.refresh.in_journal")

    await keep(parts, site, keep_answer)
    failpoints.reach("vault.refresh.after_journal")

    async def commit(work: Work) -> Outcome:
        outcome = await _apply(work, parts, claimed.held, journalled=journalled)
        failpoints.reach("vault.refresh.in_commit")
        return outcome

    outcome = await keep(parts, site, commit)
    failpoints.reach("vault.refresh.after_commit")
    return outcome


async def _apply(work: Work, parts: Parts, held: Held, *, journalled: Journalled) -> Outcome:
    """Apply the answer once, to the grant as it is now: whoever came first has done it.

    When our lease ran out before the answer came, somebody may hold the next one, or have given
    the answer up as lost. New tokens in hand are better than either, as long as nobody has newer
    ones: the other holder has sent nothing while our intent stands.
    """
    found = await journal.answered_grant(work, grant_id=held.grant.id, fence=held.intent_fence)
    if found is None:
        return Moved()
    now, is_open = found
    is_ok = held.provider.classify(journalled.answer) == "ok"
    unmoved = now.generation == held.grant.generation
    if unmoved and (is_ok or is_open) and _takes(now):
        return await apply_any(work, parts, replace(held, grant=now), journalled=journalled)
    await journal.settle_intent(work, grant_id=now.id, fence=held.intent_fence)
    if is_ok and (unmoved or not now.is_live):
        answer = held.provider.read_tokens(journalled.answer)
        await discard_tokens(work, parts, held.grant, answer=answer, provider=held.provider)
    return Moved()


def _takes(grant: Grant) -> bool:
    """Say whether an answer still matters; tokens also to one whose rotation was given up."""
    return grant.state in {"active", "uncertain"} or grant.reason == "lost_rotation"


async def _ask(parts: Parts, claimed: Claimed, *, endpoints: Endpoints) -> ProviderAnswer:
    """Ask the provider, within the deadline for all of our client's secrets together."""
    client = claimed.upstream.client.at_provider
    params = _params(claimed)
    try:
        async with asyncio.timeout(parts.times.deadline_seconds):
            return await call_as_client(
                parts.net,
                claimed.held.provider,
                endpoints.refresh,
                params=params,
                client=client,
            )
    except TimeoutError:
        raise ProviderUnavailable("provider_timeout", detail="refresh deadline") from None


def _params(claimed: Claimed) -> dict[str, str]:
    provider, resource = claimed.held.provider, _resource_of(claimed)
    if resource is not None and isinstance(provider, CatalogueProvider):
        return provider.resource_params(claimed.raw_refresh, resource)
    return provider.refresh_params(claimed.raw_refresh, scopes=claimed.held.grant.granted_scopes)


def _resource_of(claimed: Claimed) -> Resource | None:
    """Return the resource a refresh token is sent for; an unknown one is never the default."""
    if not claimed.resource:
        return None
    return claimed.held.provider.facts.resources[claimed.resource]


async def _unanswered(
    parts: Parts, site: Site, claimed: Claimed, *, sent: bool, requested_at: dt.datetime
) -> Outcome:
    if not sent:
        return await _unsent(parts, site, claimed.held, reason="provider_unreachable")

    async def body(work: Work) -> Outcome:
        return await lose_answer(work, claimed.held, sent_at=requested_at)

    return await keep(parts, site, body)


async def _unsent(parts: Parts, site: Site, held: Held, *, reason: str) -> Outcome:
    """Take the intent back: its refresh token was not spent."""

    async def body(work: Work) -> Outcome:
        await journal.settle_intent(work, grant_id=held.grant.id, fence=held.intent_fence)
        if reason == "provider_unreachable":
            return await fail(work, held.grant, reason=reason)
        return await postpone(work, held.grant, reason=reason)

    return await keep(parts, site, body)


async def keep(parts: Parts, site: Site, body: Callable[[Work], Awaitable[T]]) -> T:
    """Run a Work that follows a spent refresh token: try harder than others to have it durable.

    What it would lose can't be asked for again (F6). It ends well within the lease; after that
    the journal, or its absence, speaks for us.
    """
    for attempt in range(_KEEP_ATTEMPTS):
        try:
            return await parts.works.run(site, body)
        except Unavailable:
            if attempt == _KEEP_ATTEMPTS - 1:
                raise
            await asyncio.sleep(_KEEP_PAUSE_SECONDS * 2**attempt)
    raise AssertionError
