"""How long an answer may be kept, by what its sender says and within our bounds."""

from __future__ import annotations

import re
from typing import Final

from limen.net.answer import Answer

LEAST_SECONDS: Final = 300.0
MOST_SECONDS: Final = 86_400.0
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:\Z|[\s,])", re.ASCII)


def fresh_seconds(answer: Answer) -> float:
    """Return for how long to keep an answer: 5 minutes unless it says more, a day at most."""
    match = _MAX_AGE.search(answer.headers.get("cache-control", ""))
    wanted = float(match[1]) if match else LEAST_SECONDS
    return min(max(wanted, LEAST_SECONDS), MOST_SECONDS)
