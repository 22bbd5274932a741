"""The vendors' own clients with tokens that they are told on stdin: say whose the tokens are.

A process of its own: these clients bring a thousand modules and leave sockets open.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import google.oauth2.credentials
import googleapiclient.discovery  # type: ignore[import-untyped]  # it ships no types
from github import Auth, Github
from kiota_abstractions.authentication import (
    AccessTokenProvider,
    AllowedHostsValidator,
    BaseBearerTokenAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from notion_client import Client as NotionClient
from slack_sdk import WebClient
from typing_extensions import override


class Kept(AccessTokenProvider):
    """A token of the vault, as Microsoft's client asks for one."""

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    async def get_authorization_token(
        self, uri: str, additional_authentication_context: dict[str, Any] | None = None
    ) -> str:
        return self._token

    @override
    def get_allowed_hosts_validator(self) -> AllowedHostsValidator:
        return AllowedHostsValidator([])


def google_service(name: str, token: str, endpoint: str) -> Any:
    return googleapiclient.discovery.build(
        name,
        "v3",
        credentials=google.oauth2.credentials.Credentials(token),
        client_options={"api_endpoint": endpoint},
    )


def calendar(token: str, base_url: str) -> str:
    service = google_service("calendar", token, f"{base_url}/google/calendar/v3/")
    return str(service.calendarList().list().execute()["items"][0]["id"])


def youtube(token: str, base_url: str) -> str:
    service = google_service("youtube", token, f"{base_url}/youtube/")
    told = service.channels().list(part="snippet", mine=True).execute()
    return str(told["items"][0]["id"])


def microsoft(token: str, base_url: str) -> str:
    adapter = GraphRequestAdapter(BaseBearerTokenAuthenticationProvider(Kept(token)))
    adapter.base_url = f"{base_url}/microsoft/v1.0"
    me = asyncio.run(GraphServiceClient(request_adapter=adapter).me.get())
    return str(me and me.id)


def notion(token: str, base_url: str) -> str:
    told: Any = NotionClient(auth=token, base_url=f"{base_url}/notion").search()
    return str(told["results"][0]["id"])


def github(token: str, base_url: str) -> str:
    return str(Github(auth=Auth.Token(token), base_url=f"{base_url}/github").get_user().id)


def slack(token: str, base_url: str) -> str:
    return str(WebClient(token, base_url=f"{base_url}/slack/api/").auth_test()["user_id"])


if __name__ == "__main__":
    told = json.load(sys.stdin)
    ask = {"google": calendar} | {
        each.__name__: each for each in (youtube, microsoft, notion, github, slack)
    }
    named = {name: ask[name](token, told["base_url"]) for name, token in told["tokens"].items()}
    print(json.dumps(named))
