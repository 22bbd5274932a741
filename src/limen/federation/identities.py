"""Which local account an external identity is: by issuer and subject, and nothing else.

An e-mail address is mutable, may be unverified and may be somebody else's: it never finds an
account here (DESIGN decision 5; N129, N130, N132).
"""

from __future__ import annotations

from limen.accounts.events import AccountClosed, AccountReclaimed
from limen.accounts.profile.pictures import drop_picture
from limen.accounts.profile.sources import withdraw
from limen.db.work import Work
from limen.federation import store
from limen.federation.events import IdentityLinked, IdentityUnlinked
from limen.federation.profile import identity_store
from limen.federation.profile import store as profiles
from limen.federation.profile.identity_id import Identity, identity_id
from limen.federation.profile.roles import unmap_roles
from limen.federation.provider import ExternalIdentity


async def find_user_of(work: Work, *, identity: ExternalIdentity) -> str | None:
    """Return the id of the user an identity signs in, and note that it was used."""
    user_id = await store.find_identity(work, issuer=identity.issuer, subject=identity.subject)
    if user_id is not None:
        await store.touch_identity(work, issuer=identity.issuer, subject=identity.subject)
    return user_id


async def whose_identity(work: Work, *, issuer: str, subject: str) -> str | None:
    """Return the id of the user an identity signs in, where nobody signs in by it now."""
    return await store.find_identity(work, issuer=issuer, subject=subject)


async def link_identity(
    work: Work, *, identity: ExternalIdentity, user_id: str, provider: str
) -> bool:
    """Let an identity sign a user in; ``False`` if it already signs somebody in."""
    linked = await store.link_identity(
        work,
        issuer=identity.issuer,
        subject=identity.subject,
        user_id=user_id,
        provider=provider,
    )
    if linked:
        await work.record(IdentityLinked(user_id=user_id, provider=provider))
    return linked


async def list_identities(work: Work, *, user_id: str) -> list[Identity]:
    """Return a person's identities, the oldest link first."""
    return await identity_store.list_identities(work, user_id)


async def unlink_identity(work: Work, *, identity: Identity, reason: str = "unlinked") -> None:
    """Let an identity sign its user in no more; what its provider said of them goes with it.

    The profile keeps its words, as the person's own; pictures and roles of the identity end.
    """
    record = await profiles.find_record(work, issuer=identity.issuer, subject=identity.subject)
    if record is not None:
        await unmap_roles(work, record)
    if not await identity_store.unlink(work, identity):
        return
    source = identity_id(identity.issuer, identity.subject)
    await drop_picture(work, user_id=identity.user_id, source=source)
    await withdraw(work, user_id=identity.user_id, source=source)
    await work.record(
        IdentityUnlinked(user_id=identity.user_id, provider=identity.provider, reason=reason)
    )


async def forget_identities(work: Work, event: AccountClosed | AccountReclaimed) -> None:
    """Unlink everything: the account is closed, or its mailbox's owner took it over (N130)."""
    for record in await profiles.list_records(work, event.user_id):
        await unmap_roles(work, record)
    await store.forget_identities(work, event.user_id)
