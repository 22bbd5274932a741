"""``/api/v1/interactions/{id}/mfa`` and ``/steps``: between sign-in and consent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.requests import Request
from starlette.responses import Response

from limen.access.require import public
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.oauth.endpoints.interactive.journey import Answer, Handle, go_on, own, underway_in
from limen.oauth.endpoints.interactive.schemas import EnrolmentView
from limen.oauth.endpoints.interactive.sign_in import door_of, note_outcome, who_of
from limen.oauth.parts import Parts
from limen.signin.endpoints.browser import set_session
from limen.signin.endpoints.steps_api import StepReply
from limen.signin.journey import Step
from limen.signin.steps.take_step import Passed, Reply, show_step, take_step
from limen.signin.steps.underway import Entered
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit


class Code(BaseModel):
    """A code of the authenticator app, or a recovery code."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    code: SecretStr = Field(max_length=100)


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(
        prefix="/api/v1/interactions/{handle}",
        tags=["interactions"],
        route_class=WorkRoute,
        dependencies=[public("the handle admits, with whom it is bound to")],
    )
    limited = [Depends(limit("login"))]

    @router.post("/mfa", dependencies=limited, response_model_exclude_none=True)
    async def give_code(
        request: Request, response: Response, work: CurrentWork, *, handle: Handle, body: Code
    ) -> Answer:
        """Prove the second factor."""
        reply = Reply(raw_code=Secret(body.code.get_secret_value()))
        taken = _Taken(request, response, work, handle=handle, parts=parts)
        return await taken.pass_step("second_factor", reply)

    @router.post("/steps/enrol_factor/begin", dependencies=limited)
    async def begin(request: Request, work: CurrentWork, handle: Handle) -> EnrolmentView:
        """Return the secret of a new authenticator app, to be confirmed with a code."""
        found = await own(request, work, handle=handle, parts=parts)
        underway = await underway_in(request, work, found=found, parts=parts)
        door = door_of(request, parts)
        shown = await show_step(work, underway=underway, step="enrol_factor", door=door)
        assert shown.enrolment is not None
        return EnrolmentView(
            factor_id=shown.enrolment.factor_id,
            secret=shown.enrolment.raw_secret.reveal(),
            uri=shown.enrolment.raw_uri.reveal(),
        )

    @router.post("/steps/{step}", dependencies=limited, response_model_exclude_none=True)
    async def take(
        request: Request,
        response: Response,
        work: CurrentWork,
        *,
        handle: Handle,
        step: Annotated[Step, Path()],
        body: StepReply,
    ) -> Answer:
        """Pass the step that the interaction waits for."""
        taken = _Taken(request, response, work, handle=handle, parts=parts)
        return await taken.pass_step(step, body.as_reply())

    return router


class _Taken:
    """One step of one interaction."""

    def __init__(
        self, request: Request, response: Response, work: Work, *, handle: str, parts: Parts
    ) -> None:
        self._request, self._response, self._work = request, response, work
        self._handle, self._parts = handle, parts

    async def pass_step(self, step: Step, reply: Reply) -> Answer:
        """Pass it, and say what comes next."""
        request, work, parts = self._request, self._work, self._parts
        found = await own(request, work, handle=self._handle, parts=parts)
        underway = await underway_in(request, work, found=found, parts=parts)
        passed = await take_step(
            work, underway=underway, step=step, reply=reply, door=door_of(request, parts)
        )
        who = None
        if underway.is_in and isinstance(passed.outcome, Entered):
            self._renew_cookie(passed.outcome)
            who = who_of(passed.outcome.session)
        else:
            found = await note_outcome(work, found=found, outcome=passed.outcome)
        answer = await go_on(request, work, found=found, handle=self._handle, parts=parts, who=who)
        return _with_codes(answer, passed)

    def _renew_cookie(self, entered: Entered) -> None:
        """Give a browser the new cookie of the session it already had."""
        if entered.raw_session is not None:
            set_session(
                self._response,
                self._request,
                raw=entered.raw_session,
                session=entered.session,
                now=self._work.now,
            )


def _with_codes(answer: Answer, passed: Passed) -> Answer:
    codes = [code.reveal() for code in passed.raw_recovery_codes]
    return answer.model_copy(update={"recovery_codes": codes}) if codes else answer
