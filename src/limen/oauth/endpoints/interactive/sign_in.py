"""Signing in inside an interaction, over JSON: the sign-in page's own use case."""

from __future__ import annotations

from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.tokens import token_hash
from limen.oauth.authorization.asked import SignedIn
from limen.oauth.authorization.interaction import note_sign_in, note_waiting
from limen.oauth.caller import become_person
from limen.oauth.endpoints.interactive.schemas import Credentials
from limen.oauth.model import Interaction
from limen.oauth.parts import Parts
from limen.sessions.revoke import revoke
from limen.sessions.session import Session
from limen.signin.door import Door
from limen.signin.steps.underway import Entered, Waiting
from limen.signin.with_password import PasswordAttempt, sign_in_with_password
from limen.web.peer.client_ip import address_block, client_ip
from limen.web.state import works_of


async def sign_in_by_json(
    request: Request,
    work: Work,
    *,
    found: Interaction,
    credentials: Credentials,
    parts: Parts,
) -> Interaction:
    """Check the password; begin a session that no cookie carries, or wait for the next step.

    Returns:
        The interaction, which keeps who is in or on the way.

    Raises:
        NotAuthenticated: ``invalid_credentials``.
        Throttled: ``too_many_attempts``.
    """
    attempt = PasswordAttempt(
        email=credentials.email,
        raw_password=Secret(credentials.password.get_secret_value()),
        address_block=address_block(client_ip(request)),
        kind="tokens",
        user_agent=request.headers.get("user-agent", ""),
    )
    door = door_of(request, parts)
    outcome = await sign_in_with_password(work, attempt=attempt, door=door)
    if found.session_id is not None:
        await revoke(work, session_id=found.session_id, reason="replaced", must_exist=False)
    return await note_outcome(work, found=found, outcome=outcome)


def door_of(request: Request, parts: Parts) -> Door:
    """Return what signing in needs."""
    return Door(works=works_of(request), envelope=parts.envelope, hasher=parts.hasher)


async def note_outcome(
    work: Work, *, found: Interaction, outcome: Entered | Waiting
) -> Interaction:
    """Remember in the interaction who is in, or on the way in."""
    if isinstance(outcome, Entered):
        who = who_of(outcome.session)
        become_person(work, who)
        return await note_sign_in(work, interaction=found, who=who)
    if outcome.raw_token is None:  # a session that there is has another step to pass
        return found
    return await note_waiting(work, interaction=found, hashed=token_hash(outcome.raw_token))


def who_of(session: Session) -> SignedIn:
    """Return who a session is."""
    return SignedIn(
        user_id=session.user_id,
        session_id=session.id,
        authenticated_at=session.authenticated_at,
        amr=session.amr,
    )
