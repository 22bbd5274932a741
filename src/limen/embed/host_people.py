"""The host's own users as people here: an authenticator over the host's ``identify``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, get_args

from starlette.requests import Request

from limen.access.permissions import FULL_SCOPE, Role
from limen.access.set_roles import set_roles
from limen.accounts.adopt_host_user import HostUser, adopt_host_user
from limen.app.runtime import Runtime
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.sessions.host_session import end_host_session, host_session

Identify = Callable[[Request], Awaitable[HostUser | None]]
"""Name the host's own user of a request, or ``None``."""

_ROLES: Final = frozenset(get_args(Role))


class HostPeople:
    """Recognises whom the host knows.

    Args:
        identify: The host's.
    """

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self.runtime: Runtime | None = None

    async def __call__(self, request: Request, work: Work) -> Actor | None:
        """Return who asks, as the host says; asked after our own credentials."""
        host = await self._identify(request)
        if host is None:
            return None
        assert self.runtime is not None
        user = await adopt_host_user(work, host=host)
        if host.roles is not None:
            await set_roles(work, principal_id=user.id, roles=_ROLES & frozenset(host.roles))
        session = await host_session(
            work,
            envelope=self.runtime.envelope,
            user_id=user.id,
            key=host.session,
            amr=host.amr,
        )
        return Actor(
            "user",
            id=user.id,
            session_id=session.id,
            # What a browser sends by itself must come with the CSRF token, as our own cookie must.
            scope=None if host.ambient else frozenset({FULL_SCOPE}),
            authenticated_at=session.authenticated_at,
            amr=session.amr,
        )


async def end_session_of_host(runtime: Runtime, host: HostUser) -> None:
    """End what stands for a session the host ended, and the tokens bound to it."""

    async def body(work: Work) -> None:
        user = await adopt_host_user(work, host=host)
        await end_host_session(work, envelope=runtime.envelope, user_id=user.id, key=host.session)

    await runtime.works.run(await runtime.directory.default(), body)
