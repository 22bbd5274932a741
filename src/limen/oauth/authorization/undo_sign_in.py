"""A sign-in that may not stay takes along what came of it, offline access too."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.pending.take_back import undo_approvals
from limen.oauth.store.codes import grants_of_session
from limen.sessions.events import SessionEnded
from limen.signin.ask_after_sign_in import REFUSED
from limen.tokens.end_grant import end_grant


async def undo_sign_in(work: Work, event: SessionEnded) -> None:
    """React to a session that the hooks said no to.

    The session was durable while they were asked. A front end without cookies can go on in its
    interaction meanwhile, and redeem the code: a grant with offline access outlives a session,
    but not one that should never have begun. Nor do approvals of devices and of servers.

    Args:
        work: The transaction that ends the session.
        event: Any end of a session; others leave such grants alone.
    """
    if event.reason == REFUSED:
        for grant_id in await grants_of_session(work, event.session_id):
            await end_grant(work, grant_id=grant_id, reason=REFUSED)
        await undo_approvals(work, session_id=event.session_id, reason=REFUSED)
