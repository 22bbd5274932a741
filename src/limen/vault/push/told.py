"""Whom a provider's event is about, and what it says: reading alone, nothing is believed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Reason = Literal["revoked_at_provider", "account_disabled", "app_uninstalled"]

_OAUTH: Final = "https://schemas.openid.net/secevent/oauth/event-type/"
_RISC: Final = "https://schemas.openid.net/secevent/risc/event-type/"
_RISC_REASONS: Final[Mapping[str, Reason]] = {
    f"{_OAUTH}tokens-revoked": "revoked_at_provider",
    f"{_RISC}account-disabled": "account_disabled",
    f"{_RISC}account-purged": "account_disabled",
}
_MAX_NAMED: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an event says.

    Args:
        subjects: External accounts, by their whole subject.
        below: A part of a subject, with its colon, that all accounts of one workspace begin
            with; empty for none.
        reason: Empty if the event is none that ends anything.
        challenge: To be answered with, when a provider asks whether anybody is here.
    """

    subjects: tuple[str, ...] = ()
    below: str = ""
    reason: Reason | Literal[""] = ""
    challenge: str = ""


def told_by_google(claims: Mapping[str, Any], *, issuer: str) -> Told:
    """Read a Security Event Token; ``issuer`` is whose subjects count.

    ``token-revoked`` names a token by its hash and no account: the next refresh finds out.
    """
    events = claims.get("events")
    if not isinstance(events, dict):
        return Told()
    for kind, reason in _RISC_REASONS.items():
        event = events.get(kind)
        subject = event.get("subject") if isinstance(event, dict) else None
        if not isinstance(subject, dict):
            continue
        iss, sub = subject.get("iss"), subject.get("sub")
        kinds = {"iss-sub", "iss_sub", "id_token_claims"}
        same = isinstance(iss, str) and iss.rstrip("/") == issuer.rstrip("/")
        if subject.get("subject_type") in kinds and same and _is_id(sub):
            # And what is a part of the account: a channel at YouTube, say.
            return Told(subjects=(str(sub),), below=f"{sub}:", reason=reason)
    return Told()


def told_by_github(kind: str, body: Mapping[str, Any]) -> Told:
    """Read a webhook of a GitHub App or OAuth app: its person took the authorization back."""
    sender = body.get("sender")
    if kind != "github_app_authorization" or body.get("action") != "revoked":
        return Told()
    number = sender.get("id") if isinstance(sender, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return Told()
    return Told(subjects=(str(number),), reason="revoked_at_provider")


def told_by_slack(body: Mapping[str, Any]) -> Told:
    """Read an event of Slack's Events API; the tokens of people and of bots are named apart."""
    if body.get("type") == "url_verification":
        challenge = body.get("challenge")
        return Told(challenge=str(challenge) if _is_id(challenge) else "")
    event, team = body.get("event"), body.get("team_id")
    if body.get("type") != "event_callback" or not isinstance(event, dict) or not _is_id(team):
        return Told()
    if event.get("type") == "app_uninstalled":
        return Told(below=f"{team}:", reason="app_uninstalled")
    tokens = event.get("tokens")
    if event.get("type") != "tokens_revoked" or not isinstance(tokens, dict):
        return Told()
    named = [user for kind in ("oauth", "bot") for user in _listed(tokens.get(kind))]
    subjects = tuple(f"{team}:{user}" for user in named[:_MAX_NAMED])
    return Told(subjects=subjects, reason="revoked_at_provider") if subjects else Told()


def _listed(value: object) -> list[str]:
    return [each for each in value if _is_id(each)] if isinstance(value, list) else []


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()
