"""What each capability is handed, and the one list of what is mounted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.routing import BaseRoute, Mount, Route

from limen.app.runtime import Runtime
from limen.app.upstream import simulators_url
from limen.federation.parts import Parts as FederationParts
from limen.mail import routes as mail
from limen.oauth import routes as oauth
from limen.oauth.endpoints.decoupled import development as dev_approvals
from limen.oauth.endpoints.interactive.who_asks import client_that_asks
from limen.oauth.exchange.targets import Exchanges
from limen.oauth.mutual_tls.offer import offered_methods
from limen.oauth.parts import Parts as OAuthParts
from limen.oauth.registration.register import Registrar
from limen.oauth.registration.statement import StatementKeys
from limen.portal import routes as portal
from limen.portal.parts import Parts as PortalParts
from limen.signin import routes as signin
from limen.signin.endpoints.provider import all_routes as provider_sign_in
from limen.signin.parts import Parts as SigninParts
from limen.signin.with_provider import provider_buttons
from limen.vault import pages as vault_pages
from limen.vault import routes as vault
from limen.vault.endpoints.proxying import proxy_routes
from limen.vault.endpoints.pushing import event_routes
from limen.vault.release.exchange import ConnectionTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is mounted.

    Attributes:
        pages: Plain routes, each in one Work.
        routers: The JSON API, but for the administrators'.
        admin: Makes theirs: half of all, and most processes are never asked for it.
        hot: Routes of the JSON API that are answered without FastAPI.
        mounts: Whole applications, in development.
    """

    pages: list[BaseRoute]
    routers: list[APIRouter]
    admin: Callable[[], list[APIRouter]]
    hot: list[Route]
    mounts: list[BaseRoute]

    def json_api(self) -> list[APIRouter]:
        """Return all of the JSON API, made anew."""
        return [*self.routers, *self.admin()]


def build_capabilities(runtime: Runtime) -> Capabilities:
    """Hand out the parts and list what there is."""
    federation_parts = runtime.vault.federation
    oauth_parts = build_oauth_parts(runtime)
    signin_parts = _signin(runtime, federation_parts)
    short_paths = runtime.settings.web.short_oauth2_paths
    portal_parts = PortalParts(
        pages=runtime.pages,
        clients=runtime.clients,
        door=signin_parts.door,
        resources=runtime.resources,
        vault=runtime.vault,
        list_sign_in_providers=signin_parts.list_providers,
    )
    return Capabilities(
        pages=[
            *oauth.pages(oauth_parts),
            *signin.pages(signin_parts),
            *provider_sign_in.pages(
                signin_parts, federation_parts, encoder=runtime.pictures, short_paths=short_paths
            ),
            *vault_pages.pages(runtime.vault),
            *proxy_routes(runtime.vault),
            *event_routes(runtime.vault),
            *portal.pages(portal_parts),
            *_development_pages(runtime, oauth_parts),
        ],
        routers=[
            signin.routes(signin_parts),
            *provider_sign_in.routes(signin_parts, federation_parts, short_paths=short_paths),
            oauth.routes(oauth_parts),
            vault.routes(runtime.vault),
        ],
        admin=lambda: _admin(runtime, short_paths=short_paths),
        hot=[*vault.hot_routes(runtime.vault), *signin.hot_routes(signin_parts)],
        mounts=_simulators(runtime),
    )


def build_oauth_parts(runtime: Runtime) -> OAuthParts:
    """Hand out what the authorization server is built from."""
    return OAuthParts(
        clients=runtime.clients,
        resources=runtime.resources,
        keyring=runtime.keyring,
        hooks=runtime.hooks,
        envelope=runtime.envelope,
        hasher=runtime.hasher,
        pages=runtime.pages,
        lifetimes=runtime.lifetimes,
        client_keys=runtime.client_keys,
        net=runtime.net,
        registrar=Registrar(
            net=runtime.net,
            envelope=runtime.envelope,
            statements=StatementKeys(runtime.net),
            methods=offered_methods(runtime.mtls),
        ),
        trusted_keys=runtime.trusted_keys,
        exchanges=Exchanges(claiming=(ConnectionTarget(runtime.vault),)),
        federation=runtime.vault.federation,
        mtls=runtime.mtls,
        code_ttl=runtime.settings.tokens.code_ttl,
        interaction_ttl=runtime.settings.tokens.interaction_ttl,
    )


def _signin(runtime: Runtime, federation: FederationParts) -> SigninParts:
    return SigninParts(
        works=runtime.works,
        pages=runtime.pages,
        envelope=runtime.envelope,
        keyring=runtime.keyring,
        hasher=runtime.hasher,
        lifetimes=runtime.lifetimes,
        hooks=runtime.hooks,
        list_providers=provider_buttons(federation),
        who_asks=client_that_asks(runtime.clients),
        access_ttl=runtime.settings.tokens.first_party_access_ttl,
    )


def _admin(runtime: Runtime, *, short_paths: bool) -> list[APIRouter]:
    from limen.admin import routes as admin  # noqa: PLC0415 -- loaded on first use
    from limen.admin.parts import Parts as AdminParts  # noqa: PLC0415 -- as above

    parts = AdminParts(
        works=runtime.works,
        envelope=runtime.envelope,
        net=runtime.net,
        keyring=runtime.keyring,
        hasher=runtime.hasher,
        directory=runtime.directory,
        base_url=runtime.settings.base_url,
        defaults=runtime.defaults,
        resources=runtime.resources,
        providers=runtime.vault.federation.registry.providers,
        mtls=runtime.mtls,
        vault=runtime.vault,
    )
    return admin.routes(parts, short_paths=short_paths)


def _development_pages(runtime: Runtime, oauth_parts: OAuthParts) -> list[BaseRoute]:
    settings = runtime.settings
    pages: list[BaseRoute] = []
    if settings.development.mailbox:
        pages += mail.pages(mail.Parts(pages=runtime.pages, base_url=settings.base_url))
    if settings.development.clock:
        from limen.simulators.dev_pages import DevParts  # noqa: PLC0415 -- not in production
        from limen.simulators.dev_pages import pages as dev_pages  # noqa: PLC0415 -- as above

        pages += dev_pages(
            DevParts(pages=runtime.pages, clock=runtime.clock, base_url=settings.base_url)
        )
    if settings.development.approvals:
        pages += dev_approvals.routes(oauth_parts, base_url=settings.base_url)
    return pages


def _simulators(runtime: Runtime) -> list[BaseRoute]:
    base_url = simulators_url(runtime.settings)
    if not base_url:
        return []
    from limen.simulators import providers  # noqa: PLC0415 -- not in production

    app = providers(base_url=base_url, clock=runtime.clock, state=runtime.settings.data_dir)
    return [Mount("/dev/providers", app)]
