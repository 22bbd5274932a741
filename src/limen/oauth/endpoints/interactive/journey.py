"""One interaction over JSON: whose it is, who is there, and what it waits for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.errors import Conflict, NotAuthenticated
from limen.kernel.secret import Secret
from limen.oauth.authorization.asked import Missing, SignedIn, StepUp
from limen.oauth.authorization.interaction import (
    check_binding,
    find_interaction,
    finish,
    look,
    not_found,
    note_waiting,
)
from limen.oauth.caller import become_nobody, become_person
from limen.oauth.endpoints.interactive.front_end import identify_front_end, session_of
from limen.oauth.endpoints.interactive.schemas import (
    Complete,
    Waiting,
    complete,
    waiting,
    with_providers,
)
from limen.oauth.endpoints.interactive.sign_in import note_outcome, who_of
from limen.oauth.model import Interaction
from limen.oauth.parts import Parts
from limen.protocol.responses import AuthorizationResponse
from limen.sessions.listing import find_session
from limen.signin.journey import Step
from limen.signin.steps.enter import go_on as enter
from limen.signin.steps.take_step import current_step
from limen.signin.steps.underway import Underway
from limen.signin.steps.waiting import find_waiting
from limen.tenants import policy_of

Handle = Annotated[str, Path(max_length=100)]
Answer = Waiting | Complete


async def own(request: Request, work: Work, *, handle: str, parts: Parts) -> Interaction:
    """Return the interaction to who opened it; to everybody else there is none."""
    found = await find_interaction(work, raw_handle=Secret(handle))
    client = await parts.clients.find(work, found.client_id)
    if client is None:
        raise not_found()
    presented = await identify_front_end(request, work, client=client, parts=parts)
    check_binding(found, presented)
    become_nobody(work)
    return found


async def who_is_there(request: Request, work: Work, found: Interaction) -> SignedIn | None:
    """Return who signed in through this interaction, else the browser's session."""
    if found.session_id is None:
        return await session_of(request, work)
    session = await find_session(work, found.session_id)
    if session is None:
        return None
    who = who_of(session)
    become_person(work, who)
    return who


async def go_on(
    request: Request,
    work: Work,
    *,
    found: Interaction,
    handle: str,
    parts: Parts,
    who: SignedIn | None = None,
) -> Answer:
    """Say what the interaction waits for; end it if nothing is missing any more.

    Args:
        request: The front end's.
        work: The transaction.
        found: The interaction, this caller's own.
        handle: Of it.
        parts: See there.
        who: Who was just found to be there, by the transaction itself.
    """
    found, step = await _advance(work, found)
    if step is None and who is None:
        who = await who_is_there(request, work, found)
    done = await finish(
        work, interaction=found, desk=parts.desk, who=None if step is not None else who
    )
    return await view(work, done, found=found, handle=handle, parts=parts, step=step)


async def view(
    work: Work,
    done: AuthorizationResponse | Missing,
    *,
    found: Interaction,
    handle: str,
    parts: Parts,
    step: Step | None = None,
) -> Answer:
    """Describe where an interaction stands."""
    if isinstance(done, AuthorizationResponse):
        return complete(done)
    terms = policy_of(work).assurance.terms
    told = waiting(
        Secret(handle),
        site=work.site,
        missing=done,
        until=found.expires_at,
        step=step,
        terms=terms,
    )
    return await with_providers(work, told, federation=parts.federation)


async def underway_in(
    request: Request, work: Work, *, found: Interaction, parts: Parts
) -> Underway:
    """Return who has a step to pass in this interaction.

    Raises:
        Conflict: ``step_not_due``: nobody has.
        NotAuthenticated: ``sign_in_over``.
    """
    if found.pending_hash is not None:
        return await find_waiting(work, hashed=found.pending_hash)
    who = await who_is_there(request, work, found)
    missing = await look(work, interaction=found, desk=parts.desk, who=who)
    if who is None or not isinstance(missing, StepUp):
        raise Conflict("step_not_due", "Something else comes first.")
    return Underway(
        user_id=who.user_id,
        amr=who.amr,
        session_id=who.session_id,
        is_in=True,
        authenticated_at=who.authenticated_at,
        needs_factor=missing.step in {"second_factor", "enrol_factor"},
    )


async def _advance(work: Work, found: Interaction) -> tuple[Interaction, Step | None]:
    """Return the step of who is on the way in; let them in if none is left."""
    if found.pending_hash is None:
        return found, None
    try:
        underway = await find_waiting(work, hashed=found.pending_hash)
    except NotAuthenticated:  # it took too long: they sign in again
        return await note_waiting(work, interaction=found, hashed=None), None
    step = await current_step(work, underway=underway)
    if step is not None:
        return found, step
    outcome = await enter(work, underway=underway)
    return await note_outcome(work, found=found, outcome=outcome), None
