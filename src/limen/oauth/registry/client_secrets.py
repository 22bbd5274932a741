"""Clients' secrets: hashed, or sealed where we must read them back."""

from __future__ import annotations

from typing import Final

from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.oauth.model import ClientSecret
from limen.protocol.client_metadata import ClientMetadata

SECRET_KIND: Final = "lmcs"  # noqa: S105 -- a prefix


async def make_secret(
    work: Work, envelope: Envelope | None, metadata: ClientMetadata
) -> tuple[Secret[str], ClientSecret] | None:
    """Make a secret of 256 random bits, and what is stored of it; ``None`` for who has none.

    Args:
        work: The transaction of the registration.
        envelope: Seals the secret of a ``client_secret_jwt`` client: its signatures can only be
            verified with the secret itself. All others' are hashed.
        metadata: Says how the client authenticates.

    Raises:
        InvalidInput: ``invalid_client_metadata``: it has to be sealed, and nothing here seals.
    """
    if not metadata.has_secret:
        return None
    raw_secret = mint(SECRET_KIND, work.tenant_id)
    secret_id = new_id(work.now)
    sealed = None
    if metadata.seals_secret:
        if envelope is None:
            raise InvalidInput(
                "invalid_client_metadata",
                "token_endpoint_auth_method: client_secret_jwt is not offered here.",
                field="token_endpoint_auth_method",
            )
        sealed = await envelope.seal(work, _place(secret_id), raw_secret.reveal().encode())
    kept = ClientSecret(
        id=secret_id,
        secret_hash=token_hash(raw_secret) if sealed is None else None,
        sealed_secret=sealed,
        created_at=work.now,
        expires_at=None,
    )
    return raw_secret, kept


async def open_secret(work: Work, envelope: Envelope, secret: ClientSecret) -> Secret[str]:
    """Read back what a ``client_secret_jwt`` client signs with.

    Raises:
        SealBroken: If it was changed or moved here from another place.
        LookupError: If it is one that was hashed.
    """
    if secret.sealed_secret is None:
        raise LookupError("this secret was hashed")
    opened = await envelope.open(work, _place(secret.id), secret.sealed_secret)
    return Secret(opened.reveal().decode())


def _place(secret_id: str) -> Place:
    return Place(record="client_secret", id=secret_id, field="secret")
