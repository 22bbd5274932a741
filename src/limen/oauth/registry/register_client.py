"""Register a client."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limen.access.permissions import FULL_SCOPE
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.oauth.events import ClientRegistered
from limen.oauth.model import Client
from limen.oauth.registry.client_secrets import make_secret
from limen.oauth.registry.logo import follow_logo
from limen.oauth.resources import check_default_resource
from limen.oauth.store import clients as store
from limen.protocol.client_metadata import (
    ClientMetadata,
    ClientType,
    keeps_to,
    parse_client_metadata,
)
from limen.protocol.scopes import IDENTITY_SCOPES, NEVER_BY_DEFAULT
from limen.tenants.policy import TenantPolicy
from limen.tenants.policy_of import policy_of
from limen.tokens import principals
from limen.tokens.api_keys.model import PEOPLES_KEYS

FIRST_PARTY_CLIENT_ID: Final = "limen-first-party"
_RESERVED_IDS: Final = frozenset({FIRST_PARTY_CLIENT_ID, PEOPLES_KEYS})
_CHOSEN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,99}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client to be registered.

    Args:
        scope: All it may ask for; ``None`` for the tenant's default scopes.
        default_scope: What it gets when it names none; ``None`` for all of ``scope`` but
            ``openid`` and ``offline_access``.
        auth_method: ``None`` for what its type says.
        grant_types: ``None`` for what its type says.
        require_pkce: ``None`` for what the tenant says.
        allowed_origins: ``None`` for those of its https redirect URIs.
        metadata: Further RFC 7591 members: ``client_uri``, ``logo_uri``, ``contacts`` …
        client_id: Chosen by an operator; made here otherwise.
        with_secret: Whether it begins with a secret, if it authenticates with one.
    """

    name: str
    type: ClientType
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    scope: tuple[str, ...] | None = None
    default_scope: tuple[str, ...] | None = None
    auth_method: str | None = None
    grant_types: tuple[str, ...] | None = None
    require_pkce: bool | None = None
    allowed_origins: tuple[str, ...] | None = None
    first_party: bool = False
    trusted: bool = False
    verified: bool = True
    rotates_refresh: bool | None = None
    default_resource: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    client_id: str | None = None
    with_secret: bool = True


@dataclass(frozen=True, slots=True)
class Registered:
    """A client just registered.

    Args:
        raw_secret: To be shown once; ``None`` for a client without one.
    """

    client: Client
    raw_secret: Secret[str] | None


async def register_client(
    work: Work, *, new: NewClient, envelope: Envelope | None = None
) -> Registered:
    """Register a client, with a secret if it authenticates with one.

    Args:
        work: The transaction.
        new: What to register.
        envelope: Seals the secret of a ``client_secret_jwt`` client; without one there are none.

    Raises:
        InvalidInput: ``invalid_redirect_uri``, ``invalid_client_metadata`` or
            ``resource_invalid``: the first problem.
        Conflict: ``client_exists``, ``client_id_used``.
    """
    metadata = parse_client_metadata(
        _members(new, work),
        client_type=new.type,
        private_use=policy_of(work).registration.private_use,
    )
    check_profile_of_tenant(work, metadata)
    client = dataclasses.replace(
        plain_client(work, client_id=_client_id(new, work), metadata=metadata),
        default_scope=default_scope(new.default_scope, metadata=metadata),
        first_party=new.first_party,
        trusted=new.trusted or new.first_party,
        verified=new.verified,
        rotates_refresh=new.rotates_refresh,
        default_resource=await check_default_resource(work, new.default_resource),
    )
    return await add_client(work, client, envelope=envelope, with_secret=new.with_secret)


def plain_client(work: Work, *, client_id: str, metadata: ClientMetadata) -> Client:
    """Return a client as nobody vouches for it: what it says of itself, and no privilege."""
    return Client(
        client_id=client_id,
        metadata=metadata,
        default_scope=default_scope(None, metadata=metadata),
        first_party=False,
        trusted=False,
        verified=False,
        rotates_refresh=None,
        default_resource=None,
        version=1,
        created_at=work.now,
        disabled_at=None,
        secrets=(),
    )


async def add_client(
    work: Work, client: Client, *, envelope: Envelope | None, with_secret: bool = True
) -> Registered:
    """Store a new client, with a secret if it authenticates with one.

    Raises:
        Conflict: ``client_exists``, or ``client_id_used`` by one that was deleted.
    """
    made = await make_secret(work, envelope, client.metadata) if with_secret else None
    if made is not None:
        client = dataclasses.replace(client, secrets=(made[1],))
    if not await _add(work, client):
        raise Conflict("client_exists", "There is a client with this id.")
    return Registered(client, None if made is None else made[0])


async def register_built_in_client(work: Work) -> None:
    """Register the client that the tenant's own sign-in issues its tokens to; idempotent."""
    metadata = ClientMetadata(
        client_name="",
        client_type="native",
        token_endpoint_auth_method="none",  # noqa: S106 -- a method's name
        grant_types=("refresh_token",),
        scope=(*IDENTITY_SCOPES, FULL_SCOPE),
    )
    plain = plain_client(work, client_id=FIRST_PARTY_CLIENT_ID, metadata=metadata)
    client = dataclasses.replace(
        plain,
        default_scope=(),
        first_party=True,
        trusted=True,
        verified=True,
        rotates_refresh=True,
    )
    await _add(work, client)


def check_profile_of_tenant(work: Work, metadata: ClientMetadata) -> None:
    """Refuse a client that would keep to less than every client of its tenant has to.

    Raises:
        InvalidInput: ``invalid_client_metadata``.
    """
    demanded = policy_of(work).profile
    if not keeps_to(metadata.profile, demanded=demanded):
        raise InvalidInput(
            "invalid_client_metadata",
            f"profile: clients of this tenant keep to {demanded}.",
            field="profile",
        )


def default_scope(chosen: tuple[str, ...] | None, *, metadata: ClientMetadata) -> tuple[str, ...]:
    """Return what stands for "no scope named".

    Raises:
        InvalidInput: ``invalid_client_metadata``: not part of what the client may ask for.
    """
    wanted = metadata.scope if chosen is None else chosen
    if not set(wanted) <= set(metadata.scope):
        raise InvalidInput(
            "invalid_client_metadata",
            "default_scope must be part of scope.",
            field="default_scope",
        )
    return tuple(scope for scope in wanted if scope not in NEVER_BY_DEFAULT)


async def _add(work: Work, client: Client) -> bool:
    if not await store.add_client(work, client):
        return False
    await principals.put(work, kind="client", principal_id=client.client_id)
    if not await principals.is_enabled(work, principal_id=client.client_id):
        if not client.document_host:
            raise Conflict("client_id_used", "A client that was deleted had this id.")
        await principals.enable(work, principal_id=client.client_id)
    await follow_logo(work, before=None, after=client)
    await work.record(ClientRegistered(client_id=client.client_id, client_type=client.type))
    return True


def _members(new: NewClient, work: Work) -> dict[str, Any]:
    """Put the registration into RFC 7591 members.

    Those named apart win over the metadata; where neither says, the tenant does.
    """
    named: dict[str, Any] = {
        "client_name": new.name,
        "redirect_uris": list(new.redirect_uris),
        "post_logout_redirect_uris": list(new.post_logout_redirect_uris) or None,
        "scope": None if new.scope is None else " ".join(new.scope),
        "token_endpoint_auth_method": new.auth_method,
        "grant_types": None if new.grant_types is None else list(new.grant_types),
        "require_pkce": new.require_pkce,
        "allowed_origins": None if new.allowed_origins is None else list(new.allowed_origins),
    }
    given = {name: value for name, value in named.items() if value is not None}
    said = {**new.metadata, **given}
    tenant = _of_tenant(policy_of(work), client_type=new.type, profile=said.get("profile"))
    unsaid = {name for name in tenant if name not in given and said.get(name) in (None, "")}
    return {**said, **{name: tenant[name] for name in unsaid}}


def named_members(new: NewClient) -> Mapping[str, object]:
    """Return the members that a registration names, how it authenticates among them."""
    if new.auth_method is None:
        return new.metadata
    return {**new.metadata, "token_endpoint_auth_method": new.auth_method}


def _of_tenant(policy: TenantPolicy, *, client_type: ClientType, profile: object) -> dict[str, Any]:
    """Return what the tenant says of a client; a profile has its own mind about PKCE."""
    scope = {} if client_type == "machine" else {"scope": " ".join(policy.default_scopes)}
    if profile or policy.profile:
        return {**scope, "profile": policy.profile}
    return {**scope, "require_pkce": policy.require_pkce}


def _client_id(new: NewClient, work: Work) -> str:
    if new.client_id is None:
        return new_id(work.now)
    check_chosen_id(new.client_id)
    return new.client_id


def check_chosen_id(client_id: str) -> None:
    """Refuse an id that is no client's to choose.

    Raises:
        InvalidInput: ``client_id_invalid``.
    """
    if not _CHOSEN_ID.fullmatch(client_id) or client_id in _RESERVED_IDS:
        raise InvalidInput(
            "client_id_invalid",
            "client_id: 3 to 100 letters, digits, dots, dashes and underscores.",
            field="client_id",
        )


def members_of(metadata: ClientMetadata) -> dict[str, Any]:
    """Return metadata as RFC 7591 members, to be changed and parsed again as one whole."""
    members = dataclasses.asdict(metadata)
    members["scope"] = " ".join(metadata.scope)
    members = {
        name: list(value) if isinstance(value, tuple) else value for name, value in members.items()
    }
    del members["client_type"]
    return {name: value for name, value in members.items() if value is not None}
