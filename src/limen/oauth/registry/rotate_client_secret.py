"""Give a client a new secret, the old one living on for a while."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.oauth.events import ClientSecretRotated
from limen.oauth.registry.client_secrets import make_secret
from limen.oauth.registry.update_client import client_not_found, forget_client
from limen.oauth.store import clients as store

OVERLAP: Final = dt.timedelta(hours=24)
LONGEST_OVERLAP: Final = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A client's new secret.

    Args:
        raw_secret: To be shown once.
        old_valid_until: Until when the one before still authenticates.
    """

    raw_secret: Secret[str]
    old_valid_until: dt.datetime


async def rotate_client_secret(
    work: Work,
    *,
    client_id: str,
    old_valid_for: dt.timedelta = OVERLAP,
    envelope: Envelope | None = None,
) -> Rotated:
    """Add a secret and let the current one expire; one that was expiring already ends now.

    Args:
        work: The transaction.
        client_id: Whose.
        old_valid_for: 30 days at most.
        envelope: As at registration.

    Raises:
        NotFound: ``client_not_found``.
        InvalidInput: ``client_has_no_secret``, ``service_account``, or ``overlap_invalid``.
    """
    if not dt.timedelta() <= old_valid_for <= LONGEST_OVERLAP:
        raise InvalidInput(
            "overlap_invalid", "The old secret may live on for 30 days at most.", field="overlap"
        )
    client = await store.lock_client(work, client_id)
    if client is None:
        raise client_not_found()
    if client.is_service_account:
        raise InvalidInput(
            "service_account", "A service account's secrets are added and removed one by one."
        )
    made = await make_secret(work, envelope, client.metadata)
    if made is None:
        raise InvalidInput("client_has_no_secret", "This client has no secret.")
    raw_secret, secret = made
    ends = work.now + old_valid_for
    await store.drop_expiring_secrets(work, client_id)
    await store.expire_secrets(work, client_id, at=ends)
    await store.add_secret(work, client_id, secret)
    await store.touch_client(work, client_id)
    forget_client(work, client_id)
    await work.record(ClientSecretRotated(client_id=client_id, secret_id=secret.id))
    return Rotated(raw_secret, ends)
