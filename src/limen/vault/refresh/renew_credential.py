"""Renew what a credential gives: another token, or the news that the provider still takes it.

Asking twice consumes nothing: an answer that is lost is asked for again, and nothing is journalled.
The lease keeps others away meanwhile; what comes is written over what was seen, or not at all.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from dataclasses import replace as changed

from limen.db.work import Work
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.vault.credentials.held_at import HeldAt, holder_of
from limen.vault.credentials.material import from_text
from limen.vault.credentials.prove import NotTaken, Proven, Unproven, prove, prove_again
from limen.vault.credentials.prove import Outcome as Said
from limen.vault.events import UpstreamTokenRefreshed
from limen.vault.model import Grant, Tokens
from limen.vault.parts import Parts
from limen.vault.refresh.apply import end_grant, postpone, wait
from limen.vault.refresh.claim import OWNER
from limen.vault.refresh.outcome import Busy, Moved, Outcome
from limen.vault.refresh.stands import STANDS
from limen.vault.refresh.terms import Before, terms_of
from limen.vault.sealing import open_access, open_refresh, seal_tokens
from limen.vault.store import journal
from limen.vault.store.credentials import note_taken


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A credential under our lease, ready to be asked about."""

    grant: Grant
    provider: HeldAt
    raw_access: Secret[str]
    raw_lasting: Secret[str] | None


async def renew_credential(parts: Parts, site: Site, *, grant: Grant) -> Outcome:
    """Renew what a credential gives, if it is still at the generation its caller saw.

    Of any number of callers one does, the others are ``Busy``.
    """

    async def claim(work: Work) -> Grant | None:
        return await journal.claim_grant(
            work,
            grant_id=grant.id,
            seen_generation=grant.generation,
            owner=OWNER,
            lease_seconds=parts.times.lease_seconds,
        )

    held = await parts.works.run(site, claim)
    return Busy() if held is None else await renew_held(parts, site, grant=held)


async def renew_held(parts: Parts, site: Site, *, grant: Grant) -> Outcome:
    """Renew what a credential gives; its lease is ours."""

    async def open_up(work: Work) -> _Opened:
        raw_access = await open_access(work, parts.envelope, grant)
        assert raw_access is not None
        return _Opened(
            grant=grant,
            provider=await holder_of(work, parts, grant),
            raw_access=raw_access,
            raw_lasting=await open_refresh(work, parts.envelope, grant),
        )

    async def later(work: Work) -> Outcome:
        return await postpone(work, grant, reason=reason)

    try:
        opened = await parts.works.run(site, open_up)
    except Refusal as refused:
        reason = refused.code
        return await parts.works.run(site, later)
    said = await _ask(parts, opened)

    async def apply(work: Work) -> Outcome:
        return await _apply(work, parts, opened, said=said)

    return await parts.works.run(site, apply)


async def _ask(parts: Parts, opened: _Opened) -> Said:
    try:
        async with asyncio.timeout(parts.times.deadline_seconds):
            if opened.raw_lasting is None:
                return await prove_again(parts.net, opened.provider, opened.raw_access)
            return await prove(
                parts.net,
                opened.provider,
                from_text(opened.raw_lasting),
                scopes=opened.grant.granted_scopes,
                now=parts.works.clock.now(),
            )
    except TimeoutError:
        return Unproven(reason="provider_timeout")


async def _apply(work: Work, parts: Parts, opened: _Opened, *, said: Said) -> Outcome:
    grant = opened.grant
    match said:
        case Proven(answer=None):
            return STANDS if await note_taken(work, grant) else Moved()
        case Proven():
            return await _swap(work, parts, opened, proven=said)
        case NotTaken(reason="refused"):
            return await end_grant(work, grant, reason="refused_by_provider")
        case NotTaken():
            return await postpone(work, grant, reason="scope_refused")
        case Unproven(reason="throttled", retry_after_seconds=seconds):
            return await wait(work, grant, reason="throttled", seconds=seconds)
        case Unproven(reason=reason):
            return await postpone(work, grant, reason=reason)


async def _swap(work: Work, parts: Parts, opened: _Opened, *, proven: Proven) -> Outcome:
    grant = opened.grant
    assert proven.answer is not None
    if await journal.held_grant(work, grant_id=grant.id, fence=grant.fence) is None:
        return Moved()  # ended meanwhile, and its key with it
    before = Before(
        raw_refresh=opened.raw_lasting,
        scopes=grant.granted_scopes,
        lifetime_seconds=grant.lifetime_seconds,
        jitter=grant.jitter,
        consented_at=grant.consented_at or grant.requested_at,
    )
    terms = terms_of(proven.answer, before, provider=opened.provider, requested_at=work.now)
    terms = changed(terms, refresh_ends_at=None, reconnect_by=None, remind_at=None)
    sealed_access, sealed_refresh = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant.id,
        generation=grant.generation + 1,
        tokens=Tokens(raw_access=proven.raw_access, raw_refresh=opened.raw_lasting),
    )
    swapped = await journal.swap_tokens(
        work, grant=grant, sealed_access=sealed_access, sealed_refresh=sealed_refresh, terms=terms
    )
    if swapped:
        await work.record(
            UpstreamTokenRefreshed(
                grant_id=grant.id,
                provider=grant.provider,
                generation=grant.generation + 1,
                rotated=False,
            )
        )
    return Moved()
