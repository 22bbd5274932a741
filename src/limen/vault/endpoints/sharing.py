"""Which clients may use which connections: consents of owners, policies of administrators."""

from __future__ import annotations

from fastapi import APIRouter

from limen.access.permissions import CLIENTS_READ, CLIENTS_WRITE, CONNECTIONS_SHARE
from limen.access.require import require
from limen.vault.endpoints.more_schemas import (
    PolicyModel,
    ShareBody,
    SharedAnswer,
    SharedModel,
)
from limen.vault.endpoints.owner import OwnerQuery, owner_of
from limen.vault.parts import Parts
from limen.vault.sharing.consents import Wish, list_shared, share, unshare
from limen.vault.sharing.policy import check_client, get_release_policy, set_release_policy
from limen.web.deps import CurrentWork


def add_sharing(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get("/consents", dependencies=[require(CONNECTIONS_SHARE)])
    async def consents(work: CurrentWork, owner: OwnerQuery = "me") -> SharedAnswer:
        """List which clients may use your connections, and for what."""
        shared = await list_shared(work, owner_id=await owner_of(work, owner))
        return SharedAnswer(items=[SharedModel.of(each) for each in shared])

    @router.post("/consents", dependencies=[require(CONNECTIONS_SHARE)], status_code=201)
    async def give(body: ShareBody, work: CurrentWork, owner: OwnerQuery = "me") -> SharedModel:
        """Agree that a client uses a connection, for these features; replaces what was agreed.

        The person alone can agree: in their browser, or by a first-party token. Without ``mode``
        they agree to the proxy, and to no token leaving.
        """
        wish = Wish(
            connection_id=body.connection_id,
            client_id=body.client_id,
            features=body.features,
            mode=body.mode,
        )
        owner_id = await owner_of(work, owner)
        return SharedModel.of(await share(work, parts, owner_id=owner_id, wish=wish))

    @router.delete(
        "/consents/{connection_id}/{client_id:path}",
        dependencies=[require(CONNECTIONS_SHARE)],
        status_code=204,
    )
    async def withdraw(
        *, connection_id: str, client_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> None:
        """Take an agreement back: the client is given nothing more."""
        owner_id = await owner_of(work, owner)
        await unshare(work, owner_id=owner_id, connection_id=connection_id, client_id=client_id)

    @router.get("/release-policies/{client_id:path}", dependencies=[require(CLIENTS_READ)])
    async def policy(client_id: str, work: CurrentWork) -> PolicyModel:
        """Show what a client may do with connections that people share with it."""
        await check_client(work, parts, client_id=client_id)
        return PolicyModel(mode=await get_release_policy(work, client_id=client_id))

    @router.put("/release-policies/{client_id:path}", dependencies=[require(CLIENTS_WRITE)])
    async def set_policy(client_id: str, body: PolicyModel, work: CurrentWork) -> PolicyModel:
        """Say what a client may do: be given tokens, use them by the proxy, or nothing.

        Who agreed to the proxy is asked again before ``raw`` gives a token of theirs away.
        """
        await set_release_policy(work, parts, client_id=client_id, mode=body.mode)
        return body
