"""Keep a sign-in's refresh token, sealed, where the tenant asked for it; else none."""

from __future__ import annotations

from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.federation.profile import store
from limen.federation.profile.identity_id import identity_id
from limen.federation.profile.store import Record
from limen.kernel.secret import Secret
from limen.tenants import policy_of


async def keep_access(
    work: Work, envelope: Envelope, *, record: Record, raw_refresh: Secret[str] | None
) -> None:
    """Keep a refresh token; one held before goes when the tenant wants none any more.

    A provider that gives none this time has not taken back the one it gave before.
    """
    wanted = policy_of(work).sign_in.rules(record.provider).keep_access
    if wanted and raw_refresh is not None:
        await put_access(work, envelope, record=record, raw_refresh=raw_refresh)
    elif not wanted and record.sealed_access is not None:
        await store.set_access(
            work,
            issuer=record.issuer,
            subject=record.subject,
            sealed=None,
            generation=record.access_generation + 1,
        )


async def put_access(
    work: Work, envelope: Envelope, *, record: Record, raw_refresh: Secret[str]
) -> None:
    """Seal a refresh token in place of the one before."""
    generation = record.access_generation + 1
    await store.set_access(
        work,
        issuer=record.issuer,
        subject=record.subject,
        sealed=await envelope.seal(work, _place(record, generation), raw_refresh.reveal().encode()),
        generation=generation,
    )


async def take_access(work: Work, envelope: Envelope, record: Record) -> Secret[str] | None:
    """Return the refresh token of a record and forget it: of any number of callers one has it."""
    if record.sealed_access is None or not await store.take_access(work, record):
        return None
    raw = await envelope.open(work, _place(record, record.access_generation), record.sealed_access)
    return Secret(raw.reveal().decode())


async def forget_access(work: Work, *, user_id: str) -> int:
    """Forget all that is kept of a person's sign-ins; return how much that was.

    The provider is not told: at some of them ending one token ends the connections that the
    person made on purpose with the same account.
    """
    return await store.forget_access(work, user_id)


def _place(record: Record, generation: int) -> Place:
    name = identity_id(record.issuer, record.subject)
    return Place("provider_profile", name, "access", generation=generation)
