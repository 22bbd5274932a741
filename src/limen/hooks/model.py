"""Where hooks are asked, and what they may answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

Point = Literal["before_sign_up", "after_sign_in", "before_token"]
POINTS: Final[tuple[Point, ...]] = get_args(Point)

MAX_REASON_CHARACTERS: Final = 200
DEFAULT_DEADLINE: Final = dt.timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What a hook says.

    Args:
        allow: Whether to go on.
        reason: For the person or client, if not; plain text.
        claims: Before a token: claims to add to it; those that decide who is admitted are
            left out.
    """

    allow: bool = True
    reason: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)


Question = Mapping[str, Any]
"""What a hook is told: ``point``, ``tenant`` and what the point is about; JSON values."""

InProcess = Callable[[Question], Awaitable[HookAnswer | None]]
"""A hook of the host application; ``None`` is a yes."""


HostHooks = Mapping[Point, Sequence[InProcess]]
"""All hooks of a host application, by where they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook that is called over HTTP.

    Args:
        optional: Whether we go on without its answer.
        sealed_secret: Signs what it is sent.
    """

    id: str
    point: Point
    url: str
    deadline: dt.timedelta
    optional: bool
    created_at: dt.datetime
    sealed_secret: bytes = field(repr=False)
