"""The requests measured, one function a path."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from bench.cpu import children
from bench.load import Measured, Requests, each, measure, repeat, request
from bench.setting import SCOPE, Setting, credentials
from tests.servers import PASSWORD

CONNECTIONS: Final = 16
_CODES: Final = 240


async def client_credentials(made: Setting, seconds: float) -> Measured:
    """A machine's own token: no row is read or written."""
    form = {
        "grant_type": "client_credentials",
        "scope": "things:read",
        "resource": "https://things.example/api",
        **credentials(made.machine),
    }
    return await _post(made, "/oauth2/token", form, seconds=seconds)


async def introspect(made: Setting, seconds: float) -> Measured:
    """A resource server asks about a person's JWT access token: one statement."""
    tokens = await made.tokens(made.web)
    form = {"token": tokens["access_token"], **credentials(made.web)}
    return await _post(made, "/oauth2/introspect", form, seconds=seconds)


async def refresh(made: Setting, seconds: float) -> Measured:
    """A public client refreshes what it may do at an API; no ID token comes along."""
    return await _refresh(made, seconds, scope="email offline_access")


async def refresh_with_id_token(made: Setting, seconds: float) -> Measured:
    """The same with an ID token, which the OIDC default signs with RSA."""
    return await _refresh(made, seconds, scope=SCOPE)


async def _refresh(made: Setting, seconds: float, *, scope: str) -> Measured:
    """Each answer brings the next refresh token."""
    chains = [await made.tokens(made.spa, scope=scope) for _ in range(CONNECTIONS)]
    assert ("id_token" in chains[0]) == ("openid" in scope.split())

    def rotate(number: int) -> Requests:
        raw = chains[number]["refresh_token"]
        while True:
            form = {"grant_type": "refresh_token", "refresh_token": raw, **credentials(made.spa)}
            body = yield _form(made, "/oauth2/token", form)
            raw = json.loads(body)["refresh_token"]

    return await _measure(made, rotate, seconds)


async def code_exchange(made: Setting, seconds: float) -> Measured:
    """A code becomes access, refresh and ID token, signed with RSA: the OIDC default.

    The codes were issued before.
    """
    return await _redeem(made, made.web, seconds)


async def code_exchange_by_es256(made: Setting, seconds: float) -> Measured:
    """The same for a client that chose the algorithm of access tokens for its ID tokens too."""
    return await _redeem(made, made.signed, seconds)


async def _redeem(made: Setting, client: dict[str, str], seconds: float) -> Measured:
    codes = [
        [_form(made, "/oauth2/token", await made.code(client)) for _ in range(_CODES)]
        for _ in range(CONNECTIONS)
    ]
    return await _measure(made, lambda number: each(codes[number]), seconds)


async def authorize(made: Setting, seconds: float) -> Measured:
    """A session and a consent on file: the code comes at once."""
    await made.code(made.web)
    cookies = "; ".join(f"{name}={value}" for name, value in made.visitor.cookies().items())
    query = {
        "client_id": made.web["client_id"],
        "redirect_uri": "https://app.example/callback",
        "response_type": "code",
        "scope": SCOPE,
        "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    raw = request(
        "GET",
        f"/oauth2/authorize?{urlencode(query)}",
        port=made.port,
        headers={"Cookie": cookies},
    )
    return await _measure(made, lambda _: repeat(raw), seconds, expected=303)


async def password_login(made: Setting, seconds: float) -> Measured:
    """E-mail and password over JSON: one hash and a pair of tokens.

    Each connection is a person of its own: an account lets few attempts be under way at once.
    """
    while len(made.people) < CONNECTIONS:
        made.people.append(f"person{len(made.people)}@example.org")
        made.server.create_user(made.people[-1])

    def log_in(number: int) -> Requests:
        body = json.dumps({"email": made.people[number], "password": PASSWORD}).encode()
        head = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost:{made.port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return repeat(head.encode() + body)

    return await _measure(made, log_in, seconds)


async def vault_token(made: Setting, seconds: float) -> Measured:
    """An application fetches a third-party token that is fresh."""
    raw = request(
        "GET",
        f"/api/v1/oauth/connections/{made.connection}/token",
        port=made.port,
        headers={"Authorization": f"Bearer {made.bearer}"},
    )
    return await _measure(made, lambda _: repeat(raw), seconds)


PATHS: Final[dict[str, Callable[[Setting, float], Awaitable[Measured]]]] = {
    "client_credentials, ES256 JWT": client_credentials,
    "introspect a JWT": introspect,
    "refresh, rotating": refresh,
    "refresh, rotating, with ID token": refresh_with_id_token,
    "code exchange with ID token": code_exchange,
    "code exchange, ID token by ES256": code_exchange_by_es256,
    "authorize, session and consent on file": authorize,
    "password login": password_login,
    "vault token that is fresh": vault_token,
}


async def _post(made: Setting, path: str, form: dict[str, str], *, seconds: float) -> Measured:
    raw = _form(made, path, form)
    return await _measure(made, lambda _: repeat(raw), seconds)


def _form(made: Setting, path: str, form: dict[str, str]) -> bytes:
    return request("POST", path, port=made.port, body=urlencode(form).encode())


async def _measure(
    made: Setting,
    requests_of: Callable[[int], Requests],
    seconds: float,
    *,
    expected: int = 200,
) -> Measured:
    pid = made.server.pid
    assert not children(pid), "one process is what is measured"
    return await measure(
        made.port,
        pid,
        requests_of=requests_of,
        seconds=seconds,
        connections=CONNECTIONS,
        expected=expected,
    )
