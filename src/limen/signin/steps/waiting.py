"""Remember who has a step to pass, and find them again."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.signin.journey import Step
from limen.signin.steps import store
from limen.signin.steps.underway import KIND, TTL, Underway, Waiting, over


async def wait(work: Work, *, underway: Underway, step: Step) -> Waiting:
    """Remember somebody who has a step to pass; the token of the step before is dead by now."""
    expires_at = work.now + TTL
    if underway.is_in:
        return Waiting(step=step, underway=underway, raw_token=None, expires_at=expires_at)
    raw = mint(KIND, work.tenant_id)
    await store.add_pending(work, underway, token_hash=token_hash(raw), expires_at=expires_at)
    return Waiting(step=step, underway=underway, raw_token=raw, expires_at=expires_at)


async def find_underway(work: Work, *, raw_token: Secret[str]) -> Underway:
    """Return who is on the way in; the token stays good until a step is passed.

    Raises:
        NotAuthenticated: ``sign_in_over``: unknown, expired, or passed by now.
    """
    told = read(raw_token, kind=KIND)
    found = None
    if told is not None and told.tenant_id == work.tenant_id:
        found = await store.find_pending(work, token_hash(raw_token))
    if found is None:
        raise over()
    return found


async def find_waiting(work: Work, *, hashed: bytes) -> Underway:
    """Return who is on the way in by what an interaction keeps of them.

    Raises:
        NotAuthenticated: ``sign_in_over``.
    """
    found = await store.find_pending(work, hashed)
    if found is None:
        raise over()
    return found
