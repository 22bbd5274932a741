"""Whom a line is for, and where: a person of this tenant, our client at a provider of theirs."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from limen.access.permissions import CONNECTIONS_SERVICE, scope_allows
from limen.access.rights import may
from limen.access.speak_for import check_may_speak_for
from limen.accounts.directory import find_user, find_user_by_email, find_user_by_host_id
from limen.accounts.user import User
from limen.db.work import Work
from limen.federation.provider import Provider
from limen.federation.upstream_clients import UpstreamClient, get_upstream_client
from limen.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from limen.vault.features.offered import features_at
from limen.vault.model import TENANT_OWNER, Grant
from limen.vault.moving.line import ConnectionLine
from limen.vault.parts import Parts
from limen.vault.store import grants

_MOST_LIVES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom and where a line is for.

    Args:
        grant_id: What a grant made of this line's tokens is called: the same whenever the same
            tokens come again, so that nothing is done twice.
        held: That grant, if it is there and alive: unclaimed, or a connection's by now.
    """

    user_id: str
    owner_id: str
    client: UpstreamClient
    provider: Provider
    grant_id: str
    held: Grant | None


async def find_target(work: Work, parts: Parts, *, line: ConnectionLine) -> Target:
    """Return whom and where a line is for.

    Raises:
        NotFound: ``user_not_found``: nobody of this tenant; ``provider_unknown``.
        Conflict: ``email_not_verified``, ``account_disabled``, ``import_ended``.
        NotPermitted: ``provider_disabled``, ``provider_takes_credentials``; the actor may not act
            for this person (N205), or not for the tenant.
        InvalidInput: ``feature_unknown``.
    """
    user = await find_person(work, line.user)
    if line.belongs_to == "tenant":
        await _check_speaks_for_tenant(work)
    await check_may_speak_for(work, principal_id=user.id)
    client = await get_upstream_client(work, parts.envelope, provider=line.provider)
    if not client.is_registered:
        raise NotPermitted(
            "provider_takes_credentials", "This provider takes credentials, and gives no tokens."
        )
    provider = parts.catalogue.get(line.provider, client.config)
    offered = await features_at(work, provider, provider_id=line.provider)
    if any(name not in offered for name in line.features):
        raise InvalidInput("feature_unknown", "The provider has no such feature.", field="features")
    grant_id, held = await _named_grant(work, parts, line, client=client)
    return Target(
        user_id=user.id,
        owner_id=TENANT_OWNER if line.belongs_to == "tenant" else user.id,
        client=client,
        provider=provider,
        grant_id=grant_id,
        held=held,
    )


async def find_person(work: Work, named: str) -> User:
    """Return whom a line names.

    By an address only who proved it here: whoever signed up with a stranger's address before
    would be given that stranger's accounts.

    Raises:
        NotFound: ``user_not_found``.
        Conflict: ``email_not_verified``, ``account_disabled``.
    """
    by_address = "@" in named
    user = await (find_user_by_email(work, named) if by_address else find_user(work, named))
    if user is None:
        user = await find_user_by_host_id(work, named)
        by_address = False
    if user is None or user.state == "closed":
        raise NotFound("user_not_found", "There is no such person here.", field="user")
    if not user.is_active:
        raise Conflict("account_disabled", "This person's account is disabled.", field="user")
    if by_address and not user.is_verified:
        text = "Nobody has proved this address here; name the person by their id."
        raise Conflict("email_not_verified", text, field="user")
    return user


async def _check_speaks_for_tenant(work: Work) -> None:
    if not (
        await may(work, work.actor, CONNECTIONS_SERVICE)
        and scope_allows(work.actor.scope, CONNECTIONS_SERVICE)
    ):
        raise NotPermitted(public="You are not allowed to connect for the tenant.")


async def _named_grant(
    work: Work, parts: Parts, line: ConnectionLine, *, client: UpstreamClient
) -> tuple[str, Grant | None]:
    """Name the grant of a line's tokens, by a keyed hash that tells nothing of them.

    Where an earlier one of that name is dead, the next name is another.
    """
    key = await parts.envelope.derive(work, "imported grant")
    for life in range(_MOST_LIVES):
        told = (line.provider, client.at_provider.client_id, str(life), line.lasting.reveal())
        mac = hmac.new(key.reveal(), "\n".join(told).encode(), hashlib.sha256)
        grant_id = mac.hexdigest()[:32]
        held = await grants.find_grant(work, grant_id)
        if held is None or held.is_live:
            return grant_id, held
    raise Conflict("import_ended", "These tokens were imported and ended again and again.")
