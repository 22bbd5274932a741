"""Kinds of values that several policies hold."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def _check_scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise ValueError("not a scope token (RFC 6749 section 3.3)")
    return value


Scope = Annotated[str, AfterValidator(_check_scope)]
HttpsUrl = Annotated[
    str, StringConstraints(max_length=2048, pattern=r"^https://[\x21\x23-\x3b\x3d-\x7e]+$")
]
