"""Values written as compact JSON, by a writer that is made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder as _encoder
from typing import Any


def json_writer(
    *,
    ascii_only: bool = True,
    allow_nan: bool = False,
    sort_keys: bool = False,
    default: Callable[[Any], Any] | None = None,
) -> Callable[[Any], str]:
    """Return what writes a value as JSON without white space.

    ``json.dumps`` and ``JSONEncoder.encode`` build their inner encoder anew for each document,
    which costs the small ones we write more than writing them.

    Args:
        ascii_only: Escape all that is not ASCII.
        allow_nan: Write NaN and infinities, which are no JSON; refused with ``ValueError``
            otherwise.
        sort_keys: Write the members of objects in the order of their names.
        default: Turns a value that JSON has no form for into one; ``TypeError`` without.
    """
    made = json.JSONEncoder(
        ensure_ascii=ascii_only,
        allow_nan=allow_nan,
        sort_keys=sort_keys,
        separators=(",", ":"),
        default=default,
    )
    make: Any = getattr(_encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C half of ``json``
        return made.encode
    text = _encoder.encode_basestring_ascii if ascii_only else _encoder.encode_basestring
    chunks = make(None, made.default, text, None, ":", ",", sort_keys, False, allow_nan)
    return lambda value: "".join(chunks(value, 0))
