"""The Ed25519 key that signs a tenant's seals, apart from those that sign tokens.

Its private half is sealed like every other. Its public half lies in the database for as long as
the seals do; a MAC of this installation's says that it is ours, so that nobody with the database
alone can sign the whole chain anew under a key of their own.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.audit.seals import key_store as store
from limen.audit.seals.events import AuditKeyRotated
from limen.audit.seals.head import derive_key, mac_of_public_key
from limen.audit.seals.key_store import StoredKey
from limen.crypto.envelope import TENANT_KEY, Envelope, Place, SealBroken
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.protocol.jwk import (
    InvalidKey,
    KeySet,
    PublicKey,
    SigningKey,
    generate_key,
    import_private,
    import_public,
    thumbprint,
)

PERIOD: Final = dt.timedelta(days=365)
"""How long a key signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A key as an operator sees it.

    Args:
        kid: The RFC 7638 thumbprint of its public half.
        since: When it was made.
        signs: Whether it still does.
        is_ours: Whether this installation made it.
    """

    kid: str
    since: dt.datetime
    signs: bool
    is_ours: bool

    def shown(self) -> dict[str, str | bool]:
        """Return it for a program."""
        since = self.since.isoformat(timespec="seconds")
        return {"kid": self.kid, "since": since, "signs": self.signs, "ours": self.is_ours}


class ForeignKey(Exception):  # noqa: N818 -- it says what is found, as SealBroken does
    """The key in the table was not made by this installation, or was altered."""

    def __init__(self, kid: str) -> None:
        super().__init__(kid)
        self.kid = kid


async def have_at_hand(work: Work, envelope: Envelope) -> None:
    """Unwrap what opens the key, before a transaction is open: a service may have to do it."""
    await derive_key(work, envelope)
    await envelope.have_at_hand(work, (TENANT_KEY,))


async def signing_key(work: Work, envelope: Envelope) -> SigningKey:
    """Return the key that signs now; made when there is none, or when it has signed for a year.

    Args:
        work: Whoever holds the chain's lease.
        envelope: Opens its private half.

    Raises:
        ForeignKey: If the one in the table is not ours.
    """
    found = await store.find_active(work)
    if found is not None and found.created_at + PERIOD <= work.now:
        await rotate_key(work, envelope, away_from=found.kid)
        found = await store.find_active(work)
    return await (make_key(work, envelope) if found is None else _opened(work, envelope, found))


async def rotate_key(work: Work, envelope: Envelope, *, away_from: str) -> bool:
    """Let a new key sign; of any number of callers that leave one key, one does.

    Returns:
        Whether this call made the new one.
    """
    if not await store.take_active(work, away_from):
        return False
    made = await make_key(work, envelope)
    await work.record(AuditKeyRotated(kid=made.kid, retired_kid=away_from))
    return True


async def rotate_present_key(work: Work, envelope: Envelope) -> str:
    """Let a new key sign, whichever does now; return its id."""
    found = await store.find_active(work)
    if found is None:
        return (await make_key(work, envelope)).kid
    await rotate_key(work, envelope, away_from=found.kid)
    present = await store.find_active(work)
    return "" if present is None else present.kid


async def list_keys(work: Work, envelope: Envelope) -> list[ListedKey]:
    """Return every key that signs or signed, oldest first."""
    _, foreign = await public_keys(work, envelope)
    return [
        ListedKey(
            kid=stored.kid,
            since=stored.created_at,
            signs=stored.sealed_private is not None,
            is_ours=stored.kid not in foreign,
        )
        for stored in await store.list_keys(work)
    ]


async def make_key(work: Work, envelope: Envelope, *, instead_of: str = "") -> SigningKey:
    """Make, seal and keep a key; the one it stands in for is retired as it is."""
    made = generate_key("EdDSA")
    if instead_of:
        await store.take_active(work, instead_of)
    sealed = await envelope.seal(work, _private(made.kid), made.export().reveal())
    mac_key = await derive_key(work, envelope)
    mac = mac_of_public_key(mac_key, tenant_id=work.tenant_id, kid=made.kid)
    key = StoredKey(made.kid, made.public.jwk(), mac, sealed, work.now)
    await store.add_key(work, key)
    return made


async def public_keys(work: Work, envelope: Envelope) -> tuple[KeySet, tuple[str, ...]]:
    """Return the keys that verify this tenant's seals, and the ids of those that are not ours."""
    mac_key = await derive_key(work, envelope)
    ours: list[PublicKey] = []
    foreign: list[str] = []
    for stored in await store.list_keys(work):
        try:
            _check(work, mac_key, stored)
            ours.append(import_public(stored.public_jwk))
        except ForeignKey:
            foreign.append(stored.kid)
    return KeySet(ours), tuple(foreign)


def import_by_thumbprint(jwk: Mapping[str, Any]) -> PublicKey:
    """Import a public key whose id is its thumbprint, as the id of each of ours is.

    Raises:
        InvalidKey: If it is not, or can't serve.
    """
    key = import_public(jwk)
    if key.kid != thumbprint(jwk):
        raise InvalidKey(public="The key's id is not its thumbprint.")
    return key


async def _opened(work: Work, envelope: Envelope, stored: StoredKey) -> SigningKey:
    _check(work, await derive_key(work, envelope), stored)
    try:
        der = await envelope.open(work, _private(stored.kid), stored.sealed_private or b"")
    except SealBroken as error:
        raise ForeignKey(stored.kid) from error
    return import_private(der, "EdDSA")


def _check(work: Work, mac_key: Secret[bytes], stored: StoredKey) -> None:
    mac = mac_of_public_key(mac_key, tenant_id=work.tenant_id, kid=stored.kid)
    try:
        own_name = import_by_thumbprint(stored.public_jwk).kid == stored.kid
    except (InvalidKey, AttributeError, TypeError) as error:
        raise ForeignKey(stored.kid) from error
    if not own_name or not hmac.compare_digest(mac, stored.mac):
        raise ForeignKey(stored.kid)


def _private(kid: str) -> Place:
    return Place("audit_key", kid, "private")
