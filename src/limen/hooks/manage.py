"""Add and remove hooks."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from limen.crypto.envelope import Envelope, Place
from limen.db.cache import forget
from limen.db.work import Work
from limen.hooks import store
from limen.hooks.events import HookAdded, HookRemoved
from limen.hooks.model import DEFAULT_DEADLINE, Hook, Point
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.standard_webhooks import new_secret


class Added(NamedTuple):
    """A hook just added.

    Attributes:
        raw_secret: To verify what it is sent; shown once.
    """

    hook: Hook
    raw_secret: Secret[str]


async def add_hook(  # noqa: PLR0913 -- what a hook is
    work: Work,
    *,
    envelope: Envelope,
    net: Net,
    point: Point,
    url: str,
    deadline: dt.timedelta = DEFAULT_DEADLINE,
    optional: bool = False,
) -> Added:
    """Have an address asked from now on.

    Args:
        work: Nothing may have been written in it: the address is looked up first.
        envelope: Seals the secret.
        net: Says whether the address is one we call (N213).
        point: Where it is asked.
        url: https, or one the operator allows.
        deadline: From 0.1 to 10 seconds.
        optional: Whether we go on without its answer; by default we do not.

    Raises:
        InvalidInput: ``deadline_invalid``, ``url_not_allowed``.
        Conflict: ``too_many_hooks``.
    """
    if not dt.timedelta(milliseconds=100) <= deadline <= dt.timedelta(seconds=10):
        raise InvalidInput(
            "deadline_invalid", "Between a tenth of a second and ten.", field="deadline_ms"
        )
    await work.let_go()
    await net.check_target(url, field="url")
    if len(await store.hooks_at(work, point)) >= store.MAX_HOOKS:
        raise Conflict("too_many_hooks", "There are too many hooks at this point.")
    hook_id, raw_secret = new_id(work.now), new_secret()
    sealed = await envelope.seal(work, secret_place(hook_id), raw_secret.reveal().encode())
    hook = Hook(
        id=hook_id,
        point=point,
        url=url,
        deadline=deadline,
        optional=optional,
        created_at=work.now,
        sealed_secret=sealed,
    )
    await store.add_hook(work, hook)
    forget(work, kind=store.KIND, name=point)
    await work.record(HookAdded(hook_id=hook_id, point=point))
    return Added(hook, raw_secret)


async def list_hooks(work: Work) -> list[Hook]:
    """Return the tenant's hooks in the order they are asked."""
    return await store.list_hooks(work)


async def remove_hook(work: Work, *, hook_id: str) -> None:
    """Have an address asked no more.

    Raises:
        NotFound: ``hook_not_found``.
    """
    point = await store.remove_hook(work, hook_id)
    if point is None:
        raise NotFound("hook_not_found", "There is no such hook.")
    forget(work, kind=store.KIND, name=point)
    await work.record(HookRemoved(hook_id=hook_id))


def secret_place(hook_id: str) -> Place:
    """Return where a hook's secret is sealed."""
    return Place("hook", hook_id, "secret")
