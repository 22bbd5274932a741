"""What a route asks of its caller: the one guard that every route declares.

Each works as a FastAPI dependency and as a guard of a Starlette route::

    router.get("/users", dependencies=[require(USERS_READ)])
    route("/account", show_account, guard=signed_in(), face="page")
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import params
from starlette.requests import Request
from typing_extensions import override

from limen.access.note_refusal import note_refusal
from limen.access.permissions import FULL_SCOPE, PUBLIC, SELF, Permission, scope_allows
from limen.access.rights import may
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    BearerRefusal,
    NotAuthenticated,
    NotPermitted,
    ReauthenticationRequired,
)
from limen.tenants import policy_of
from limen.web.deps import CurrentWork, authenticate

Check = Callable[[Request, Work], Awaitable[None]]


class RouteGuard(params.Depends):
    """A check that a route declares, readable by whoever walks the routes.

    Args:
        permission: What it asks for.
        check: Refuses, or returns.
        reason: Why anyone may come in, for a public route.
    """

    permission: Permission
    reason: str

    def __init__(self, permission: Permission, check: Check, *, reason: str = "") -> None:
        async def dependency(request: Request, work: CurrentWork) -> None:
            await check(request, work)

        super().__init__(dependency=dependency)
        # The base is a frozen dataclass; these three are ours.
        self._set(permission=permission, reason=reason, check=check)

    async def __call__(self, request: Request, work: Work, /) -> None:
        """Check as the guard of a Starlette route."""
        check: Check = self.__dict__["check"]
        await check(request, work)

    def _set(self, **members: Any) -> None:
        for name, value in members.items():
            object.__setattr__(self, name, value)

    @override
    def __repr__(self) -> str:
        return f"RouteGuard({self.permission!r})"


def public(reason: str) -> RouteGuard:
    """Let anyone in, on purpose.

    Args:
        reason: Why that is right; read by whoever reviews the routes.
    """

    async def check(_request: Request, _work: Work) -> None:
        return None

    return RouteGuard(PUBLIC, check, reason=reason)


def require(permission: Permission) -> RouteGuard:
    """Let in who has a permission, by role and by token.

    Refuses with ``NotAuthenticated`` when nobody is known, ``NotPermitted`` when the roles
    lack it, ``BearerRefusal("insufficient_scope")`` when only the token does.
    """

    async def check(request: Request, work: Work) -> None:
        actor = await _known(request, work)
        await _check_permission(work, actor, permission)

    return RouteGuard(permission, check)


def signed_in() -> RouteGuard:
    """Let in any person, to what is their own."""

    async def check(request: Request, work: Work) -> None:
        await _check_person(work, await _known(request, work))

    return RouteGuard(SELF, check)


def fresh(minutes: int | None = None, *, permission: Permission = SELF) -> RouteGuard:
    """Let in a person whose sign-in is recent, to what a copied session must not reach.

    Args:
        minutes: How recent; the tenant's ``fresh_minutes`` if not given.
        permission: What is asked for besides.
    """

    async def check(request: Request, work: Work) -> None:
        actor = await _known(request, work)
        await _check_person(work, actor)
        await _check_permission(work, actor, permission)
        check_recent(work, minutes=minutes)

    return RouteGuard(permission, check)


def check_recent(work: Work, *, minutes: int | None = None) -> None:
    """Refuse unless the actor proved who they are a short while ago.

    Raises:
        ReauthenticationRequired: ``reauth_required``.
    """
    if not is_recent(work, work.actor.authenticated_at, minutes=minutes):
        allowed = _recent(work, minutes)
        raise ReauthenticationRequired(
            public="Sign in again to do this.", max_age=int(allowed.total_seconds())
        )


def check_first_party(work: Work) -> None:
    """Refuse applications what a person does in their own session: they would take it over.

    Raises:
        NotPermitted: ``first_party_only``.
    """
    scope = work.actor.scope
    if scope is not None and FULL_SCOPE not in scope:
        raise NotPermitted("first_party_only", "An application can't do this for its user.")


def is_recent(work: Work, proven_at: dt.datetime | None, *, minutes: int | None = None) -> bool:
    """Whether somebody proved who they are a short while ago."""
    return proven_at is not None and work.now - proven_at <= _recent(work, minutes)


def _recent(work: Work, minutes: int | None) -> dt.timedelta:
    return dt.timedelta(minutes=policy_of(work).fresh_minutes if minutes is None else minutes)


async def _known(request: Request, work: Work) -> Actor:
    actor = await authenticate(request, work)
    if actor.kind == "anonymous":
        raise NotAuthenticated(public="Sign in first.")
    return actor


async def _check_person(work: Work, actor: Actor) -> None:
    if actor.kind != "user":
        note_refusal(work, SELF, reason="roles")
        raise NotPermitted(public="This is for people, not for clients.")
    await _check_permission(work, actor, SELF)


async def _check_permission(work: Work, actor: Actor, permission: Permission) -> None:
    if not await may(work, actor, permission):
        note_refusal(work, permission, reason="roles")
        raise NotPermitted(public="You are not allowed to do this.")
    if not scope_allows(actor.scope, permission):
        note_refusal(work, permission, reason="token")
        text = "The access token does not cover this."
        raise BearerRefusal("insufficient_scope", text, scope=permission)
