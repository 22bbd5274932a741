"""Features of a connection, and those a tenant declares."""

from __future__ import annotations

from fastapi import APIRouter

from limen.access.permissions import (
    CONNECTIONS_CONNECT,
    CONNECTIONS_READ,
    CONNECTIONS_WRITE,
    PROVIDERS_WRITE,
)
from limen.access.require import require
from limen.vault.connect import WantedConnection
from limen.vault.endpoints.connecting import way_to_provider
from limen.vault.endpoints.more_schemas import (
    ActivateAnswer,
    ActivateBody,
    DeclareBody,
    FeaturesAnswer,
    ShownFeatureModel,
)
from limen.vault.endpoints.owner import OwnerQuery, owner_of
from limen.vault.features.activate import activate
from limen.vault.features.declare import declare_feature, undeclare_feature
from limen.vault.features.show import list_features
from limen.vault.parts import Parts
from limen.vault.sharing.consents import switch_off as stop_feature
from limen.web.deps import CurrentWork


def add_features(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.get("/connections/{connection_id}/features", dependencies=[require(CONNECTIONS_READ)])
    async def features(
        connection_id: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> FeaturesAnswer:
        """List what can be switched on over a connection, and what it takes.

        ``active``: switched on; ``missing``: not yet, and which scopes that takes; ``denied``:
        its person said no, and until when apps leave them alone; ``needs_admin``: an
        administrator of the account has to agree at the provider.
        """
        provider, shown = await list_features(
            work, parts, connection_id=connection_id, owner_id=await owner_of(work, owner)
        )
        return FeaturesAnswer(items=[ShownFeatureModel.of(each, provider) for each in shown])

    @router.post(
        "/connections/{connection_id}/features/{feature}/activate",
        dependencies=[require(CONNECTIONS_CONNECT)],
    )
    async def switch_on(
        *,
        connection_id: str,
        feature: str,
        body: ActivateBody,
        work: CurrentWork,
        owner: OwnerQuery = "me",
    ) -> ActivateAnswer:
        """Switch a feature on.

        Where its scopes are held it is active at once. Otherwise the answer says where the
        person is asked, as connecting does: for what was granted before and for this, and for
        nothing more. What they leave out is recorded as denied.
        """
        provider = await activate(
            work,
            parts,
            connection_id=connection_id,
            owner_id=await owner_of(work, owner),
            feature=feature,
            as_administrator=body.as_administrator,
        )
        if provider is None:
            return ActivateAnswer(state="active")
        wanted = WantedConnection(
            provider=provider,
            features=(feature,),
            connection_id=connection_id,
            return_to=body.return_to,
            for_tenant=owner == "tenant",
        )
        way = await way_to_provider(work, parts, wanted=wanted)
        return ActivateAnswer(
            state="asking",
            authorization_url=way.authorization_url,
            link_url=way.link_url,
            expires_in=way.expires_in,
        )

    @router.delete(
        "/connections/{connection_id}/features/{feature}",
        dependencies=[require(CONNECTIONS_WRITE)],
        status_code=204,
    )
    async def switch_off(
        *, connection_id: str, feature: str, work: CurrentWork, owner: OwnerQuery = "me"
    ) -> None:
        """Switch a feature off: no client is served by it; at the provider it stays granted."""
        owner_id = await owner_of(work, owner)
        await stop_feature(
            work, parts, owner_id=owner_id, connection_id=connection_id, feature=feature
        )

    @router.put(
        "/providers/{provider}/features/{feature}",
        dependencies=[require(PROVIDERS_WRITE)],
        status_code=204,
    )
    async def declare(*, provider: str, feature: str, body: DeclareBody, work: CurrentWork) -> None:
        """Declare a feature of the tenant's own: a named set of the provider's scopes."""
        await declare_feature(
            work,
            parts,
            provider=provider,
            feature=feature,
            title=body.title,
            scopes=tuple(body.scopes),
        )

    @router.delete(
        "/providers/{provider}/features/{feature}",
        dependencies=[require(PROVIDERS_WRITE)],
        status_code=204,
    )
    async def undeclare(provider: str, feature: str, work: CurrentWork) -> None:
        """Take a declared feature back."""
        await undeclare_feature(work, provider=provider, feature=feature)
