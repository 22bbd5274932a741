"""The JSON shapes of ending, exporting and erasing."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel

from limen.vault.erasing.erase import Record
from limen.vault.erasing.preview import Preview


class PreviewAnswer(BaseModel):
    """What disconnecting does.

    ``others``: how many other connections stand on the same access. ``also``: providers whose
    connections a revocation would end; it is not sent then, and ``at_provider`` says so.
    """

    connection_id: str
    provider: str
    at_provider: Literal["revoked", "kept_for_others", "no_endpoint"]
    others: int
    also: list[str]
    clients: list[str]
    features: list[str]
    manage_url: str

    @classmethod
    def of(cls, told: Preview) -> PreviewAnswer:
        """Shape a preview."""
        return cls(
            connection_id=told.connection_id,
            provider=told.provider,
            at_provider=told.at_provider,
            others=told.others,
            also=list(told.also),
            clients=list(told.clients),
            features=list(told.features),
            manage_url=told.manage_url,
        )


class ExportAnswer(BaseModel):
    """All that is kept about a person's connections."""

    connections: list[dict[str, Any]]
    ended: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    releases: list[dict[str, Any]]


class EraseAnswer(BaseModel):
    """The record's id, and how many connections it speaks of, ended ones included."""

    id: str
    connections: int


class ReceiptModel(BaseModel):
    """What became of an access at its provider.

    ``outcome`` is the provider's; without one, ``unsent`` says why nobody was asked, or the
    revocation is under way.
    """

    provider: str
    outcome: str | None
    unsent: str | None
    settled_at: dt.datetime | None


class RecordModel(BaseModel):
    """What was erased, by ids alone."""

    id: str
    asked_at: dt.datetime
    connections: list[str]
    done: bool
    receipts: list[ReceiptModel]

    @classmethod
    def of(cls, record: Record) -> RecordModel:
        """Shape a record."""
        return cls(
            id=record.erasure.id,
            asked_at=record.erasure.asked_at,
            connections=list(record.erasure.connections),
            done=record.is_done,
            receipts=[
                ReceiptModel(
                    provider=each.provider,
                    outcome=each.outcome,
                    unsent=each.unsent,
                    settled_at=each.settled_at,
                )
                for each in record.receipts
            ],
        )


class ErasuresAnswer(BaseModel):
    """All that was erased for a person."""

    items: list[RecordModel]
