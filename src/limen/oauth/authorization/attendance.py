"""Which clients learned of a session, and under which ``sub``: those to tell when it ends."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.model import Client
from limen.oauth.store import session_clients as store


async def note_client(work: Work, *, client: Client, session_id: str, subject: str) -> None:
    """Remember that a client is being told of a session.

    Costs a statement only for a client that registered an address to be told at.
    """
    metadata = client.metadata
    if metadata.backchannel_logout_uri or metadata.frontchannel_logout_uri:
        await store.add(
            work,
            session_id=session_id,
            client_id=client.client_id,
            subject=subject,
            told_at=work.now,
        )
