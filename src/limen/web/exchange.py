"""One Work per HTTP exchange, committed before the first byte of the answer is sent.

What is answered with 2xx is durable. The body of an exchange may run again when the database
asks for it, so it has no effect outside the database; a Refusal rolls it back and is rendered,
any other fault too, without detail.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from limen.db.work import Work
from limen.kernel import failpoints
from limen.kernel.actor import ANONYMOUS
from limen.kernel.errors import Refusal
from limen.web import cookies, csrf
from limen.web.errors import Face
from limen.web.forms import check_is_json, read_json
from limen.web.framework import answer_fault, as_refusal, note_refusal
from limen.web.peer.client_ip import address_block, client_ip
from limen.web.state import (
    FORESEE,
    FORGET,
    Foresee,
    Guard,
    added_headers,
    current_work,
    edge_of,
    site_of,
    state_of,
    works_of,
)

Handler = Callable[[Request, Work], Awaitable[Response]]
ForeseeOf = Callable[[Request], Foresee]
ShowAgain = Callable[[Refusal], Response | None]

_AGAIN: Final = "show_again"


class _Public:
    permission = "public"

    async def __call__(self, request: Request, work: Work, /) -> None:
        """Let anyone in, on purpose."""


PUBLIC: Final[Guard] = _Public()


async def run_exchange(
    request: Request, body: Callable[[Work], Awaitable[Response]], *, face: Face
) -> Response:
    """Run the body in one Work and return its answer, or that of what it raised."""
    state = state_of(request)

    async def exchange(work: Work) -> Response:
        state["work"] = work
        answer = await body(work)
        failpoints.reach_on("web.before_commit", request.scope["path"])
        return answer

    try:
        response = await works_of(request).run(site_of(request), exchange, actor=ANONYMOUS)
        failpoints.reach_on("web.after_commit", request.scope["path"])
    except Exception as fault:  # noqa: BLE001 -- the edge: whatever it is gets a typed answer
        again: ShowAgain | None = state.get(_AGAIN)
        shown = again(fault) if again is not None and isinstance(fault, Refusal) else None
        if shown is not None:
            note_refusal(request, as_refusal(fault))
        response = shown if shown is not None else answer_fault(request, fault, face)
    if added := added_headers(request):
        response.headers.update(added)
    if state.get(FORGET) and not cookies.sets(response, request, cookies.SESSION):
        cookies.clear(response, request, cookies.SESSION)
    return response


def show_again(request: Request, show: ShowAgain) -> None:
    """Say how a form's page shows a refusal, once the Work is rolled back.

    A page that caught the Refusal itself would answer, and its Work be committed with
    whatever the use case had written before it refused.

    Args:
        request: The form's.
        show: Returns the page with what went wrong, or ``None`` for the error page. Runs
            after the Work has ended: it asks the database nothing.
    """
    state_of(request)[_AGAIN] = show


class Exchange:
    """A Starlette endpoint: guard, then handler, in one Work.

    Plain ASGI, because Starlette's own wrapping of a function costs a token request more than
    all that we do here.

    Args:
        handler: As of ``route``, and so are the next three.
        guard: Who may.
        face: How a refusal is told.
        cross_site: Takes what another site's page may send.
        foresee: Says what is read along with the look-up of the caller's access token.
    """

    __slots__ = ("__name__", "cross_site", "face", "foresee", "guard", "handler")

    def __init__(
        self,
        handler: Handler,
        *,
        guard: Guard,
        face: Face,
        cross_site: bool = False,
        foresee: ForeseeOf | None = None,
    ) -> None:
        self.handler = handler
        self.foresee = foresee
        self.guard = guard
        self.face: Face = face
        self.cross_site = cross_site
        self.__name__ = getattr(handler, "__name__", type(handler).__name__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if self.cross_site and request.method not in csrf.SAFE_METHODS:
            state_of(request)["cookieless"] = True
        if self.foresee is not None:
            state_of(request)[FORESEE] = self.foresee(request)

        async def body(work: Work) -> Response:
            await self._check_sender(request)
            await self.guard(request, work)
            return await self.handler(request, work)

        response = await run_exchange(request, body, face=self.face)
        await response(scope, receive, send)

    async def _check_sender(self, request: Request) -> None:
        if self.face == "page" and not self.cross_site and request.method not in csrf.SAFE_METHODS:
            await csrf.check(request)


def route(
    path: str,
    handler: Handler,
    *,
    guard: Guard,
    face: Face,
    methods: Sequence[str] = ("GET",),
    cross_site: bool = False,
) -> Route:
    """Make a Starlette route whose handler runs in one Work.

    Args:
        path: Under the tenant's root.
        handler: Gets the request and its Work.
        guard: Who may; ``PUBLIC`` says so on purpose.
        face: How a refusal is told. On a ``page`` every unsafe method is checked for forgery.
        methods: Verbs taken; others are answered 405.
        cross_site: Takes a POST that another site's page may send (authorize, logout, a
            provider's callback): not checked for forgery, and it sees no cookie at all.
    """
    endpoint = Exchange(handler, guard=guard, face=face, cross_site=cross_site)
    return exchange_route(path, endpoint, methods=methods)


def exchange_route(path: str, endpoint: Exchange, *, methods: Sequence[str] = ("GET",)) -> Route:
    """Make a route of an endpoint, as ``route`` does."""
    return _Route(path, endpoint, methods=list(methods), name=endpoint.__name__)


class _Route(Route):
    """Answers a wrong verb in our words also when no FastAPI stands around it."""

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.methods and scope["method"] not in self.methods:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.methods))})
        await self.app(scope, receive, send)


class WorkRoute(APIRoute):
    """A FastAPI route that runs, with its dependencies, in one Work.

    ``yield`` dependencies do not belong on it: the body may run more than once.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def exchange(request: Request) -> Response:
            request = _JsonRequest(request.scope, request.receive)

            async def body(_: Work) -> Response:
                check_is_json(request, or_lines=True)
                return await handle(request)

            return await run_exchange(request, body, face="json")

        return exchange


class _JsonRequest(Request):
    @override
    async def json(self) -> Any:
        """Read the body; FastAPI wraps whatever goes wrong here."""
        return await read_json(self)


__all__ = [
    "PUBLIC",
    "Exchange",
    "Face",
    "Guard",
    "WorkRoute",
    "address_block",
    "client_ip",
    "current_work",
    "edge_of",
    "exchange_route",
    "route",
    "run_exchange",
    "show_again",
    "site_of",
    "works_of",
]
