"""``/api/v1/admin/keys``: the signing keys."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from limen.access.permissions import KEYS_READ, KEYS_WRITE
from limen.access.require import require
from limen.admin.parts import Parts
from limen.admin.schemas import KeyList, KeyView, Rotated, Rotation
from limen.crypto.rotate_keys import rotate_keys
from limen.web.deps import CurrentWork


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/keys", tags=["admin: keys"], route_class=kind)

    @router.get("", dependencies=[require(KEYS_READ)])
    async def list_all(work: CurrentWork) -> KeyList:
        """List the published keys; those that sign are marked."""
        held = await parts.keyring.list_keys(work)
        return KeyList(
            keys=[KeyView(kid=key.kid, alg=key.alg, active=key.state == "active") for key in held]
        )

    @router.post("/rotate", dependencies=[require(KEYS_WRITE)])
    async def rotate(work: CurrentWork, body: Rotation) -> Rotated:
        """Let the next key sign; name the key to leave where several may rotate at once."""
        leaving = body.away_from or (await parts.keyring.active(work, body.alg)).kid
        rotated = await rotate_keys(work, keyring=parts.keyring, alg=body.alg, away_from=leaving)
        return Rotated(rotated=rotated, left_kid=leaving)

    return router
