"""Guessing has a price, and strangers can't make others pay it.

An attempt is drawn from its budgets *before* the secret is looked at, in a transaction of its
own: fifty guesses at once find five attempts (N157), and a process killed while it hashes has
counted. What turns out to be right is given back; failures of others are never forgiven by
somebody's success (N158).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limen.crypto.envelope import Envelope
from limen.db.work import Work, Works
from limen.kernel.actor import Actor
from limen.kernel.errors import Throttled
from limen.signin import store
from limen.signin.budgets import Budget
from limen.signin.events import AttemptThrottled


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was let through; hand it to ``forgive`` if it proves right.

    Args:
        key_hashes: The budgets it was drawn from.
        account: Names the account in the audit log without telling it.
    """

    key_hashes: tuple[bytes, ...]
    account: str


async def draw_attempt(
    works: Works, work: Work, *, envelope: Envelope, budgets: Sequence[Budget]
) -> Attempt:
    """Draw one attempt from each budget, or from none.

    Args:
        works: Opens the transaction the attempt is counted in.
        work: Says the tenant and who asks; nothing is written with it.
        envelope: Gives the key that stored names are hashed with.
        budgets: The one of the account first.

    Raises:
        Throttled: ``too_many_attempts``; it says when to come back.
    """
    key = await envelope.derive(work, "sign-in throttle")
    named = tuple(budget.key_hash(key) for budget in budgets)
    attempt = Attempt(named, account=named[0].hex()[:16])

    async def count(counting: Work) -> None:
        free = {name: budget.free for name, budget in zip(named, budgets, strict=True)}
        if waiting := await store.draw(counting, free):
            raise await _refusal(counting, attempt, waiting=waiting)

    await work.let_go()  # never hold one connection while waiting for another
    await works.run(work.site, count, actor=work.actor)
    return attempt


async def forgive(work: Work, attempt: Attempt) -> None:
    """Give back an attempt that was right, or that was never looked at."""
    await store.refund(work, attempt.key_hashes)


async def _refusal(work: Work, attempt: Attempt, *, waiting: set[bytes]) -> Throttled:
    until = await store.blocked_until(work, waiting)
    wait = 1 if until is None else max(1, int((until - work.now).total_seconds()) + 1)

    async def tell(keeping: Work) -> None:
        await keeping.record(AttemptThrottled(account=attempt.account))

    work.even_if_refused(tell)
    minutes = -(-wait // 60)
    when = "in a minute" if minutes == 1 else f"in {minutes} minutes"
    return Throttled(
        public=f"Too many attempts. Try again {when}.",
        retry_after_seconds=wait,
    )


def actor_budget(actor: Actor) -> Budget:
    """Return the budget of somebody signed in who proves again who they are."""
    return Budget("actor", f"{actor.id} {actor.session_id}", 5)
