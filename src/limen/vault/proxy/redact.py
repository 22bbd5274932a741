"""Strike a token out of a stream of bytes. Pure."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

_MASK = b"*"
_ESCAPE: Final = re.compile(r"%[0-9A-F]{2}")
_SHORTEST: Final = 12
"""Of what is looked for beside the token as it is: shorter texts stand anywhere by chance."""


class Redactor:
    """Replaces a token by as many stars, also where it is cut by the chunks it comes in.

    Lengths stay as they are, so that ``Content-Length`` stays true.

    Args:
        raw_access: The token; struck out as it is and as ``spellings`` writes it.
        also: So is this: the password within it.
    """

    def __init__(self, raw_access: str, *also: str) -> None:
        forms = {form for each in (raw_access, *also) for form in spellings(each)}
        self._forms = sorted(forms, key=len, reverse=True)
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


def spellings(raw_access: str) -> frozenset[bytes]:
    """Return a token as it may stand in an answer that repeats the request it came with.

    As it is, percent-encoded, as JSON and HTML escape it (JSON within JSON too), in hexadecimal,
    and within any base64: what is encoded may begin before the token and end behind it.
    """
    plain = raw_access.encode()
    others = {
        form
        for form in (*_escaped(raw_access), *_hexadecimal(plain), *_within_base64(plain))
        if len(form) >= _SHORTEST
    }
    return frozenset(form for form in {plain, *others} if form)


def _escaped(raw: str) -> Iterator[bytes]:
    percent = quote(raw, safe="")
    in_json = json.dumps(raw)[1:-1]
    with_slashes = in_json.replace("/", "\\/")
    lower = _ESCAPE.sub(lambda found: found[0].lower(), percent)
    for form in (percent, lower, quote(percent, safe=""), in_json, with_slashes):
        yield form.encode()
    for form in (in_json, with_slashes):
        yield json.dumps(form)[1:-1].encode()
    yield html.escape(raw).encode()
    yield html.escape(raw, quote=False).encode()
    # As some libraries write inside JSON what means something in HTML.
    for digits in ("04x", "04X"):
        yield "".join(
            f"\\u{ord(char):{digits}}" if char in "&<>'+=" else char for char in in_json
        ).encode()


def _hexadecimal(plain: bytes) -> Iterator[bytes]:
    yield plain.hex().encode()
    yield plain.hex().upper().encode()


def _within_base64(plain: bytes) -> Iterator[bytes]:
    """Encode at each of the three places a byte can have, without what depends on neighbours."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + plain)
        start = (before * 8 + 5) // 6
        whole = (before + len(plain)) * 8 // 6
        inner = encoded[start:whole]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))
        yield inner.replace(b"/", b"\\/")
