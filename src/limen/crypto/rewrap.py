"""Move every data key to the current key-encryption key, while everything runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from limen.crypto import store
from limen.crypto.kms import WrappingKeys
from limen.db.work import Work, Works
from limen.kernel.site import ALL_TENANTS

_BATCH: Final = 100


def _quiet(_done: int) -> None:
    pass


async def rewrap(
    works: Works, keys: WrappingKeys, *, progress: Callable[[int], None] = _quiet
) -> int:
    """Wrap anew whatever an earlier key wraps; sealed values themselves do not change.

    Each batch is a transaction of its own: broken off, it goes on where it was (N278).

    Args:
        works: Where the data keys lie.
        keys: The current key, and all that still wrap something.
        progress: Told how many are done so far.

    Returns:
        How many data keys were wrapped anew. Afterwards the earlier keys can be taken away.

    Raises:
        WrongWrappingKey: If a data key is wrapped by a key that is not at hand.
    """
    done, after = 0, ("", "")
    while found := await works.run(ALL_TENANTS, partial(_rewrap_batch, keys=keys, after=after)):
        done, after = done + len(found), found[-1]
        progress(done)
    return done


async def _rewrap_batch(
    work: Work, *, keys: WrappingKeys, after: tuple[str, str]
) -> list[tuple[str, str]]:
    found = await store.wrapped_by_others(work, current=keys.current.id, batch=_BATCH, after=after)
    for old in found:
        raw = await keys.get(old.wrapped_by).unwrap(old.wrapped, context=old.context)
        anew = await keys.current.wrap(raw, context=old.context)
        await store.rewrap_key(work, old, wrapped=anew, by=keys.current.id)
    if not found:
        await store.forget_canaries(work, current=keys.current.id)
    return [(old.tenant_id, old.id) for old in found]
