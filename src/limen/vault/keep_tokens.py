"""Write what a provider gave to the one live grant of its account, made if there is none."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from limen.db.work import Work
from limen.federation.provider import ExternalIdentity, Provider, TokenAnswer
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel.ids import new_id
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.refresh.terms import Before, merge_tokens, terms_of
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
    """

    client: UpstreamClient
    provider: Provider
    identity: ExternalIdentity
    answer: TokenAnswer
    requested_at: dt.datetime
    asked: Sequence[str]
    consented_at: dt.datetime
    grant_id: str = ""


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
    return kept


async def _add(work: Work, parts: Parts, given: Given, *, before: Before, grant_id: str) -> None:
    sealed_access, sealed_refresh = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant_id,
        generation=1,
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
        generation=1,
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
