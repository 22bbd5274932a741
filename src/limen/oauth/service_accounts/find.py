"""Read service accounts."""

from __future__ import annotations

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.oauth.registry.listing import Page, next_cursor, read_cursor
from limen.oauth.service_accounts import store
from limen.oauth.service_accounts.model import ServiceAccount, account_not_found
from limen.oauth.service_accounts.store import AccountLine
from limen.oauth.store import clients as client_store


async def get_account(work: Work, *, client_id: str, lock: bool = False) -> ServiceAccount:
    """Return a service account as it is now, disabled or past its end too.

    Args:
        work: Says the tenant.
        client_id: Which.
        lock: Whether nobody else shall change it until the Work ends.

    Raises:
        NotFound: ``service_account_not_found``; other clients are none.
    """
    read = client_store.lock_client if lock else client_store.find_client
    client = await read(work, client_id)
    row = await store.find_account(work, client_id)
    if client is None or row is None:
        raise account_not_found()
    return ServiceAccount(
        client=client,
        description=row.description,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )


async def list_accounts(
    work: Work, envelope: Envelope, *, cursor: str = "", limit: int = 50
) -> Page[AccountLine]:
    """Return them by id, with their names.

    Raises:
        InvalidInput: ``cursor_invalid``.
    """
    after = await read_cursor(work, envelope, cursor=cursor, place="service_accounts")
    found = await store.list_accounts(work, after=after, most=limit + 1)
    shown = tuple(found[:limit])
    last = shown[-1].client_id if len(found) > limit else ""
    return Page(shown, await next_cursor(work, envelope, position=last, place="service_accounts"))
