"""The signed call to a hook, in the form of Standard Webhooks, and its answer read strictly."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import secrets
from typing import Final

from limen.hooks.model import MAX_REASON_CHARACTERS, Hook, HookAnswer, Question
from limen.kernel.clock import to_timestamp
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.net import Net
from limen.net.answer import Answer

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what libraries that verify expect before it
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
            **signature(raw_secret, body=body, message_id=new_id(now), timestamp=to_timestamp(now)),
        },
        body=body,
        deadline_seconds=hook.deadline.total_seconds(),
        max_bytes=_MAX_ANSWER_BYTES,
    )
    return read_answer(answer)


def new_secret() -> Secret[str]:
    """Make what a hook's calls are signed with: 256 random bits."""
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode())


def signature(
    raw_secret: Secret[str], *, body: bytes, message_id: str, timestamp: int
) -> dict[str, str]:
    """Return the headers that prove that we ask, and when (N218).

    Args:
        raw_secret: The hook's.
        body: As it is sent.
        message_id: Unique, so that a receiver can refuse a second one.
        timestamp: Seconds since 1970; a receiver refuses what is more than five minutes off.
    """
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    key = base64.b64decode(raw_secret.reveal().removeprefix(SECRET_PREFIX))
    mac = hmac.digest(key, signed, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


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
