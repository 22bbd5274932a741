"""Ask a provider whether it still takes a credential, whenever somebody wants to know."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import ProviderUnavailable
from limen.vault.credentials.held_at import HeldAt, holder_of
from limen.vault.credentials.material import Material, from_text
from limen.vault.credentials.prove import NotTaken, Outcome, Proven, prove, prove_again
from limen.vault.events import CredentialVerified, GrantReinstated, ReauthRequired
from limen.vault.giving.rotate import changed, find_credential, write_over
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.sealing import open_access, open_refresh
from limen.vault.store import journal
from limen.vault.store.credentials import note_taken


async def verify(work: Work, parts: Parts, *, connection_id: str, owner_id: str) -> bool:
    """Ask, and keep what the provider says: ``active``, or ``reauth_required``; say which.

    One that is refused stays sealed: it may be asked about again, or replaced.

    Args:
        work: Clean: its connection is given back while the provider is asked.
        parts: The vault's.
        connection_id: Which.
        owner_id: Whose.

    Raises:
        NotFound: ``connection_not_found``.
        InvalidInput: ``credential_kind_mismatch``: it stands on consent.
        NotPermitted: ``provider_disabled``, ``credential_unbound``.
        ProviderUnavailable: ``credential_unproven``: it did not say; nothing is changed.
        Conflict: ``credential_changed``: another took its place meanwhile.
    """
    connection = await find_credential(work, connection_id=connection_id, owner_id=owner_id)
    grant = connection.grant
    provider = await holder_of(work, parts, grant)
    outcome, material = await _ask(work, parts, grant, provider=provider)
    taken = isinstance(outcome, Proven)
    if isinstance(outcome, Proven):
        await _keep_taken(work, parts, grant, provider=provider, material=material, proven=outcome)
    elif isinstance(outcome, NotTaken):
        await _keep_refused(work, grant)
    else:
        raise ProviderUnavailable(
            "credential_unproven",
            "The provider could not be asked whether it takes this: nothing was changed.",
            detail=f"{grant.provider}: {outcome.reason}",
        )
    await work.record(
        CredentialVerified(
            connection_id=connection.id,
            grant_id=grant.id,
            provider=grant.provider,
            kind=grant.kind,
            taken=taken,
        )
    )
    return taken


async def _ask(
    work: Work, parts: Parts, grant: Grant, *, provider: HeldAt
) -> tuple[Outcome, Material | None]:
    """Ask; also return what tokens are fetched with, where they are."""
    raw_access = await open_access(work, parts.envelope, grant)
    raw_lasting = await open_refresh(work, parts.envelope, grant)
    assert raw_access is not None
    await work.let_go()
    if raw_lasting is None:
        return await prove_again(parts.net, provider, raw_access), None
    material = from_text(raw_lasting)
    scopes = grant.granted_scopes
    return await prove(parts.net, provider, material, scopes=scopes, now=work.now), material


async def _keep_taken(
    work: Work,
    parts: Parts,
    grant: Grant,
    *,
    provider: HeldAt,
    material: Material | None,
    proven: Proven,
) -> None:
    if material is None:
        kept = await note_taken(work, grant)
    else:
        kept = await write_over(
            work, parts, grant, provider=provider, material=material, proven=proven
        )
    if not kept:
        raise changed()
    if grant.state == "reauth_required":
        await work.record(GrantReinstated(grant_id=grant.id, provider=grant.provider))


async def _keep_refused(work: Work, grant: Grant) -> None:
    if grant.state == "reauth_required":
        return  # known already
    reason = "refused_by_provider"
    if not await journal.change_state(work, grant, state="reauth_required", reason=reason):
        raise changed()
    await work.record(ReauthRequired(grant_id=grant.id, provider=grant.provider, reason=reason))
