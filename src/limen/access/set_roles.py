"""Let somebody's roles be exactly these: for people a host application vouches for."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from limen.access import store
from limen.access.events import RoleGranted, RoleRevoked
from limen.access.permissions import Role
from limen.db.work import Work


async def set_roles(work: Work, *, principal_id: str, roles: AbstractSet[Role]) -> None:
    """Give what is missing and take what is too much; no change, no write.

    The host answers for its own owners: this takes even the last one's role.

    Args:
        work: The transaction.
        principal_id: A person.
        roles: All they shall have.
    """
    held = frozenset(await store.list_roles(work, principal_id))
    for role in sorted(roles - held):
        await store.add_role(work, principal_id=principal_id, kind="user", role=role)
        await work.record(RoleGranted(principal_id=principal_id, role=role))
    for role in sorted(held - roles):
        await store.delete_role(work, principal_id=principal_id, role=role)
        await work.record(RoleRevoked(principal_id=principal_id, role=role))
