"""Move a tenant's signing keys on: next signs, active retires, and a new next is published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from limen.crypto import keyring_store as store
from limen.crypto.events import SigningKeyRemoved, SigningKeyRotated
from limen.crypto.keyring import Keyring
from limen.crypto.make_keys import add_new_key
from limen.db.work import Work
from limen.protocol.jwk import KeyAlgorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """When keys change.

    Args:
        period: How long a key signs.
        published_for: How long its public half stays after that: longer than any token lives.
    """

    period: dt.timedelta = dt.timedelta(days=90)
    published_for: dt.timedelta = dt.timedelta(days=1)


async def rotate_keys(
    work: Work,
    *,
    keyring: Keyring,
    alg: KeyAlgorithm,
    away_from: str = "",
    policy: RotationPolicy = RotationPolicy(),
) -> bool:
    """Retire the active key of an algorithm and let the next one sign.

    Of any number of callers that rotate away from one key, one does; the others find it done
    and make no second key (N257).

    Args:
        work: Says the tenant.
        keyring: Whose process sees the change at commit; other nodes within the polling time.
        alg: ES256, RS256, PS256 or EdDSA.
        away_from: The ``kid`` that shall sign no longer; by default the one this process knows.
        policy: Says how long the old key stays published.

    Returns:
        Whether this call rotated.
    """
    old = away_from or (await keyring.active(work, alg)).kid
    spare = await keyring.make(alg)
    until = work.now + policy.published_for
    if not await store.take_active(work, old, published_until=until):
        return False
    kid = await store.promote_next(work, alg)
    if kid is None:
        await add_new_key(work, envelope=keyring.envelope, made=spare, state="active")
        kid, spare = spare.kid, await keyring.make(alg)
    await add_new_key(work, envelope=keyring.envelope, made=spare, state="next")
    await work.record(SigningKeyRotated(alg=alg, kid=kid, retired_kid=old))
    keyring.forget(work)
    return True


async def maintain_keys(
    work: Work,
    *,
    keyring: Keyring,
    policy: RotationPolicy = RotationPolicy(),
) -> None:
    """Rotate what has signed for its period and withdraw what has been published long enough."""
    _, stored = await store.read_keys(work)
    for key in stored:
        due = key.activated_at is not None and key.activated_at + policy.period <= work.now
        if key.state == "active" and due:
            await rotate_keys(work, keyring=keyring, alg=key.alg, away_from=key.kid, policy=policy)
    removed = await store.remove_retired(work)
    for kid, alg in removed:
        await work.record(SigningKeyRemoved(alg=alg, kid=kid))
    if removed:
        await store.bump(work)
        keyring.forget(work)
