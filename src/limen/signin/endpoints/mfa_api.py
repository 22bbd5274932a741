"""``/api/v1/auth/mfa``: one's own second factors; and a code, on the way in or to step up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from limen.access.permissions import FULL_SCOPE
from limen.access.require import public, signed_in
from limen.db.work import Work
from limen.kernel.errors import NotAuthenticated, NotPermitted
from limen.kernel.secret import Secret
from limen.mfa.factors import factors_of
from limen.mfa.manage import confirm_own, enrol_own, remove_own, renew_recovery_codes
from limen.sessions.session import Started
from limen.signin import known_device
from limen.signin.endpoints import browser
from limen.signin.endpoints.schemas import TokenPairAnswer
from limen.signin.endpoints.step_answers import (
    FIRST,
    StepRequired,
    answer_proof,
    pair_answer,
    prove_sender,
)
from limen.signin.endpoints.steps_api import EnrolmentShape
from limen.signin.parts import Parts
from limen.signin.steps.step_up import step_up
from limen.signin.steps.take_step import Passed, Reply, take_step
from limen.signin.steps.waiting import find_underway
from limen.signin.token_pair import ask_before_pair, issue_pair
from limen.web import cookies
from limen.web.deps import CurrentWork, authenticate
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit


class FactorsShape(BaseModel):
    """One's second factors."""

    totp: bool
    totp_since: dt.datetime | None
    last_used_at: dt.datetime | None
    recovery_codes_left: int


class CodeBody(BaseModel):
    """A code; with a ``challenge`` on the way in, without to step up."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: SecretStr = Field(max_length=100)
    challenge: SecretStr | None = Field(default=None, max_length=200)


class ConfirmBody(BaseModel):
    """The first code of an app, and which secret it was made with."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: SecretStr = Field(max_length=100)
    factor_id: str = Field(max_length=64)


class RecoveryCodes(BaseModel):
    """Shown once; each is good once."""

    recovery_codes: list[str]


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth/mfa", tags=["auth"])
    _code(router, parts)
    _own(router, parts)
    return router


def _code(router: APIRouter, parts: Parts) -> None:
    anyone = public("a code proves somebody whom a challenge or a session names")
    origin = Depends(browser.check_origin)

    @router.post(
        "/verify",
        dependencies=[anyone, origin, Depends(limit("login"))],
        response_model=TokenPairAnswer,
        responses={
            204: {"description": "The browser's session was elevated"},
            403: {"model": StepRequired, "description": FIRST},
        },
    )
    async def verify(request: Request, work: CurrentWork, body: CodeBody) -> Response:
        """Give a code: of the authenticator app, or a recovery code."""
        raw_code = Secret(body.code.get_secret_value())
        if body.challenge is None:
            return await _step_up(request, work, raw_code=raw_code, parts=parts)
        raw = Secret(body.challenge.get_secret_value())

        async def prove(proving: Work) -> Passed:
            return await take_step(
                proving,
                underway=await find_underway(proving, raw_token=raw),
                step="second_factor",
                reply=Reply(raw_code=raw_code),
                door=parts.door,
            )

        return await answer_proof(request, work, prove=prove, parts=parts)


def _own(router: APIRouter, parts: Parts) -> None:
    guards = [signed_in(), Depends(browser.check_origin)]

    @router.get("", dependencies=[signed_in()])
    async def show(work: CurrentWork) -> FactorsShape:
        """Tell which second factors one has; never a secret."""
        found = await factors_of(work, work.actor.id)
        return FactorsShape(
            totp=found.totp_since is not None,
            totp_since=found.totp_since,
            last_used_at=found.last_used_at,
            recovery_codes_left=found.recovery_codes_left,
        )

    @router.post("/totp", dependencies=guards)
    async def enrol(work: CurrentWork) -> EnrolmentShape:
        """Begin with an authenticator app; takes a recent sign-in."""
        begun = await enrol_own(work, envelope=parts.envelope)
        return EnrolmentShape(
            factor_id=begun.factor_id,
            secret=begun.raw_secret.reveal(),
            uri=begun.raw_uri.reveal(),
        )

    @router.post("/totp/confirm", dependencies=[*guards, Depends(limit("login"))])
    async def confirm(
        request: Request, response: Response, work: CurrentWork, *, body: ConfirmBody
    ) -> RecoveryCodes:
        """Confirm it with its first code; answers the recovery codes and ends other sessions."""
        started, codes = await confirm_own(
            work,
            envelope=parts.envelope,
            factor_id=body.factor_id,
            raw_code=Secret(body.code.get_secret_value()),
        )
        renew_cookie(response, request, started=started, work=work)
        return RecoveryCodes(recovery_codes=[code.reveal() for code in codes])

    @router.delete("/totp", dependencies=guards, status_code=204)
    async def remove(work: CurrentWork) -> None:
        """Take one's second factor away; takes a recent sign-in with it. Ends other sessions."""
        await remove_own(work, envelope=parts.envelope)

    @router.post("/recovery-codes", dependencies=guards)
    async def renew(work: CurrentWork) -> RecoveryCodes:
        """Replace one's recovery codes; takes a recent sign-in with the factor."""
        codes = await renew_recovery_codes(work, envelope=parts.envelope)
        return RecoveryCodes(recovery_codes=[code.reveal() for code in codes])


def renew_cookie(response: Response, request: Request, *, started: Started, work: Work) -> None:
    """Give a browser the new cookie of its session."""
    if started.raw is not None:
        browser.set_session(
            response, request, raw=started.raw, session=started.session, now=work.now
        )


async def _step_up(
    request: Request, work: Work, *, raw_code: Secret[str], parts: Parts
) -> Response:
    actor = await authenticate(request, work)
    if actor.kind != "user" or not actor.session_id:
        raise NotAuthenticated(public="Sign in first.")
    if actor.scope is not None and FULL_SCOPE not in actor.scope:
        # A client would trade the little it was granted for tokens that may do everything.
        raise NotPermitted(public="This is for our own applications.")
    claims: Mapping[str, Any] = {}
    bound_to = ""
    if actor.scope is not None:
        bound_to = await prove_sender(request, work, parts=parts)
    if actor.scope is not None:  # before the code is spent, and the session elevated
        claims = await ask_before_pair(work, mint=parts.mint, user_id=actor.id)
    started = await step_up(
        work,
        user_id=actor.id,
        session_id=actor.session_id,
        raw_code=raw_code,
        door=parts.door,
        device=cookies.read(request, known_device.COOKIE),
    )
    if actor.scope is not None:
        pair = await issue_pair(
            work, mint=parts.mint, session=started.session, claims=claims, bound_to=bound_to
        )
        return Response(pair_answer(pair).model_dump_json(), media_type="application/json")
    response = Response(status_code=204)
    renew_cookie(response, request, started=started, work=work)
    return response
