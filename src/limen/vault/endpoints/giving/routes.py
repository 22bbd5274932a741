"""Give a credential, replace it, ask about it."""

from __future__ import annotations

from fastapi import APIRouter

from limen.access.permissions import CONNECTIONS_CONNECT, CONNECTIONS_REFRESH
from limen.access.require import require
from limen.vault.credentials.material import read_material
from limen.vault.endpoints.giving.schemas import GiveBody, RotateBody
from limen.vault.endpoints.owner import OwnerQuery, owner_of
from limen.vault.endpoints.schemas import ConnectionModel
from limen.vault.giving.give import Offered, give
from limen.vault.giving.rotate import Replacement, rotate
from limen.vault.giving.verify import verify
from limen.vault.listing import get_connection
from limen.vault.parts import Parts
from limen.web.deps import CurrentWork


def add_giving(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.post(
        "/{provider}/credentials", dependencies=[require(CONNECTIONS_CONNECT)], status_code=201
    )
    async def give_one(provider: str, body: GiveBody, work: CurrentWork) -> ConnectionModel:
        """Give a credential of yours: it is kept if the provider takes it, and never shown again.

        The person alone gives one: in their browser, by a first-party token, or by an API key of
        theirs. With ``owner`` ``tenant`` it is the tenant's, for who may speak for that.
        """
        owner_id = await owner_of(work, body.owner)
        offered = Offered(
            provider=provider,
            owner_id=owner_id,
            material=read_material(body.given),
            features=tuple(body.features),
        )
        connection_id = await give(work, parts, offered=offered)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        return ConnectionModel.of(shown)

    @router.post("/connections/{connection_id}/rotate", dependencies=[require(CONNECTIONS_CONNECT)])
    async def replace(
        *, connection_id: str, body: RotateBody, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> ConnectionModel:
        """Replace a credential: the old one stays until the provider takes the new one.

        Of two at once one is kept, and the other answered with ``credential_changed``.
        """
        owner_id = await owner_of(work, owner)
        wish = Replacement(
            connection_id=connection_id,
            owner_id=owner_id,
            material=read_material(body.given),
            seen_generation=body.generation,
            features=tuple(body.features),
        )
        await rotate(work, parts, wish=wish)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        return ConnectionModel.of(shown)

    @router.post("/connections/{connection_id}/verify", dependencies=[require(CONNECTIONS_REFRESH)])
    async def ask(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> ConnectionModel:
        """Ask the provider whether it takes a credential; ``state`` and ``verified_at`` say.

        One that is refused is ``reauth_required`` until it is replaced, or taken when asked again.
        """
        owner_id = await owner_of(work, owner)
        await verify(work, parts, connection_id=connection_id, owner_id=owner_id)
        shown = await get_connection(work, parts, connection_id=connection_id, user_id=owner_id)
        return ConnectionModel.of(shown)
