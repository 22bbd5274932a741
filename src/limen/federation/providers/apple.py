"""Apple: the name comes once, unsigned, beside the first answer; all else is in the ID token."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from typing_extensions import override

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.provider import ExternalIdentity, Told

_MAX_USER_CHARS: Final = 2000
_MAX_NAME_CHARS: Final = 200


class Apple(CatalogueProvider):
    """Sign in with Apple."""

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        found = super().identify(told)
        name = _name(told.callback.get("user", ""))
        return found if not name else dataclasses.replace(found, name=name)


def _name(raw: str) -> str:
    """Read the name of the ``user`` parameter, and nothing else of it.

    Nobody signed it: whoever holds the browser may write what they like. A name they might
    choose anyway; an address there would be a stranger's (N129).
    """
    if not raw or len(raw) > _MAX_USER_CHARS:
        return ""
    try:
        told: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return ""
    names = told.get("name") if isinstance(told, dict) else None
    if not isinstance(names, dict):
        return ""
    parts = (names.get("firstName"), names.get("lastName"))
    name = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
    return name[:_MAX_NAME_CHARS] if name.isprintable() else ""
