"""Who asks, when the host's own code calls us in this process."""

from __future__ import annotations

import dataclasses

from starlette.requests import Request

from limen.access.permissions import FULL_SCOPE
from limen.client.in_process import CALLER
from limen.db.work import Work
from limen.kernel.actor import Actor


async def local_caller(request: Request, _work: Work) -> Actor | None:
    """Recognise whom the host names: the actor that ``current_user`` told it before.

    A person in their browser, whose request the host answers: no browser adds anything to this
    call by itself, so that there is nothing to forge. Whoever came by a token is as limited here
    as there.
    """
    actor = request.scope.get(CALLER)
    if not isinstance(actor, Actor):
        return None
    if actor.kind == "user" and actor.scope is None:
        return dataclasses.replace(actor, scope=frozenset({FULL_SCOPE}))
    return actor
