"""Change a client's registration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limen.crypto.envelope import Envelope
from limen.db.cache import forget
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.secret import Secret
from limen.oauth.events import ClientUpdated
from limen.oauth.model import Client
from limen.oauth.registry.client_secrets import make_secret
from limen.oauth.registry.logo import follow_logo
from limen.oauth.registry.register_client import (
    check_profile_of_tenant,
    default_scope,
    members_of,
)
from limen.oauth.resources import check_default_resource
from limen.oauth.store import clients as store
from limen.protocol.client_metadata import (
    ClientMetadata,
    derived_origins,
    left_by,
    parse_client_metadata,
)
from limen.tenants.policy_of import policy_of
from limen.tokens.api_keys.limit import limit_keys

_MEMBERS: Final = frozenset(each.name for each in dataclasses.fields(ClientMetadata))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChanges:
    """What is to change of a client; its type never does.

    Args:
        metadata: RFC 7591 members to replace; ``None`` gives one back to its default. A
            ``profile`` that was not its own switches on what it requires, as at registration;
            what is named beside it, and what can't be switched on, has to fit.
        default_scope: ``None`` leaves it, within what the client may still ask for.
        flags: Any of ``first_party trusted verified rotates_refresh default_resource``.
    """

    metadata: Mapping[str, object] = field(default_factory=dict)
    default_scope: tuple[str, ...] | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Updated:
    """A client as it is now.

    Args:
        raw_secret: To be shown once, where the change gave it a secret it had not.
    """

    client: Client
    raw_secret: Secret[str] | None


async def update_client(
    work: Work, *, client_id: str, changes: ClientChanges, envelope: Envelope | None = None
) -> Updated:
    """Change a client; what results is validated as a whole (N191).

    Args:
        work: The transaction.
        client_id: Which.
        changes: What.
        envelope: As at registration, for a change to ``client_secret_jwt``.

    Raises:
        NotFound: ``client_not_found``.
        InvalidInput: As at registration.
    """
    client = await store.lock_client(work, client_id)
    if client is None:
        raise client_not_found()
    metadata = parse_client_metadata(
        _members(client.metadata, changes.metadata),
        client_type=client.type,
        private_use=policy_of(work).registration.private_use,
    )
    if metadata.profile != client.metadata.profile:  # one from before the policy may stay
        check_profile_of_tenant(work, metadata)
    kept = tuple(scope for scope in client.default_scope if scope in metadata.scope)
    wanted = kept if changes.default_scope is None else changes.default_scope
    changed = dataclasses.replace(
        client,
        metadata=metadata,
        default_scope=default_scope(wanted, metadata=metadata),
        **changes.flags,
    )
    canonical = await check_default_resource(work, changed.default_resource)
    changed = dataclasses.replace(changed, default_resource=canonical)
    return await write_client(
        work,
        before=client,
        changed=changed,
        members=tuple(sorted((changes.metadata.keys() & _MEMBERS) | changes.flags.keys())),
        envelope=envelope,
    )


async def write_client(
    work: Work,
    *,
    before: Client,
    changed: Client,
    members: tuple[str, ...],
    envelope: Envelope | None,
) -> Updated:
    """Store a validated change, and a new secret where the form of the old one does not fit.

    Its API keys lose the scopes that it lost.
    """
    await store.change_client(work, changed)
    changed = await follow_logo(work, before=before, after=changed)
    raw_secret, secrets = None, before.secrets
    if _secret_form(before) != _secret_form(changed):
        await store.drop_secrets(work, changed.client_id)
        made = await make_secret(work, envelope, changed.metadata)
        raw_secret, secrets = (None, ()) if made is None else (made[0], (made[1],))
        for secret in secrets:
            await store.add_secret(work, changed.client_id, secret)
    if set(before.metadata.scope) - set(changed.metadata.scope):
        await limit_keys(work, scope=changed.metadata.scope, principal_id=changed.client_id)
    forget_client(work, changed.client_id)
    await work.record(ClientUpdated(client_id=changed.client_id, members=members))
    now = dataclasses.replace(changed, version=before.version + 1, secrets=secrets)
    return Updated(now, raw_secret)


def forget_client(work: Work, client_id: str) -> None:
    """Make this process forget what it cached of a client, once the change is durable."""
    forget(work, kind="client", name=client_id)


def client_not_found() -> NotFound:
    """Return the refusal for a client that is not there."""
    return NotFound("client_not_found", "There is no such client.")


def _secret_form(client: Client) -> tuple[bool, bool]:
    return client.metadata.has_secret, client.metadata.seals_secret


def _members(metadata: ClientMetadata, changes: Mapping[str, object]) -> dict[str, object]:
    members = members_of(metadata)
    if metadata.allowed_origins == derived_origins(metadata.redirect_uris):
        del members["allowed_origins"]  # they were derived, and follow the redirect URIs
    if changes.get("profile", metadata.profile) != metadata.profile:
        members = left_by(changes["profile"], members)
    return {**members, **changes}
