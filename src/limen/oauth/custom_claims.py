"""Claims beyond those of the protocol: what operators map, and what hooks add before a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from limen.access.rights import roles_of
from limen.accounts.claims import all_claims
from limen.accounts.directory import find_user
from limen.db.work import Work
from limen.kernel.errors import NotPermitted, OAuthRefusal
from limen.oauth.granted import Granted
from limen.oauth.model import Client
from limen.oauth.parts import Parts
from limen.protocol.claims_mapping import ROLES, facts_in, mapped
from limen.tenants.policy_of import policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a token is going to be.

    Args:
        audience: Whom it is for: a resource of ours, or another authorization server.
        user_id: Whom it is about; ``None`` for a client's own.
        grant_type: How it was asked for.
    """

    client: Client
    audience: str
    scope: tuple[str, ...]
    user_id: str | None
    grant_type: str


async def ask_before_token(work: Work, *, parts: Parts, about: About) -> Mapping[str, Any]:
    """Ask the hooks whether a token may be made, and for claims to add to it.

    Call it before anything is written: others may take their time.

    Raises:
        OAuthRefusal: ``access_denied``: one said no.
        Unavailable: ``hook_unavailable``.
    """
    if parts.hooks is None:
        return {}
    told = {
        "client_id": about.client.client_id,
        "user_id": about.user_id,
        "resource": about.audience,
        "scope": list(about.scope),
        "grant_type": about.grant_type,
    }
    try:
        return await parts.hooks.ask(work, "before_token", told)
    except NotPermitted as refused:
        raise OAuthRefusal("access_denied", refused.public) from refused


class CustomClaims(NamedTuple):
    """What is added to the tokens of one answer.

    Attributes:
        roles: The person's, for a resource that is told them.
        access: Claims of the access token.
        id_token: Claims of the ID token, if there is one.
    """

    roles: tuple[str, ...]
    access: Mapping[str, Any]
    id_token: Mapping[str, Any]


async def custom_claims(work: Work, granted: Granted, *, client: Client) -> CustomClaims:
    """Return what rules and hooks add to the tokens.

    Hooks win over rules, a resource's rules over the tenant's, and nobody over the protocol.
    Costs no statement where nobody maps anything about a person.
    """
    policy, resource = policy_of(work).claims, granted.resource
    if not (policy.access_token or policy.id_token or resource.claims):
        return CustomClaims((), granted.added, granted.added)
    access_rules = {**policy.access_token, **resource.claims}
    facts = await _facts(
        work, rules={**policy.id_token, **access_rules}, client=client, user_id=granted.user_id
    )
    access = mapped(access_rules, facts)
    return CustomClaims(
        roles=tuple(access.pop("roles", ())),
        access={**access, **granted.added},
        id_token={**mapped(policy.id_token, facts), **granted.added},
    )


async def _facts(
    work: Work, *, rules: Mapping[str, Any], client: Client, user_id: str | None
) -> dict[str, Any]:
    wanted = facts_in(rules)
    facts: dict[str, Any] = {"client.name": client.name, "client.id": client.client_id}
    if user_id is None or not any(fact.startswith("user.") for fact in wanted):
        return facts
    user = await find_user(work, user_id)
    if user is not None:
        facts |= {f"user.{name}": value for name, value in all_claims(user).items()}
        facts["user.id"] = user.id
    if ROLES in wanted:
        facts[ROLES] = list(await roles_of(work, user_id)) or None
    return facts
