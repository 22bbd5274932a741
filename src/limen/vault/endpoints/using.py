"""What is used of a provider's quota, over a connection."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from limen.access.permissions import CONNECTIONS_READ, CONNECTIONS_TOKEN
from limen.access.require import require
from limen.vault.endpoints.owner import OwnerQuery, caller_of, owner_of
from limen.vault.parts import Parts
from limen.vault.quota.count import report_units
from limen.vault.quota.show import KEPT_DAYS, ShownUsage, show_usage
from limen.web.deps import CurrentWork


class BucketModel(BaseModel):
    """What our client at the provider may use today, over all connections."""

    units_a_day: int
    used: int
    left: int


class UseModel(BaseModel):
    """What was used on one day, out of one bucket, by one client.

    ``client_id`` is empty for the connection's owner, ``bucket`` for all that the provider does
    not count apart. ``calls`` and ``units`` were sent by the proxy; ``reported_units`` are what
    apps said that calls of their own cost.
    """

    day: str
    client_id: str
    bucket: str
    calls: int
    units: int
    reported_units: int


class UsageModel(BaseModel):
    """What was used, the latest day first; nothing where the provider counts nothing.

    ``day`` is the provider's own, and ends at ``resets_at``. ``enforced``: a call of the proxy
    that would go beyond what is left is refused.
    """

    day: str
    resets_at: dt.datetime | None
    enforced: bool
    buckets: dict[str, BucketModel]
    items: list[UseModel]

    @classmethod
    def of(cls, shown: ShownUsage) -> UsageModel:
        """Shape what is shown."""
        return cls(
            day=shown.day,
            resets_at=shown.resets_at,
            enforced=shown.enforced,
            buckets={
                name: BucketModel(units_a_day=each.units_a_day, used=each.used, left=each.left)
                for name, each in shown.buckets.items()
            },
            items=[
                UseModel(
                    day=each.day,
                    client_id=each.client_id,
                    bucket=each.bucket,
                    calls=each.calls,
                    units=each.units,
                    reported_units=each.reported_units,
                )
                for each in shown.uses
            ],
        )


class UnitsBody(BaseModel):
    """What calls cost that you made with the connection's token yourself."""

    model_config = ConfigDict(extra="forbid")

    units: int = Field(ge=1, le=2**31)
    bucket: str = Field(default="", max_length=40)


DaysQuery = Annotated[int, Query(ge=1, le=KEPT_DAYS, description="The provider's, today's first.")]


def add_using(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get("/connections/{connection_id}/usage", dependencies=[require(CONNECTIONS_READ)])
    async def usage(
        *, connection_id: str, work: CurrentWork, owner: OwnerQuery = "me", days: DaysQuery = 7
    ) -> UsageModel:
        """Show which client used how much of the provider's quota over a connection."""
        shown = await show_usage(
            work,
            parts,
            connection_id=connection_id,
            owner_id=await owner_of(work, owner),
            days=days,
        )
        return UsageModel.of(shown)

    @router.post(
        "/connections/{connection_id}/usage",
        dependencies=[require(CONNECTIONS_TOKEN)],
        status_code=204,
    )
    async def report(
        *, connection_id: str, body: UnitsBody, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> None:
        """Tell what calls cost that you made with the connection's token yourself.

        They count like the proxy's, towards what our client at the provider has left today. A
        client needs what it needs for the token.
        """
        caller = await caller_of(work, owner)
        await report_units(
            work,
            parts,
            wanted=caller.wanted(connection_id),
            bucket=body.bucket,
            units=body.units,
        )
