"""Create a service account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.oauth.events import ServiceAccountCreated
from limen.oauth.registry.register_client import NewClient, register_client
from limen.oauth.service_accounts import store
from limen.oauth.service_accounts.find import get_account
from limen.oauth.service_accounts.model import ServiceAccount
from limen.protocol.client_metadata.names import FAPI_PROFILES
from limen.tenants.policy_of import policy_of
from limen.tokens import principals


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A service account to be created.

    Args:
        scope: All that it may ask for.
        default_resource: For which its tokens are if it names none.
        expires_at: When it ends by itself; ``None`` for never.
        jwks: Its public keys; ``None`` for none yet.
        with_secret: Whether it begins with a secret.
        client_id: Chosen by an operator; made here otherwise.
    """

    name: str
    description: str = ""
    scope: tuple[str, ...] = ()
    default_resource: str | None = None
    expires_at: dt.datetime | None = None
    jwks: Mapping[str, Any] | None = None
    with_secret: bool = True
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreatedAccount:
    """A service account just created.

    Args:
        raw_secret: To be shown once; ``None`` if it began without.
    """

    account: ServiceAccount
    raw_secret: Secret[str] | None


async def create_account(work: Work, *, new: NewAccount, envelope: Envelope) -> CreatedAccount:
    """Create a service account; under FAPI 2.0 it has keys and no secret.

    Raises:
        InvalidInput: ``expires_at_invalid``, or as at registration.
        Conflict: ``client_exists``.
    """
    check_expiry(work, new.expires_at)
    by_keys = policy_of(work).profile in FAPI_PROFILES
    made = await register_client(
        work,
        new=NewClient(
            name=new.name,
            type="machine",
            scope=new.scope,
            auth_method="private_key_jwt" if by_keys else "client_secret_basic",
            default_resource=new.default_resource,
            metadata={} if new.jwks is None else {"jwks": new.jwks},
            client_id=new.client_id,
            with_secret=new.with_secret and not by_keys,
        ),
        envelope=envelope,
    )
    client_id = made.client.client_id
    await make_account(
        work, client_id=client_id, description=new.description, expires_at=new.expires_at
    )
    return CreatedAccount(await get_account(work, client_id=client_id), made.raw_secret)


async def make_account(
    work: Work, *, client_id: str, description: str, expires_at: dt.datetime | None
) -> None:
    """Make a new machine client a service account."""
    account = store.AccountRow(
        client_id=client_id,
        description=description,
        created_at=work.now,
        expires_at=expires_at,
    )
    await store.add_account(work, account)
    await principals.set_expiry(work, principal_id=client_id, at=expires_at)
    await work.record(ServiceAccountCreated(client_id=client_id))


def check_expiry(work: Work, expires_at: dt.datetime | None) -> None:
    """Refuse an end that is not ahead.

    Raises:
        InvalidInput: ``expires_at_invalid``.
    """
    if expires_at is None:
        return
    if expires_at.tzinfo is None or expires_at <= work.now:
        raise InvalidInput(
            "expires_at_invalid", "A moment ahead, with its offset from UTC.", field="expires_at"
        )
