"""Deleting what is over: interactions, codes, pushed requests, clients that nobody uses."""

from __future__ import annotations

from limen.db.work import Work
from limen.oauth.pending.store import sweep_requests
from limen.oauth.registration.expire_unused import sweep_registrations
from limen.oauth.store.codes import sweep_codes
from limen.oauth.store.interactions import sweep_interactions
from limen.oauth.store.pushed_requests import sweep_pushed


async def sweep(work: Work) -> int:
    """Delete what is over of a tenant; return how much that was."""
    swept = await sweep_interactions(work) + await sweep_codes(work)
    swept += await sweep_requests(work)
    return swept + await sweep_pushed(work) + await sweep_registrations(work)
