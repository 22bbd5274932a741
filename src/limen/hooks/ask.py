"""Ask all of a tenant's hooks at a point: the first no ends it, and so does silence."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, final

from limen.crypto.envelope import Envelope
from limen.db.cache import Cache
from limen.db.work import Work
from limen.hooks import store
from limen.hooks.events import HookFailed, HookRefused
from limen.hooks.manage import secret_place
from limen.hooks.model import (
    DEFAULT_DEADLINE,
    MAX_REASON_CHARACTERS,
    Hook,
    HookAnswer,
    HostHooks,
    InProcess,
    Point,
)
from limen.hooks.over_http import call
from limen.kernel.errors import NotPermitted, ProviderUnavailable, Unavailable
from limen.kernel.secret import Secret
from limen.net import Net
from limen.observe import logger

_log: Final = logger("limen.hooks")
_HOST: Final = "host"
"""What a host's own hook is called in the audit log."""


@final
class Hooks:
    """The hooks of all tenants; one instance per process.

    Args:
        net: Calls addresses.
        envelope: Opens their secrets.
        in_process: The host application's own, asked first.
    """

    def __init__(
        self,
        *,
        net: Net,
        envelope: Envelope,
        in_process: HostHooks | None = None,
    ) -> None:
        self._net = net
        self._envelope = envelope
        self._in_process = dict(in_process or {})
        self._known: Cache[tuple[Hook, ...]] = Cache(
            store.KIND, read=store.hooks_at, amid_writes=True
        )

    async def are_at(self, work: Work, point: Point) -> bool:
        """Say whether anybody is asked at a point; no statement while that is known."""
        return bool(self._in_process.get(point) or await self._known.get(work, point))

    async def ask(self, work: Work, point: Point, about: Mapping[str, Any]) -> dict[str, Any]:
        """Ask whether to go on.

        Args:
            work: Nothing may have been written in it: no transaction waits for an answer.
            point: Where we are.
            about: What hooks are told; JSON values, no secrets.

        Returns:
            The claims that they want added; a later hook wins over an earlier one.

        Raises:
            NotPermitted: ``refused_by_hook``, with the hook's reason.
            Unavailable: ``hook_unavailable``: one gave no answer and is not optional.
        """
        ours = self._in_process.get(point, ())
        others = await self._known.get(work, point) or ()
        if not ours and not others:
            return {}
        secrets = [await self._secret(work, hook) for hook in others]
        await work.let_go()
        question = {"point": point, "tenant": work.site.slug, **about}
        claims: dict[str, Any] = {}
        for function in ours:
            claims |= await _ask_host(work, function, question=question, point=point)
        for hook, raw_secret in zip(others, secrets, strict=True):
            claims |= await self._ask_other(work, hook, question=question, raw_secret=raw_secret)
        return claims

    async def _secret(self, work: Work, hook: Hook) -> Secret[str]:
        raw = await self._envelope.open(work, secret_place(hook.id), hook.sealed_secret)
        return Secret(raw.reveal().decode())

    async def _ask_other(
        self, work: Work, hook: Hook, *, question: Mapping[str, Any], raw_secret: Secret[str]
    ) -> Mapping[str, Any]:
        try:
            answer = await call(self._net, hook, question, raw_secret=raw_secret, now=work.now)
        except ProviderUnavailable as error:
            _log.warning("hook failed", point=hook.point, hook=hook.id, error=error.code)
            if not hook.optional:
                raise _silent(work, hook_id=hook.id, point=hook.point) from error
            event = HookFailed(hook_id=hook.id, point=hook.point, went_on=True)
            work.even_if_refused(partial(Work.record, event=event))
            return {}
        return _heeded(work, answer, hook_id=hook.id, point=hook.point)


async def _ask_host(
    work: Work, function: InProcess, *, question: Mapping[str, Any], point: Point
) -> Mapping[str, Any]:
    try:
        async with asyncio.timeout(DEFAULT_DEADLINE.total_seconds()):
            answer = await function(question)
    except Exception as error:
        _log.warning("hook failed", point=point, error=type(error).__name__)
        raise _silent(work, hook_id=_HOST, point=point) from error
    return _heeded(work, answer or HookAnswer(), hook_id=_HOST, point=point)


def _heeded(work: Work, answer: HookAnswer, *, hook_id: str, point: Point) -> Mapping[str, Any]:
    if answer.allow:
        return answer.claims
    event = HookRefused(hook_id=hook_id, point=point)
    work.even_if_refused(partial(Work.record, event=event))
    reason = "".join(char for char in answer.reason if char.isprintable())
    raise NotPermitted("refused_by_hook", reason[:MAX_REASON_CHARACTERS] or "This was refused.")


def _silent(work: Work, *, hook_id: str, point: Point) -> Unavailable:
    event = HookFailed(hook_id=hook_id, point=point, went_on=False)
    work.even_if_refused(partial(Work.record, event=event))
    return Unavailable("hook_unavailable", "A check that must be made can't be made now.")
