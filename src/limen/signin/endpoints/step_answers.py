"""What the API answers after a proof: a pair of tokens, or the step that comes first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.responses import Response

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.signin.endpoints.schemas import TokenPairAnswer
from limen.signin.journey import Step
from limen.signin.parts import Parts
from limen.signin.steps.underway import Entered, Waiting
from limen.signin.token_pair import TokenPair, issue_pair
from limen.tenants import policy_of

CODES: Final[Mapping[Step, tuple[str, str]]] = {
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
    detail: str
    code: str = Field(examples=["mfa_required"])
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


async def answer_outcome(
    work: Work,
    *,
    outcome: Entered | Waiting,
    parts: Parts,
    raw_recovery_codes: tuple[Secret[str], ...] = (),
) -> Response:
    """Answer with a pair of tokens, or with the step that comes first."""
    codes = [code.reveal() for code in raw_recovery_codes]
    match outcome:
        case Entered(session=session):
            pair = pair_answer(await issue_pair(work, mint=parts.mint, session=session))
            body: dict[str, Any] = pair.model_dump(mode="json")
            return JSONResponse({**body, **({"recovery_codes": codes} if codes else {})})
        case Waiting():
            said = step_required(work, waiting=outcome, recovery_codes=codes)
            return JSONResponse(
                said.model_dump(mode="json", exclude_none=True),
                403,
                media_type="application/problem+json",
            )


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
        expires_in=pair.expires_in,
        expires_at=pair.expires_at,
    )
