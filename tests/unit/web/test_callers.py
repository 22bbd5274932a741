from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from limen.db.work import Work
from limen.kernel.errors import Throttled
from limen.settings import Rate
from limen.testing.clock import FrozenClock
from limen.web.exchange import PUBLIC, route
from limen.web.health import health_routes
from limen.web.peer.client_ip import address_block, client_ip, is_trusted_peer
from limen.web.rate_limit import RateLimiter, check_rate
from tests.unit.web.conftest import Serve


async def tell(request: Request, work: Work) -> Response:
    return PlainTextResponse(f"{client_ip(request)} {is_trusted_peer(request)}")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("peer", "headers", "seen"),
    [
        ("192.0.2.7", [], "192.0.2.7 False"),
        ("192.0.2.7", [("x-forwarded-for", "198.51.100.1")], "192.0.2.7 False"),
        (
            "192.0.2.7",
            [("x-real-ip", "198.51.100.1"), ("forwarded", "for=1.1.1.1")],
            "192.0.2.7 False",
        ),
        ("10.1.1.1", [("x-forwarded-for", "198.51.100.1")], "198.51.100.1 True"),
        ("10.1.1.1", [("x-forwarded-for", "1.2.3.4, 198.51.100.1")], "198.51.100.1 True"),
        ("10.1.1.1", [("x-forwarded-for", "198.51.100.1, 10.2.2.2")], "198.51.100.1 True"),
        (
            "10.1.1.1",
            [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8")],
            "5.6.7.8 True",
        ),
        ("10.1.1.1", [("x-forwarded-for", "1.2.3.4, evil.example")], "10.1.1.1 True"),
        ("10.1.1.1", [("x-forwarded-for", "1.2.3.4, _hidden, 10.2.2.2")], "10.2.2.2 True"),
        ("10.1.1.1", [("x-forwarded-for", "")], "10.1.1.1 True"),
        ("10.1.1.1", [("x_forwarded_for", "1.2.3.4")], "10.1.1.1 True"),
        ("::ffff:10.1.1.1", [("x-forwarded-for", "2001:db8::1")], "2001:db8::1 True"),
        ("fd00::1", [("x-forwarded-for", "::ffff:198.51.100.1")], "198.51.100.1 True"),
        (
            "10.1.1.1",
            [("x-forwarded-for", "1.1.1.1," + "10.0.0.1," * 500 + "10.0.0.2")],
            "10.0.0.1 True",
        ),
        ("testclient", [("x-forwarded-for", "1.2.3.4")], "0.0.0.0 False"),
    ],
)
async def test_the_caller_is_the_last_hop_that_no_trusted_proxy_vouches_for(
    serve: Serve, peer: str, headers: list[tuple[str, str]], seen: str
) -> None:
    client = serve(route("/ip", tell, guard=PUBLIC, face="json"), peer=peer)
    assert (await client.get("/ip", headers=headers)).text == seen


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("header", "seen"),
    [
        ("for=198.51.100.1;proto=https", "198.51.100.1"),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("for=1.2.3.4, proto=http;for=198.51.100.1:99", "198.51.100.1"),
        ("for=_hidden", "10.1.1.1"),
        ("by=1.2.3.4", "10.1.1.1"),
    ],
)
async def test_the_standard_header_is_read_where_it_is_the_one_configured(
    serve: Serve, header: str, seen: str
) -> None:
    made = route("/ip", tell, guard=PUBLIC, face="json")
    client = serve(made, peer="10.1.1.1", proxy_header="forwarded")
    sent = {"forwarded": header, "x-forwarded-for": "9.9.9.9"}
    assert (await client.get("/ip", headers=sent)).text == f"{seen} True"


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "0.0.0.0"),
    ],
)
def test_blocks(address: str, block: str) -> None:
    assert address_block(address) == block


def hits(limiter: RateLimiter, count: int, key: str = "k") -> int:
    passed = 0
    for _ in range(count):
        try:
            limiter.hit("n", key)
        except Throttled:
            continue
        passed += 1
    return passed


def test_a_rate_is_held_and_slides(clock: FrozenClock) -> None:
    limiter = RateLimiter(lambda _: Rate(10, 60), clock)
    start = clock.now().timestamp() % 60
    clock.advance(dt.timedelta(seconds=60 - start))
    assert hits(limiter, 30) == 10
    assert hits(limiter, 30, key="other") == 10
    clock.advance(dt.timedelta(seconds=90))
    assert hits(limiter, 30) == 5
    clock.advance(dt.timedelta(seconds=600))
    assert hits(limiter, 30) == 10


def test_it_says_when_to_come_back(clock: FrozenClock) -> None:
    limiter = RateLimiter(lambda _: Rate(1, 60), clock)
    limiter.hit("n", "k")
    with pytest.raises(Throttled) as refused:
        limiter.hit("n", "k")
    assert 0 < refused.value.retry_after_seconds <= 60


def test_memory_is_bounded(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limen.web.rate_limit._MAX_KEYS", 100)
    limiter = RateLimiter(lambda _: Rate(1, 60), clock)
    for number in range(1000):
        limiter.hit("n", str(number))
    assert len(limiter.windows) <= 100


def test_no_rate_no_limit(clock: FrozenClock) -> None:
    limiter = RateLimiter(lambda _: None, clock)
    assert hits(limiter, 50) == 50
    assert not limiter.windows


@pytest.mark.anyio
async def test_a_caller_is_counted_by_block_and_by_tenant(serve: Serve, clock: FrozenClock) -> None:
    async def handler(request: Request, work: Work) -> Response:
        check_rate(request, "login")
        return Response()

    limiter = RateLimiter(lambda name: Rate(2, 60) if name == "login" else None, clock)
    made: Any = route("/x", handler, guard=PUBLIC, face="json")
    client = serve(made, peer="10.0.0.1", limiter=limiter)

    async def status(path: str, address: str) -> int:
        return (await client.get(path, headers={"x-forwarded-for": address})).status_code

    assert [await status("/x", f"2001:db8::{n}") for n in range(1, 4)] == [200, 200, 429]
    assert await status("/x", "2001:db8:0:1::1") == 200
    assert await status("/t/acme/x", "2001:db8::1") == 200


@pytest.mark.anyio
async def test_readiness_names_what_is_missing_and_no_more(serve: Serve) -> None:
    async def fine() -> None: ...

    async def broken() -> None:
        raise ConnectionError("postgresql://user:canary@host")

    client = serve(*health_routes({"database": fine}))
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok", "checks": {"database": "ok"}}
    client = serve(*health_routes({"database": broken, "keys": fine}))
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["checks"] == {"database": "failed", "keys": "ok"}
    assert "canary" not in answer.text
