"""Ask a person to share a connection with the program, and hear what they said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from limen.client.answers import SharingRequest
from limen.client.bearers import Speaker
from limen.client.fetch import get
from limen.client.transport import Call, Transport

_REQUESTS: Final = "/api/v1/oauth/sharing-requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person is asked for.

    Args:
        features: What for, by name; one at least.
        connection: This one of theirs and no other; empty: they choose.
        redirect_uri: One of the client's registered ones; empty: the browser stays there.
        state: The program's own, given back to it there.
    """

    provider: str
    features: Sequence[str]
    connection: str = ""
    redirect_uri: str = ""
    state: str = ""


async def ask(transport: Transport, speaker: Speaker, wish: Wish) -> SharingRequest:
    """Make a request, with the link that its person opens.

    Raises:
        Refused: What the server refuses with.
    """
    body = {
        "provider": wish.provider,
        "features": list(wish.features),
        "connection_id": wish.connection,
        "redirect_uri": wish.redirect_uri,
        "state": wish.state,
    }
    call = Call(
        method="POST",
        path=_REQUESTS,
        headers={"content-type": "application/json", **speaker.headers},
        body=json.dumps(body).encode(),
        actor=speaker.actor,
    )
    return SharingRequest.of((await transport.send(call)).json())


async def follow(transport: Transport, speaker: Speaker, request: str) -> SharingRequest:
    """Return how a request stands, to whoever made it.

    Raises:
        Refused: ``sharing_request_not_found``: none such, another's, or long over.
    """
    path = f"{_REQUESTS}/{quote(request, safe='')}"
    return SharingRequest.of(await get(transport, speaker, path))
