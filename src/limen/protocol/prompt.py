"""Prompt and max_age: when the person must be asked anew."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from typing import Final, Literal, cast, get_args

from limen.kernel.errors import OAuthRefusal

Prompt = Literal["none", "login", "consent", "select_account", "create"]
PROMPTS: Final = frozenset(get_args(Prompt))
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def parse_prompt(raw: str | None) -> frozenset[Prompt]:
    """Read ``prompt``; ``none`` stands alone (OIDC Core section 3.1.2.1, N273).

    Raises:
        OAuthRefusal: ``invalid_request`` for other values and combinations.
    """
    values = frozenset((raw or "").split())
    if not values <= PROMPTS:
        raise OAuthRefusal("invalid_request", "prompt has an unknown value.", field="prompt")
    if "none" in values and len(values) > 1:
        raise OAuthRefusal("invalid_request", "prompt=none can't be combined.", field="prompt")
    return cast("frozenset[Prompt]", values)


def parse_max_age(raw: str | None) -> int | None:
    """Read ``max_age`` in seconds; refuse negative, huge and non-decimal values (N273)."""
    if raw is None:
        return None
    if not _SECONDS.fullmatch(raw):
        raise OAuthRefusal(
            "invalid_request", "max_age must be a whole number of seconds.", field="max_age"
        )
    return int(raw)


def authenticated_after(
    *, prompt: Collection[Prompt], max_age: int | None, now: dt.datetime
) -> dt.datetime | None:
    """Return the instant that an authentication must not lie before; ``None`` if any will do.

    ``prompt=login`` and ``max_age=0`` both mean: later than this request.
    """
    if "login" in prompt:
        return now
    return None if max_age is None else now - dt.timedelta(seconds=max_age)
