"""What signing in needs beside the Work."""

from __future__ import annotations

from dataclasses import dataclass

from limen.crypto.envelope import Envelope
from limen.crypto.passwords import PasswordHasher
from limen.db.work import Works


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What every way in needs.

    Args:
        works: Attempts are counted in transactions of their own.
        envelope: Gives the keys of the throttle and of device cookies; opens factors.
        hasher: Compares passwords.
    """

    works: Works
    envelope: Envelope
    hasher: PasswordHasher
