"""The routes of a simulated vendor, all of them from its entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.operation_entry import OperationEntry
from limen.simulators import wire
from limen.simulators.control import control
from limen.simulators.misbehave import Stage, answer
from limen.simulators.state import State
from limen.simulators.vendor.answers import Answers
from limen.simulators.vendor.apis import Apis
from limen.simulators.vendor.authentication import read, token_of
from limen.simulators.vendor.authorize import Authorize
from limen.simulators.vendor.by_key import by_key
from limen.simulators.vendor.ending import Ending
from limen.simulators.vendor.errors import Errors
from limen.simulators.vendor.habits_of import habits_of
from limen.simulators.vendor.machines import Machines
from limen.simulators.vendor.places import path_of
from limen.simulators.vendor.shape import Shape
from limen.simulators.vendor.token import TokenEndpoint

_Endpoint = Callable[[Request], Awaitable[Response]]
_USERINFO = OperationEntry(
    url="https://simulated.example/v1/userinfo", method="GET", client_auth="bearer"
)
_EVERY = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def vendor(entry: Entry, stage: Stage) -> Router:
    """Return a simulated vendor, to be mounted at the path of ``stage.base_url``."""
    shape = Shape(entry, habits_of(entry.id), stage)
    answers, errors = Answers(shape), Errors(shape)
    authorize = Authorize(shape, answers)
    tokens = TokenEndpoint(shape, answers=answers, errors=errors)
    ending = Ending(shape, errors)
    operations = entry.operations
    place = path_of(operations.authorize.url)
    routes = [
        *control(stage, push=entry.push),
        Route(place, authorize.start, methods=["GET"]),
        Route(f"{place}/account", authorize.choose, methods=["POST"]),
        Route(f"{place}/consent", authorize.decide, methods=["POST"]),
    ]
    machines = Machines(entry.credentials, stage)
    shared = path_of(operations.exchange.url)
    routes.append(Route(shared, machines.before(shared, tokens.exchange), methods=["POST"]))
    routes += machines.routes(apart_from=shared)
    if path_of(operations.refresh.url) != path_of(operations.exchange.url):
        routes.append(Route(path_of(operations.refresh.url), tokens.refresh, methods=["POST"]))
    if operations.revoke is not None:
        way = [operations.revoke.method]
        routes.append(Route(path_of(operations.revoke.url), ending.revoke, methods=way))
    documents = _documents(entry, stage, answers)
    introspect = operations.introspect
    if introspect is not None and path_of(introspect.url) not in {one.path for one in documents}:
        way = [introspect.method]
        routes.append(Route(path_of(introspect.url), ending.introspect, methods=way))
    routes += documents
    if entry.jwks_uri:
        routes.append(Route(path_of(entry.jwks_uri), _keys(stage)))
        routes.append(Route("/.well-known/openid-configuration", _discovery(entry, stage)))
    if entry.push == "google_risc":
        routes.append(Route("/.well-known/risc-configuration", _risc(entry, stage)))
    return Router([*routes, Route("/{path:path}", Apis(entry, stage).any, methods=_EVERY)])


def _documents(entry: Entry, stage: Stage, answers: Answers) -> list[Route]:
    """Documents about an account, at their own addresses or where a token response names them."""

    def endpoint(name: str, operation: OperationEntry) -> _Endpoint:
        async def tell(request: Request) -> Response:
            raw = token_of(await read(request, operation), operation)

            def perform(state: State) -> Response:
                token = state.access.get(raw) or by_key(
                    state, request, entry.credentials, now=stage.now(state)
                )
                ends = None if token is None else token.expires_at
                if token is None or (ends is not None and ends <= stage.now(state)):
                    return JSONResponse({"error": "invalid_token"}, 401)
                return JSONResponse(answers.document(state, name, token))

            return await answer(stage, name, perform)

        return tell

    known: dict[str, OperationEntry] = dict(entry.documents)
    if entry.jwks_uri:
        known.setdefault("userinfo", _USERINFO)
    return [
        Route(
            path_of(operation.url) if operation.url else f"/_document/{name}",
            endpoint(name, operation),
            methods=["GET", "POST"],
        )
        for name, operation in known.items()
    ]


def _keys(stage: Stage) -> _Endpoint:
    async def keys(_: Request) -> Response:
        return await answer(
            stage, "keys", lambda state: JSONResponse({"keys": [wire.public_jwk(state)]})
        )

    return keys


def _risc(entry: Entry, stage: Stage) -> _Endpoint:
    """Where the keys of signed events are; the issuer ends in a slash, as Google's does."""
    base = stage.base_url
    told = {"issuer": f"{base}/", "jwks_uri": f"{base}{path_of(entry.jwks_uri or '')}"}

    async def configuration(_: Request) -> Response:
        return await answer(stage, "risc", lambda _: JSONResponse(told))

    return configuration


def _discovery(entry: Entry, stage: Stage) -> _Endpoint:
    """Discovery, for whoever comes without the entry."""
    base, operations = stage.base_url, entry.operations
    body = {
        "issuer": base,
        "authorization_endpoint": f"{base}{path_of(operations.authorize.url)}",
        "token_endpoint": f"{base}{path_of(operations.exchange.url)}",
        "userinfo_endpoint": f"{base}/v1/userinfo",
        "jwks_uri": f"{base}{path_of(entry.jwks_uri or '')}",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": (
            operations.authorize.sends_iss != "never"
        ),
    }
    if operations.revoke is not None:
        body["revocation_endpoint"] = f"{base}{path_of(operations.revoke.url)}"

    async def discovery(_: Request) -> Response:
        return await answer(stage, "discovery", lambda _: JSONResponse(body))

    return discovery
