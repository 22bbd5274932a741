"""Ask the hooks about everybody who got in, before they learn that they did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from limen.db.work import Work, Works
from limen.hooks.ask import Hooks
from limen.kernel.errors import Refusal
from limen.sessions.events import SessionStarted
from limen.sessions.revoke import revoke

REFUSED: Final = "refused_by_hook"
"""Why such a session ends: it never was one, and what came of it meanwhile ends too."""


def ask_after_sign_in(
    works: Works, hooks: Hooks
) -> Callable[[Work, SessionStarted], Awaitable[None]]:
    """Return the reaction to a session's start, for the literal in ``app``.

    Whatever way in was taken, the session is durable when the hooks are asked and its cookie or
    tokens have not left yet. A no, or silence, ends it again. A host's own sessions are the
    host's business.
    """

    async def react(work: Work, event: SessionStarted) -> None:
        if event.kind != "host" and await hooks.are_at(work, "after_sign_in"):
            about = {
                "user_id": event.user_id,
                "session_id": event.session_id,
                "kind": event.kind,
                "amr": list(event.amr),
            }
            work.once_durable(partial(_ask, works, work, hooks=hooks, about=about))

    return react


async def _ask(works: Works, begun: Work, *, hooks: Hooks, about: dict[str, Any]) -> None:
    async def ask(work: Work) -> None:
        await hooks.ask(work, "after_sign_in", about)

    async def end(work: Work) -> None:
        await revoke(work, session_id=about["session_id"], reason=REFUSED, must_exist=False)

    try:
        await works.run(begun.site, ask, actor=begun.actor)
    except Refusal:
        await works.run(begun.site, end, actor=begun.actor)
        raise
