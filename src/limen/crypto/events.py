"""What happens to signing keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limen.kernel.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKeyRotated(Event):
    """The next key signs from now on; the one before is published while its tokens live."""

    name: ClassVar[str] = "tenant:signing_key:rotated"
    alg: str
    kid: str
    retired_kid: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKeyRemoved(Event):
    """A retiring key is published no longer."""

    name: ClassVar[str] = "tenant:signing_key:removed"
    alg: str
    kid: str
