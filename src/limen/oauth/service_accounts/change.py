"""Change a service account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.oauth.events import ServiceAccountChanged
from limen.oauth.registry.update_client import ClientChanges, forget_client, update_client
from limen.oauth.service_accounts import store
from limen.oauth.service_accounts.create import check_expiry
from limen.oauth.service_accounts.find import get_account
from limen.oauth.service_accounts.model import ServiceAccount
from limen.oauth.store import clients as client_store
from limen.tokens import principals


class _AsItIs:
    """Stands for an end that does not change, where ``None`` means never."""


AS_IT_IS: Final = _AsItIs()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanges:
    """What is to change of a service account; ``None`` leaves a member as it is.

    Args:
        expires_at: ``None`` for never.
    """

    name: str | None = None
    description: str | None = None
    scope: tuple[str, ...] | None = None
    expires_at: dt.datetime | _AsItIs | None = AS_IT_IS


async def change_account(
    work: Work, *, client_id: str, changes: AccountChanges, envelope: Envelope
) -> ServiceAccount:
    """Change a service account; an earlier end holds for its tokens and keys at once.

    Raises:
        NotFound: ``service_account_not_found``.
        InvalidInput: ``expires_at_invalid``, or as at registration.
    """
    before = await get_account(work, client_id=client_id, lock=True)
    members: dict[str, object] = {}
    if changes.name is not None:
        members["client_name"] = changes.name
    if changes.scope is not None:
        members["scope"] = " ".join(changes.scope)
    if members:
        await update_client(
            work,
            client_id=client_id,
            changes=ClientChanges(metadata=members, default_scope=changes.scope),
            envelope=envelope,
        )
    expires_at = before.client.expires_at
    if not isinstance(changes.expires_at, _AsItIs):
        expires_at = changes.expires_at
        check_expiry(work, expires_at)
        await principals.set_expiry(work, principal_id=client_id, at=expires_at)
    description = before.description if changes.description is None else changes.description
    await store.change_account(work, client_id, description=description, expires_at=expires_at)
    await client_store.touch_client(work, client_id)
    forget_client(work, client_id)
    await work.record(ServiceAccountChanged(client_id=client_id))
    return await get_account(work, client_id=client_id)
