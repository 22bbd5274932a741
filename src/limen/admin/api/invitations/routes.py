"""``/api/v1/admin/invitations``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.invitations.invite import (
    invite,
    list_invitations,
    mail_again,
    revoke_invitation,
)
from limen.access.permissions import ROLES_WRITE, USERS_READ, USERS_WRITE, Role
from limen.access.require import require
from limen.access.rights import permissions_of
from limen.admin.api.invitations.schemas import InvitationBody, InvitationPage, InvitationView
from limen.admin.paging import open_page, seal_page
from limen.admin.parts import Parts
from limen.admin.schemas import PageQuery
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.web.deps import CurrentWork
from limen.web.languages.negotiate import DEFAULT, Language

_Id = Annotated[str, Path(max_length=64)]
_READ = [require(USERS_READ)]
_WRITE = [require(USERS_WRITE)]
_PLACE = ("invitations",)


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/invitations", tags=["admin: users"], route_class=kind)

    @router.post("", status_code=201, dependencies=_WRITE)
    async def ask(work: CurrentWork, body: InvitationBody) -> InvitationView:
        """Mail somebody a link to open an account; a role takes the permission to give it too."""
        await _check_may_give(work, body.role)
        made = await invite(
            work,
            envelope=parts.envelope,
            email=body.email,
            role=body.role,
            days=body.days,
            language=body.language,
        )
        return InvitationView.of(made, now=work.now)

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[PageQuery, Query()]) -> InvitationPage:
        """List invitations, oldest first: pending, accepted, revoked and expired ones."""
        after = await open_page(work, parts.envelope, cursor=page.cursor, place=_PLACE)
        found = await list_invitations(work, after=after, most=page.limit + 1)
        shown = found[: page.limit]
        last = shown[-1].id if len(found) > page.limit else ""
        cursor = await seal_page(work, parts.envelope, last=last, place=_PLACE)
        views = [InvitationView.of(each, now=work.now) for each in shown]
        return InvitationPage(invitations=views, next_cursor=cursor)

    @router.post("/{invitation_id}/resend", dependencies=_WRITE)
    async def resend(
        work: CurrentWork, invitation_id: _Id, language: Language = DEFAULT
    ) -> InvitationView:
        """Mail it again with a new link; the older one opens nothing any more."""
        again = await mail_again(
            work, envelope=parts.envelope, invitation_id=invitation_id, language=language
        )
        await _check_may_give(work, again.role)  # a refusal takes the new link back
        return InvitationView.of(again, now=work.now)

    @router.delete("/{invitation_id}", status_code=204, dependencies=_WRITE)
    async def revoke(work: CurrentWork, invitation_id: _Id) -> None:
        """Take a pending invitation back."""
        await revoke_invitation(work, invitation_id=invitation_id)

    return router


async def _check_may_give(work: Work, role: Role) -> None:
    """Hold the second permission that an invitation with a role takes, the first time and again."""
    if role != "member" and ROLES_WRITE not in await permissions_of(work, work.actor):
        raise NotPermitted(public="You are not allowed to give roles.")
