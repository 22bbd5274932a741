"""``/api/v1/oauth/sharing-requests``: an app asks for a connection to be shared."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from limen.access.permissions import CONNECTIONS_ASK
from limen.access.require import require
from limen.vault.asking.ask import WantedSharing, ask_to_share
from limen.vault.asking.follow import get_sharing_request
from limen.vault.parts import Parts
from limen.vault.sessions.make import POLL_SECONDS
from limen.web.deps import CurrentWork


class SharingRequestBody(BaseModel):
    """What the person is asked for, and where their browser goes in the end.

    ``features`` are the provider's, by name. ``connection_id`` asks for one of their connections
    and no other. ``redirect_uri`` is one of those registered for the application; it gets
    ``sharing_request``, ``state`` and ``iss`` there, and ``error`` if the person said no.
    """

    model_config = ConfigDict(extra="forbid")

    provider: str = Field(max_length=40)
    features: list[str] = Field(min_length=1, max_length=20)
    connection_id: str = Field(default="", max_length=64)
    redirect_uri: str = Field(default="", max_length=2048)
    state: str = Field(default="", max_length=500)


class SharingRequestModel(BaseModel):
    """How a request stands; ``url`` is told once, to be opened in the person's browser.

    ``reason`` says why it was refused; times are in seconds.
    """

    id: str
    provider: str
    state: Literal["pending", "completed", "refused", "expired"]
    url: str | None = None
    connection_id: str | None = None
    reason: str | None = None
    expires_in: int
    interval: int = POLL_SECONDS


def add_asking(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.post(
        "/sharing-requests",
        status_code=201,
        dependencies=[require(CONNECTIONS_ASK)],
        response_model_exclude_none=True,
    )
    async def ask(body: SharingRequestBody, work: CurrentWork) -> SharingRequestModel:
        """Make a link at which a person is asked to share a connection with the application.

        With a token of the person's it is for them; with the application's own it is for whoever
        signs in. They choose one of their accounts, connect one first if they have none, and say
        yes or no. What is shared is fetched as ever: by token exchange or at the token's route.
        """
        wanted = WantedSharing(
            provider=body.provider,
            features=tuple(body.features),
            connection_id=body.connection_id,
            redirect_uri=body.redirect_uri,
            state=body.state,
        )
        asked = await ask_to_share(work, parts, wanted=wanted)
        return SharingRequestModel(
            id=asked.id,
            provider=body.provider,
            state="pending",
            url=asked.url,
            expires_in=asked.expires_in,
        )

    @router.get(
        "/sharing-requests/{request_id}",
        dependencies=[require(CONNECTIONS_ASK)],
        response_model_exclude_none=True,
    )
    async def follow(request_id: str, work: CurrentWork) -> SharingRequestModel:
        """Tell how a request stands, to whoever made it."""
        shown = await get_sharing_request(work, request_id)
        return SharingRequestModel(
            id=shown.id,
            provider=shown.provider,
            state=shown.state,
            connection_id=shown.connection_id or None,
            reason=shown.reason or None,
            expires_in=shown.expires_in,
        )
