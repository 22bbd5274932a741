"""Count what calls cost, and refuse the one that would cost more than there is."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.federation.facts import Quota
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import InvalidInput, NotFound, Throttled
from limen.vault.model import TENANT_OWNER, Connection, Grant
from limen.vault.parts import Parts
from limen.vault.quota.day import day_of
from limen.vault.sharing.check import Asked, check_release
from limen.vault.store import connections
from limen.vault.store import quota as store
from limen.vault.store.quota import Tally, Used
from limen.vault.token_for import Wanted, provider_of

_NO_END: Final = 2**62


async def count_call(
    work: Work, quota: Quota, *, wanted: Wanted, grant: Grant, method: str, path: str
) -> int:
    """Count a call of the proxy; return what it costs.

    Raises:
        Throttled: ``quota_exhausted``: the operator wants the quota kept, and it would not be;
            until the provider's day ends.
    """
    cost = quota.cost_of(method, path)
    today = day_of(quota, work.now)
    most = quota.units_a_day(cost.bucket) if quota.enforced else None
    tally = _tally(grant, bucket=cost.bucket, day=today.day)
    fits = await store.spend(work, tally, units=cost.units, most=_NO_END if most is None else most)
    if not fits:
        raise Throttled(
            "quota_exhausted",
            "What the provider allows in a day is used up.",
            retry_after_seconds=today.seconds_left(work.now),
        )
    use = Used(
        day=today.day,
        client_id=wanted.client_id,
        bucket=cost.bucket,
        calls=1,
        units=cost.units,
        reported_units=0,
    )
    await store.note_use(work, connection_id=wanted.connection_id, provider=grant.provider, use=use)
    return cost.units


async def report_units(
    work: Work, parts: Parts, *, wanted: Wanted, bucket: str, units: int
) -> None:
    """Count what calls cost that an app made itself, with the token it was given.

    Nothing is refused: they were made. Only who may be given the token can have made any.

    Args:
        work: Says the tenant and the time.
        parts: The vault's.
        wanted: The connection, whose, and which client used it.
        bucket: Of the provider's quota; empty for all that is not counted apart.
        units: More of them in one report than there are in a day is no report.

    Raises:
        NotFound: ``connection_not_found``; ``quota_unknown``: the provider counts nothing.
        NotPermitted: As ``check_release``.
        InvalidInput: ``units_invalid``.
    """
    connection = await _find(work, parts, wanted)
    grant = connection.grant
    client = await get_upstream_client(work, parts.envelope, provider=grant.provider)
    quota = parts.catalogue.get(grant.provider, client.config).facts.quota
    if quota is None:
        raise NotFound("quota_unknown", "This provider is not known to count units.")
    if units > (quota.units_a_day(bucket) or 0):
        text = "There are not so many in a day, or there is no such bucket."
        raise InvalidInput("units_invalid", text, field="units")
    today = day_of(quota, work.now)
    tally = _tally(grant, bucket=bucket, day=today.day)
    await store.spend(work, tally, units=units, most=_NO_END)
    use = Used(
        day=today.day,
        client_id=wanted.client_id,
        bucket=bucket,
        calls=0,
        units=0,
        reported_units=units,
    )
    await store.note_use(work, connection_id=wanted.connection_id, provider=grant.provider, use=use)


def _tally(grant: Grant, *, bucket: str, day: str) -> Tally:
    return Tally(
        provider=grant.provider,
        upstream_client_id=grant.upstream_client_id,
        bucket=bucket,
        day=day,
    )


async def _find(work: Work, parts: Parts, wanted: Wanted) -> Connection:
    if not wanted.client_id:
        owned = await connections.find_connection(
            work, connection_id=wanted.connection_id, owner_id=wanted.user_id
        )
        if owned is not None:
            return owned[0]
    else:
        found = await connections.find_shared(
            work,
            connection_id=wanted.connection_id,
            owner_id=wanted.user_id,
            reader="",
            client_id=wanted.client_id,
        )
        if found is not None:
            connection, _, shared = found
            grant = connection.grant
            judge = await provider_of(work, parts, grant)
            asked = Asked(use="raw", askable=wanted.user_id != TENANT_OWNER)
            check_release(shared, asked, grant=grant, provider=judge)
            return connection
    raise NotFound("connection_not_found", "There is no such connection.")
