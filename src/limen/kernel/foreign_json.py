"""JSON that others wrote, read so that every reader and every database has the same of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final, NoReturn

from limen.kernel.json_depth import is_too_deep

Pairs = Callable[[list[tuple[str, Any]]], Any]
"""Makes an object of its members, in their order."""


def parse_json(text: str, *, pairs: Pairs | None = None, any_text: bool = False) -> Any:
    """Read a JSON text.

    Refuses nesting without end, NaN and infinities under any name (``1e400`` is one), NUL and
    lone surrogates in strings: encoders and databases choke on them (N082, N083, N212).

    Args:
        text: As decoded.
        pairs: Has the members of each object first; it may refuse them with ``ValueError``.
        any_text: Whether strings may hold anything, because each is looked at by itself later.

    Raises:
        ValueError: If it is no such text.

    Spec: RFC 8259, RFC 7493 section 2.
    """
    if is_too_deep(text):
        raise ValueError("too deep")
    try:
        value = json.loads(
            text, object_pairs_hook=pairs, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not any_text and "\\u" in text:
        _check_escapes(value)
    return value


_NUL: Final = "\\u0000"


def _check_escapes(value: Any) -> None:
    # Without the escapes of backslashes: after one of those `u0000` is but a text.
    if _NUL in json.dumps(value).replace("\\\\", ""):
        raise ValueError("NUL")
    json.dumps(value, ensure_ascii=False).encode("utf-8")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("out of range")
    return number
