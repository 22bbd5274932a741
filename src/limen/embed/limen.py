"""One Limen in this process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.requests import Request

from limen.accounts.adopt_host_user import HostUser
from limen.app.compose import Application, compose
from limen.app.start import prepare
from limen.client.connections import Connections
from limen.client.in_process import InProcess
from limen.client.limen import over
from limen.db.engines import HostEngine, from_host_engine
from limen.db.work import Recorder
from limen.embed.guards import DefaultTenant, find_current_user
from limen.embed.host_people import HostPeople, Identify, end_session_of_host
from limen.embed.local_caller import local_caller
from limen.embed.mounting import add_routes, run_with
from limen.federation.provider import Provider
from limen.hooks.model import HostHooks
from limen.kernel.actor import Actor
from limen.kernel.errors import ConfigurationError
from limen.kernel.secret import Secret
from limen.settings import Settings, load
from limen.tokens.resource import ActiveToken, ResourceServer
from limen.web.peer.client_certificate import reads_binding


class Limen:
    """Accounts, an authorization server and a vault for a host application.

    Args:
        settings: Read from the environment and ``limen.toml`` when not given.
        identify: Names the host's own users, who then need no account of their own here.
        engine: The host's SQLAlchemy engine, in whose database our tables stand beside its own:
            ``AsyncEngine`` on asyncpg, or any engine on a SQLite file.
        on_event: Told every event in its transaction: what it writes through the ``Work`` is
            durable with it, or not at all.
        hooks: The host's own functions, asked before a sign-up, after a sign-in and before a
            token; what they add or refuse counts.
        providers: Further providers to sign in with or connect accounts at, written in Python;
            ``limen.testing.provider.check_provider`` says what they must hold to.

    Attributes:
        connections: The same calls as ``limen.client`` makes over HTTP, in this process: of the
            ``Actor`` that ``current_user`` named, or by a token of the person's.

    Raises:
        ConfigurationError: All that is wrong with the settings.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        identify: Identify | None = None,
        engine: HostEngine | None = None,
        on_event: Recorder | None = None,
        hooks: HostHooks | None = None,
        providers: Sequence[Provider] = (),
    ) -> None:
        settings = settings or load()
        people = HostPeople(identify) if identify is not None else None
        if engine is not None:
            settings = _with_database(settings, engine)
        self._application: Application = compose(
            settings,
            database=None if engine is None else from_host_engine(engine),
            authenticators=(local_caller, *(() if people is None else (people,))),
            on_event=() if on_event is None else (on_event,),
            hooks=hooks,
            providers=providers,
        )
        if people is not None:
            people.runtime = self._application.runtime
        base_url = settings.base_url
        self.connections: Connections = over(
            InProcess(self._application.asgi, url=base_url, root_path=urlsplit(base_url).path),
            clock=self._application.runtime.works.clock,
        )

    def mount(self, host: FastAPI, path: str | None = None) -> None:
        """Serve under a path of the host, start and stop with it.

        Args:
            host: The application; its other routes stay its own.
            path: Must be the path of ``LIMEN_BASE_URL``, which it is when left out: every URL
                is built from the base URL, none from a request.

        Raises:
            ConfigurationError: If it is another.
        """
        base_path = urlsplit(self._application.runtime.settings.base_url).path
        if path is not None and path.rstrip("/") != base_path:
            raise ConfigurationError(
                f"Mounted at {path!r}, but LIMEN_BASE_URL ends in {base_path or '/'!r}."
            )
        host.router.routes.insert(0, self.resource().metadata_route())
        add_routes(host, self._application.asgi, base_path=base_path)
        run_with(host, self.running)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start and stop; ``mount`` sees to it, a host without a lifespan calls it itself.

        In development the database is migrated first; in production ``limen migrate`` does
        that.
        """
        runtime = self._application.runtime
        if runtime.settings.is_development:
            await prepare(runtime)
        async with self._application.running(worker=runtime.settings.background.enabled):
            yield

    async def run_once(self) -> int:
        """Do one turn of all background work, for the host's own scheduler.

        Returns:
            How much was done; call again at once while it is not 0.
        """
        return await self._application.background.run_once()

    async def end_host_session(self, host_user: HostUser) -> None:
        """End what stands for a session the host ended, and the tokens bound to it."""
        await end_session_of_host(self._application.runtime, host_user)

    async def current_user(self, request: Request) -> Actor:
        """Return who asks, for the host's routes: ``Depends(limen.current_user)``.

        A bearer token for our API, our session cookie, or the host's own user. On an unsafe
        method a cookie session needs the CSRF token, as everywhere.

        Raises:
            HTTPException: 401 when nobody is known, 403 when the request is not believed.
        """
        return await find_current_user(self._application, request)

    def resource(self, identifier: str = "", *, scopes: tuple[str, ...] = ()) -> ResourceServer:
        """Return an API of the host's that takes our tokens; it is checked in this process.

        Args:
            identifier: The audience of its tokens; the issuer when left out, which is what a
                client gets that asks for no resource.
            scopes: The scopes it knows, for its metadata (RFC 9728).
        """
        source = DefaultTenant(self._application)
        edge = self._application.edge
        return ResourceServer(
            identifier or source.issuer,
            source=source,
            scopes=scopes,
            proved=reads_binding(edge.certificate_header, trusted=edge.trusted_proxies),
        )

    def require_scope(
        self, scope: str = "", *, resource: str = ""
    ) -> Callable[..., Awaitable[ActiveToken]]:
        """Return a dependency that lets in bearer tokens: ``Depends(limen.require_scope("a b"))``.

        Args:
            scope: All of them are needed, separated by spaces.
            resource: As for ``resource``.
        """
        return self.resource(resource).require_scope(scope)


def _with_database(settings: Settings, engine: HostEngine) -> Settings:
    url = Secret(engine.url.render_as_string(hide_password=False))
    chosen = settings.database.model_copy(update={"url": url})
    return settings.model_copy(update={"database": chosen})
