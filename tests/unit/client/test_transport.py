from __future__ import annotations

import base64
import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from limen.client import Limen, OnBehalfOf, WithAccessToken, WithRefreshToken
from limen.client.credentials import AccessToken, ApiKey, ClientSecret, credentials_of
from limen.client.in_process import CALLER, InProcess
from limen.client.origin import origin_of
from limen.client.refusals import (
    FeatureMissing,
    NotShared,
    ProviderDown,
    ReauthRequired,
    Refused,
    Unauthorized,
    Unreachable,
)
from limen.client.remembered import Remembered
from limen.client.transport import Answer, Call, basic, with_query
from limen.kernel.actor import Actor
from limen.kernel.secret import Secret
from limen.testing.clock import FrozenClock
from limen.testing.processes import free_port

pytestmark = pytest.mark.anyio
TTL = dt.timedelta(minutes=10)


def answer(status: int, body: bytes, **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=body)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (409, b'{"code": "connection_reauth_required", "detail": "d"}', ReauthRequired),
        (400, b'{"error": "invalid_request", "limen_code": "connection_reauth_required"}', ReauthRequired),
        (409, b'{"code": "feature_inactive"}', FeatureMissing),
        (404, b'{"code": "connection_not_found"}', NotShared),
        (403, b'{"code": "credential_by_proxy_only"}', NotShared),
        (400, b'{"error": "invalid_target"}', NotShared),
        (502, b'{"code": "provider_unavailable"}', ProviderDown),
        (401, b'{"code": "invalid_token"}', Unauthorized),
        (403, b'{"code": "something_new"}', Unauthorized),
        (500, b'{"code": "server_error"}', Unreachable),
        (502, b"<html>a proxy of somebody's</html>", Unreachable),
        (200, b"<html>a captive portal</html>", Unreachable),
        (422, b"[]", Refused),
    ],
)  # fmt: skip
def test_an_answer_is_a_type(status: int, body: bytes, kind: type[Refused]) -> None:
    with pytest.raises(Refused) as refused:
        answer(status, body).json()
    assert type(refused.value) is kind


@pytest.mark.parametrize(
    "make",
    [
        lambda text: ClientSecret("c", text),
        ApiKey,
        OnBehalfOf,
        WithAccessToken,
        WithRefreshToken,
    ],
    ids=["ClientSecret", "ApiKey", "OnBehalfOf", "WithAccessToken", "WithRefreshToken"],
)
def test_a_bare_text_is_no_secret_and_is_not_quoted(make: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"wrap it, \w+=Secret") as refused:
        make("canary-bare-text")
    assert "canary" not in str(refused.value)


async def test_who_does_not_answer_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with Limen(url, ClientSecret("c", Secret("s"))) as limen:
        with pytest.raises(Unreachable, match=f"{url} does not answer"):
            await limen.connections.token(OnBehalfOf(Secret("t")), "google")


def test_a_pause_is_told() -> None:
    with pytest.raises(ProviderDown) as down:
        answer(429, b'{"code": "provider_paused"}', **{"retry-after": "30"}).json()
    assert down.value.retry_after == 30


@pytest.mark.parametrize(
    "url",
    [
        "http://limen.example",
        "ftp://x.example",
        "limen.example",
        "http://127.0.0.1.evil.example",
        "",
    ],
)
def test_no_secret_travels_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Limen(url, "token")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://api.example/a", "https://API.example:443/b", True),
        ("https://api.example", "https://api.example.evil.example", False),
        ("https://api.example", "http://api.example", False),
        ("https://api.example", "https://api.example:8443", False),
        ("https://api.example", "https://api.example@evil.example", False),
    ],
)
def test_origins(one: str, other: str, *, same: bool) -> None:
    assert (origin_of(one, checked=False) == origin_of(other, checked=False)) is same


def test_a_client_names_itself_in_its_own_encoding() -> None:
    header = basic("a:b", Secret("s/ü"))["authorization"]
    assert base64.b64decode(header.removeprefix("Basic ")) == b"a%3Ab:s%2F%C3%BC"


def test_a_query_says_what_there_is() -> None:
    assert with_query("/x", a="", b=None, c=0, d="1 2") == "/x?d=1+2"
    assert with_query("/x", a="") == "/x"


async def test_credentials_may_be_bare() -> None:
    async def later() -> str:
        return "c"

    found = [credentials_of("a"), credentials_of(Secret("b")), credentials_of(later)]
    told = [await each.current() for each in found if isinstance(each, AccessToken)]
    assert told == [Secret("a"), Secret("b"), Secret("c")]
    for typed in (ApiKey(Secret("k")), ClientSecret("id", Secret("s"))):
        assert credentials_of(typed) is typed
        assert "Secret(…)" in repr(typed)


async def test_what_is_remembered_ends_before_it_ends() -> None:
    clock = FrozenClock()
    kept: Remembered[str] = Remembered(clock)
    kept.keep("k", "v", ttl=TTL)
    assert kept.find("k") == "v"
    assert kept.find("k", min_ttl=TTL) is None
    clock.advance(dt.timedelta(minutes=8, seconds=59))
    assert kept.find("k") == "v"
    clock.advance(dt.timedelta(seconds=2))
    assert kept.find("k") is None


async def test_no_more_is_remembered_than_a_thousand() -> None:
    kept: Remembered[int] = Remembered(FrozenClock())
    for number in range(1001):
        kept.keep(number, number, ttl=TTL)
    assert kept.find(0) is None
    assert kept.find(1) == 1


async def test_who_asks_in_process_stands_in_the_scope_and_nowhere_else() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append((scope, await receive()))
        await send({"type": "http.response.start", "status": 201, "headers": [(b"X-A", b"b")]})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    there = InProcess(app, url="https://host.example/auth/", root_path="/auth")
    actor = Actor("user", id="u")
    told = await there.send(
        Call(method="POST", path="/a%20b?c=d", headers={"x": "y"}, body=b"{}", actor=actor)
    )
    assert (told.status, told.headers, told.body) == (201, {"x-a": "b"}, b"one two")
    [(scope, message)] = scopes
    assert scope[CALLER] is actor
    assert (scope["path"], scope["raw_path"]) == ("/auth/a b", b"/auth/a%20b")
    assert (scope["root_path"], scope["query_string"]) == ("/auth", b"c=d")
    assert (b"host", b"host.example") in scope["headers"]
    assert message["body"] == b"{}"
    await there.send(Call(method="GET", path="/a"))
    assert CALLER not in scopes[1][0]


def test_it_is_light() -> None:
    heavy = "('aiohttp', 'httpx2', 'fastapi', 'starlette', 'sqlalchemy', 'pydantic', 'limen.app')"
    code = f"import sys, limen.client; print([m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
