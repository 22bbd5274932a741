"""Tell a session's clients through the browser that signs out: one hidden frame each."""

from __future__ import annotations

from urllib.parse import urlsplit

from limen.db.work import Work
from limen.oauth.clients import Clients
from limen.oauth.store import session_clients as store
from limen.protocol.redirect_uri import add_params


async def frames_of(work: Work, *, clients: Clients, session_id: str) -> list[str]:
    """Return the addresses to load, each with ``iss`` and ``sid``.

    Spec: OpenID Connect Front-Channel Logout 1.0 section 2.
    """
    frames = []
    for attendant in await store.of_session(work, session_id):
        client = await clients.find(work, attendant.client_id)
        if client is None or client.is_disabled or not client.metadata.frontchannel_logout_uri:
            continue
        said = (("iss", work.site.issuer), ("sid", session_id))
        frames.append(add_params(client.metadata.frontchannel_logout_uri, said))
    return frames


def origins_of(frames: list[str]) -> tuple[str, ...]:
    """Return the origins that the page's policy must let in."""
    found = (urlsplit(frame) for frame in frames)
    return tuple(dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in found))
