"""``/api/v1/auth/sessions``: one's own, listed and ended."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from limen.access.require import signed_in
from limen.db.work import Work
from limen.sessions.listing import list_sessions
from limen.sessions.revoke import revoke, revoke_all
from limen.sessions.session import Session
from limen.signin.endpoints import browser, schemas
from limen.signin.parts import Parts
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute


def routes(_: Parts) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=WorkRoute, prefix="/api/v1/auth/sessions", tags=["auth"])

    @router.get("", dependencies=[signed_in()])
    async def sessions(work: CurrentWork) -> schemas.Sessions:
        """List one's live sessions, the last used first."""
        found = await list_sessions(work, user_id=work.actor.id)
        return schemas.Sessions(items=[_shape(work, session) for session in found])

    @router.delete("/{session_id}", dependencies=[signed_in()], status_code=204)
    async def end(request: Request, work: CurrentWork, session_id: str) -> Response:
        """End one of one's sessions, and its tokens."""
        await revoke(work, session_id=session_id, user_id=work.actor.id, reason="revoked")
        response = Response(status_code=204)
        if session_id == work.actor.session_id and work.actor.scope is None:
            browser.send_away(response, request)
        return response

    @router.delete("", dependencies=[signed_in()])
    async def end_others(work: CurrentWork) -> schemas.Ended:
        """End every session but the one that asks."""
        ended = await revoke_all(
            work, user_id=work.actor.id, except_id=work.actor.session_id or None
        )
        return schemas.Ended(ended=ended)

    return router


def _shape(work: Work, session: Session) -> schemas.SessionShape:
    return schemas.SessionShape(
        id=session.id,
        kind=session.kind,
        current=session.id == work.actor.session_id,
        user_agent=session.user_agent,
        amr=list(session.amr),
        started_at=session.started_at,
        last_seen_at=session.last_seen_at,
        authenticated_at=session.authenticated_at,
        expires_at=session.expires_at,
    )
