"""``/api/v1/auth/invitations``: accept an invitation over JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field, SecretStr

from limen.access.invitations.accept import Joining, accept_with_password
from limen.access.require import public
from limen.signin.endpoints import browser, schemas
from limen.signin.parts import Parts
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute
from limen.web.rate_limit import limit

_INVITED = public("whoever was invited comes in by the link that was mailed to them")


class InvitationBody(schemas.Shape):
    """The token of the mailed link, and what the account is opened with."""

    token: SecretStr = Field(max_length=200)
    password: SecretStr
    name: str | None = Field(default=None, max_length=1000)
    claims: dict[str, Any] = Field(default_factory=dict)


def routes(parts: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth/invitations", tags=["auth"])
    origin = Depends(browser.check_origin)

    @router.post("/accept", dependencies=[_INVITED, origin, Depends(limit("sign_up"))])
    async def accept(work: CurrentWork, body: InvitationBody) -> schemas.Accepted:
        """Open the account that an invitation is for; its address is verified by the link.

        Signs nobody in. A password that is refused does not spend the invitation.
        """
        claims = body.claims if body.name is None else {**body.claims, "name": body.name}
        joining = Joining(password=schemas.revealed(body.password), claims=claims)
        await accept_with_password(
            work,
            raw_token=schemas.revealed(body.token),
            joining=joining,
            hasher=parts.hasher,
            hooks=parts.hooks,
        )
        return schemas.Accepted()

    return router
