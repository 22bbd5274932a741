"""How often one of our clients may ask its provider: a bucket of tokens. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

SECONDS_OF_BURST: Final = 2.0
"""How many seconds' worth may be asked at once after a rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What is left.

    Args:
        level: How many may still be asked; below nothing once waiters are counted in.
        at: When that was.
    """

    level: float
    at: dt.datetime


def draw(bucket: Bucket | None, *, per_second: float, now: dt.datetime) -> tuple[Bucket, float]:
    """Take one, or learn how long to wait for the next.

    Args:
        bucket: As it was left; ``None`` for a full one.
        per_second: How many come back.
        now: A clock that was set back refills nothing.

    Returns:
        The bucket afterwards, and the seconds to wait: 0 if one was taken.
    """
    most = max(1.0, per_second * SECONDS_OF_BURST)
    level = most
    if bucket is not None:
        gone = max(0.0, (now - bucket.at).total_seconds())
        level = min(most, bucket.level + gone * per_second)
    if level >= 1.0:
        return Bucket(level=level - 1.0, at=now), 0.0
    return Bucket(level=level, at=now), (1.0 - level) / per_second
