"""Change a resource."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from limen.db.cache import forget
from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.oauth.events import ResourceUpdated
from limen.oauth.model import Resource
from limen.oauth.registry.resource_rules import check_resource
from limen.oauth.store import resources as store
from limen.protocol.detail_types import parse_declarations
from limen.tokens.api_keys.limit import limit_keys


async def update_resource(work: Work, *, identifier: str, changes: Mapping[str, Any]) -> Resource:
    """Change a resource; what results is validated as a whole.

    Tokens that were issued stay as they are until they expire; what is issued from now on is
    as the resource says now. A scope that is gone is granted no more, and taken from API keys,
    which live too long to wait for; a resource that takes bound tokens alone takes no keys.

    Args:
        work: The transaction.
        identifier: In canonical form; it never changes, for tokens name it.
        changes: Members of ``Resource`` by name.

    Raises:
        NotFound: ``resource_not_found``.
        InvalidInput: As when it was created.
    """
    resource = await store.lock_resource(work, identifier)
    if resource is None:
        raise NotFound("resource_not_found", "There is no such resource.")
    if "authorization_details_types" in changes:
        declared = parse_declarations(changes["authorization_details_types"])
        changes = {**changes, "authorization_details_types": declared}
    changed = dataclasses.replace(resource, **changes, version=resource.version + 1)
    check_resource(changed)
    await store.write_resource(work, changed)
    if changed.sender_constrained or resource.scopes.keys() - changed.scopes.keys():
        left = () if changed.sender_constrained else tuple(changed.scopes)
        await limit_keys(work, scope=left, audience=identifier)
    forget(work, kind="resource", name=identifier)
    forget(work, kind="detail_types", name="")
    await work.record(ResourceUpdated(resource=identifier, changed=tuple(sorted(changes))))
    return changed
