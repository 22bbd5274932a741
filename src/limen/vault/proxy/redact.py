"""Strike a token out of a stream of bytes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

_MASK = b"*"


class Redactor:
    """Replaces a token by as many stars, also where it is cut by the chunks it comes in.

    Lengths stay as they are, so that ``Content-Length`` stays true.

    Args:
        raw_access: The token; struck out as it is, percent-encoded, and as JSON may write it.
    """

    def __init__(self, raw_access: str) -> None:
        self._forms = sorted(spellings(raw_access), key=len, reverse=True)
        self._keep = max((len(form) for form in self._forms), default=1) - 1
        self._tail = b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what is safe to hand on; the end is held back until more is known."""
        text = self._struck(self._tail + chunk)
        cut = max(0, len(text) - self._keep)
        self._tail = text[cut:]
        return text[:cut]

    def end(self) -> bytes:
        """Return what was held back."""
        rest, self._tail = self._tail, b""
        return rest

    def _struck(self, text: bytes) -> bytes:
        for form in self._forms:
            text = text.replace(form, _MASK * len(form))
        return text


def spellings(raw_access: str) -> Iterable[bytes]:
    """Return a token as it may stand in an answer: as it is, percent-encoded, as in JSON."""
    plain = {raw_access, quote(raw_access, safe=""), json.dumps(raw_access)[1:-1]}
    plain.add(raw_access.replace("/", "\\/"))
    return {form.encode() for form in plain if form}
