"""A value that never prints itself."""

from __future__ import annotations

import hmac
from typing import Generic, TypeVar, final

from typing_extensions import override

T = TypeVar("T", str, bytes)


@final
class Secret(Generic[T]):
    """Hold a secret so that logs, reprs, formats and pickles can't show it.

    Comparison is in constant time. ``reveal`` is the only way to the value; grep for it.
    """

    __slots__ = ("_value",)
    _value: T

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value itself, for the one place that needs it."""
        return self._value

    @override
    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_as_bytes(self._value), _as_bytes(other._value))

    @override
    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    @override
    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is not pickled")


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
