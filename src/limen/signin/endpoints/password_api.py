"""``/api/v1/auth/password``: forgot, reset, change."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from limen.access.require import public, signed_in
from limen.accounts.recover import forgot_password
from limen.signin.change_password import change_own_password
from limen.signin.endpoints import browser, schemas
from limen.signin.parts import Parts
from limen.signin.reset_password import reset_password
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit

_BY_MAIL = public("who forgot the password can't sign in; the mailbox proves them")


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth/password", tags=["auth"])
    origin = Depends(browser.check_origin)

    @router.post("/forgot", dependencies=[_BY_MAIL, origin, Depends(limit("recover"))])
    async def forgot(work: CurrentWork, body: schemas.EmailBody) -> schemas.Accepted:
        """Mail a link to choose a new password, if the address names somebody."""
        await forgot_password(work, email=body.email, envelope=parts.envelope)
        return schemas.Accepted()

    @router.post(
        "/reset", dependencies=[_BY_MAIL, origin, Depends(limit("verify"))], status_code=204
    )
    async def reset(work: CurrentWork, body: schemas.ResetBody) -> Response:
        """Set a new password by the link's token; ends every session and every token."""
        await reset_password(
            work,
            raw_token=schemas.revealed(body.token),
            raw_password=schemas.revealed(body.password),
            door=parts.door,
        )
        return Response(status_code=204)

    @router.post(
        "/change", dependencies=[signed_in(), origin, Depends(limit("login"))], status_code=204
    )
    async def change(work: CurrentWork, body: schemas.ChangePasswordBody) -> Response:
        """Replace one's password, knowing it; ends every other session."""
        await change_own_password(
            work,
            raw_current=schemas.revealed(body.current_password),
            raw_new=schemas.revealed(body.new_password),
            door=parts.door,
        )
        return Response(status_code=204)

    return router
