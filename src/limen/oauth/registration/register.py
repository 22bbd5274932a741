"""Register a client at its own request (RFC 7591)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.errors import BearerRefusal, InvalidInput, NotPermitted, Throttled
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, token_hash
from limen.net import Net
from limen.oauth.model import Client
from limen.oauth.mutual_tls.offer import offered_methods
from limen.oauth.registration.offered import offered
from limen.oauth.registration.statement import Statement, StatementKeys, read_statement
from limen.oauth.registry.check_addresses import check_addresses
from limen.oauth.registry.register_client import add_client, default_scope, plain_client
from limen.oauth.store import initial_tokens
from limen.oauth.store import registrations as store
from limen.oauth.store.registrations import Registration, Unvouched, Via
from limen.protocol.client_metadata import AuthMethod, ClientMetadata, parse_client_metadata
from limen.tenants.policies.registration import RegistrationPolicy
from limen.tenants.policy import TenantPolicy
from limen.tenants.policy_of import policy_of

TOKEN_KIND: Final = "lmra"  # noqa: S105 -- a prefix
_FULL_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """What registration needs.

    Args:
        net: Fetches sector identifiers; checks addresses before they are stored.
        envelope: Seals secrets that must be read back.
        statements: The keys of those whose software statements count.
        methods: How clients may authenticate here.
    """

    net: Net
    envelope: Envelope
    statements: StatementKeys
    methods: tuple[AuthMethod, ...] = offered_methods(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfRegistered:
    """A client that registered, or changed, itself.

    Attributes:
        raw_token: The registration access token valid from now on.
        raw_secret: A secret made in this request, to be shown once.
        asked: The members that were named.
    """

    client: Client
    raw_token: Secret[str]
    raw_secret: Secret[str] | None = None
    asked: frozenset[str] = frozenset()
    software_statement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a client says of itself, read.

    Attributes:
        asked: The members that were named.
        default_scope: What stands for "no scope named": of what it may ask for, what it named.
    """

    metadata: ClientMetadata
    asked: frozenset[str]
    default_scope: tuple[str, ...]


async def register_itself(
    work: Work,
    *,
    registrar: Registrar,
    members: Mapping[str, object],
    raw_token: Secret[str] | None,
) -> SelfRegistered:
    """Register whoever the tenant's policy lets register.

    All that waits for others happens first; the transaction takes a use of the initial access
    token, and gives it back if the registration is refused.

    Args:
        work: Clean.
        registrar: What it needs.
        members: The request, as decoded from JSON.
        raw_token: The initial access token, if one was sent.

    Raises:
        BearerRefusal: ``invalid_token``: none where one is needed, or not a valid one.
        NotPermitted: ``registration_closed``.
        Throttled: ``too_many_clients``.
        InvalidInput: As ``parse_client_metadata``.
        OAuthRefusal: As ``read_statement``.
    """
    policy = policy_of(work).registration
    await _check_leave(work, policy, raw_token)
    statement = await read_statement(work, members, policy=policy, keys=registrar.statements)
    via = _via(statement, members, raw_token=raw_token)
    wanted = await read_metadata(
        work, registrar, members, statement=statement, vouched=via != "open"
    )
    if raw_token is not None and not await initial_tokens.redeem_token(work, token_hash(raw_token)):
        raise BearerRefusal("invalid_token", "The initial access token is used up.")
    if via == "open":
        await check_room(work, via="open", most=policy.most_open)
    client = plain_client(work, client_id=new_id(work.now), metadata=wanted.metadata)
    made = await add_client(
        work,
        dataclasses.replace(client, verified=via != "open", default_scope=wanted.default_scope),
        envelope=registrar.envelope,
    )
    raw_access = mint(TOKEN_KIND, work.tenant_id)
    raw_statement = None if statement is None else statement.raw
    await store.put_registration(
        work,
        Registration(
            client_id=made.client.client_id,
            via=via,
            token_hash=token_hash(raw_access),
            software_statement=raw_statement,
            created_at=work.now,
            unused_until=work.now + dt.timedelta(days=policy.unused_days)
            if via == "open"
            else None,
        ),
    )
    return SelfRegistered(
        client=made.client,
        raw_token=raw_access,
        raw_secret=made.raw_secret,
        asked=wanted.asked,
        software_statement=raw_statement,
    )


async def read_metadata(
    work: Work,
    registrar: Registrar,
    members: Mapping[str, object],
    *,
    statement: Statement | None,
    vouched: bool,
    held: ClientMetadata | None = None,
) -> Wanted:
    """Read what a client says of itself, and check the addresses in it; work is clean.

    Args:
        work: Clean.
        registrar: What registration needs.
        members: As sent.
        statement: Wins over them.
        vouched: Whether somebody stands for the client.
        held: What it is so far; ``None`` for a new one.

    Raises:
        InvalidInput: As ``parse_client_metadata``; ``invalid_client_metadata`` for a way of
            authenticating that discovery does not offer either.
    """
    policy = policy_of(work)
    said: dict[str, Any] = {**members, **(statement.members if statement else {})}
    client_type, fitting = offered(said, policy=policy, vouched=vouched, held=held)
    metadata = parse_client_metadata(
        fitting,
        client_type=client_type,
        private_use=policy.registration.private_use,
    )
    if metadata.token_endpoint_auth_method not in registrar.methods:
        raise InvalidInput(
            "invalid_client_metadata",
            f"token_endpoint_auth_method: must be one of {', '.join(registrar.methods)}.",
            field="token_endpoint_auth_method",
        )
    await check_addresses(work, registrar.net, fitting)
    by_default = default_scope(None, metadata=metadata)
    if _may_grow(policy, statement):
        metadata = dataclasses.replace(metadata, scope=policy.registration.scopes)
    return Wanted(metadata=metadata, asked=frozenset(said), default_scope=by_default)


def _may_grow(policy: TenantPolicy, statement: Statement | None) -> bool:
    """Say whether a client is registered for more than it named (RFC 7591 section 2).

    Clients of MCP register for the scope of the first challenge and ask for more at the next:
    that is for the person to decide, each time. What a statement says is nobody's to widen.
    """
    if statement is not None and "scope" in statement.members:
        return False
    return policy.registration.scope_may_grow or policy.profile == "mcp"


async def check_room(work: Work, *, via: Unvouched, most: int) -> None:
    """Refuse one more client that nobody vouched for when there are too many (N194).

    Those that register and those of documents are counted apart: who publishes documents by
    the thousand keeps nobody from registering.

    Raises:
        Throttled: ``too_many_clients``.
    """
    if await store.count_unclaimed(work, via=via, most=most) >= most:
        raise Throttled(
            "too_many_clients",
            "Too many clients have registered themselves; ask an operator.",
            retry_after_seconds=_FULL_SECONDS,
        )


async def _check_leave(
    work: Work, policy: RegistrationPolicy, raw_token: Secret[str] | None
) -> None:
    """Say early who may not register, before anything is fetched for them."""
    if policy.mode == "closed":
        raise NotPermitted("registration_closed", "Clients are registered by operators here.")
    if raw_token is not None:
        # One that was sent counts also where none is needed: a bad one is no "none".
        if not await initial_tokens.is_valid(work, token_hash(raw_token)):
            raise BearerRefusal("invalid_token", "The initial access token is not valid.")
    elif policy.mode == "initial_access_token":
        raise BearerRefusal("invalid_token", "An initial access token is needed.", presented=False)


def _via(
    statement: Statement | None, members: Mapping[str, object], *, raw_token: Secret[str] | None
) -> Via:
    if statement is not None and statement.vouches_for(members):
        return "software_statement"
    return "open" if raw_token is None else "initial_access_token"
