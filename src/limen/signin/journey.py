"""Pure: what has to happen next on the way in.

Every face and every door asks this after every proven step, so that a rule can't hold on the
page and be missing in the API (one journey, two faces).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

PASSWORD: Final = "pwd"  # noqa: S105 -- an RFC 8176 method name
SECOND_FACTOR: Final = "mfa"
"""In ``amr`` when two different factors were proven (RFC 8176)."""

Step = Literal["second_factor", "verify_email", "change_password", "enrol_factor", "accept_terms"]
STEP_NAMES: Final[tuple[Step, ...]] = get_args(Step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of someone on the way in.

    Args:
        amr: What they proved who they are with, RFC 8176 values.
        has_factor: Whether they have a second factor.
        is_verified: Whether they proved the mailbox of their address.
        must_change_password: Whether their password opens nothing but its replacement.
        must_accept_terms: Whether there are terms they have not accepted.
    """

    amr: tuple[str, ...]
    has_factor: bool = False
    is_verified: bool = True
    must_change_password: bool = False
    must_accept_terms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the tenant demands, or what a client needs this time.

    Args:
        require_verified_email: Nobody enters before proving the mailbox.
        require_second_factor: Nobody enters without one.
    """

    require_verified_email: bool = False
    require_second_factor: bool = False


def _second_factor(progress: Progress, _: Rules) -> bool:
    return progress.has_factor and SECOND_FACTOR not in progress.amr


def _verify_email(progress: Progress, rules: Rules) -> bool:
    return rules.require_verified_email and not progress.is_verified


def _change_password(progress: Progress, _: Rules) -> bool:
    return progress.must_change_password and PASSWORD in progress.amr


def _enrol_factor(progress: Progress, rules: Rules) -> bool:
    return rules.require_second_factor and not progress.has_factor


def _accept_terms(progress: Progress, _: Rules) -> bool:
    return progress.must_accept_terms


STEPS: Final[tuple[tuple[Step, Callable[[Progress, Rules], bool]], ...]] = (
    # The factor first: nothing of the account is shown or changed by who only has a password.
    ("second_factor", _second_factor),
    ("verify_email", _verify_email),
    ("change_password", _change_password),
    ("enrol_factor", _enrol_factor),
    ("accept_terms", _accept_terms),
)
"""Every step between a proven first factor and a session, in this order."""


def next_step(progress: Progress, *, rules: Rules) -> Step | None:
    """Return the first step that is still missing, or ``None``: the session may begin."""
    return next((name for name, is_missing in STEPS if is_missing(progress, rules)), None)
