"""Take in a client as another installation, or this one at another time, wrote it down."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import Conflict
from limen.oauth.model import Client
from limen.oauth.registry.disable_client import disable_client, enable_client
from limen.oauth.registry.register_client import (
    add_client,
    check_chosen_id,
    default_scope,
    plain_client,
)
from limen.oauth.registry.update_client import Updated, write_client
from limen.oauth.resources import check_default_resource
from limen.oauth.service_accounts.change import AccountChanges, change_account
from limen.oauth.service_accounts.create import make_account
from limen.oauth.store import clients as store
from limen.protocol.client_metadata import ClientMetadata, ClientType, parse_client_metadata
from limen.tenants.policy_of import policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """What is more about a service account."""

    description: str
    expires_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRecord:
    """A client as it was written down: everything but its secrets.

    Args:
        metadata: All its RFC 7591 members; one that is left out has its default.
        account: ``None`` for a client that is no service account.
    """

    client_id: str
    type: ClientType
    metadata: Mapping[str, object]
    default_scope: tuple[str, ...] | None
    default_resource: str | None
    first_party: bool
    trusted: bool
    verified: bool
    rotates_refresh: bool | None
    active: bool
    account: AccountRecord | None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a record.

    Args:
        made: The client, with the secret that it was given if it had to have one.
    """

    made: Updated
    is_new: bool


async def import_client(work: Work, *, record: ClientRecord, envelope: Envelope) -> Imported:
    """Let a client be exactly what a record says, whether there was one with its id or not.

    Twice is fine. Secrets are not in the record: a new client gets one, a known one keeps its.

    Raises:
        InvalidInput: ``client_id_invalid``, or as at registration.
        Conflict: ``client_id_used``; ``client_differs``: there is one of another type.
    """
    check_chosen_id(record.client_id)
    before = await store.lock_client(work, record.client_id)
    metadata = parse_client_metadata(
        record.metadata,
        client_type=record.type,
        private_use=policy_of(work).registration.private_use,
    )
    changed = await _as_recorded(work, record, metadata=metadata, before=before)
    if before is None:
        made = await _create(work, record, client=changed, envelope=envelope)
    else:
        made = await _replace(work, record, before=before, changed=changed, envelope=envelope)
    if made.client.is_active != record.active:
        switch = enable_client if record.active else disable_client
        await switch(work, client_id=record.client_id)
    now = await store.find_client(work, record.client_id)
    assert now is not None
    return Imported(Updated(now, made.raw_secret), is_new=before is None)


async def _as_recorded(
    work: Work, record: ClientRecord, *, metadata: ClientMetadata, before: Client | None
) -> Client:
    base = before or plain_client(work, client_id=record.client_id, metadata=metadata)
    return dataclasses.replace(
        base,
        metadata=metadata,
        default_scope=default_scope(record.default_scope, metadata=metadata),
        default_resource=await check_default_resource(work, record.default_resource),
        first_party=record.first_party,
        trusted=record.trusted or record.first_party,
        verified=record.verified,
        rotates_refresh=record.rotates_refresh,
    )


async def _create(
    work: Work, record: ClientRecord, *, client: Client, envelope: Envelope
) -> Updated:
    made = await add_client(work, client, envelope=envelope, with_secret=record.account is None)
    if record.account is not None:
        await make_account(
            work,
            client_id=record.client_id,
            description=record.account.description,
            expires_at=record.account.expires_at,
        )
    return Updated(made.client, made.raw_secret)


async def _replace(
    work: Work, record: ClientRecord, *, before: Client, changed: Client, envelope: Envelope
) -> Updated:
    if before.type != record.type or before.is_service_account != (record.account is not None):
        raise Conflict("client_differs", "There is a client of another type with this id.")
    made = await write_client(
        work,
        before=before,
        changed=changed,
        members=tuple(sorted(record.metadata)),
        envelope=envelope,
    )
    if record.account is not None:
        changes = AccountChanges(description=record.account.description)
        if record.account.expires_at != before.expires_at:
            changes = dataclasses.replace(changes, expires_at=record.account.expires_at)
        await change_account(work, client_id=record.client_id, changes=changes, envelope=envelope)
    return made
