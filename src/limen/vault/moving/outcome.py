"""How lines are taken in, and what becomes of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["imported", "renewed", "present", "would_import", "would_renew", "unproven"]
Proof = Literal["", "access_token", "refresh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How lines are taken in.

    Args:
        dry_run: Nothing is connected; told is what would happen.
        by_refresh: Every line is proved by redeeming its refresh token, in a dry run too. Where
            that replaces it, the new one is kept for the import of the same line.
        replace: Tokens take the place of those of an account that works here already.
    """

    dry_run: bool = False
    by_refresh: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of a line, or would.

    Args:
        verdict: ``present``: this person has this account connected already, and it was left as
            it is. ``unproven``: a dry run could tell only by spending the refresh token, which
            the application it comes from still uses.
        subject: The account's key at the provider, as the provider says.
        proof: What the provider was shown.
        kept: The refresh token of the line is spent, and its successor kept here.
        features_missing: Wanted, and not covered by what was granted.
    """

    verdict: Verdict
    provider: str
    user_id: str
    connection_id: str = ""
    subject: str = ""
    proof: Proof = ""
    kept: bool = False
    features_missing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the members that say something."""
        return {
            "verdict": self.verdict,
            "provider": self.provider,
            "user_id": self.user_id,
            "connection_id": self.connection_id or None,
            "subject": self.subject or None,
            "proof": self.proof or None,
            "kept": self.kept,
            "features_missing": list(self.features_missing),
        }
