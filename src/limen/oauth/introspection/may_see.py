"""Who may learn about a token."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.introspection.api_clients import ApiClients
from limen.oauth.model import Client
from limen.tokens.look_up import ActiveToken


async def may_see(
    work: Work, *, api_clients: ApiClients, client: Client, token: ActiveToken
) -> bool:
    """Say whether a client may learn about a token: its own, or one for an API it belongs to.

    Of a refresh token only its owner hears, for nobody else is ever shown one. To all others a
    token looks inactive (RFC 7662 section 4).
    """
    if token.client_id == client.client_id:
        return True
    if token.kind != "access":
        return False
    return await api_clients.is_client_of(work, client.client_id, resource=token.audience)
