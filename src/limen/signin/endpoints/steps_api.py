"""``/api/v1/auth/steps``: pass the steps between a proven password and a pair of tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from limen.access.require import public
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.signin.endpoints import browser
from limen.signin.endpoints.schemas import TokenPairAnswer
from limen.signin.endpoints.step_answers import FIRST, StepRequired, answer_proof
from limen.signin.journey import Step
from limen.signin.parts import Parts
from limen.signin.steps.enter import go_on
from limen.signin.steps.take_step import Passed, Reply, show_step, take_step
from limen.signin.steps.waiting import find_underway
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit

_UNDERWAY = public("the challenge names who is on the way in")


class Challenge(BaseModel):
    """Who is on the way in."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    challenge: SecretStr = Field(max_length=200)


class StepReply(BaseModel):
    """What a person gives for a step; each step reads its own member."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    code: SecretStr | None = Field(
        default=None, max_length=100, description="second_factor, verify_email, enrol_factor"
    )
    password: SecretStr | None = Field(
        default=None, max_length=2000, description="change_password: the new one"
    )
    version: str = Field(default="", max_length=64, description="accept_terms: as shown")
    factor_id: str = Field(default="", max_length=64, description="enrol_factor: as shown")

    def as_reply(self) -> Reply:
        """Return it as the use case takes it."""
        return Reply(
            raw_code=None if self.code is None else Secret(self.code.get_secret_value()),
            raw_password=None
            if self.password is None
            else Secret(self.password.get_secret_value()),
            terms_version=self.version,
            factor_id=self.factor_id,
        )


class ChallengeReply(StepReply, Challenge):
    """What a person gives for a step, and who they are."""


class EnrolmentShape(BaseModel):
    """What an authenticator app needs; shown once."""

    factor_id: str
    secret: str = Field(description="Base32, to be typed where nothing can be scanned")
    uri: str = Field(description="otpauth, for a QR code")


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth", tags=["auth"])
    guards = [_UNDERWAY, Depends(browser.check_origin), Depends(limit("login"))]
    either: dict[int | str, dict[str, Any]] = {403: {"model": StepRequired, "description": FIRST}}

    @router.post("/steps/enrol_factor/begin", dependencies=guards)
    async def begin(work: CurrentWork, body: Challenge) -> EnrolmentShape:
        """Return the secret of a new authenticator app, to be confirmed with a code."""
        underway = await find_underway(work, raw_token=_raw(body))
        shown = await show_step(work, underway=underway, step="enrol_factor", door=parts.door)
        assert shown.enrolment is not None
        return EnrolmentShape(
            factor_id=shown.enrolment.factor_id,
            secret=shown.enrolment.raw_secret.reveal(),
            uri=shown.enrolment.raw_uri.reveal(),
        )

    @router.post(
        "/steps/continue", dependencies=guards, response_model=TokenPairAnswer, responses=either
    )
    async def go_on_from(request: Request, work: CurrentWork, body: Challenge) -> Response:
        """Go on after something done elsewhere, such as opening the mailed link."""

        async def prove(proving: Work) -> Passed:
            underway = await find_underway(proving, raw_token=_raw(body))
            return Passed(outcome=await go_on(proving, underway=underway))

        return await answer_proof(request, work, prove=prove, parts=parts)

    @router.post(
        "/steps/{step}", dependencies=guards, response_model=TokenPairAnswer, responses=either
    )
    async def take(
        *,
        request: Request,
        work: CurrentWork,
        step: Annotated[Step, Path()],
        body: ChallengeReply,
    ) -> Response:
        """Pass a step: with the last one a pair of tokens is issued."""

        async def prove(proving: Work) -> Passed:
            underway = await find_underway(proving, raw_token=_raw(body))
            return await take_step(
                proving, underway=underway, step=step, reply=body.as_reply(), door=parts.door
            )

        return await answer_proof(request, work, prove=prove, parts=parts)

    return router


def _raw(body: Challenge) -> Secret[str]:
    return Secret(body.challenge.get_secret_value())
