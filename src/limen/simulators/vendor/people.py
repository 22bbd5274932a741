"""Who has accounts at the simulated vendors: the same three people everywhere."""

from __future__ import annotations

import uuid
from typing import Final

from limen.federation.catalogue.entry import Entry
from limen.simulators.state import Account

_NAMES: Final = (
    ("ada", "Ada Lovelace", True),
    ("grace", "Grace Hopper", True),
    ("mallory", "Mallory", False),
)
_WORKSPACE: Final = "7d1f0c2a-0000-4000-8000-00000000000a"
_KNOWN: Final = {
    "google": ("108000000000000000001", "108000000000000000002", "108000000000000000003"),
    "youtube": ("108000000000000000001", "108000000000000000002", "108000000000000000003"),
    "notion": (
        "3c6a28ac-0000-4000-8000-000000000001",
        "3c6a28ac-0000-4000-8000-000000000002",
        "3c6a28ac-0000-4000-8000-000000000003",
    ),
    "github": ("1001", "1002", "1003"),
    "github-app": ("1001", "1002", "1003"),
}
"""Subjects that tests and documents name; Google's products share its accounts."""


def people(entry: Entry) -> list[Account]:
    """Return the accounts of a vendor.

    A subject that an entry joins of several members has as many parts, joined by colons.
    """
    return [
        Account(
            sub=_subject(entry, number, name),
            email=f"{name}@example.test",
            name=full_name,
            email_verified=verified,
            hd="example.test" if verified else "",
            workspace_id=_WORKSPACE,
            workspace_name="Analytical Engine",
        )
        for number, (name, full_name, verified) in enumerate(_NAMES)
    ]


def _subject(entry: Entry, number: int, name: str) -> str:
    known = _KNOWN.get(entry.id)
    if known is not None:
        return known[number]
    parts = [
        str(uuid.uuid5(uuid.NAMESPACE_URL, f"{entry.id} {pointer} {name}"))
        for pointer in entry.identity.subject
    ]
    return ":".join(parts)
