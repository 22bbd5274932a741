"""Replace a credential by another, once its provider takes that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from limen.db.work import Work
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.vault.credentials.held_at import HeldAt, held_at
from limen.vault.credentials.material import Material, kind_of
from limen.vault.credentials.prove import Proven
from limen.vault.events import AccountMismatched, CredentialRotated
from limen.vault.features.note import note_features
from limen.vault.giving.proving import (
    check_giver,
    check_rule,
    lasting_half,
    prove_or_refuse,
    scopes_for,
)
from limen.vault.giving.terms import terms_for, tokens_of
from limen.vault.model import Connection, Grant
from limen.vault.parts import Parts
from limen.vault.sealing import seal_tokens
from limen.vault.store import connections, grants, journal
from limen.vault.store.credentials import replace_credential


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Another credential for a connection.

    Args:
        owner_id: Whose connection it must be.
        seen_generation: The one its owner wants replaced; ``None`` for whichever there is.
        features: What tokens are wanted for from now on; what they were for when empty.
    """

    connection_id: str
    owner_id: str
    material: Material
    seen_generation: int | None = None
    features: Sequence[str] = ()


async def rotate(work: Work, parts: Parts, *, wish: Replacement) -> None:
    """Put a credential in the place of the one there is; that stays until this one is proved.

    Of two at once one is kept. Its owner gives it for where the provider is asked now.

    Args:
        work: Clean, as for ``give``.
        parts: The vault's.
        wish: The actor's.

    Raises:
        NotPermitted: As ``check_giver``; ``provider_disabled``.
        NotFound: ``connection_not_found``.
        InvalidInput: As ``give``; ``credential_kind_mismatch``, ``feature_unknown``.
        Conflict: ``account_mismatch``: it is another account's; ``credential_changed``: another
            took its place meanwhile.
        ProviderUnavailable: ``credential_unproven``: the old one stays.
    """
    await check_giver(work, owner_id=wish.owner_id)
    connection = await find_credential(
        work, connection_id=wish.connection_id, owner_id=wish.owner_id
    )
    grant = connection.grant
    if kind_of(wish.material) != grant.kind:
        text = f"This connection stands on a credential of the kind {grant.kind}."
        raise InvalidInput("credential_kind_mismatch", text, field="kind")
    if wish.seen_generation not in {None, grant.generation}:
        raise changed()
    client = await get_upstream_client(work, parts.envelope, provider=grant.provider)
    provider = held_at(parts.catalogue.get(grant.provider, client.config), grant.kind)
    check_rule(provider, wish.material)
    scopes = grant.granted_scopes
    if wish.features:
        scopes = await scopes_for(work, provider, wish.features)
    proven = await prove_or_refuse(
        work,
        parts,
        provider=provider,
        material=wish.material,
        scopes=scopes,
        connection_id=connection.id,
    )
    _check_account(work, connection, proven)
    seen = replace(grant, granted_scopes=scopes)
    if not await write_over(
        work, parts, seen, provider=provider, material=wish.material, proven=proven
    ):
        raise changed()
    await _note(work, provider, connection, wanted=wish.features)
    await work.record(
        CredentialRotated(
            connection_id=connection.id,
            grant_id=grant.id,
            provider=grant.provider,
            kind=grant.kind,
            generation=grant.generation + 1,
        )
    )


async def _note(
    work: Work, provider: HeldAt, connection: Connection, *, wanted: Sequence[str]
) -> None:
    now = await grants.find_grant(work, connection.grant.id)
    assert now is not None
    await note_features(work, provider, connection_id=connection.id, wanted=wanted, grant=now)


async def find_credential(work: Work, *, connection_id: str, owner_id: str) -> Connection:
    """Return an owner's connection that stands on a credential.

    Raises:
        NotFound: ``connection_not_found``: none such, another's, or ended (N243).
        InvalidInput: ``credential_kind_mismatch``: it stands on consent.
    """
    found = await connections.show_connection(work, connection_id=connection_id, owner_id=owner_id)
    if found is None:
        raise NotFound("connection_not_found", "There is no such connection.")
    if found.grant.kind == "consent":
        text = "This connection stands on its person's consent: it is connected again instead."
        raise InvalidInput("credential_kind_mismatch", text, field="kind")
    return found


async def write_over(
    work: Work,
    parts: Parts,
    grant: Grant,
    *,
    provider: HeldAt,
    material: Material,
    proven: Proven,
) -> bool:
    """Seal a proved credential and write it over the one its caller saw, in one statement.

    Not if its connection was ended while the provider was asked: its key is gone with it.
    """
    if await journal.held_grant(work, grant_id=grant.id, fence=grant.fence) is None:
        return False
    raw_lasting = lasting_half(material)
    terms = terms_for(
        proven,
        provider=provider,
        scopes=grant.granted_scopes,
        jitter=grant.jitter,
        raw_lasting=raw_lasting,
        now=work.now,
    )
    sealed = await seal_tokens(
        work,
        parts.envelope,
        grant_id=grant.id,
        generation=grant.generation + 1,
        tokens=tokens_of(proven, raw_lasting=raw_lasting),
    )
    return await replace_credential(
        work,
        grant,
        issuer=provider.issuer_of_identities,
        subject=proven.subject or grant.subject,
        sealed=sealed,
        terms=terms,
    )


def changed() -> Conflict:
    """Refuse to write over what its caller has not seen."""
    return Conflict(
        "credential_changed", "Another credential took its place meanwhile: look, and try again."
    )


def _check_account(work: Work, connection: Connection, proven: Proven) -> None:
    """Refuse another account's, before anything is written over the right one's (F35)."""
    known = connection.grant.subject
    if not (known and proven.subject) or known == proven.subject:
        return
    event = AccountMismatched(connection_id=connection.id, provider=connection.provider)

    async def keep(later: Work) -> None:
        await later.record(event)

    work.even_if_refused(keep)
    raise Conflict(
        "account_mismatch",
        "That is another account than the one this connection belongs to.",
    )
