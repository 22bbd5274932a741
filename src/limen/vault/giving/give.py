"""Give a credential: proved first, then kept as a connection like any other."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limen.db.work import Work
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.ids import new_id
from limen.vault.credentials.held_at import HeldAt, held_at
from limen.vault.credentials.material import Material, kind_of
from limen.vault.credentials.prove import Proven
from limen.vault.events import CredentialGiven
from limen.vault.features.note import note_features
from limen.vault.giving.proving import (
    check_giver,
    check_rule,
    lasting_half,
    prove_or_refuse,
    scopes_for,
)
from limen.vault.giving.terms import terms_for, tokens_of
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.sealing import key_name, seal_tokens
from limen.vault.store import connections, grants
from limen.vault.store.credentials import count_connections_kept_by

_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A credential that somebody offers.

    Args:
        owner_id: Whose connection it will be: a user's id, or ``TENANT_OWNER``.
        features: What a token is wanted for, by name; all of the provider's first one when
            empty. A key is good for what it is good for.
    """

    provider: str
    owner_id: str
    material: Material
    features: Sequence[str] = ()


async def give(work: Work, parts: Parts, *, offered: Offered) -> str:
    """Keep a credential that its provider takes; return the connection's id.

    Each has a grant and a data key of its own: nobody else's connection stands on it.

    Args:
        work: Clean: its connection is given back while the provider is asked.
        parts: The vault's.
        offered: By the actor.

    Raises:
        NotPermitted: As ``check_giver``; ``provider_disabled``.
        NotFound: ``provider_unknown``.
        InvalidInput: ``credential_kind_unknown``, ``credential_invalid``, ``feature_unknown``,
            ``credential_refused``, ``scope_refused``.
        Conflict: ``too_many_connections``.
        ProviderUnavailable: ``credential_unproven``: nothing is kept.
    """
    await check_giver(work, owner_id=offered.owner_id)
    client = await get_upstream_client(work, parts.envelope, provider=offered.provider)
    base = parts.catalogue.get(offered.provider, client.config)
    provider = held_at(base, kind_of(offered.material))
    check_rule(provider, offered.material)
    names = tuple(offered.features) or tuple(provider.facts.features)[:1]
    if provider.way.is_whole and offered.features:
        text = "Nobody tells what it is good for: it is kept, and shared, whole."
        raise InvalidInput("feature_unknown", text, field="features")
    scopes = await scopes_for(work, provider, names)
    if await count_connections_kept_by(work, work.actor.id) >= _MOST:
        text = "You keep as many connections as anybody may: end one first."
        raise Conflict("too_many_connections", text)
    proven = await prove_or_refuse(
        work,
        parts,
        provider=provider,
        material=offered.material,
        scopes=scopes,
    )
    grant = await _keep(
        work, parts, provider=provider, offered=offered, proven=proven, asked=scopes
    )
    connection_id = await connections.put_connection(
        work,
        new_id=new_id(work.now),
        owner_id=offered.owner_id,
        grant=grant,
        label=proven.label or provider.way.rule.title,
    )
    assert connection_id is not None  # the grant is new: nobody has a connection to it
    await note_features(work, provider, connection_id=connection_id, wanted=names, grant=grant)
    await work.record(
        CredentialGiven(
            connection_id=connection_id,
            grant_id=grant.id,
            provider=offered.provider,
            kind=provider.way.kind,
            scopes=grant.granted_scopes,
        )
    )
    return connection_id


async def _keep(
    work: Work,
    parts: Parts,
    *,
    provider: HeldAt,
    offered: Offered,
    proven: Proven,
    asked: Sequence[str],
) -> Grant:
    grant_id = new_id(work.now)
    jitter = secrets.randbelow(1000)
    raw_lasting = lasting_half(offered.material)
    terms = terms_for(
        proven,
        provider=provider,
        scopes=asked,
        jitter=jitter / 1000,
        raw_lasting=raw_lasting,
        now=work.now,
    )
    await parts.envelope.create_key(work, name=key_name(grant_id))
    sealed_access, sealed_refresh = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant_id,
        generation=1,
        tokens=tokens_of(proven, raw_lasting=raw_lasting),
    )
    await grants.add_grant(
        work,
        id=grant_id,
        kind=provider.way.kind,
        provider=offered.provider,
        # None of ours was asked with: what it uses of a quota is its own.
        upstream_client_id=f"urn:limen:credential:{grant_id}",
        issuer=provider.issuer_of_identities,
        subject=proven.subject,
        live_subject=grant_id,
        state="active",
        generation=1,
        sealed_access=sealed_access,
        sealed_refresh=sealed_refresh,
        granted_scopes=list(terms.scopes),
        requested_at=terms.requested_at,
        access_expires_at=terms.expires_at,
        lifetime_seconds=terms.lifetime_seconds,
        jitter_permille=jitter,
        next_refresh_at=terms.next_refresh_at,
        consented_at=work.now,
        verified_at=work.now,
        fence=0,
    )
    kept = await grants.find_grant(work, grant_id)
    assert kept is not None
    return kept
