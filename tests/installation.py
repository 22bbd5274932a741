"""A running Limen, and what a test arranges around it: people, clients, mail, time."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from typing_extensions import override

from limen.access.grant_role import grant_role
from limen.access.permissions import Role
from limen.accounts.create_user import NewUser, create_user
from limen.app.compose import Application
from limen.db.work import Work
from limen.federation.upstream_clients import NewUpstreamClient, seed_upstream_client
from limen.kernel.actor import OPERATOR
from limen.kernel.secret import Secret
from limen.oauth.introspection.bind_resources import bind_resources
from limen.oauth.registry.create_resource import NewResource, create_resource
from limen.oauth.registry.register_client import NewClient, register_client
from limen.protocol.client_metadata import ClientType
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.tenants.tenant import Tenant
from limen.tenants.update_policy import update_policy
from limen.testing.visitor import Page, Visitor
from tests.movable_clock import MovableClock

T = TypeVar("T")
PASSWORD: Final = "correct horse battery staple 42"
CALLBACK: Final = "https://app.example/cb"
GOODBYE: Final = "https://app.example/bye"
SCOPE: Final = ("openid", "profile", "email", "offline_access", "read", "write")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Known:
    """A registered client as its author has it."""

    id: str
    secret: str = ""
    redirect_uri: str = CALLBACK

    @property
    def basic(self) -> dict[str, str]:
        """The header it authenticates with."""
        return basic(self.id, self.secret)

    def credentials(self) -> tuple[dict[str, str], dict[str, str]]:
        """What of it goes into the form, and what into the headers."""
        return ({}, self.basic) if self.secret else ({"client_id": self.id}, {})


def new_address() -> str:
    """Return an address nobody has."""
    return f"person{next(_numbers)}@app.example"


def basic(user: str, password: str) -> dict[str, str]:
    """Return a Basic header as RFC 6749 section 2.3.1 wants it."""
    raw = f"{quote(user, safe='')}:{quote(password, safe='')}".encode()
    return {"Authorization": "Basic " + base64.b64encode(raw).decode()}


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer, and what it answered."""

    method: str
    headers: dict[str, str]
    page: Page


class Watched(Visitor):
    """A visitor whose every answer is kept for the rules that hold after every case."""

    def __init__(
        self, base_url: str, *, seen: list[Seen], session: aiohttp.ClientSession | None = None
    ) -> None:
        super().__init__(base_url, session=session)
        self._seen = seen

    @override
    async def fetch(self, method: str, url: str, **sent: Any) -> Page:
        page = await super().fetch(method, url, **sent)
        self._seen.append(Seen(method, dict(sent.get("headers") or {}), page))
        return page


@dataclass(slots=True, repr=False)
class Person:
    """Somebody with an account and a browser.

    Args:
        browser: Keeps their cookies.
    """

    id: str
    email: str
    password: str
    browser: Watched

    async def sign_in(self) -> Page:
        """Sign in on the page."""
        return await self.browser.sign_in(self.email, self.password)

    async def api(self, method: str, path: str, token: str, body: object = None) -> Page:
        """Call the API with an access token."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.browser.fetch(method, path, body=body, headers=headers)


@dataclass(slots=True, repr=False)
class Installation:
    """One tenant of a running Limen.

    Args:
        site: The tenant under test.
        root: The server's root, above any prefix.
        seen: Every answer, for the rules that hold after every case.
        secrets: What must be in no error.
    """

    application: Application
    site: Tenant
    clock: MovableClock
    root: str
    seen: list[Seen] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)
    _sessions: list[aiohttp.ClientSession] = field(default_factory=list)
    _api: Watched | None = None
    _plain: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in self._sessions:
            await session.close()

    @property
    def issuer(self) -> str:
        """The tenant's issuer."""
        return self.site.issuer

    @property
    def api(self) -> Watched:
        """A program: it keeps no cookies."""
        if self._api is None:
            self._api = self._visitor(aiohttp.DummyCookieJar())
        return self._api

    @property
    def plain(self) -> aiohttp.ClientSession:
        """A session for what is not ours: the simulated providers, a host's own routes."""
        if self._plain is None:
            self._plain = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
            self._sessions.append(self._plain)
        return self._plain

    @property
    def providers_url(self) -> str:
        """Where the simulated providers stand."""
        return f"{self.application.runtime.settings.base_url}/dev/providers"

    def at(self, site: Tenant) -> Installation:
        """Return the same server, seen as another tenant of it."""
        return Installation(
            self.application,
            site=site,
            clock=self.clock,
            root=self.root,
            seen=self.seen,
            secrets=self.secrets,
            origins=self.origins,
            _sessions=self._sessions,
        )

    def browser(self) -> Watched:
        """Return a fresh browser."""
        return self._visitor(aiohttp.CookieJar(unsafe=True, quote_cookie=False))

    def _visitor(self, jar: aiohttp.abc.AbstractCookieJar) -> Watched:
        connector = aiohttp.TCPConnector(limit=0)
        session = aiohttp.ClientSession(cookie_jar=jar, connector=connector)
        self._sessions.append(session)
        return Watched(self.issuer, seen=self.seen, session=session)

    async def run(self, body: Callable[[Work], Awaitable[T]]) -> T:
        """Run something in one Work of the tenant, as an operator at the command line does."""
        return await self.application.runtime.works.run(self.site, body, actor=OPERATOR)

    async def person(
        self, email: str = "", *, verified: bool = True, role: Role | None = None, **claims: Any
    ) -> Person:
        """Create somebody with a password."""
        email = email or new_address()
        new = NewUser(email=email, password=Secret(PASSWORD), verified=verified, claims=claims)

        async def body(work: Work) -> str:
            user = await create_user(work, new=new, hasher=self.application.runtime.hasher)
            if role is not None:
                await grant_role(work, principal_id=user.id, role=role)
            return user.id

        self.secrets.append(PASSWORD)
        return Person(await self.run(body), email, PASSWORD, self.browser())

    async def client(self, kind: ClientType = "web", **changes: Any) -> Known:
        """Register a client."""
        given: dict[str, Any] = {"name": f"App {next(_numbers)}", "type": kind, "scope": SCOPE}
        if kind == "machine":
            given["scope"] = ("read", "write")
        else:
            given |= {"redirect_uris": (CALLBACK,), "post_logout_redirect_uris": (GOODBYE,)}
        new = NewClient(**(given | changes))

        async def body(work: Work) -> Known:
            made = await register_client(work, new=new, envelope=self.application.runtime.envelope)
            uri = new.redirect_uris[0] if new.redirect_uris else ""
            return Known(made.client.client_id, _revealed(made.raw_secret), uri)

        known = await self.run(body)
        self.secrets += [known.secret] if known.secret else []
        for uri in (*new.redirect_uris, *new.post_logout_redirect_uris):
            parts = urlsplit(uri)
            self.origins.add(f"{parts.scheme}://{parts.netloc}")
        return known

    async def api_client(self, resource: str = "") -> Known:
        """Register the own client of an API; of ourselves if none is named."""
        known, named = await self.client("machine"), (resource or self.issuer,)
        await self.run(lambda work: bind_resources(work, client_id=known.id, resources=named))
        return known

    async def resource(self, identifier: str = "", **changes: Any) -> str:
        """Create an API with the scopes ``read`` and ``write``."""
        identifier = identifier or f"https://api{next(_numbers)}.example"
        given: dict[str, Any] = {"identifier": identifier, "scopes": ("read", "write")}
        await self.run(lambda work: create_resource(work, new=NewResource(**(given | changes))))
        return identifier

    async def set_policy(self, **changes: Any) -> None:
        """Change the tenant's policy, which this process knows at once."""
        await self.run(lambda work: update_policy(work, changes=changes))

    async def post(
        self, path: str, client: Known | None = None, /, *, headers: Any = None, **form: str
    ) -> Page:
        """Post a form as a client does."""
        said, shown = client.credentials() if client is not None else ({}, {})
        return await self.api.fetch(
            "POST", path, form={**said, **form}, headers={**shown, **(headers or {})}
        )

    async def login(self, person: Person) -> dict[str, Any]:
        """Sign in over JSON; return the pair of tokens."""
        body = {"email": person.email, "password": person.password}
        answer = await self.api.fetch("POST", "/api/v1/auth/login", body=body)
        assert answer.status == 200, answer.text
        return dict(answer.json())

    async def settle(self) -> None:
        """Do all work in the background that waits."""
        while await self.application.background.run_once():
            pass

    async def mails(self, to: str) -> list[dict[str, Any]]:
        """Return what arrived in somebody's development mailbox, the newest first."""
        await self.settle()
        answer = await self.api.fetch("GET", f"/dev/mail.json?to={quote(to)}")
        assert answer.status == 200, answer.text
        return list(answer.json()["mails"])

    async def link_to(self, email: str, path: str) -> str:
        """Return the newest mailed link to a page of ours."""
        for mail in await self.mails(email):
            for link in mail["links"]:
                if urlsplit(link).path.endswith(path):
                    return str(link)
        raise LookupError(f"no link to {path} was mailed to {email}")


async def seed_simulated(application: Application, tenant: Tenant) -> None:
    """Give a tenant the clients that the simulated providers know."""
    runtime = application.runtime

    async def body(work: Work) -> None:
        for provider in ("google", "notion"):
            new = NewUpstreamClient(
                provider=provider, client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
            )
            await seed_upstream_client(work, runtime.envelope, new=new)

    await runtime.works.run(tenant, body, actor=OPERATOR)


def _revealed(secret: Secret[str] | None) -> str:
    return secret.reveal() if secret is not None else ""
