"""What federation depends on."""

from __future__ import annotations

from dataclasses import dataclass

from limen.crypto.envelope import Envelope
from limen.db.work import Works
from limen.federation.provider_keys import ProviderKeys
from limen.federation.registry import Registry
from limen.hooks.ask import Hooks
from limen.net import Net


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Handed in by ``app.py``; one for the process.

    Args:
        keys: Shared, so that providers are asked for their keys once an hour.
        registry: The providers people can sign in with.
        hooks: Asked before a sign-up; ``None`` where nobody can be.
    """

    works: Works
    envelope: Envelope
    net: Net
    keys: ProviderKeys
    registry: Registry
    hooks: Hooks | None = None
