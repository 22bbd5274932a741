"""Our endpoints behind the real edge, called in process; the arranging is short."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from fastapi import FastAPI

from limen.accounts.create_user import NewRow, add_user
from limen.crypto.passwords import Cost, PasswordHasher
from limen.db.work import Work, Works
from limen.hooks.ask import Hooks
from limen.hooks.model import HostHooks
from limen.kernel.events import Event
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.kernel.tokens import mint, token_hash
from limen.net import Net
from limen.oauth.client_keys.published import ClientKeys
from limen.oauth.clients import Clients
from limen.oauth.endpoints import (
    authorization_challenge,
    discovery,
    introspect,
    jwks,
    logout,
    par,
    register,
    revoke,
    token,
    userinfo,
)
from limen.oauth.endpoints.decoupled import bc_authorize, device_authorization
from limen.oauth.introspection.bind_resources import bind_resources
from limen.oauth.model import AuthorizationCode
from limen.oauth.mutual_tls.offer import Mtls, offered_methods
from limen.oauth.parts import TEMPLATES, Parts
from limen.oauth.registration.register import Registrar
from limen.oauth.registration.statement import StatementKeys
from limen.oauth.registry.create_resource import NewResource, create_resource
from limen.oauth.registry.register_client import NewClient, register_client
from limen.oauth.resources import Resources
from limen.oauth.store.codes import add_code
from limen.oauth.subjects import subject_of
from limen.oauth.trust.keys import TrustedKeys
from limen.protocol.client_certificate import CertificateHeader
from limen.protocol.client_metadata import ClientType
from limen.protocol.pkce import s256
from limen.sessions.current import from_cookie
from limen.sessions.session import Session
from limen.sessions.start import start
from limen.settings.sections import NetSettings
from limen.tenants.policy import TenantPolicy
from limen.tenants.store import ensure_tenant_row
from limen.tenants.tenant import Tenant
from limen.tokens.lifetimes import TokenLifetimes
from limen.web.body_limits import BodyLimits
from limen.web.cookies import cookie_name
from limen.web.edge import Edge
from limen.web.framework import install_error_handlers
from limen.web.pages import Pages
from limen.web.peer.client_ip import networks
from limen.web.rate_limit import RateLimiter
from limen.web.state import EdgeParts
from tests.unit.crypto.kit import with_keys

T = TypeVar("T")
PEER = "192.0.2.7"
CALLBACK = "https://app.example/cb"
GOODBYE = "https://app.example/bye"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = s256(Secret(VERIFIER))


@dataclass(frozen=True)
class Known:
    """A registered client as its owner knows it."""

    id: str
    secret: str = ""

    @property
    def basic(self) -> dict[str, str]:
        raw = f"{quote(self.id, safe='')}:{quote(self.secret, safe='')}".encode()
        return {"authorization": "Basic " + base64.b64encode(raw).decode()}


class _OneSite:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def by_slug(self, slug: str) -> Site | None:
        return self._site if slug == self._site.slug else None

    async def by_host(self, host: str) -> Site | None:
        return None

    async def default(self) -> Site:
        return self._site


async def _no_origin(site: Site, kind: str, origin: str) -> bool:
    return False


@dataclass
class Server:
    """One tenant's authorization server and what a test needs to arrange around it."""

    works: Works
    site: Site
    parts: Parts
    http: httpx2.AsyncClient
    events: list[Event] = field(default_factory=list)

    async def close(self) -> None:
        await self.http.aclose()
        await self.parts.net.close()

    async def run(self, body: Callable[[Work], Awaitable[T]]) -> T:
        return await self.works.run(self.site, body)

    async def client(self, client_type: ClientType = "web", **changes: Any) -> Known:
        given: dict[str, Any] = {"name": "App", "type": client_type, **changes}
        given.setdefault("scope", ("openid", "profile", "email", "offline_access", "read", "write"))
        if client_type != "machine":
            given.setdefault("redirect_uris", (CALLBACK,))
            given.setdefault("post_logout_redirect_uris", (GOODBYE,))

        async def body(work: Work) -> Known:
            made = await register_client(work, new=NewClient(**given), envelope=self.parts.envelope)
            secret = made.raw_secret.reveal() if made.raw_secret else ""
            return Known(made.client.client_id, secret)

        return await self.run(body)

    async def api(self, resource: str = "") -> Known:
        """The own client of an API; of ourselves if none is named."""
        known, named = await self.client("machine"), (resource or self.site.issuer,)
        await self.run(lambda work: bind_resources(work, client_id=known.id, resources=named))
        return known

    async def resource(self, identifier: str, **changes: Any) -> None:
        new = NewResource(identifier=identifier, **{"scopes": ("read", "admin"), **changes})
        await self.run(lambda work: create_resource(work, new=new))

    async def person(self, email: str = "ada@app.example", *, verified: bool = True) -> str:
        async def body(work: Work) -> str:
            row = NewRow(
                how="operator",
                address=email,
                verified=verified,
                password_hash=None,
                claims={"name": "Ada"},
            )
            user = await add_user(work, row)
            assert user is not None
            return user.id

        return await self.run(body)

    async def session(self, user_id: str) -> tuple[Session, dict[str, str]]:
        """Sign somebody in; returns the session and the cookie header of their browser."""

        async def body(work: Work) -> tuple[Session, dict[str, str]]:
            started = await start(work, user_id=user_id, amr=("pwd",))
            assert started.raw is not None
            name = cookie_name(self.site, "session")
            return started.session, {"cookie": f"{name}={started.raw.reveal()}"}

        return await self.run(body)

    async def subject(self, client: Known, user_id: str) -> str:
        """``sub`` as a client knows somebody."""

        async def body(work: Work) -> str:
            found = await self.parts.clients.fresh(work, client.id)
            assert found is not None
            return await subject_of(
                work, envelope=self.parts.envelope, client=found, user_id=user_id
            )

        return await self.run(body)

    async def code(self, client: Known, session: Session, **changes: Any) -> str:
        async def body(work: Work) -> str:
            raw = mint("lmc", work.tenant_id)
            given: dict[str, Any] = {
                "code_hash": token_hash(raw),
                "grant_id": new_id(work.now),
                "client_id": client.id,
                "client_version": 1,
                "user_id": session.user_id,
                "subject": session.user_id,
                "session_id": session.id,
                "scope": ("openid", "email", "read"),
                "resource": work.site.issuer,
                "redirect_uri": CALLBACK,
                "redirect_uri_sent": True,
                "code_challenge": CHALLENGE,
                "nonce": "n-1",
                "claims": {},
                "acr": "",
                "amr": session.amr,
                "authenticated_at": session.authenticated_at,
                "expires_at": work.now + dt.timedelta(seconds=60),
                "used_at": None,
                "attempts": 0,
                "kept_until": work.now + dt.timedelta(minutes=16),
                **changes,
            }
            await add_code(work, AuthorizationCode(**given))
            return raw.reveal()

        return await self.run(body)

    async def post(self, path: str, client: Known | None = None, /, **form: str) -> httpx2.Response:
        """Post a form; a confidential client authenticates by Basic, a public one by name."""
        headers = {}
        if client is not None and client.secret:
            headers = client.basic
        elif client is not None:
            form = {"client_id": client.id, **form}
        return await self.http.post(path, data=form, headers=headers)

    async def redeem(self, client: Known, code: str, **changes: str) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **changes,
        }
        sent = {name: value for name, value in form.items() if value}
        return await self.post("/oauth2/token", client, **sent)

    async def refresh(self, client: Known, raw: str, **changes: str) -> httpx2.Response:
        form = {"grant_type": "refresh_token", "refresh_token": raw, **changes}
        return await self.post("/oauth2/token", client, **form)

    async def introspect(self, client: Known, raw: str) -> dict[str, Any]:
        answer = await self.post("/oauth2/introspect", client, token=raw)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def denied(self) -> list[str]:
        return [event.name for event in self.events if event.outcome == "denied"]


async def serve(
    works: Works,
    site: Site,
    *,
    extend: Callable[[FastAPI, Parts], None] | None = None,
    mtls: Mtls | None = None,
    hooks: HostHooks | None = None,
) -> Server:
    """Build everything once; the caller closes it."""
    events: list[Event] = []

    async def collect(work: Work, event: Event) -> None:
        events.append(event)

    works.recorders = (collect,)
    await works.run(site, ensure_tenant_row)
    crypto = await with_keys(works, site)
    pages = Pages([Path(TEMPLATES)])
    net = Net(NetSettings.model_validate({"allow": ("127.0.0.0/8",)}))
    parts = Parts(
        clients=Clients(),
        resources=Resources(),
        keyring=crypto.keyring,
        envelope=crypto.envelope,
        hasher=PasswordHasher(threads=1, cost=Cost(memory_kib=8, passes=1)),
        pages=pages,
        lifetimes=TokenLifetimes(),
        client_keys=ClientKeys(net),
        net=net,
        hooks=Hooks(net=net, envelope=crypto.envelope, in_process=hooks),
        mtls=mtls,
        registrar=Registrar(
            net=net,
            envelope=crypto.envelope,
            statements=StatementKeys(net),
            methods=offered_methods(mtls),
        ),
        trusted_keys=TrustedKeys(Net(NetSettings())),
    )
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    install_error_handlers(app)
    for endpoint in (
        device_authorization,
        bc_authorize,
        authorization_challenge,
        token,
        par,
        introspect,
        revoke,
        userinfo,
        jwks,
        logout,
        register,
        discovery,
    ):
        app.router.routes.extend(endpoint.routes(parts))
    if extend is not None:
        extend(app, parts)
    edge = Edge(
        app,
        EdgeParts(
            works=works,
            sites=_OneSite(site),
            pages=pages,
            authenticators=(from_cookie,),
            trusted_proxies=networks([PEER]) if mtls else (),
            certificate_header=CertificateHeader("client-cert", "rfc9440") if mtls else None,
            limiter=RateLimiter(lambda _: None, works.clock),
            allows_origin=_no_origin,
            body_limits=BodyLimits(),
        ),
    )
    transport = httpx2.ASGITransport(app=edge, client=(PEER, 4711))
    http = httpx2.AsyncClient(transport=transport, base_url=site.issuer)
    return Server(works=works, site=site, parts=parts, http=http, events=events)


def under(site: Site, policy: TenantPolicy) -> Tenant:
    """The same tenant with a policy of its own."""
    return Tenant(
        tenant_id=site.tenant_id,
        slug=site.slug,
        issuer=site.issuer,
        path=site.path,
        name="Test",
        host=None,
        policy=policy,
        version=1,
        state="active",
    )


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Status and error code of a refused request, after what every refusal must be."""
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    body = answer.json()
    assert set(body) <= {"error", "error_description"}
    return answer.status_code, body["error"]
