"""Ask a provider whether an access token without a refresh token is still good.

Whoever uses a token may say that it was refused: an application whose own request was at fault
does, and so does one that wants a connection ended. It ends by the provider's word alone (F18).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

from limen.db.work import Work
from limen.federation.call import ask_about_token
from limen.federation.provider import OK, Endpoints, Operation, ProviderAnswer, TokenAnswer
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.vault.parts import Parts
from limen.vault.refresh.apply import end_if_alone, postpone, wait
from limen.vault.refresh.claim import Unrenewable
from limen.vault.refresh.outcome import Outcome, Postponed
from limen.vault.sealing import open_access

STANDS: Final = Postponed("token_stands")
"""The provider takes the token; whatever was refused, another token would not help."""

_PAUSE_SECONDS: Final = 60.0
_UNAUTHORIZED: Final = 401
_Said = Literal["stands", "dead", "nothing"]


async def ask_whether_it_stands(
    parts: Parts, site: Site, held: Unrenewable, *, endpoints: Endpoints
) -> Outcome:
    """Ask once for all who report it; nobody asks again for a while.

    Args:
        parts: The vault's.
        site: The tenant.
        held: Under our lease.
        endpoints: The provider's.

    Returns:
        ``STANDS``; ``Ended`` by the provider's word; ``Postponed`` where it does not say.
    """

    async def read(work: Work) -> Secret[str]:
        raw_access = await open_access(work, parts.envelope, held.grant)
        assert raw_access is not None
        return raw_access

    raw_access = await parts.works.run(site, read)
    said = await _ask(parts, held, endpoints, raw_access=raw_access)

    async def settle(work: Work) -> Outcome:
        match said:
            case "stands":
                await wait(work, held.grant, reason=STANDS.reason, seconds=_PAUSE_SECONDS)
                return STANDS
            case "dead":
                return await end_if_alone(work, held.grant, refused="grant_dead")
            case "nothing":
                return await postpone(work, held.grant, reason="unverified")

    return await parts.works.run(site, settle)


async def _ask(
    parts: Parts, held: Unrenewable, endpoints: Endpoints, *, raw_access: Secret[str]
) -> _Said:
    operation = endpoints.introspect or _first_document(held, endpoints, raw_access)
    if operation is None:
        return "nothing"
    provider = held.upstream.provider
    try:
        async with asyncio.timeout(parts.times.deadline_seconds):
            answer = await ask_about_token(
                parts.net,
                provider,
                operation,
                raw_token=raw_access,
                client=held.upstream.client.at_provider,
            )
    except (Refusal, TimeoutError):
        return "nothing"
    return _read(answer, operation, classified=provider.classify(answer))


def _first_document(
    held: Unrenewable, endpoints: Endpoints, raw_access: Secret[str]
) -> Operation | None:
    """Return what names the account: it is read with the access token, and changes nothing."""
    answer = TokenAnswer(
        raw_access=raw_access,
        raw_refresh=None,
        expires_in=None,
        scope=None,
        raw_id_token=None,
        members={},
    )
    documents: Mapping[str, Operation] = held.upstream.provider.documents_for(
        endpoints, purpose="connect", has_claims=False, answer=answer
    )
    return next(iter(documents.values()), None)


def _read(answer: ProviderAnswer, operation: Operation, *, classified: str) -> _Said:
    """Read an answer; a 401 where our client authenticates speaks of the client."""
    if answer.status == _UNAUTHORIZED and operation.client_auth == "bearer":
        return "dead"
    if classified == "grant_dead":
        return "dead"
    # An answer that brings no token is malformed at the token endpoint, and fine here.
    if answer.status != OK or not answer.is_object or classified not in {"ok", "malformed"}:
        return "nothing"
    return "dead" if answer.members.get("active") is False else "stands"
