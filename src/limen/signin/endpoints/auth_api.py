"""``/api/v1/auth``: register, login, refresh, logout, me."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Depends, Request, Response
from starlette.routing import Route

from limen.access.require import public, signed_in
from limen.access.rights import roles_of
from limen.accounts import sign_up
from limen.accounts.claims import all_claims
from limen.accounts.directory import get_user
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.sessions.revoke import revoke
from limen.signin.ending.close_account import close_own_account
from limen.signin.endpoints import browser, schemas
from limen.signin.endpoints.step_answers import (
    FIRST,
    StepRequired,
    answer_proof,
    pair_answer,
    prove_sender,
)
from limen.signin.parts import Parts
from limen.signin.steps.take_step import Passed
from limen.signin.token_pair import CLIENT_ID, refresh_pair
from limen.signin.with_password import sign_in_with_password
from limen.tokens.look_up import look_up
from limen.web.deps import CurrentWork, authenticate, body_as
from limen.web.exchange import WorkRoute, route
from limen.web.rate_limit import check_rate, limit

_ANYONE = public("proving who one is comes before being somebody")
_ONESELF = signed_in()


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth", tags=["auth"])
    _way_in(router, parts)
    _once_in(router, parts)
    _for_good(router)
    return router


def _way_in(router: APIRouter, parts: Parts) -> None:
    origin = Depends(browser.check_origin)

    @router.post("/register", dependencies=[_ANYONE, origin, Depends(limit("sign_up"))])
    async def register(work: CurrentWork, body: schemas.Registration) -> schemas.Accepted:
        """Open an account; the answer is the same for an address that has one already."""
        claims = body.claims if body.name is None else {**body.claims, "name": body.name}
        registration = sign_up.Registration(
            email=body.email, password=schemas.revealed(body.password), claims=claims
        )
        await sign_up.sign_up(
            work,
            registration=registration,
            hasher=parts.hasher,
            envelope=parts.envelope,
            hooks=parts.hooks,
        )
        return schemas.Accepted()

    @router.post(
        "/login",
        dependencies=[_ANYONE, origin, Depends(limit("login"))],
        response_model=schemas.TokenPairAnswer,
        responses={403: {"model": StepRequired, "description": FIRST}},
    )
    async def login(request: Request, work: CurrentWork, body: schemas.Credentials) -> Response:
        """Sign in with address and password; answers a first-party pair of tokens.

        With a DPoP proof they are bound to its key (RFC 9449), always under FAPI 2.0. Where a
        step comes first (``mfa_required`` say) the answer is 403 and names it, with a
        ``challenge`` for ``/api/v1/auth/steps``.
        """
        return await _log_in(request, work, body=body, parts=parts)

    @router.post("/refresh", dependencies=[_ANYONE, origin, Depends(limit("token"))])
    async def refresh(
        request: Request, work: CurrentWork, body: schemas.RefreshBody
    ) -> schemas.TokenPairAnswer:
        """Exchange a refresh token for a new pair; the old one is spent."""
        bound_to = await prove_sender(request, work, parts=parts)
        raw = schemas.revealed(body.refresh_token)
        return pair_answer(
            await refresh_pair(work, mint=parts.mint, raw_refresh=raw, bound_to=bound_to)
        )


def _once_in(router: APIRouter, parts: Parts) -> None:
    origin = Depends(browser.check_origin)

    @router.post("/logout", dependencies=[_ANYONE, origin], status_code=204)
    async def logout(
        request: Request, work: CurrentWork, body: schemas.LogoutBody | None = None
    ) -> Response:
        """End the session of the access token, the cookie or the refresh token, and its tokens."""
        await authenticate(request, work)
        response = Response(status_code=204)
        if body is not None and body.refresh_token is not None:
            await _end_pair(work, parts, schemas.revealed(body.refresh_token))
        if work.actor.session_id:
            await _ONESELF(request, work)  # an application may hold less than the session
            await revoke(work, session_id=work.actor.session_id, must_exist=False)
            if work.actor.scope is None:
                browser.send_away(response, request)
        return response

    @router.get("/me", dependencies=[signed_in()])
    async def me(work: CurrentWork) -> schemas.Me:
        """Tell who is signed in."""
        user = await get_user(work, work.actor.id)
        return schemas.Me(
            id=user.id,
            email=user.email,
            email_verified=user.is_verified,
            roles=[*await roles_of(work, user.id), "member"],
            claims=all_claims(user),
            session_id=work.actor.session_id or None,
            authenticated_at=work.actor.authenticated_at,
            amr=list(work.actor.amr),
            created_at=user.created_at,
        )


def _for_good(router: APIRouter) -> None:
    @router.delete(
        "/me",
        dependencies=[signed_in(), Depends(browser.check_origin), Depends(limit("login"))],
        status_code=204,
    )
    async def close(request: Request, work: CurrentWork) -> Response:
        """Close one's own account for good; takes a recent sign-in, with every factor."""
        await close_own_account(work)
        response = Response(status_code=204)
        if work.actor.scope is None:
            browser.send_away(response, request)
        return response


def hot_routes(parts: Parts) -> list[Route]:
    """Return the one route that everybody comes by, spared FastAPI's way to it.

    The declaration above stays for the documentation; what is checked is the same.
    """

    async def login(request: Request, work: Work) -> Response:
        await browser.check_origin(request)
        check_rate(request, "login")
        body = await body_as(schemas.Credentials, request)
        return await _log_in(request, work, body=body, parts=parts)

    return [route("/api/v1/auth/login", login, guard=_ANYONE, face="json", methods=("POST",))]


async def _log_in(
    request: Request, work: Work, *, body: schemas.Credentials, parts: Parts
) -> Response:
    attempt = browser.attempt_of(
        request, email=body.email, raw_password=schemas.revealed(body.password)
    )

    async def prove(proving: Work) -> Passed:
        outcome = await sign_in_with_password(
            proving, attempt=replace(attempt, kind="tokens", is_alone=True), door=parts.door
        )
        return Passed(outcome=outcome)

    return await answer_proof(request, work, prove=prove, parts=parts)


async def _end_pair(work: Work, parts: Parts, raw: Secret[str]) -> None:
    """End the session a refresh token belongs to; one that is nothing (any more) is fine."""
    token = await look_up(work, keyring=parts.keyring, envelope=parts.envelope, raw=raw)
    if token is not None and token.client_id == CLIENT_ID and token.session_id is not None:
        await revoke(work, session_id=token.session_id, must_exist=False)
