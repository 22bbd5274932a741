"""Decide about a proxied call, and fetch the token for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from limen.db.work import Work
from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.facts import Api
from limen.federation.provider import Provider
from limen.federation.upstream_clients import get_upstream_client
from limen.kernel.errors import NotFound, NotPermitted, Throttled
from limen.vault.credentials.held_at import seen_by
from limen.vault.events import ConnectionUsed
from limen.vault.model import TENANT_OWNER, Connection, Grant
from limen.vault.parts import Parts
from limen.vault.proxy.reach import reaches
from limen.vault.proxy.way import check_host, check_operation, check_path, check_query
from limen.vault.quota.count import count_call
from limen.vault.resources.known import resource_at
from limen.vault.sharing.check import Asked, check_release, not_agreed
from limen.vault.store import connections, grants, pauses
from limen.vault.store.connections import Shared
from limen.vault.token_for import Released, Wanted, provider_of, token_for


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedCall:
    """What a client wants to have done.

    Args:
        reader: Who is named in the audit log.
        path: Below the host, percent-encoded as it came, beginning with a slash.
        query: As it came.
    """

    reader: str
    method: str
    host: str
    path: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A call that may be made, and the token to make it with.

    Args:
        wanted: To fetch a newer token with, once this one is refused.
    """

    url: str
    api: Api
    host: str
    released: Released
    wanted: Wanted


async def prepare(work: Work, parts: Parts, *, wanted: Wanted, call: ProxiedCall) -> Prepared:
    """Check a call against policy, consent, host, path and the provider's pauses.

    Args:
        work: Clean: a refresh gives its connection back.
        parts: The vault's.
        wanted: Which connection, for whom.
        call: What is to be sent.

    Raises:
        NotFound: ``connection_not_found``.
        NotPermitted: As ``check_release``; ``proxy_host_refused``, ``proxy_operation_refused``.
        InvalidInput: ``proxy_path_refused``, ``proxy_query_refused``.
        Throttled: ``provider_paused``: the provider's API wants to be left alone;
            ``quota_exhausted``: its operator's client has used what there is today.
        Conflict, ProviderUnavailable, Unavailable: As ``token_for``.
    """
    wanted = replace(wanted, use="proxy", reader="")
    connection, shared = await _find(work, wanted)
    grant = connection.grant
    client = await get_upstream_client(work, parts.envelope, provider=grant.provider)
    provider = seen_by(parts, client, grant)
    api, resource = await _api_at(work, provider, grant, host=call.host)
    wanted = replace(wanted, resource=resource)
    _check_address(call, api, provider=provider)
    if not provider.keeps_accounts_of(grant.issuer):  # its name is another place's by now
        raise NotPermitted("proxy_host_refused", "The token is not sent to this host.")
    judge = None if shared is None else await provider_of(work, parts, grant)
    if shared is not None and judge is not None:
        _check_shared(shared, call, wanted=wanted, grant=grant, judge=judge)
    await _check_pause(work, grant.id, call.host)
    released = await token_for(work, parts, wanted=wanted)
    if shared is not None and judge is not None:
        # Its person may have agreed to more at the provider while the token was fetched.
        _check_part(shared, call, beyond=not_agreed(released.scopes, shared, provider=judge))
    quota = provider.facts.quota
    units = 0
    if quota is not None:
        units = await count_call(
            work, quota, wanted=wanted, grant=grant, method=call.method, path=call.path
        )
    await work.record(
        ConnectionUsed(
            connection_id=wanted.connection_id,
            grant_id=grant.id,
            reader=call.reader,
            method=call.method,
            host=call.host,
            units=units,
        )
    )
    url = provider.api_url(call.host, call.path)
    if call.query:
        url = f"{url}?{call.query}"
    return Prepared(url=url, api=api, host=call.host, released=released, wanted=wanted)


async def _api_at(work: Work, provider: Provider, grant: Grant, *, host: str) -> tuple[Api, str]:
    """Return where the token for a host may go, and which resource's it is.

    Another API of the provider's is sent its own token, and never the default one; nor is any
    other host sent that.
    """
    api = provider.facts.api
    resource = resource_at(provider, host) if grant.kind == "consent" else ""
    if resource:
        return api.model_copy(update={"hosts": provider.facts.resources[resource].hosts}), resource
    if api.base_pointer:
        api = provider.api_of(await grants.lifted_of(work, grant.id))
    return api, ""


def _check_shared(
    shared: Shared, call: ProxiedCall, *, wanted: Wanted, grant: Grant, judge: Provider
) -> None:
    asked = Asked(use="proxy", feature=wanted.feature, askable=wanted.user_id != TENANT_OWNER)
    check_release(shared, asked, grant=grant, provider=judge)
    if not wanted.resource:  # what another resource's token covers is known once there is one
        _check_part(shared, call, beyond=not_agreed(grant.granted_scopes, shared, provider=judge))


async def _find(work: Work, wanted: Wanted) -> tuple[Connection, Shared | None]:
    if wanted.client_id:
        found = await connections.find_shared(
            work,
            connection_id=wanted.connection_id,
            owner_id=wanted.user_id,
            reader="",
            client_id=wanted.client_id,
        )
        if found is not None:
            return found[0], found[2]
    else:
        owned = await connections.find_connection(
            work, connection_id=wanted.connection_id, owner_id=wanted.user_id
        )
        if owned is not None:
            return owned[0], None
    raise NotFound("connection_not_found", "There is no such connection.")


def _check_address(call: ProxiedCall, api: Api, *, provider: Provider) -> None:
    check_path(call.path)
    check_host(call.host, api)
    check_query(call.query, api)
    if isinstance(provider, CatalogueProvider):
        check_operation(call.path, provider.about_tokens)


def _check_part(shared: Shared, call: ProxiedCall, *, beyond: tuple[str, ...]) -> None:
    """Let a client with consent for a part through to that part alone."""
    if beyond and not reaches(shared.scopes, beyond, host=call.host, path=call.path):
        raise NotPermitted(
            "release_too_broad", "The owner has not agreed that this client does that."
        )


async def _check_pause(work: Work, grant_id: str, host: str) -> None:
    until = await pauses.paused_until(work, grant_id=grant_id, host=host)
    if until is not None and until > work.now:
        raise Throttled(
            "provider_paused",
            "The provider wants to be left alone for a while.",
            retry_after_seconds=max(1, int((until - work.now).total_seconds())),
        )
