"""``/api/v1/interactions/{id}/ticket`` and ``/proof``: signed in with a provider, inside one.

A front end sends its browser to a provider's ``start_url`` with ``return_to``, ``code_challenge``
and ``state``, and goes on here with the ticket that comes back.
"""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from limen.access.require import public
from limen.db.work import Work
from limen.federation.parts import Parts as FederationParts
from limen.kernel.errors import NotFound
from limen.oauth.endpoints.interactive.journey import Answer, Handle, go_on, own
from limen.oauth.endpoints.interactive.sign_in import note_outcome
from limen.oauth.model import Interaction
from limen.oauth.parts import Parts
from limen.sessions.revoke import revoke
from limen.signin.endpoints.provider.schemas import ProofReply, ProofRequired, TicketBody
from limen.signin.endpoints.provider.ticket_api import proof_required
from limen.signin.endpoints.schemas import revealed
from limen.signin.provider.prove_mailbox import take_proof
from limen.signin.provider.proven import FEDERATED
from limen.signin.provider.ticket import take_ticket
from limen.signin.steps.enter import go_on as enter
from limen.signin.steps.underway import Entered, Underway, Waiting
from limen.signin.with_provider import let_in, needs_proof
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/api/v1/interactions/{handle}",
        tags=["interactions"],
        route_class=WorkRoute,
        dependencies=[public("the handle admits, with whom it is bound to")],
    )

    @router.post(
        "/ticket",
        dependencies=[Depends(limit("login"))],
        response_model=Answer,
        response_model_exclude_none=True,
        responses={
            403: {
                "model": ProofRequired,
                "description": "`mailbox_proof_required`, or not allowed.",
            }
        },
    )
    async def ticket(
        request: Request, work: CurrentWork, handle: Handle, *, body: TicketBody
    ) -> Answer | Response:
        """Sign in with the ticket that came back from a provider; it is good once.

        ``mailbox_proof_required`` says that there is an account with this address: have a code
        mailed (``/api/v1/auth/oauth2/proof/mail``) and give it at ``proof``.
        """
        federation = _federation(parts)
        found = await own(request, work, handle=handle, parts=parts)
        site = work.site
        await work.let_go()
        proven = await take_ticket(
            federation,
            site,
            raw_ticket=revealed(body.ticket),
            raw_verifier=revealed(body.code_verifier),
        )
        needed = await needs_proof(work, federation, proven=proven)
        if needed is not None:
            return proof_required(needed)
        outcome = await let_in(work, federation, proven=proven, underway=_underway(request))
        found = await _noted(work, found, outcome)
        return await go_on(request, work, found=found, handle=handle, parts=parts)

    @router.post(
        "/proof", dependencies=[Depends(limit("verify"))], response_model_exclude_none=True
    )
    async def proof(
        request: Request, work: CurrentWork, handle: Handle, *, body: ProofReply
    ) -> Answer:
        """Give the mailed code: the account elsewhere signs one in from now on, and here."""
        federation = _federation(parts)
        found = await own(request, work, handle=handle, parts=parts)
        user, _ = await take_proof(
            work,
            federation,
            raw_token=revealed(body.challenge),
            raw_code=revealed(body.code),
        )
        underway = replace(_underway(request), user_id=user.id)
        found = await _noted(work, found, await enter(work, underway=underway, user=user))
        return await go_on(request, work, found=found, handle=handle, parts=parts)

    return router


async def _noted(work: Work, found: Interaction, outcome: Entered | Waiting) -> Interaction:
    """Keep who is in, or on the way; who was in before is out."""
    if found.session_id is not None:
        await revoke(work, session_id=found.session_id, reason="replaced", must_exist=False)
    return await note_outcome(work, found=found, outcome=outcome)


def _underway(request: Request) -> Underway:
    return Underway(
        user_id="",
        amr=(FEDERATED,),
        kind="tokens",
        user_agent=request.headers.get("user-agent", ""),
    )


def _federation(parts: Parts) -> FederationParts:
    if parts.federation is None:
        raise NotFound("provider_unknown", "There is no such provider here.")
    return parts.federation
