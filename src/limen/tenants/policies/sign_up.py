"""Who may open an account: anybody, whoever was invited, or nobody."""

from __future__ import annotations

from typing import Literal

from limen.kernel.errors import NotPermitted

SignUp = Literal["open", "invitation", "closed"]
"""``invitation``: whoever an administrator invited. ``closed``: nobody; administrators still make
accounts for people."""


def check_may_join(sign_up: SignUp, *, invited: bool = False) -> None:
    """Refuse a new account that the tenant does not want; asked on every entrance (N153).

    Args:
        sign_up: The tenant's choice.
        invited: Whether who comes was invited, and that is proven.

    Raises:
        NotPermitted: ``registration_closed``, ``invitation_required``.
    """
    if sign_up == "closed":
        raise NotPermitted("registration_closed", "New accounts are not opened here.")
    if sign_up == "invitation" and not invited:
        raise NotPermitted("invitation_required", "New accounts are by invitation only here.")
