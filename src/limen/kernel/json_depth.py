"""How deep foreign JSON may nest, counted without recursion before it is parsed.

Python's own reader stops at whatever the interpreter's stack allows at that moment: too deep to
be a limit, and another one in each caller. Whoever parses what others wrote asks here first.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

MAX_JSON_DEPTH: Final = 64

_STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_NO_BRACKET: Final = re.compile(r'"[^"]*"?|[^\[\]{}"]+')


def is_too_deep(text: str) -> bool:
    """Say whether arrays and objects nest deeper than ``MAX_JSON_DEPTH`` anywhere.

    Linear. A text with fewer brackets than the limit, nearly every one, is only counted. Of a
    text that is no JSON the answer means nothing but that the parser may have it.
    """
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return False
    # Without escapes a string ends at the next quote; brackets inside of one do not count.
    unescaped = text.replace("\\\\", "").replace('\\"', "")
    depths = accumulate(map(_STEPS.__getitem__, _NO_BRACKET.sub("", unescaped)))
    return any(depth > MAX_JSON_DEPTH for depth in depths)
