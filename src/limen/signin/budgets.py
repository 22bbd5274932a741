"""Pure: how often whom may try, and how long to wait after that."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import Final

from limen.kernel.secret import Secret

DELAYS: Final = tuple(dt.timedelta(seconds=s) for s in (30, 60, 120, 240, 480, 900))
"""Waiting time after the last free attempt, and after each one more; the last one stays."""

FORGOTTEN_AFTER: Final = dt.timedelta(hours=1)
"""A budget that nobody drew on for so long is full again."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Attempts somebody has.

    Args:
        kind: Budgets of different kinds never share a count.
        value: Whose, in canonical form: only its keyed hash is stored.
        free: Attempts without any wait.
    """

    kind: str
    value: str
    free: int

    def key_hash(self, key: Secret[bytes]) -> bytes:
        """Return what the budget is stored under; the address behind it can't be guessed back."""
        message = f"{self.kind}\0{self.value}".encode("utf-8", "surrogatepass")
        return hmac.digest(key.reveal(), message, "sha256")


def sign_in_budgets(*, account: str, block: str, device: str | None) -> tuple[Budget, ...]:
    """Return what one attempt to sign in draws on.

    A device that has signed in to the account before has a budget of its own, which no
    stranger can use up: knowing somebody's address is not enough to keep them out (N161).
    Strangers have one for each account from each address block, a wider one for the account
    from everywhere, and one for the block over all accounts (password spraying).

    Args:
        account: The address in the form attempts are counted under (N155).
        block: The caller's address block (N160).
        device: The device's own id, if it proved that it knows the account.
    """
    if device is not None:
        return (Budget("device", f"{device} {account}", 5),)
    return (
        Budget("pair", f"{block} {account}", 5),
        Budget("account", account, 25),
        Budget("block", block, 50),
    )


def waiting_time(credit: int) -> dt.timedelta:
    """Return how long the next attempt has to wait when so much credit is left."""
    if credit > 0:
        return dt.timedelta()
    return DELAYS[min(-credit, len(DELAYS) - 1)]
