"""Events as vendors sign and send them: written on order, delivered by whoever ordered them.

Deliberately independent of the code that reads them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import Any, Literal

from pydantic import BaseModel

from limen.simulators import wire
from limen.simulators.misbehave import Stage
from limen.simulators.state import State

_OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
_RISC = "https://schemas.openid.net/secevent/risc/event-type/"


class EventOrder(BaseModel, extra="forbid"):
    """One event.

    Attributes:
        kind: ``other`` is one that ends nothing.
        sub: Whom it is about; of a workspace, with ``app_uninstalled``, its first part.
        client_id: Whose client it is for, where the event says.
        secret: What GitHub and Slack sign with.
        members: Put over the event's own, to make it lie.
    """

    kind: Literal["tokens_revoked", "account_disabled", "app_uninstalled", "challenge", "other"] = (
        "tokens_revoked"
    )
    sub: str = ""
    client_id: str = ""
    secret: str = ""
    members: dict[str, Any] = {}


def signed_event(stage: Stage, state: State, order: EventOrder, *, push: str) -> dict[str, Any]:
    """Return the headers and the body that the vendor would send."""
    if push == "google_risc":
        return _google(stage, state, order)
    return _github(order) if push == "github" else _slack(stage, state, order)


def _google(stage: Stage, state: State, order: EventOrder) -> dict[str, Any]:
    issuer = f"{stage.base_url}/"
    kind = {
        "tokens_revoked": f"{_OAUTH}tokens-revoked",
        "account_disabled": f"{_RISC}account-disabled",
    }.get(order.kind, f"{_RISC}verification")
    subject = {"subject_type": "iss-sub", "iss": issuer, "sub": order.sub}
    claims = {
        "iss": issuer,
        "aud": [order.client_id],
        "iat": int(stage.now(state).timestamp()),
        "jti": secrets.token_hex(12),
        "events": {kind: {"subject": subject}},
        **order.members,
    }
    body = wire.sign_rs256(state, claims, typ="secevent+jwt")
    return {"headers": {"content-type": "application/secevent+jwt"}, "body": body}


def _github(order: EventOrder) -> dict[str, Any]:
    revoked = order.kind == "tokens_revoked"
    told = {
        "action": "revoked" if revoked else "opened",
        "sender": {"id": int(order.sub), "login": "somebody", "type": "User"},
        **order.members,
    }
    body = json.dumps(told)
    headers = {
        "content-type": "application/json",
        "x-github-event": "github_app_authorization" if revoked else "issues",
        "x-github-delivery": secrets.token_hex(16),
        "x-hub-signature-256": f"sha256={_hmac(order.secret, body)}",
    }
    return {"headers": headers, "body": body}


def _slack(stage: Stage, state: State, order: EventOrder) -> dict[str, Any]:
    team, _, user = order.sub.partition(":")
    event: dict[str, Any] = {"type": order.kind}
    if order.kind == "tokens_revoked":
        event["tokens"] = {"oauth": [user], "bot": []}
    told: dict[str, Any] = {
        "type": "event_callback",
        "team_id": team,
        "event_id": f"Ev{secrets.token_hex(6)}",
        "event": event,
        **order.members,
    }
    if order.kind == "challenge":
        told = {"type": "url_verification", "challenge": secrets.token_hex(12)}
    body = json.dumps(told)
    at = str(int(stage.now(state).timestamp()))
    headers = {
        "content-type": "application/json",
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={_hmac(order.secret, f'v0:{at}:{body}')}",
    }
    return {"headers": headers, "body": body}


def _hmac(secret: str, signed: str) -> str:
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
