"""The signed call to a hook, in the form of Standard Webhooks, and its answer read strictly."""

from __future__ import annotations

import datetime as dt
import json
from typing import Final

from limen.hooks.model import MAX_REASON_CHARACTERS, Hook, HookAnswer, Question
from limen.kernel.clock import to_timestamp
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.net import Net
from limen.net.answer import Answer
from limen.protocol.standard_webhooks import signed_headers

_MAX_ANSWER_BYTES: Final = 8192
_MEMBERS: Final = frozenset({"allow", "reason", "claims"})


async def call(
    net: Net, hook: Hook, question: Question, *, raw_secret: Secret[str], now: dt.datetime
) -> HookAnswer:
    """Ask over HTTP.

    Raises:
        ProviderUnavailable: No answer in time, or none that counts.
    """
    body = json.dumps(question, separators=(",", ":"), ensure_ascii=True).encode()
    answer = await net.fetch(
        "POST",
        hook.url,
        headers={
            "content-type": "application/json",
            **signed_headers(
                (raw_secret,), body=body, message_id=new_id(now), timestamp=to_timestamp(now)
            ),
        },
        body=body,
        deadline_seconds=hook.deadline.total_seconds(),
        max_bytes=_MAX_ANSWER_BYTES,
    )
    return read_answer(answer)


def read_answer(answer: Answer) -> HookAnswer:
    """Read what came back: 200 and ``{"allow": true|false, "reason"?, "claims"?}``.

    Raises:
        ProviderUnavailable: It is anything else. An answer that says nothing is no yes.
    """
    if answer.status != 200:
        raise _unreadable(f"answered {answer.status}")
    said = answer.json_object()
    allow, reason, claims = said.get("allow"), said.get("reason", ""), said.get("claims", {})
    if not isinstance(allow, bool) or said.keys() - _MEMBERS:
        raise _unreadable("no plain yes or no")
    if not isinstance(reason, str) or not isinstance(claims, dict):
        raise _unreadable("reason or claims of another type")
    return HookAnswer(allow=allow, reason=reason[:MAX_REASON_CHARACTERS], claims=claims)


def _unreadable(detail: str) -> ProviderUnavailable:
    return ProviderUnavailable("hook_unreadable", detail=detail)
