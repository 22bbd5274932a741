"""The secrets and public keys of a service account, added and removed one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.oauth.events import ServiceAccountCredentialAdded, ServiceAccountCredentialRemoved
from limen.oauth.model import ClientSecret
from limen.oauth.registry.client_secrets import SECRET_KIND
from limen.oauth.registry.update_client import ClientChanges, forget_client, update_client
from limen.oauth.service_accounts.create import check_expiry
from limen.oauth.service_accounts.find import get_account
from limen.oauth.store import clients as store

MAX_SECRETS: Final = 10


async def add_secret(
    work: Work, *, client_id: str, expires_at: dt.datetime | None = None
) -> tuple[ClientSecret, Secret[str]]:
    """Give a service account one more secret; the others stay good.

    Returns:
        What is kept of it, and the secret, to be shown once.

    Raises:
        NotFound: ``service_account_not_found``.
        InvalidInput: ``expires_at_invalid``, or ``secret_not_allowed`` under FAPI 2.0.
        Conflict: ``too_many_secrets``.
    """
    client = (await get_account(work, client_id=client_id, lock=True)).client
    check_expiry(work, expires_at)
    if not client.takes_secrets:
        raise InvalidInput("secret_not_allowed", "This account authenticates with keys alone.")
    if sum(secret.is_valid(now=work.now) for secret in client.secrets) >= MAX_SECRETS:
        raise Conflict("too_many_secrets", "Remove a secret first; there are too many.")
    raw_secret = mint(SECRET_KIND, work.tenant_id)
    secret = ClientSecret(
        id=new_id(work.now),
        secret_hash=token_hash(raw_secret),
        created_at=work.now,
        expires_at=expires_at,
    )
    await store.add_secret(work, client_id, secret)
    await _changed(work, client_id)
    await work.record(
        ServiceAccountCredentialAdded(client_id=client_id, kind="secret", credential_id=secret.id)
    )
    return secret, raw_secret


async def remove_secret(work: Work, *, client_id: str, secret_id: str) -> None:
    """Take a secret away; it authenticates nobody from this transaction on.

    Raises:
        NotFound: ``service_account_not_found``, ``secret_not_found``.
    """
    await get_account(work, client_id=client_id, lock=True)
    if not await store.drop_secret(work, client_id, secret_id=secret_id):
        raise NotFound("secret_not_found", "The service account has no such secret.")
    await _changed(work, client_id)
    await _removed(work, client_id, kind="secret", credential_id=secret_id)


async def add_public_key(
    work: Work, *, client_id: str, jwk: Mapping[str, Any], envelope: Envelope
) -> None:
    """Give a service account one more public key to sign its assertions with.

    Args:
        work: The transaction.
        client_id: Whose.
        jwk: With a ``kid`` of its own, by which it is removed.
        envelope: As at registration.

    Raises:
        NotFound: ``service_account_not_found``.
        InvalidInput: ``kid_missing``, or ``invalid_client_metadata`` for a key that can't be
            read, is weak, or is a private one.
        Conflict: ``kid_exists``.
    """
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not kid:
        raise InvalidInput("kid_missing", "Give the key a kid of its own.", field="kid")
    keys = await _keys_of(work, client_id)
    if kid in _kids(keys):
        raise Conflict("kid_exists", "The service account has a key with this kid.")
    await _set_keys(work, client_id, [*keys, dict(jwk)], envelope=envelope)
    await work.record(
        ServiceAccountCredentialAdded(client_id=client_id, kind="key", credential_id=kid)
    )


async def remove_public_key(work: Work, *, client_id: str, kid: str, envelope: Envelope) -> None:
    """Take a public key away.

    Raises:
        NotFound: ``service_account_not_found``, ``key_not_found``.
        InvalidInput: ``invalid_client_metadata``: the last one, of an account that has nothing
            else to authenticate with.
    """
    keys = await _keys_of(work, client_id)
    left = [key for key in keys if key.get("kid") != kid]
    if len(left) == len(keys):
        raise NotFound("key_not_found", "The service account has no such key.")
    await _set_keys(work, client_id, left, envelope=envelope)
    await _removed(work, client_id, kind="key", credential_id=kid)


async def _keys_of(work: Work, client_id: str) -> list[dict[str, Any]]:
    client = (await get_account(work, client_id=client_id, lock=True)).client
    return list((client.metadata.jwks or {}).get("keys", []))


def _kids(keys: list[dict[str, Any]]) -> set[str]:
    return {str(key.get("kid", "")) for key in keys}


async def _set_keys(
    work: Work, client_id: str, keys: list[dict[str, Any]], *, envelope: Envelope
) -> None:
    members = {"jwks": {"keys": keys} if keys else None}
    await update_client(
        work, client_id=client_id, changes=ClientChanges(metadata=members), envelope=envelope
    )


async def _changed(work: Work, client_id: str) -> None:
    await store.touch_client(work, client_id)
    forget_client(work, client_id)


async def _removed(work: Work, client_id: str, *, kind: str, credential_id: str) -> None:
    await work.record(
        ServiceAccountCredentialRemoved(client_id=client_id, kind=kind, credential_id=credential_id)
    )
