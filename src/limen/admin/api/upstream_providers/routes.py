"""The routes of ``/api/v1/admin/providers``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.routing import APIRoute

from limen.access.permissions import PROVIDERS_READ, PROVIDERS_WRITE
from limen.access.require import require
from limen.admin.api.upstream_providers.read import read_client, read_credential
from limen.admin.api.upstream_providers.schemas import (
    ClientBody,
    EntryBody,
    OverrideBody,
    ProviderDetail,
    ProviderList,
    SecretBody,
    StateBody,
)
from limen.admin.api.upstream_providers.show import list_providers, show_provider
from limen.admin.mapped_roles import check_may_speak_for_provider
from limen.admin.parts import Parts
from limen.federation.clients.sealed import retire_credential
from limen.federation.describe_provider import (
    Described,
    add_secret,
    check_new_client,
    drop_entry,
    put_override,
    put_own_entry,
)
from limen.federation.upstream_clients import (
    set_upstream_client,
    switch_provider,
)
from limen.web.deps import CurrentWork

_Id = Annotated[str, Path(max_length=40)]
_SecretId = Annotated[str, Path(max_length=64)]
_READ = [require(PROVIDERS_READ)]
_WRITE = [require(PROVIDERS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(prefix="/providers", tags=["admin: providers"], route_class=kind)

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork) -> ProviderList:
        """List the providers there are, with our clients at them."""
        return ProviderList(providers=await list_providers(work, parts.providers))

    @router.get("/{provider}", dependencies=_READ)
    async def show(work: CurrentWork, provider: _Id) -> ProviderDetail:
        """Show one with its features, scopes and entry."""
        return await show_provider(work, parts.providers, provider=provider)

    _add_client(router, parts)
    _add_secrets(router, parts)
    _add_entries(router, parts)
    return router


def _add_client(router: APIRouter, parts: Parts) -> None:
    @router.put("/{provider}/client", dependencies=_WRITE)
    async def put_client(work: CurrentWork, provider: _Id, body: ClientBody) -> ProviderDetail:
        """Say what a provider registered us as; all secrets set before are forgotten."""
        await check_may_speak_for_provider(work, provider=provider)
        new = await read_client(work, provider=provider, body=body)
        await check_new_client(work, net=parts.net, providers=parts.providers, new=new)
        await set_upstream_client(work, parts.envelope, new=new)
        return await show_provider(work, parts.providers, provider=provider)

    @router.put("/{provider}/state", status_code=204, dependencies=_WRITE)
    async def switch(work: CurrentWork, provider: _Id, body: StateBody) -> None:
        """Enable or disable a provider."""
        await switch_provider(work, provider=provider, state=body.state)


def _add_secrets(router: APIRouter, parts: Parts) -> None:
    @router.post("/{provider}/secrets", status_code=201, dependencies=_WRITE)
    async def add(work: CurrentWork, provider: _Id, body: SecretBody) -> ProviderDetail:
        """Add a secret or key beside those there are; it is tried first."""
        new = await read_credential(work, body)
        await add_secret(
            work, parts.envelope, providers=parts.providers, provider=provider, new=new
        )
        return await show_provider(work, parts.providers, provider=provider)

    @router.delete("/{provider}/secrets/{secret_id}", status_code=204, dependencies=_WRITE)
    async def retire(work: CurrentWork, provider: _Id, secret_id: _SecretId) -> None:
        """Retire a secret or key; never the last one."""
        await retire_credential(work, provider=provider, credential_id=secret_id)


def _add_entries(router: APIRouter, parts: Parts) -> None:
    @router.put("/{provider}/entry", dependencies=_WRITE)
    async def put_entry(work: CurrentWork, provider: _Id, body: EntryBody) -> ProviderDetail:
        """Describe a provider of your own, for clients of your own."""
        await check_may_speak_for_provider(work, provider=provider)
        described = Described(id=provider, document=body.entry)
        await put_own_entry(work, net=parts.net, providers=parts.providers, described=described)
        return await show_provider(work, parts.providers, provider=provider)

    @router.delete("/{provider}/entry", status_code=204, dependencies=_WRITE)
    async def delete_entry(work: CurrentWork, provider: _Id) -> None:
        """Forget a provider of your own; it must be switched off."""
        await drop_entry(work, entry_id=provider, kind="own")

    @router.put("/{provider}/override", dependencies=_WRITE)
    async def override(work: CurrentWork, provider: _Id, body: OverrideBody) -> ProviderDetail:
        """Say what is different of a shipped provider here; its addresses stay."""
        await check_may_speak_for_provider(work, provider=provider)
        described = Described(id=provider, document=body.override)
        await put_override(work, providers=parts.providers, described=described)
        return await show_provider(work, parts.providers, provider=provider)

    @router.delete("/{provider}/override", status_code=204, dependencies=_WRITE)
    async def delete_override(work: CurrentWork, provider: _Id) -> None:
        """Take a shipped provider as it ships again."""
        await check_may_speak_for_provider(work, provider=provider)
        await drop_entry(work, entry_id=provider, kind="override")
