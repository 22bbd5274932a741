"""``/api/v1/admin/service-accounts``: machines, their credentials and their roles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.routing import APIRoute

from limen.access.grant_role import grant_role
from limen.access.nobody_above import check_not_above
from limen.access.permissions import (
    CLIENTS_READ,
    CLIENTS_WRITE,
    ROLES_READ,
    ROLES_WRITE,
    Role,
)
from limen.access.require import require
from limen.access.revoke_role import revoke_role
from limen.access.rights import permissions_of, roles_of
from limen.access.speak_for import check_may_speak_for
from limen.admin.manage_clients import switch_one
from limen.admin.parts import Parts
from limen.admin.schemas import PageQuery, RoleList
from limen.admin.service_account_schemas import (
    AccountBody,
    AccountLineView,
    AccountPage,
    AccountPatch,
    AccountView,
    CreatedAccountView,
    NewAccountSecret,
    PublicKeyBody,
    SecretBody,
    SecretView,
)
from limen.db.work import Work
from limen.kernel.errors import NotPermitted
from limen.oauth.api_keys.for_account import create_account_key
from limen.oauth.api_keys.shown import ApiKeyBody, NewApiKey
from limen.oauth.service_accounts.change import AS_IT_IS, AccountChanges, change_account
from limen.oauth.service_accounts.create import NewAccount, create_account
from limen.oauth.service_accounts.credentials import (
    add_public_key,
    add_secret,
    remove_public_key,
    remove_secret,
)
from limen.oauth.service_accounts.find import get_account, list_accounts
from limen.web.deps import CurrentWork

_ClientId = Annotated[str, Path(max_length=100)]
_READ = [require(CLIENTS_READ)]
_WRITE = [require(CLIENTS_WRITE)]


def routes(parts: Parts, kind: type[APIRoute]) -> APIRouter:
    """Return the routes, each of the given kind."""
    router = APIRouter(
        prefix="/service-accounts", tags=["admin: service accounts"], route_class=kind
    )

    @router.get("", dependencies=_READ)
    async def list_all(work: CurrentWork, page: Annotated[PageQuery, Query()]) -> AccountPage:
        """List service accounts, with their end and their last use."""
        found = await list_accounts(work, parts.envelope, cursor=page.cursor, limit=page.limit)
        views = [AccountLineView.model_validate(each, from_attributes=True) for each in found.items]
        return AccountPage(service_accounts=views, next_cursor=found.next_cursor)

    @router.post("", status_code=201, dependencies=_WRITE)
    async def create(work: CurrentWork, body: AccountBody) -> CreatedAccountView:
        """Create a service account; roles take the permission to give them besides."""
        return await _create(work, parts, body)

    @router.get("/{client_id}", dependencies=_READ)
    async def show(work: CurrentWork, client_id: _ClientId) -> AccountView:
        """Show one."""
        return await _view(work, client_id)

    @router.patch("/{client_id}", dependencies=_WRITE)
    async def change(work: CurrentWork, client_id: _ClientId, body: AccountPatch) -> AccountView:
        """Change its name, description, scope or end; an earlier end holds at once."""
        await check_may_speak_for(work, principal_id=client_id)
        await change_account(
            work, client_id=client_id, changes=_changes(body), envelope=parts.envelope
        )
        return await _view(work, client_id)

    _add_switches(router)
    _add_secrets(router, parts)
    _add_keys(router, parts)
    _add_roles(router)
    return router


def _add_switches(router: APIRouter) -> None:
    @router.delete("/{client_id}", status_code=204, dependencies=_WRITE)
    async def delete(work: CurrentWork, client_id: _ClientId) -> None:
        """Forget a service account; its tokens and keys end at once."""
        await get_account(work, client_id=client_id)
        await switch_one(work, client_id=client_id, to="delete")

    @router.post("/{client_id}/disable", status_code=204, dependencies=_WRITE)
    async def disable(work: CurrentWork, client_id: _ClientId) -> None:
        """Let it do nothing any more; its tokens and API keys end at once."""
        await get_account(work, client_id=client_id)
        await switch_one(work, client_id=client_id, to="disable")

    @router.post("/{client_id}/enable", status_code=204, dependencies=_WRITE)
    async def enable(work: CurrentWork, client_id: _ClientId) -> None:
        """Let it act again, with its secrets and public keys; API keys have ended."""
        await get_account(work, client_id=client_id)
        await switch_one(work, client_id=client_id, to="enable")


def _add_secrets(router: APIRouter, parts: Parts) -> None:
    @router.post("/{client_id}/secrets", status_code=201, dependencies=_WRITE)
    async def add(work: CurrentWork, client_id: _ClientId, body: SecretBody) -> NewAccountSecret:
        """Add a secret beside the others; it is in this answer alone."""
        await check_may_speak_for(work, principal_id=client_id)
        secret, raw = await add_secret(work, client_id=client_id, expires_at=body.expires_at)
        view = SecretView.of(secret).model_dump()
        return NewAccountSecret(**view, client_secret=raw.reveal())

    @router.delete("/{client_id}/secrets/{secret_id}", status_code=204, dependencies=_WRITE)
    async def remove(
        work: CurrentWork, client_id: _ClientId, secret_id: Annotated[str, Path(max_length=64)]
    ) -> None:
        """Remove a secret; it is worth nothing from now on."""
        await check_not_above(work, principal_id=client_id)
        await remove_secret(work, client_id=client_id, secret_id=secret_id)

    @router.post("/{client_id}/api-keys", status_code=201, dependencies=_WRITE)
    async def make_key(work: CurrentWork, client_id: _ClientId, body: ApiKeyBody) -> NewApiKey:
        """Make an API key of the account; it is in this answer alone."""
        await check_may_speak_for(work, principal_id=client_id)
        made = await create_account_key(
            work, resources=parts.resources, client_id=client_id, wanted=body.wanted()
        )
        return NewApiKey.made(made)


def _add_keys(router: APIRouter, parts: Parts) -> None:
    @router.post("/{client_id}/keys", status_code=201, dependencies=_WRITE)
    async def add(work: CurrentWork, client_id: _ClientId, body: PublicKeyBody) -> AccountView:
        """Add a public key that its assertions may be signed with."""
        await check_may_speak_for(work, principal_id=client_id)
        await add_public_key(work, client_id=client_id, jwk=body.jwk, envelope=parts.envelope)
        return await _view(work, client_id)

    @router.delete("/{client_id}/keys/{kid}", status_code=204, dependencies=_WRITE)
    async def remove(
        work: CurrentWork, client_id: _ClientId, kid: Annotated[str, Path(max_length=256)]
    ) -> None:
        """Remove a public key."""
        await check_not_above(work, principal_id=client_id)
        await remove_public_key(work, client_id=client_id, kid=kid, envelope=parts.envelope)


def _add_roles(router: APIRouter) -> None:
    @router.get("/{client_id}/roles", dependencies=[require(ROLES_READ)])
    async def roles(work: CurrentWork, client_id: _ClientId) -> RoleList:
        """List its roles."""
        await get_account(work, client_id=client_id)
        return RoleList(roles=await roles_of(work, client_id))

    @router.put("/{client_id}/roles/{role}", status_code=204, dependencies=[require(ROLES_WRITE)])
    async def give(work: CurrentWork, client_id: _ClientId, role: Role) -> None:
        """Give it a role, none above one's own."""
        await get_account(work, client_id=client_id)
        await grant_role(work, principal_id=client_id, role=role, kind="client")

    @router.delete(
        "/{client_id}/roles/{role}", status_code=204, dependencies=[require(ROLES_WRITE)]
    )
    async def take(work: CurrentWork, client_id: _ClientId, role: Role) -> None:
        """Take a role away."""
        await get_account(work, client_id=client_id)
        await revoke_role(work, principal_id=client_id, role=role)


async def _create(work: Work, parts: Parts, body: AccountBody) -> CreatedAccountView:
    if body.roles and ROLES_WRITE not in await permissions_of(work, work.actor):
        raise NotPermitted(public="You are not allowed to give roles.")
    new = NewAccount(
        name=body.name,
        description=body.description,
        scope=tuple(body.scope.split()),
        default_resource=body.default_resource,
        expires_at=body.expires_at,
        jwks=body.jwks,
        with_secret=body.jwks is None,
        client_id=body.client_id,
    )
    made = await create_account(work, new=new, envelope=parts.envelope)
    client_id = made.account.client.client_id
    for role in dict.fromkeys(body.roles):
        await grant_role(work, principal_id=client_id, role=role, kind="client")
    raw = None if made.raw_secret is None else made.raw_secret.reveal()
    view = await _view(work, client_id)
    return CreatedAccountView(**view.model_dump(), client_secret=raw)


async def _view(work: Work, client_id: str) -> AccountView:
    account = await get_account(work, client_id=client_id)
    return AccountView.of(account, roles=await roles_of(work, client_id))


def _changes(body: AccountPatch) -> AccountChanges:
    says_end = "expires_at" in body.model_fields_set
    return AccountChanges(
        name=body.name,
        description=body.description,
        scope=None if body.scope is None else tuple(body.scope.split()),
        expires_at=body.expires_at if says_end else AS_IT_IS,
    )
