"""What came back from a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limen.kernel.errors import ProviderUnavailable
from limen.kernel.foreign_json import parse_json


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A whole answer; it has no repr, because bodies carry tokens.

    Args:
        headers: By lower-case name; repeated ones joined with a comma.
        body: At most as many bytes as the caller allowed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without parameters, lower-case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json_object(self) -> dict[str, Any]:
        """Read the body as a JSON object.

        Raises:
            ProviderUnavailable: ``provider_unreadable`` for anything else: an HTML error page
                of a gateway, NaN, a bare list, nesting without end, NUL.
        """
        try:
            value = parse_json(self.body.decode())
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise ProviderUnavailable(
                "provider_unreadable",
                "The provider's answer could not be read.",
                detail=f"status {self.status}, {self.content_type[:60]!r}, no JSON object",
            )
        return value
