"""Say which APIs a client belongs to: it may ask about the tokens that are for them."""

from __future__ import annotations

from limen.db.cache import forget
from limen.db.work import Work
from limen.kernel.errors import InvalidInput
from limen.oauth.events import ClientBound
from limen.oauth.introspection import store
from limen.oauth.introspection.api_clients import KIND
from limen.oauth.registry.update_client import client_not_found
from limen.oauth.resources import check_default_resource
from limen.oauth.store.clients import find_client

MAX_RESOURCES = 100


async def bind_resources(
    work: Work, *, client_id: str, resources: tuple[str, ...]
) -> tuple[str, ...]:
    """Set the APIs whose own client this is; all of them at once.

    Returns:
        Their identifiers in canonical form.

    Raises:
        NotFound: ``client_not_found``.
        InvalidInput: ``resource_invalid``: there is no such API; ``client_invalid``: a public
            client, whose name anybody can say.
    """
    client = await find_client(work, client_id)
    if client is None:
        raise client_not_found()
    if client.is_public and resources:
        raise InvalidInput("client_invalid", "A public client proves nothing to us.")
    if len(resources) > MAX_RESOURCES:
        raise InvalidInput("resource_invalid", "Too many resources.", field="resources")
    known = [await check_default_resource(work, each) for each in resources]
    canonical = tuple(sorted({each for each in known if each is not None}))
    await store.set_resources(work, client_id, canonical)
    forget(work, kind=KIND, name=client_id)
    await work.record(ClientBound(client_id=client_id, resources=canonical))
    return canonical


async def bound_resources(work: Work, *, client_id: str) -> tuple[str, ...]:
    """Return the APIs whose own client this is.

    Raises:
        NotFound: ``client_not_found``.
    """
    if await find_client(work, client_id) is None:
        raise client_not_found()
    return await store.resources_of(work, client_id)
