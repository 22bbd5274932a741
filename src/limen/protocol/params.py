"""Request parameters as sent: strictly decoded once, duplicates kept so as to be refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from limen.kernel.errors import OAuthRefusal, TooLarge
from limen.kernel.secret import Secret

_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a form or a query is read at all.

    Args:
        max_bytes: Of the whole, still encoded.
        max_parameters: Pairs, empty ones included.
    """

    max_bytes: int
    max_parameters: int


FORM_LIMITS: Final = Limits(max_bytes=64 * 1024, max_parameters=100)
QUERY_LIMITS: Final = Limits(max_bytes=32 * 1024, max_parameters=100)


class Params:
    """What a form or a query said; immutable.

    A parameter sent without a value counts as not sent (RFC 6749 section 3.1). The same name
    twice is kept and refused when read: which of two values counts is what parameter
    pollution bets on (N041, N232).
    """

    __slots__ = ("_pairs", "_values")
    _pairs: Final[tuple[tuple[str, str], ...]]
    _values: Final[Mapping[str, Sequence[str]]]

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = tuple([pair for pair in pairs if pair[1]])
        values: dict[str, list[str]] = {}
        for name, value in self._pairs:
            values.setdefault(name, []).append(value)
        self._values = values

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], *, limits: Limits = FORM_LIMITS) -> Params:
        """Take pairs that are decoded already, under the rules of ``parse_params``."""
        kept = tuple(pairs)
        _check_count(len(kept), limits=limits)
        for name, value in kept:
            _check_text(name)
            _check_text(value)
        return cls(kept)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every parameter with a value, in the order sent."""
        return self._pairs

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def many(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter that may repeat."""
        return tuple(self._values.get(name, ()))

    def one(self, name: str) -> str | None:
        """Return the value, or ``None`` when not sent; refuse it when sent twice."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1:
            raise _repeated(name)
        return values[0]

    def required(self, name: str) -> str:
        """Return the value of a parameter that must be there, once."""
        value = self.one(name)
        if value is None:
            raise OAuthRefusal("invalid_request", f"{name} is missing.", field=name)
        return value

    def secret(self, name: str) -> Secret[str] | None:
        """Return the value wrapped, so that it can't be printed by accident."""
        value = self.one(name)
        return None if value is None else Secret(value)

    def first(self, name: str) -> str | None:
        """Return the value if it was sent exactly once, else ``None``; never refuses.

        Only for what an error answer echoes (``state``), where a second error helps nobody.
        """
        values = self._values.get(name, ())
        return values[0] if len(values) == 1 else None

    def refuse_repeated(self, *, may_repeat: Collection[str] = ()) -> None:
        """Refuse any parameter sent more than once (RFC 6749 sections 3.1 and 3.2)."""
        if len(self._values) == len(self._pairs):
            return
        for name, values in self._values.items():
            if len(values) > 1 and name not in may_repeat:
                raise _repeated(name)


def parse_params(raw: bytes, *, limits: Limits = FORM_LIMITS) -> Params:
    """Decode ``application/x-www-form-urlencoded``, strictly.

    ``;`` separates nothing, brackets mean nothing, percent-encoding must be complete, the
    bytes must be UTF-8 without NUL (N068, N212, N232).

    Raises:
        TooLarge: More bytes than the limit.
        OAuthRefusal: ``invalid_request`` for everything else.
    """
    if len(raw) > limits.max_bytes:
        raise TooLarge(detail=f"{len(raw)} bytes of parameters")
    text = _text(raw)
    pieces = text.split("&") if text else []
    _check_count(len(pieces), limits=limits)
    pairs = []
    for piece in pieces:
        name, _, value = piece.partition("=")
        if "%" in piece or "+" in piece:
            name, value = _decode(name.encode()), _decode(value.encode())
        pairs.append((name, value))
    return Params(pairs)


def form_decode(raw: bytes) -> str:
    """Decode one form-encoded value; refuse what is not exactly that."""
    return _decode(raw)


def _decode(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if _BAD_ESCAPE.search(raw):
            raise OAuthRefusal("invalid_request", "A parameter is not percent-encoded correctly.")
        raw = unquote_to_bytes(raw)
    return _text(raw)


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _not_text() from None
    if "\x00" in text:
        raise _not_text()
    return text


def _check_text(value: str) -> None:
    """Refuse NUL and lone surrogates, which no database and no URL takes."""
    if "\x00" in value or not _is_encodable(value):
        raise _not_text()


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_count(count: int, *, limits: Limits) -> None:
    if count > limits.max_parameters:
        raise OAuthRefusal("invalid_request", "There are too many parameters.")


def _not_text() -> OAuthRefusal:
    return OAuthRefusal("invalid_request", "A parameter is not UTF-8 text.")


def _repeated(name: str) -> OAuthRefusal:
    shown = name if name.isascii() and name.isidentifier() and len(name) <= 40 else "A parameter"
    return OAuthRefusal("invalid_request", f"{shown} was sent more than once.", field=shown)
