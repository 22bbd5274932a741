"""``/api/v1/auth/oauth2/identities``: one's own ways in: listed, added, taken away."""

from __future__ import annotations

from fastapi import APIRouter, Request

from limen.access.require import fresh, signed_in
from limen.db.work import Work
from limen.federation.identities import list_identities
from limen.federation.parts import Parts as FederationParts
from limen.federation.profile.identity_id import identity_id
from limen.federation.profile.read import read_profile
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput
from limen.signin.endpoints.provider.schemas import (
    Identities,
    IdentityShape,
    LinkAnswer,
    LinkBody,
)
from limen.signin.endpoints.schemas import revealed
from limen.signin.provider.link import link, unlink
from limen.signin.provider.rules import check_offered
from limen.signin.provider.ticket import take_ticket
from limen.signin.with_provider import find_sign_in_provider
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import check_rate


def routes(federation: FederationParts, *, prefix: str) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix=f"{prefix}/auth/oauth2", tags=["auth"])

    @router.get("/identities", dependencies=[signed_in()])
    async def identities(work: CurrentWork) -> Identities:
        """List the accounts elsewhere that sign one in, the oldest link first."""
        return Identities(items=await _shown(work, federation))

    @router.post("/identities", dependencies=[fresh()])
    async def add(request: Request, work: CurrentWork, body: LinkBody) -> LinkAnswer:
        """Add an account elsewhere as a way in; takes a recent sign-in.

        With ``provider``: answers ``link_url``, to be opened in a browser where the same person
        is signed in. With ``ticket`` and ``code_verifier``, which a front end has from
        ``{provider}/start?return_to=…``: links the account that the ticket stands for.
        """
        check_rate(request, "login")
        if body.ticket is None or body.code_verifier is None:
            return LinkAnswer(
                linked=False, link_url=await _link_url(work, federation, body.provider)
            )
        user_id, site = work.actor.id, work.site
        await work.let_go()
        proven = await take_ticket(
            federation,
            site,
            raw_ticket=revealed(body.ticket),
            raw_verifier=revealed(body.code_verifier),
        )
        made = await link(work, federation, proven=proven, user_id=user_id)
        return LinkAnswer(linked=made)

    @router.delete("/identities/{identity_id}", dependencies=[fresh()], status_code=204)
    async def remove(work: CurrentWork, identity_id: str) -> None:
        """Take a way in away, with what its provider said; never the last one."""
        await unlink(work, user_id=work.actor.id, name=identity_id)

    return router


async def _link_url(work: Work, federation: FederationParts, provider: str) -> str:
    if not provider:
        raise InvalidInput("provider_missing", "Say which provider.", field="provider")
    check_offered(work, provider)
    client = await get_upstream_client(work, federation.envelope, provider=provider)
    find_sign_in_provider(federation, provider, client.config)
    return f"{work.site.issuer}/account/link/{provider}"


async def _shown(work: Work, federation: FederationParts) -> list[IdentityShape]:
    profile = await read_profile(
        work, federation.envelope, user_id=work.actor.id, with_history=False
    )
    words = {said.id: said.words for said in profile.said}
    shown = []
    for each in await list_identities(work, user_id=work.actor.id):
        name = identity_id(each.issuer, each.subject)
        said = words.get(name)
        shown.append(
            IdentityShape(
                id=name,
                provider=each.provider,
                account=said.label if said else each.subject,
                email=said.email if said else None,
                email_verified=bool(said and said.email_verified),
                linked_at=each.linked_at,
                last_used_at=each.last_used_at,
            )
        )
    return shown
