"""Write what a provider gave to the one live grant of its account, made if there is none."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from limen.db.work import Work
from limen.federation.catalogue.resources import defaults_of
from limen.federation.finish import Finished
from limen.federation.provider import ExternalIdentity, Provider, TokenAnswer
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel.ids import new_id
from limen.vault.events import ScopesChanged
from limen.vault.model import Grant, Tokens
from limen.vault.parts import Parts
from limen.vault.refresh.terms import Before, merge_tokens, terms_of
from limen.vault.resources.store import begin_anew
from limen.vault.revoke_upstream import discard_tokens, enqueue_revocation
from limen.vault.sealing import key_name, open_refresh, seal_tokens
from limen.vault.store import grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Tokens, and whose they are.

    Args:
        requested_at: When they were asked for: lifetimes count from then (F32).
        asked: Scopes, under the names that answers use; what an answer that names none means.
        consented_at: When the person agreed.
        grant_id: Of a grant that is made; a new one if empty.
        generation: That such a grant begins with.
    """

    client: UpstreamClient
    provider: Provider
    identity: ExternalIdentity
    answer: TokenAnswer
    requested_at: dt.datetime
    asked: Sequence[str]
    consented_at: dt.datetime
    grant_id: str = ""
    generation: int = 1


async def keep_tokens(work: Work, parts: Parts, given: Given, *, grant: Grant | None) -> Grant:
    """Keep tokens in a grant that is there, or in a new one; whatever ailed it is over."""
    before = Before(
        raw_refresh=None if grant is None else await open_refresh(work, parts.envelope, grant),
        scopes=given.asked if given.answer.scope is None else (),
        lifetime_seconds=None if grant is None else grant.lifetime_seconds,
        jitter=secrets.randbelow(1000) / 1000 if grant is None else grant.jitter,
        consented_at=given.consented_at,
        refresh_ends_at=None if grant is None else grant.refresh_ends_at,
    )
    grant_id = (given.grant_id or new_id(work.now)) if grant is None else grant.id
    if grant is None:
        await parts.envelope.create_key(work, name=key_name(grant_id))
        await _add(work, parts, given, before=before, grant_id=grant_id)
    else:
        await _renew(work, parts, given, before=before, grant=grant)
    if given.answer.lifted:
        await grants.note_lifted(work, grant_id=grant_id, lifted=given.answer.lifted)
    kept = await grants.find_grant(work, grant_id)
    assert kept is not None
    if grant is not None:
        await _tell_lost(work, grant, kept)
    return kept


async def _tell_lost(work: Work, before: Grant, now: Grant) -> None:
    """Tell of scopes that a new consent took away: others may stand on the same grant (F33)."""
    had, has = set(before.granted_scopes), set(now.granted_scopes)
    if had <= has:
        return
    event = ScopesChanged(
        grant_id=now.id,
        provider=now.provider,
        gained=tuple(sorted(has - had)),
        lost=tuple(sorted(had - has)),
    )
    await work.record(event)


async def _add(work: Work, parts: Parts, given: Given, *, before: Before, grant_id: str) -> None:
    sealed_access, sealed_refresh = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant_id,
        generation=given.generation,
        tokens=merge_tokens(given.answer, before),
    )
    terms = terms_of(given.answer, before, provider=given.provider, requested_at=given.requested_at)
    await grants.add_grant(
        work,
        id=grant_id,
        provider=given.client.provider,
        upstream_client_id=given.client.at_provider.client_id,
        issuer=given.identity.issuer,
        subject=given.identity.subject,
        live_subject=given.identity.subject,
        state="active",
        generation=given.generation,
        sealed_access=sealed_access,
        sealed_refresh=sealed_refresh,
        granted_scopes=list(terms.scopes),
        requested_at=terms.requested_at,
        access_expires_at=terms.expires_at,
        lifetime_seconds=terms.lifetime_seconds,
        jitter_permille=round(before.jitter * 1000),
        next_refresh_at=terms.next_refresh_at,
        consented_at=terms.consented_at,
        refresh_ends_at=terms.refresh_ends_at,
        reconnect_by=terms.reconnect_by,
        remind_at=terms.remind_at,
        fence=0,
    )


async def _renew(work: Work, parts: Parts, given: Given, *, before: Before, grant: Grant) -> None:
    sealed_access, sealed_refresh = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant.id,
        generation=grant.generation + 1,
        tokens=merge_tokens(given.answer, before),
    )
    await begin_anew(work, grant.id)
    await grants.renew_grant(
        work,
        grant_id=grant.id,
        generation=grant.generation + 1,
        sealed_access=sealed_access,
        sealed_refresh=sealed_refresh,
        terms=terms_of(
            given.answer, before, provider=given.provider, requested_at=given.requested_at
        ),
    )


async def live_grant(work: Work, finished: Finished) -> Grant | None:
    """Return the one live grant of the account that came back, locked."""
    return await grants.lock_live_grant(
        work,
        provider=finished.client.provider,
        upstream_client_id=finished.client.at_provider.client_id,
        issuer=finished.identity.issuer,
        subject=finished.identity.subject,
    )


async def store_tokens(
    work: Work, parts: Parts, finished: Finished, *, grant: Grant | None, after: Grant | None = None
) -> Grant:
    """Write the tokens to the account's one live grant, made if there is none.

    Apps know a connection's tokens by their generation, which grows also where one grant comes
    ``after`` another. Of two consents that come back out of their order the later one counts: at
    some providers the tokens of the other ended with it.
    """
    if grant is not None and _came_before(finished, grant, now=work.now):
        provider = finished.provider
        await discard_tokens(work, parts, grant, answer=finished.answer, provider=provider)
        return grant
    given = Given(
        client=finished.client,
        provider=finished.provider,
        identity=finished.identity,
        answer=finished.answer,
        requested_at=finished.requested_at,
        asked=defaults_of(
            finished.provider.normalise(finished.detail["scopes"]),
            finished.provider.facts.resources,
        ),
        consented_at=finished.requested_at,
        generation=1 if after is None else after.generation + 1,
    )
    return await keep_tokens(work, parts, given, grant=grant)


def _came_before(finished: Finished, grant: Grant, *, now: dt.datetime) -> bool:
    """Say whether its person agreed later to what is kept; the future is an import's mistake."""
    later = grant.consented_at
    if grant.state != "active" or later is None:
        return False
    return finished.requested_at < later <= now


async def let_go_of(work: Work, parts: Parts, finished: Finished, *, reason: str) -> None:
    """Revoke what came back and is not to be.

    If the account is connected here already, it is kept there instead: at some providers the
    newest consent ends the tokens of the older one, and revoking it would end both.
    """
    grant = await live_grant(work, finished)
    if grant is not None:
        await store_tokens(work, parts, finished, grant=grant)
        return
    grant_id = new_id(work.now)
    await parts.envelope.create_key(work, name=key_name(grant_id))
    await grants.add_grant(
        work,
        id=grant_id,
        provider=finished.client.provider,
        upstream_client_id=finished.client.at_provider.client_id,
        issuer=finished.identity.issuer,
        subject=finished.identity.subject,
        state="revoked",
        reason=reason,
        generation=1,
        granted_scopes=[],
        requested_at=finished.requested_at,
        jitter_permille=0,
        fence=0,
    )
    tombstone = await grants.find_grant(work, grant_id)
    assert tombstone is not None
    tokens = Tokens(raw_access=finished.answer.raw_access, raw_refresh=finished.answer.raw_refresh)
    await enqueue_revocation(work, parts, grant=tombstone, tokens=tokens, reason=reason)
