"""What the API answers after a proof: a pair of tokens, or the step that comes first.

A pair is bound to the key of the request's DPoP proof (RFC 9449), if it carries one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from limen.db.work import Work
from limen.kernel.errors import BearerRefusal, Refusal
from limen.protocol.sender.confirmation import BEARER
from limen.protocol.sender.proof import FAPI_PROOF_ALGS, PROOF_ALGS, ExpectedProof
from limen.protocol.sender.refusal import ProofRefused
from limen.sessions.revoke import revoke
from limen.sessions.session import Session
from limen.signin.ask_after_sign_in import REFUSED
from limen.signin.endpoints.schemas import TokenPairAnswer
from limen.signin.journey import Step
from limen.signin.parts import Parts
from limen.signin.steps.take_step import Passed
from limen.signin.steps.underway import Entered, Waiting
from limen.signin.token_pair import (
    TokenPair,
    ask_before_pair,
    asks_before_pair,
    binds_pairs,
    issue_pair,
)
from limen.tenants import policy_of
from limen.tokens.sender.by_proof import prove_by_proof
from limen.web.locate import address_of

Code = Literal[
    "mfa_required",
    "email_not_verified",
    "password_change_required",
    "mfa_enrolment_required",
    "terms_required",
]
CODES: Final[Mapping[Step, tuple[Code, str]]] = {
    "second_factor": ("mfa_required", "Give a code of your authenticator app."),
    "verify_email": (
        "email_not_verified",
        "Confirm your e-mail address first: open the link we mailed to you.",
    ),
    "change_password": ("password_change_required", "Choose a new password first."),
    "enrol_factor": ("mfa_enrolment_required", "Set up two-step sign-in first."),
    "accept_terms": ("terms_required", "Accept the terms first."),
}
"""The stable code of each step, and what to tell a person."""


class TermsShape(BaseModel):
    """The terms to accept."""

    version: str
    url: str


class StepRequired(BaseModel):
    """A problem (RFC 9457) that a step solves: no session has begun."""

    type: Literal["about:blank"] = "about:blank"
    title: Literal["Forbidden"] = "Forbidden"
    status: Literal[403] = 403
    detail: str = Field(examples=["Give a code of your authenticator app."])
    code: Code
    step: Step
    challenge: str | None = Field(
        default=None, description="Names who is on the way in, for the next step alone"
    )
    expires_at: dt.datetime
    methods: list[Literal["totp", "recovery_code"]] | None = Field(
        default=None, description="What proves a second factor"
    )
    terms: TermsShape | None = None
    recovery_codes: list[str] | None = Field(
        default=None, description="Of a factor just enrolled; shown once"
    )


FIRST: Final = "A step comes first: " + ", ".join(f"`{code}`" for code, _ in CODES.values()) + "."
"""What the document says of a 403 with it."""


async def prove_sender(request: Request, work: Work, *, parts: Parts) -> str:
    """Return what the pair of this request is bound to; empty for a bearer.

    A proof that is sent counts, and must hold. Under FAPI 2.0 there is no pair without one: the
    profile that a tenant keeps to holds for our own client too. Call it before anything is
    proven: nobody's password is tried for a pair that can't be given.

    Args:
        request: Its ``DPoP`` header is read.
        work: Clean.
        parts: See there.

    Raises:
        BearerRefusal: ``invalid_dpop_proof``, ``use_dpop_nonce``.
    """
    needed = binds_pairs(work)
    if "dpop" not in request.headers and not needed:
        return BEARER
    expected = ExpectedProof(
        method=request.method,
        targets=(address_of(request.scope),),
        raw_access_token=None,
        algorithms=FAPI_PROOF_ALGS if needed else frozenset(PROOF_ALGS),
    )
    nonce = policy_of(work).dpop.nonce
    try:
        bound_to = await prove_by_proof(
            request,
            work,
            envelope=parts.envelope,
            expected=expected,
            needs_nonce=nonce == "always" or (nonce == "fapi" and needed),
        )
    except ProofRefused as refusal:
        raise BearerRefusal(
            refusal.code, refusal.public, detail=refusal.detail, scheme="DPoP"
        ) from None
    if needed and bound_to == BEARER:
        text = "FAPI 2.0 binds tokens to a key: send a DPoP proof."
        raise BearerRefusal("invalid_dpop_proof", text, scheme="DPoP")
    return bound_to


async def answer_proof(
    request: Request, work: Work, *, prove: Callable[[Work], Awaitable[Passed]], parts: Parts
) -> Response:
    """Answer what somebody proves with a pair of tokens, or with the step that comes first.

    Args:
        request: Its DPoP proof binds the pair, and is looked at before anything is proven.
        work: Nothing written in it yet.
        prove: What begins the session. It gets a Work of its own where hooks are asked about
            tokens: they are told of who is in, and no transaction waits for what they say.
        parts: See there.

    Raises:
        BearerRefusal: As ``prove_sender``.
        NotPermitted: ``refused_by_hook``: there is no pair, and the session is over.
        Unavailable: ``hook_unavailable``; likewise.
    """
    bound_to = await prove_sender(request, work, parts=parts)
    asks = await asks_before_pair(work, mint=parts.mint)
    passed = await (parts.works.run(work.site, prove, actor=work.actor) if asks else prove(work))
    codes = [code.reveal() for code in passed.raw_recovery_codes]
    match passed.outcome:
        case Entered(session=session):
            claims = await _ask_about(work, parts, session) if asks else {}
            made = await issue_pair(
                work, mint=parts.mint, session=session, claims=claims, bound_to=bound_to
            )
            body: dict[str, Any] = pair_answer(made).model_dump(mode="json")
            return JSONResponse({**body, **({"recovery_codes": codes} if codes else {})})
        case Waiting() as outcome:
            said = step_required(work, waiting=outcome, recovery_codes=codes)
            return JSONResponse(
                said.model_dump(mode="json", exclude_none=True),
                403,
                media_type="application/problem+json",
            )


async def _ask_about(work: Work, parts: Parts, session: Session) -> Mapping[str, Any]:
    async def end(ending: Work) -> None:
        await revoke(ending, session_id=session.id, reason=REFUSED, must_exist=False)

    try:
        return await ask_before_pair(work, mint=parts.mint, user_id=session.user_id)
    except Refusal:
        await parts.works.run(work.site, end, actor=work.actor)
        raise


def step_required(
    work: Work, *, waiting: Waiting, recovery_codes: list[str] | None = None
) -> StepRequired:
    """Describe the step that comes first."""
    code, detail = CODES[waiting.step]
    terms = policy_of(work).assurance.terms if waiting.step == "accept_terms" else None
    return StepRequired(
        detail=detail,
        code=code,
        step=waiting.step,
        challenge=None if waiting.raw_token is None else waiting.raw_token.reveal(),
        expires_at=waiting.expires_at,
        methods=["totp", "recovery_code"] if waiting.step == "second_factor" else None,
        terms=None if terms is None else TermsShape(version=terms.version, url=terms.url),
        recovery_codes=recovery_codes or None,
    )


def pair_answer(pair: TokenPair) -> TokenPairAnswer:
    """Describe a pair of tokens."""
    return TokenPairAnswer(
        access_token=pair.raw_access.reveal(),
        refresh_token=pair.raw_refresh.reveal(),
        token_type=pair.token_type,
        expires_in=pair.expires_in,
        expires_at=pair.expires_at,
    )
