"""``/api/v1/admin/users`` and their roles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.grant_role import grant_role
from limen.access.permissions import ROLES_READ, ROLES_WRITE, USERS_READ, USERS_WRITE, Role
from limen.access.require import require
from limen.access.revoke_role import revoke_role
from limen.access.rights import permissions_of, roles_of
from limen.accounts.create_user import NewUser, create_user
from limen.accounts.directory import get_user, list_users
from limen.accounts.ending.close_account import close_account
from limen.accounts.ending.disable_user import disable_user, enable_user
from limen.accounts.passwords.change_due import require_password_change
from limen.admin.paging import open_page, seal_page
from limen.admin.parts import Parts
from limen.admin.schemas import FactorsView, RoleList, UserBody, UserPage, UserQuery, UserView
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.kernel.secret import Secret
from limen.mfa.factors import factors_of
from limen.mfa.manage import reset_factors
from limen.web.deps import CurrentWork

_UserId = Annotated[str, Path(max_length=64)]
_READ = [require(USERS_READ)]
_WRITE = [require(USERS_WRITE)]
_READ_ROLES = [require(ROLES_READ)]
_WRITE_ROLES = [require(ROLES_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/users", tags=["admin: users"], route_class=kind)

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[UserQuery, Query()]) -> UserPage:
        """List people, oldest first; or whom an address names."""
        return await _list(work, parts, page)

    @router.post("", status_code=201, dependencies=_WRITE)
    async def create(work: CurrentWork, body: UserBody) -> UserView:
        """Create a person; a role takes the permission to give it besides."""
        raw = None if body.password is None else Secret(body.password.get_secret_value())
        new = NewUser(email=body.email, password=raw, verified=body.verified, claims=body.claims)
        user = await create_user(work, new=new, hasher=parts.hasher)
        if body.role is not None:
            await _check_may_give_roles(work)
            await grant_role(work, principal_id=user.id, role=body.role)
        return UserView.of(user)

    @router.get("/{user_id}", dependencies=_READ)
    async def show(work: CurrentWork, user_id: _UserId) -> UserView:
        """Show one person."""
        return UserView.of(await get_user(work, user_id))

    _add_switches(router)
    _add_factors(router, parts)
    _add_roles(router)
    return router


def _add_switches(router: APIRouter) -> None:
    @router.post("/{user_id}/disable", status_code=204, dependencies=_WRITE)
    async def disable(work: CurrentWork, user_id: _UserId) -> None:
        """Sign a person out everywhere and let them in no more."""
        await disable_user(work, user_id=user_id)

    @router.post("/{user_id}/enable", status_code=204, dependencies=_WRITE)
    async def enable(work: CurrentWork, user_id: _UserId) -> None:
        """Let a disabled person in again."""
        await enable_user(work, user_id=user_id)

    @router.delete("/{user_id}", status_code=204, dependencies=_WRITE)
    async def close(work: CurrentWork, user_id: _UserId) -> None:
        """Close a person's account for good: what names, proves and describes them is erased."""
        await close_account(work, user_id=user_id)


def _add_factors(router: APIRouter, parts: Parts) -> None:
    @router.get("/{user_id}/factors", dependencies=_READ)
    async def factors(work: CurrentWork, user_id: _UserId) -> FactorsView:
        """Tell which second factors a person has; never a secret."""
        await get_user(work, user_id)
        return FactorsView.of(await factors_of(work, user_id))

    @router.delete("/{user_id}/factors", status_code=204, dependencies=_WRITE)
    async def reset(work: CurrentWork, user_id: _UserId) -> None:
        """Take a person's second factors away, who lost them; signs them out everywhere."""
        await reset_factors(work, envelope=parts.envelope, user_id=user_id)

    @router.post("/{user_id}/require-password-change", status_code=204, dependencies=_WRITE)
    async def must_change(work: CurrentWork, user_id: _UserId) -> None:
        """Let a person's password open nothing but its replacement; signs them out everywhere."""
        await require_password_change(work, user_id=user_id)


def _add_roles(router: APIRouter) -> None:
    @router.get("/{user_id}/roles", dependencies=_READ_ROLES)
    async def roles(work: CurrentWork, user_id: _UserId) -> RoleList:
        """List the roles a person was given."""
        await get_user(work, user_id)
        return RoleList(roles=await roles_of(work, user_id))

    @router.put("/{user_id}/roles/{role}", status_code=204, dependencies=_WRITE_ROLES)
    async def give(work: CurrentWork, user_id: _UserId, role: Role) -> None:
        """Give a person a role, none above one's own."""
        await grant_role(work, principal_id=user_id, role=role)

    @router.delete("/{user_id}/roles/{role}", status_code=204, dependencies=_WRITE_ROLES)
    async def take(work: CurrentWork, user_id: _UserId, role: Role) -> None:
        """Take a role away; one owner stays."""
        await revoke_role(work, principal_id=user_id, role=role)


async def _list(work: Work, parts: Parts, page: UserQuery) -> UserPage:
    place = ("users", page.email)
    after = await open_page(work, parts.envelope, cursor=page.cursor, place=place)
    found = await list_users(work, after=after, limit=page.limit + 1, email=page.email)
    shown = found[: page.limit]
    last = shown[-1].id if len(found) > page.limit else ""
    cursor = await seal_page(work, parts.envelope, last=last, place=place)
    return UserPage(users=[UserView.of(user) for user in shown], next_cursor=cursor)


async def _check_may_give_roles(work: Work) -> None:
    """Hold the second permission that creating somebody with a role takes (N134's relatives)."""
    if ROLES_WRITE not in await permissions_of(work, work.actor):
        raise NotPermitted(public="You are not allowed to give roles.")
