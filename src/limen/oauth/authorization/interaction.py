"""A request that waits for a person: opened, looked at, answered once.

The handle alone is not enough to go on with one: it is bound to the browser by a cookie, or to
the front end that opened it, so that a link with a stranger's handle leads nowhere (N176).
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import Final, Literal

from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound, OAuthRefusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.oauth.authorization.answer import issue_code, tell_refusal
from limen.oauth.authorization.asked import (
    AskConsent,
    Desk,
    Issue,
    Missing,
    Outcome,
    Refuse,
    ShowSignIn,
    SignedIn,
    StepUp,
)
from limen.oauth.authorization.checks import check_again
from limen.oauth.authorization.decide import decide, recheck
from limen.oauth.consent import grant_consent, is_asked_each_time
from limen.oauth.model import Binding, Interaction
from limen.oauth.store import interactions as store
from limen.protocol.responses import AuthorizationResponse
from limen.signin.journey import Step

KIND: Final = "lmi"
TTL: Final = dt.timedelta(minutes=30)

Waits = Literal["sign_in", "consent"] | Step
"""What an interaction can wait for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An interaction with the handle that its row does not hold."""

    raw_handle: Secret[str]
    interaction: Interaction


async def open_interaction(
    work: Work, *, missing: Missing, binding: Binding, ttl: dt.timedelta = TTL
) -> Opened:
    """Keep a checked request until a person has answered it."""
    asked = missing.asked
    raw_handle = mint(KIND, work.tenant_id)
    interaction = Interaction(
        handle_hash=token_hash(raw_handle),
        client_id=asked.client.client_id,
        binding=binding,
        request=asked.request,
        redirect_uri=asked.to.redirect.uri,
        resource=asked.resource.identifier,
        scope=asked.scope,
        steps=(step_of(missing),),
        hinted_subject=asked.hinted_subject,
        authenticated_after=asked.authenticated_after,
        pushed_hash=asked.to.pushed_hash,
        is_signed=asked.to.is_signed,
        user_id=None,
        session_id=None,
        created_at=work.now,
        expires_at=work.now + ttl,
    )
    await store.add_interaction(work, interaction)
    return Opened(raw_handle, interaction)


async def find_interaction(work: Work, *, raw_handle: Secret[str]) -> Interaction:
    """Return an open interaction; whoever shows it to somebody checks its binding first.

    Raises:
        NotFound: ``interaction_not_found``: unknown, answered or expired.
    """
    told = read(raw_handle, kind=KIND)
    found = None
    if told is not None and told.tenant_id == work.tenant_id:
        found = await store.find_interaction(work, token_hash(raw_handle))
    if found is None:
        raise not_found()
    return found


def check_binding(interaction: Interaction, presented: Binding | None) -> None:
    """Refuse whoever did not open the interaction, as if there were none (N176).

    Raises:
        NotFound: ``interaction_not_found``.
    """
    if (
        presented is None
        or presented.by != interaction.binding.by
        or not hmac.compare_digest(presented.to.encode(), interaction.binding.to.encode())
    ):
        raise not_found()


async def look(
    work: Work, *, interaction: Interaction, desk: Desk, who: SignedIn | None
) -> Outcome:
    """Say what an interaction still waits for."""
    asked = await recheck(work, interaction=interaction, desk=desk)
    try:
        await check_again(work, asked=asked, desk=desk)
    except OAuthRefusal as refusal:
        return Refuse(asked.to, refusal)
    return await decide(work, asked=asked, desk=desk, who=who)


async def note_sign_in(work: Work, *, interaction: Interaction, who: SignedIn) -> Interaction:
    """Remember who signed in through a front end without cookies.

    Raises:
        Conflict: ``interaction_answered``.
    """
    changed = await store.note_sign_in(
        work, interaction.handle_hash, user_id=who.user_id, session_id=who.session_id
    )
    if changed is None:
        raise _answered()
    return changed


async def note_waiting(
    work: Work, *, interaction: Interaction, hashed: bytes | None
) -> Interaction:
    """Remember who is on the way in through a front end without cookies.

    Args:
        work: The transaction.
        interaction: Still open.
        hashed: What finds them; ``None`` once they are in, or gave up.

    Raises:
        Conflict: ``interaction_answered``.
    """
    changed = await store.note_waiting(work, interaction.handle_hash, pending_hash=hashed)
    if changed is None:
        raise _answered()
    return changed


async def allow(
    work: Work, *, interaction: Interaction, desk: Desk, who: SignedIn | None
) -> AuthorizationResponse | ShowSignIn | StepUp:
    """Answer with a code, the user having agreed; the consent is recorded.

    Returns:
        The answer, or what is missing before there may be one; then nothing was changed.

    Raises:
        Conflict: ``interaction_answered``: another was first.
    """
    match await look(work, interaction=interaction, desk=desk, who=who):
        case ShowSignIn() | StepUp() as missing:
            return missing
        case AskConsent(asked=asked, who=signed_in) | Issue(asked=asked, who=signed_in):
            await _take(work, interaction)
            await grant_consent(
                work,
                user_id=signed_in.user_id,
                client=asked.client,
                resource=asked.resource.identifier,
                scope=asked.agreed_scope,
                remembered=not is_asked_each_time(asked.client, redirect_uri=asked.to.redirect.uri),
            )
            return await issue_code(work, desk=desk, asked=asked, who=signed_in)
        case refuse:
            await _take(work, interaction)
            return await tell_refusal(work, desk=desk, to=refuse.to, refusal=refuse.refusal)


async def finish(
    work: Work, *, interaction: Interaction, desk: Desk, who: SignedIn | None
) -> AuthorizationResponse | Missing:
    """Answer if nobody needs to be asked any more; else say what is missing.

    Raises:
        Conflict: ``interaction_answered``: another was first.
    """
    match await look(work, interaction=interaction, desk=desk, who=who):
        case ShowSignIn() | StepUp() | AskConsent() as missing:
            return missing
        case Issue(asked=asked, who=signed_in):
            await _take(work, interaction)
            return await issue_code(work, desk=desk, asked=asked, who=signed_in)
        case refuse:
            await _take(work, interaction)
            return await tell_refusal(work, desk=desk, to=refuse.to, refusal=refuse.refusal)


async def deny(work: Work, *, interaction: Interaction, desk: Desk) -> AuthorizationResponse:
    """Answer that the user said no.

    Raises:
        Conflict: ``interaction_answered``: another was first.
    """
    asked = await recheck(work, interaction=interaction, desk=desk)
    await _take(work, interaction)
    refusal = OAuthRefusal("access_denied", "The user did not agree.")
    return await tell_refusal(work, desk=desk, to=asked.to, refusal=refusal)


def step_of(missing: Missing) -> Waits:
    """Name what an interaction waits for."""
    match missing:
        case ShowSignIn():
            return "sign_in"
        case StepUp(step=step):
            return step
        case AskConsent():
            return "consent"


def not_found() -> NotFound:
    """Return the refusal for every handle that leads nowhere."""
    return NotFound(
        "interaction_not_found",
        "This request is over, or was begun elsewhere. Go back to the application and start again.",
    )


async def _take(work: Work, interaction: Interaction) -> None:
    if await store.take_interaction(work, interaction.handle_hash) is None:
        raise _answered()


def _answered() -> Conflict:
    return Conflict("interaction_answered", "This request was answered already.")
