"""Whose habits they are: each vendor's deviations from what its entry says."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from limen.simulators.state import Account, Client
from limen.simulators.vendor.habits import Habits


def habits_of(entry_id: str) -> Habits:
    """Return a vendor's habits; an entry without any behaves as it says."""
    return _HABITS.get(entry_id, Habits())


def bot_id(client_id: str, account: Account) -> str:
    """Return the id of one person's installation in one Notion workspace."""
    name = f"{client_id} {account.sub} {account.workspace_id}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def notion_person(account: Account) -> dict[str, Any]:
    """Return a user object as Notion writes it."""
    return {
        "object": "user",
        "id": account.sub,
        "name": account.name,
        "avatar_url": None,
        "type": "person",
        "person": {"email": account.email},
    }


def tenant_of(account: Account) -> str:
    """Return the directory of an account at Microsoft."""
    return str(account.members.get("/tid", uuid.uuid5(uuid.NAMESPACE_DNS, "example.test")))


def _google_claims(account: Account, client: Client) -> Mapping[str, Any]:
    return {"azp": client.client_id} | ({"hd": account.hd} if account.hd else {})


def _channel(account: Account, _client: Client) -> Mapping[str, Any]:
    return {
        "/kind": "youtube#channelListResponse",
        "/items/0/id": f"UC{account.sub}",
        "/items/0/kind": "youtube#channel",
        "/items/0/snippet/title": account.name,
    }


def _microsoft_claims(account: Account, _client: Client) -> Mapping[str, Any]:
    tid = tenant_of(account)
    return {"tid": tid, "oid": account.sub, "preferred_username": account.email, "ver": "2.0"}


def _notion_members(account: Account, client: Client) -> Mapping[str, Any]:
    return {
        "/bot_id": bot_id(client.client_id, account),
        "/workspace_id": account.workspace_id,
        "/workspace_name": account.workspace_name,
        "/workspace_icon": None,
        "/duplicated_template_id": None,
        "/owner": {"type": "user", "user": notion_person(account)},
        "/request_id": uuid.uuid5(uuid.NAMESPACE_URL, client.client_id).hex,
    }


def _slack_members(account: Account, client: Client) -> Mapping[str, Any]:
    return {
        "/ok": True,
        "/app_id": client.client_id,
        "/team/name": account.workspace_name,
    }


def _salesforce_members(account: Account, _client: Client) -> Mapping[str, Any]:
    organisation = account.workspace_id if account.workspace_id.isalnum() else "simulated"
    return {"/instance_url": f"https://{organisation.lower()}.my.salesforce.com"}


_GITHUB: Final = Habits(
    access_seconds=28_800,
    error_status=200,
    bad_code="bad_verification_code",
    bad_redirect="redirect_uri_mismatch",
    form_unless_asked=True,
    remembers_consent=True,
    numeric_subject=True,
    access_prefix="gho_",
    refresh_prefix="ghr_",
)
_GOOGLE: Final = Habits(
    access_seconds=3599,
    bad_redirect="redirect_uri_mismatch",
    takes_basic=True,
    remembers_consent=True,
    unticks=True,
    refresh_when_shown=True,
    access_prefix="ya29.",
    refresh_prefix="1//0",
    code_prefix="4/0",
    claims=_google_claims,
)
_SLACK: Final = Habits(
    access_seconds=43_200,
    expiry_is_a_choice=True,
    error_status=200,
    access_prefix="xoxe.xoxp-",
    refresh_prefix="xoxe-",
    token_members=_slack_members,
)
_HABITS: Final[Mapping[str, Habits]] = {
    "google": _GOOGLE,
    "youtube": replace(_GOOGLE, documents={"channel": _channel}),
    "github": replace(_GITHUB, expiry_is_a_choice=True),
    "github-app": _GITHUB,
    "microsoft": Habits(
        access_seconds=4200,
        error_lists=("/error_codes",),
        remembers_consent=True,
        claims=_microsoft_claims,
        issuer=lambda account: f"/{tenant_of(account)}/v2.0",
    ),
    "notion": Habits(
        access_seconds=None,
        optional_redirect_uri=True,
        one_installation=True,
        access_prefix="ntn_",
        refresh_prefix="nrt_",
        token_members=_notion_members,
    ),
    "slack": _SLACK,
    "slack-bot": _SLACK,
    "salesforce": Habits(access_seconds=None, token_members=_salesforce_members),
    "hubspot": Habits(access_seconds=1800),
    "dropbox": Habits(access_seconds=14_400),
    "x": Habits(access_seconds=7200, requires_pkce=True),
    "linkedin": Habits(access_seconds=5_184_000),
    "discord": Habits(access_seconds=604_800),
    "figma": Habits(access_seconds=7_776_000),
    "linear": Habits(access_seconds=86_399),
    "gitlab": Habits(access_seconds=7200),
}
