"""Ask a provider to end tokens, and be sure of what its answer proves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final

from limen.db.work import Work
from limen.federation.call import ask_about_token, call_as_client
from limen.federation.provider import Provider
from limen.federation.upstream_clients import UpstreamClient
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.vault.model import Grant
from limen.vault.parts import Parts
from limen.vault.sealing import revocation_place
from limen.vault.store import revocations

SUBJECT: Final = "subject"
"""Beside the tokens that are kept to be revoked: whose account they were of."""


@dataclass(frozen=True, slots=True)
class Dead:
    """A grant that ended here, whose tokens are to end at its provider."""

    revocation_id: str
    _: KW_ONLY
    grant: Grant
    client: UpstreamClient
    provider: Provider


async def is_another_clients(parts: Parts, dead: Dead) -> bool:
    """Say whether the provider would be asked by another client than the tokens were given to.

    Some providers answer that such a token is gone, or revoked.
    """
    if dead.grant.upstream_client_id == dead.client.at_provider.client_id:
        return False
    endpoints = await dead.provider.endpoints(parts.net, now=parts.works.clock.now())
    return endpoints.revoke is not None and endpoints.revoke.client_auth in {"basic", "post"}


async def end(parts: Parts, site: Site, dead: Dead, *, tokens: Mapping[str, str]) -> str:
    """Revoke; return what became of it.

    Where a grant is revoked by its access token, which ends by itself, one that has ended proves
    nothing: some providers say that it is gone, some that it is revoked, and the grant lives on.
    """
    client, provider, grant = dead.client, dead.provider, dead.grant
    facts, now = provider.facts, parts.works.clock.now()
    is_by_access = facts.sends_first == "access" and not facts.sends_each and "refresh" in tokens
    has_ended = grant.access_expires_at is not None and grant.access_expires_at <= now
    if not (is_by_access and has_ended):
        receipt = await _revoke(parts, client, provider=provider, tokens=tokens)
        if not is_by_access or receipt != "already_gone":
            return receipt
    renewed = await _renew(parts, site, dead, raw_refresh=tokens["refresh"])
    if renewed is None:
        return "already_gone"
    return await _revoke(parts, client, provider=provider, tokens=renewed)


async def _revoke(
    parts: Parts, client: UpstreamClient, *, provider: Provider, tokens: Mapping[str, str]
) -> str:
    """Revoke, refresh token first where both count; return what became of it.

    Raises:
        ProviderUnavailable: Not confirmed; the outbox tries again.
    """
    endpoints = await provider.endpoints(parts.net, now=parts.works.clock.now())
    if endpoints.revoke is None:
        return "no_endpoint"
    facts = provider.facts
    first = facts.sends_first if facts.sends_first in tokens else next(iter(tokens))
    order = [first]
    if facts.sends_each:
        order += [kind for kind in tokens if kind != first]
    receipts = []
    for kind in order:
        answer = await ask_about_token(
            parts.net,
            provider,
            endpoints.revoke,
            raw_token=Secret(tokens[kind]),
            client=client.at_provider,
            params=_hint(kind, provider),
        )
        receipt = provider.read_receipt(answer)
        if receipt == "failed":
            raise ProviderUnavailable(
                "provider_revocation", detail=f"{provider.id}: revoke answered {answer.status}"
            )
        receipts.append(receipt)
    return "revoked" if "revoked" in receipts else "already_gone"


async def _renew(
    parts: Parts, site: Site, dead: Dead, *, raw_refresh: str
) -> dict[str, str] | None:
    """Get an access token that can be revoked; ``None``: the provider says that the grant is dead.

    What came is kept in the place of the old ones before anything else is done: the refresh token
    may be spent by now.

    Raises:
        ProviderUnavailable: It does not say; the outbox tries again.
    """
    provider, grant, at_provider = dead.provider, dead.grant, dead.client.at_provider
    detail = f"{provider.id}: whether the grant lives is not known"
    if grant.upstream_client_id != at_provider.client_id:
        raise ProviderUnavailable("provider_revocation", detail=detail)
    endpoints = await provider.endpoints(parts.net, now=parts.works.clock.now())
    answer = await call_as_client(
        parts.net,
        provider,
        endpoints.refresh,
        params=provider.refresh_params(Secret(raw_refresh), scopes=grant.granted_scopes),
        client=at_provider,
    )
    match provider.classify(answer):
        case "ok":
            given = provider.read_tokens(answer)
        case "grant_dead" | "interaction_required":
            return None
        case _:
            raise ProviderUnavailable("provider_revocation", detail=detail)
    again = given.raw_refresh.reveal() if given.raw_refresh else raw_refresh
    tokens = {"access": given.raw_access.reveal(), "refresh": again}

    async def keep(work: Work) -> None:
        told = json.dumps({**tokens, SUBJECT: grant.subject}).encode()
        place = revocation_place(grant.id, dead.revocation_id)
        sealed = await parts.envelope.seal(work, place, told)
        await revocations.replace_tokens(work, dead.revocation_id, sealed_tokens=sealed)

    await parts.works.run(site, keep)
    return tokens


def _hint(kind: str, provider: Provider) -> dict[str, str]:
    """Say which kind of token it is where RFC 7009 is spoken."""
    return {"token_type_hint": f"{kind}_token"} if provider.facts.sends_each else {}
