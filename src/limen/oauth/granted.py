"""What a grant decided to give; the token endpoint makes the tokens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from limen.accounts.claims import all_claims
from limen.accounts.directory import find_user
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.oauth.model import Client, Resource
from limen.protocol.authorization_details import Details, narrow_details
from limen.protocol.claims import claims_of_scopes, select_claims
from limen.protocol.claims_request import names_for
from limen.tenants.policy_of import policy_of
from limen.tokens.grant import Grant
from limen.tokens.issue_access_token import AccessTokenSpec, spec_for
from limen.tokens.issue_id_token import IdTokenSpec
from limen.tokens.lifetimes import TokenLifetimes


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The tokens of one answer.

    Attributes:
        id_token: Without ``at_hash``, which the endpoint adds.
        resource: What the access token is for.
        user_id: Whom it is about; ``None`` for a client's own.
        added: Claims that hooks want in it.
        issued_type: What the access token is said to be, where the request could have asked
            for something else (RFC 8693 section 2.2.1); empty elsewhere.
    """

    access: AccessTokenSpec
    resource: Resource
    user_id: str | None = None
    added: Mapping[str, Any] = field(default_factory=dict)
    raw_refresh: Secret[str] | None = None
    id_token: IdTokenSpec | None = None
    issued_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a token was exchanged for when it is no access token of ours, ready to be sent.

    Attributes:
        issued_type: What it is.
        token_type: How it is used; ``N_A`` if not as an access token.
        expires_in: In seconds; ``None`` if nobody knows.
        more: Members of our own.
    """

    raw: Secret[str]
    issued_type: str
    token_type: str
    scope: tuple[str, ...]
    expires_in: int | None
    more: Mapping[str, str | int] = field(default_factory=dict)


def end_of(spec: AccessTokenSpec, client: Client) -> dt.datetime | None:
    """Return when an access token ends at the latest: with its grant, and with its client."""
    if spec.not_after is None or client.expires_at is None:
        return spec.not_after or client.expires_at
    return min(spec.not_after, client.expires_at)


def access_ttl(work: Work, resource: Resource) -> dt.timedelta:
    """Return how long an access token lives: as its resource says, else as the tenant says."""
    if resource.access_token_ttl is not None:
        return resource.access_token_ttl
    return dt.timedelta(seconds=policy_of(work).access_token_seconds)


def access_of(
    work: Work,
    grant: Grant,
    *,
    scope: tuple[str, ...],
    resource: Resource,
    details: Details = (),
) -> AccessTokenSpec:
    """Return the access token of a user's grant, in the format that the resource wants."""
    return spec_for(
        grant,
        scope=scope,
        audience=resource.identifier,
        ttl=access_ttl(work, resource),
        details=details,
        opaque=resource.token_format == "opaque",  # noqa: S105 -- a format
    )


def details_of(
    grant: Grant, *, client: Client, resource: Resource, requested: Details | None
) -> Details:
    """Return what was asked of the details granted, less the types that are gone since (N049).

    Raises:
        OAuthRefusal: ``invalid_authorization_details``: more was asked for than was granted.
    """
    if not grant.authorization_details:
        return narrow_details(requested, granted=())
    known = resource.authorization_details_types.keys() & set(
        client.metadata.authorization_details_types
    )
    granted = tuple(detail for detail in grant.authorization_details if detail["type"] in known)
    return narrow_details(requested, granted=granted)


async def claims_about(
    work: Work, grant: Grant, *, client: Client, scope: Iterable[str]
) -> dict[str, Any]:
    """Return what ID tokens tell of a person.

    That is what the ``claims`` parameter wants in them (OIDC Core section 5.5); to a client that
    registered ``scope_claims_in_id_token`` also what the scopes open, which else is UserInfo's.
    Costs no statement where that is nothing. A scope that the client lost since takes its claims
    along (N049).

    Args:
        work: The transaction.
        grant: The person's.
        client: As it is now.
        scope: Of the tokens that are made.
    """
    names = names_for(grant.requested_claims, "id_token")
    if names:
        names &= claims_of_scopes(client.scope)
    if client.metadata.scope_claims_in_id_token:
        names |= claims_of_scopes(scope)
    user = await find_user(work, grant.user_id) if names else None
    return {} if user is None else select_claims(all_claims(user), scope=(), names=names)


def refresh_lifetimes(work: Work, lifetimes: TokenLifetimes) -> TokenLifetimes:
    """Return the lifetimes with what the tenant says about offline grants."""
    policy = policy_of(work)
    return TokenLifetimes(
        access_token=dt.timedelta(seconds=policy.access_token_seconds),
        id_token=lifetimes.id_token,
        refresh_idle=dt.timedelta(seconds=policy.refresh_idle_seconds),
        refresh_absolute=dt.timedelta(seconds=policy.refresh_absolute_seconds),
        grace=lifetimes.grace,
        grace_openings=lifetimes.grace_openings,
    )


def id_token_of(
    grant: Grant,
    *,
    client: Client,
    lifetimes: TokenLifetimes,
    session_id: str | None,
    nonce: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> IdTokenSpec:
    """Return the ID token of a user's grant (OIDC Core sections 2 and 12.2).

    What it tells of the person is in ``claims`` (``claims_about``); ``auth_time``
    is the one of the sign-in, however often the grant is refreshed; ``nonce`` is the
    authorization request's, so a refresh has none.
    """
    return IdTokenSpec(
        client_id=client.client_id,
        subject=grant.subject,
        auth_time=grant.authenticated_at,
        ttl=lifetimes.id_token,
        algorithm=client.id_token_alg,
        nonce=nonce,
        acr=grant.acr,
        amr=grant.amr,
        sid=session_id,
        claims=claims or {},
    )
