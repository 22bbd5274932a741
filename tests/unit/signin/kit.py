"""The way in behind the real edge, called in process, by browsers and by programs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import bindparam
from starlette.routing import BaseRoute

from limen.accounts.events import PasswordChanged
from limen.crypto.keyring import Keyring
from limen.db.base import metadata
from limen.db.work import Work, Works
from limen.hooks.ask import Hooks
from limen.hooks.model import HostHooks
from limen.kernel.actor import ANONYMOUS, Actor
from limen.kernel.events import Event
from limen.kernel.site import Site
from limen.net import Net
from limen.sessions.current import bearer, from_cookie
from limen.settings import Rate
from limen.settings.sections import NetSettings
from limen.signin import routes as signin
from limen.signin.parts import TEMPLATES, ListProviders, Parts, no_providers
from limen.signin.steps.forget import forget_underway
from limen.signin.token_pair import CLIENT_ID
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import Tenant
from limen.testing.forms import Form, forms_in
from limen.tokens import principals
from limen.tokens.lifetimes import TokenLifetimes
from limen.web.body_limits import BodyLimits
from limen.web.edge import Edge
from limen.web.framework import install_error_handlers
from limen.web.pages import Pages
from limen.web.peer.client_ip import networks
from limen.web.rate_limit import RateLimiter
from limen.web.state import EdgeParts
from tests.house import House
from tests.unit.crypto.kit import make_quickly

T = TypeVar("T")
ELSEWHERE = "https://shop.example"
AUTH = "/api/v1/auth"


class Browser:
    """Keeps cookies, fills forms, follows nothing by itself."""

    def __init__(self, client: httpx2.AsyncClient, address: str) -> None:
        self.client = client
        self.headers = {"x-forwarded-for": address, "sec-fetch-site": "same-origin"}

    async def open(self, url: str, **headers: str) -> httpx2.Response:
        return await self.client.get(url, headers={**self.headers, **headers})

    async def post(self, url: str, data: Any, **headers: str) -> httpx2.Response:
        return await self.client.post(url, data=data, headers={**self.headers, **headers})

    async def press(
        self, page: httpx2.Response, button: str, fields: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        form = form_with(page, button)
        pressed = form.button(button)
        assert pressed is not None
        sent = dict(form.fields) | dict(fields or {})
        if pressed.name:
            sent[pressed.name] = pressed.value
        target = pressed.action or form.action or str(page.request.url)
        return await self.post(target, sent)

    async def sign_in(self, email: str, password: str, at: str = "/sign-in") -> httpx2.Response:
        page = await self.open(at)
        return await self.press(page, "sign-in-submit", {"email": email, "password": password})

    @property
    def session(self) -> str | None:
        return next(
            (value for name, value in self.client.cookies.items() if "session" in name), None
        )


def form_with(page: httpx2.Response, button: str) -> Form:
    found = next((form for form in forms_in(page.text) if form.button(button)), None)
    assert found is not None, f"no #{button} on {page.status_code}: {page.text}"
    return found


def error_code(page: httpx2.Response) -> str:
    found = re.search(r'id="error-code">([a-z_]+)<', page.text)
    return found[1] if found else ""


@dataclass
class WayIn:
    """A tenant, and people who come to its door."""

    house: House
    keyring: Keyring
    tenant: Tenant
    heard: list[Event] = field(default_factory=list)
    opened: list[httpx2.AsyncClient] = field(default_factory=list)
    list_providers: ListProviders = no_providers
    limiter: Callable[[str], Rate | None] = lambda _: None
    edge: Edge | None = None
    hooks: HostHooks = field(default_factory=dict)
    more: list[BaseRoute] = field(default_factory=list)
    template_dirs: list[Path] = field(default_factory=list)

    @property
    def parts(self) -> Parts:
        return Parts(
            works=self.house.works,
            pages=Pages([TEMPLATES, *self.template_dirs]),
            envelope=self.house.envelope,
            keyring=self.keyring,
            hasher=self.house.hasher,
            lifetimes=TokenLifetimes(),
            hooks=Hooks(
                net=Net(NetSettings()), envelope=self.house.envelope, in_process=self.hooks
            ),
            list_providers=self.list_providers,
        )

    def policy(self, **changes: Any) -> None:
        policy = TenantPolicy.model_validate({**self.tenant.policy.model_dump(), **changes})
        self.tenant = dataclasses.replace(self.tenant, policy=policy)

    async def by_slug(self, slug: str) -> Site | None:
        return self.tenant if slug == self.tenant.slug else None

    async def by_host(self, host: str) -> Site | None:
        return None

    async def default(self) -> Site:
        return self.tenant

    def app(self) -> Edge:
        app = FastAPI(redirect_slashes=False, openapi_url=None)
        install_error_handlers(app)
        app.include_router(signin.routes(self.parts))
        app.router.routes.extend([*signin.pages(self.parts), *self.more])
        parts = EdgeParts(
            works=self.house.works,
            sites=self,
            pages=self.parts.pages,
            authenticators=(bearer(self.keyring), from_cookie),
            trusted_proxies=networks(["127.0.0.0/8"]),
            limiter=RateLimiter(self._rate, self.house.clock),
            allows_origin=self._allows,
            body_limits=BodyLimits(),
        )
        return Edge(app, parts)

    def client(self) -> httpx2.AsyncClient:
        self.edge = self.edge or self.app()
        transport = httpx2.ASGITransport(app=self.edge, client=("127.0.0.1", 4711))
        made = httpx2.AsyncClient(transport=transport, base_url=self.tenant.issuer)
        self.opened.append(made)
        return made

    def browser(self, address: str = "192.0.2.1") -> Browser:
        return Browser(self.client(), address)

    async def api(
        self,
        verb: str,
        path: str,
        *,
        json: Any = None,
        token: str = "",
        address: str = "192.0.2.1",
        **headers: str,
    ) -> httpx2.Response:
        sent = {"x-forwarded-for": address, **headers}
        if token:
            sent["authorization"] = f"Bearer {token}"
        return await self.client().request(verb, AUTH + path, json=json, headers=sent)

    async def login(self, email: str, password: str, **more: Any) -> httpx2.Response:
        body = {"email": email, "password": password}
        return await self.api("POST", "/login", json=body, **more)

    async def run(self, body: Callable[[Work], Awaitable[T]], *, actor: Actor = ANONYMOUS) -> T:
        return await self.house.works.run(self.tenant, body, actor=actor)

    async def count(self, table: str) -> int:
        found = metadata.tables[f"limen_{table}"]
        counted = (
            sa.select(sa.func.count())
            .select_from(found)
            .where(found.c.tenant_id == bindparam("tenant_id"))
        )
        return int(await self.run(lambda work: _scalar(work, counted)))

    def denied(self) -> list[str]:
        return [event.name for event in self.heard if event.outcome == "denied"]

    def _rate(self, name: str) -> Rate | None:
        return self.limiter(name)

    async def _allows(self, _site: Site, kind: str, origin: str) -> bool:
        return kind == "api" and origin in self.tenant.policy.allowed_origins

    async def close(self) -> None:
        for client in self.opened:
            await client.aclose()


async def _scalar(work: Work, statement: sa.Select[Any]) -> Any:
    return (await work.execute(statement)).scalar()


async def open_door(house: House, works: Works) -> WayIn:
    keyring = Keyring(house.envelope, make=make_quickly)
    tenant = Tenant(
        tenant_id=house.site.tenant_id,
        slug=house.site.slug,
        issuer=house.site.issuer,
        path=house.site.path,
        name="Example",
        host=None,
        policy=TenantPolicy(),
        version=1,
        state="active",
    )
    made = WayIn(house, keyring, tenant)

    async def hear(_: Work, event: Event) -> None:
        made.heard.append(event)

    works.recorders = [*works.recorders, hear]
    works.reactions = {PasswordChanged: (forget_underway,)}

    async def furnish(work: Work) -> None:
        await keyring.create_keys(work)
        await principals.put(work, kind="client", principal_id=CLIENT_ID)

    await works.run(tenant, furnish)
    return made
