import asyncio

import pytest

from limen.observe import metrics
from limen.observe.metrics_port import serve_metrics
from limen.settings.sections import MetricsSettings

pytestmark = pytest.mark.anyio


async def ask(port: int, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


async def test_requests_are_counted_by_template_and_never_by_path() -> None:
    metrics.count_request(route="/x/{id}", method="GET", status=200, seconds=0.003)
    metrics.count_request(route="", method="BREW", status=404, seconds=0.001)
    metrics.count_refresh(provider="google", outcome="done")
    metrics.count_refusal("invalid_grant")
    metrics.count_parked("mail")
    text = metrics.render().decode()
    assert 'limen_responses_total{method="GET",route="/x/{id}",status="200"}' in text
    assert 'limen_responses_total{method="OTHER",route="(none)",status="404"}' in text
    assert 'limen_vault_refreshes_total{outcome="done",provider="google"}' in text
    assert 'limen_outbox_parked_total{kind="mail"}' in text


async def test_metrics_have_a_port_of_their_own(unused_port: int) -> None:
    server = await serve_metrics(MetricsSettings(port=unused_port))
    assert server is not None
    async with server:
        got = await ask(unused_port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 200 OK")
        assert b"limen_" in got
        assert (await ask(unused_port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404")
        assert await ask(unused_port, b"x" * 10_000) == b""


async def test_each_worker_takes_the_next_port_and_a_taken_one_is_no_failure(
    unused_port: int,
) -> None:
    settings = MetricsSettings(port=unused_port)
    first = await serve_metrics(settings)
    assert first is not None
    async with first:
        assert await serve_metrics(settings) is None
        second = await serve_metrics(settings, workers=2)
        assert second is not None
        second.close()


async def test_metrics_elsewhere_open_no_port() -> None:
    assert await serve_metrics(MetricsSettings(where="off")) is None
    assert await serve_metrics(MetricsSettings(where="path")) is None
