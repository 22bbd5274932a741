"""``/api/v1/auth/oauth2/ticket`` and ``proof``: signing in, for a front end of another origin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from limen.access.require import public
from limen.db.work import Work
from limen.federation.parts import Parts as FederationParts
from limen.signin.endpoints import browser, schemas
from limen.signin.endpoints.provider.schemas import (
    ProofBody,
    ProofReply,
    ProofRequired,
    TicketBody,
)
from limen.signin.endpoints.step_answers import FIRST, StepRequired, answer_proof, prove_sender
from limen.signin.parts import Parts
from limen.signin.provider.prove_mailbox import ProofNeeded, mail_proof, take_proof
from limen.signin.provider.proven import FEDERATED
from limen.signin.provider.ticket import take_ticket
from limen.signin.steps.enter import go_on
from limen.signin.steps.take_step import Passed
from limen.signin.steps.underway import Underway
from limen.signin.with_provider import let_in, needs_proof
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit

_ANYONE = public("proving who one is comes before being somebody")
_FIRST: Final = f"{FIRST} Or `mailbox_proof_required`."
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    403: {"model": ProofRequired | StepRequired, "description": _FIRST}
}


def routes(parts: Parts, federation: FederationParts, *, prefix: str) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix=f"{prefix}/auth/oauth2", tags=["auth"])
    origin = Depends(browser.check_origin)

    @router.post(
        "/ticket",
        dependencies=[_ANYONE, origin, Depends(limit("login"))],
        response_model=schemas.TokenPairAnswer,
        responses=_RESPONSES,
    )
    async def ticket(request: Request, work: CurrentWork, body: TicketBody) -> Response:
        """Exchange a ticket, once, for a first-party pair of tokens.

        The ticket comes back to ``return_to`` of ``{provider}/start``, which took the SHA-256 of
        ``code_verifier`` as ``code_challenge``. Where a step comes first the answer is 403 and
        names it, as at ``/api/v1/auth/login``; ``mailbox_proof_required`` says that there is an
        account with this address, whose mailbox has to be proven (``proof``).
        """
        await prove_sender(request, work, parts=parts)  # before the ticket is spent
        site = work.site
        await work.let_go()
        proven = await take_ticket(
            federation,
            site,
            raw_ticket=schemas.revealed(body.ticket),
            raw_verifier=schemas.revealed(body.code_verifier),
        )
        underway = _underway(request)
        needed = await needs_proof(work, federation, proven=proven)
        if needed is not None:
            return proof_required(needed)

        async def prove(proving: Work) -> Passed:
            outcome = await let_in(proving, federation, proven=proven, underway=underway)
            return Passed(outcome=outcome)

        return await answer_proof(request, work, prove=prove, parts=parts)

    @router.post("/proof/mail", dependencies=[_ANYONE, origin, Depends(limit("recover"))])
    async def mail(work: CurrentWork, body: ProofBody) -> schemas.Accepted:
        """Mail a code to the account's address; it says which account elsewhere it is for."""
        await mail_proof(work, federation, raw_token=schemas.revealed(body.challenge))
        return schemas.Accepted()

    @router.post(
        "/proof",
        dependencies=[_ANYONE, origin, Depends(limit("verify"))],
        response_model=schemas.TokenPairAnswer,
        responses={403: {"model": StepRequired, "description": FIRST}},
    )
    async def proof(request: Request, work: CurrentWork, body: ProofReply) -> Response:
        """Give the code: the account elsewhere signs one in from now on, and now."""
        underway = _underway(request)

        async def prove(proving: Work) -> Passed:
            user, _ = await take_proof(
                proving,
                federation,
                raw_token=schemas.revealed(body.challenge),
                raw_code=schemas.revealed(body.code),
            )
            outcome = await go_on(proving, underway=replace(underway, user_id=user.id), user=user)
            return Passed(outcome=outcome)

        return await answer_proof(request, work, prove=prove, parts=parts)

    return router


def _underway(request: Request) -> Underway:
    return Underway(
        user_id="",
        amr=(FEDERATED,),
        kind="tokens",
        user_agent=request.headers.get("user-agent", ""),
    )


def proof_required(needed: ProofNeeded) -> Response:
    """Answer that a mailbox has to be proven first, and what names this sign-in until then."""
    said = ProofRequired(
        detail="There is an account with this address. Show that its mailbox is yours.",
        provider=needed.title,
        account=needed.label,
        challenge=needed.raw_token.reveal(),
        expires_at=needed.expires_at,
    )
    return JSONResponse(said.model_dump(mode="json"), 403, media_type="application/problem+json")
