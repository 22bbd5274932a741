from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import limen.mail
from limen.db.work import Work
from limen.kernel.clock import UTC
from limen.mail import store
from limen.mail.message import OutgoingMail
from limen.mail.routes import Parts, pages
from limen.web.pages import Pages
from tests.unit.web.conftest import ACME, DEFAULT, Bench, bench

__all__ = ["bench"]
pytestmark = pytest.mark.anyio

BASE = "https://id.example"
RENDERED = Pages([Path(limen.mail.__file__).parent / "templates"])
MAIL = OutgoingMail(
    id="m1",
    to="ada@example.com",
    subject="Confirm <it>",
    text="Open https://id.example/x?token=t&a=b\nor not.\n",
    html="<p>never shown</p>",
    written_at=dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
)


async def keep(bench: Bench) -> None:
    async def body(work: Work) -> None:
        await store.add_mail(work, MAIL)

    await bench.works.run(DEFAULT, body)


async def test_mail_can_be_read_in_the_browser(bench: Bench) -> None:
    client = bench.serve(*pages(Parts(pages=RENDERED, base_url=BASE)), pages=RENDERED)
    assert 'id="no-mails"' in (await client.get("/dev/mail")).text
    await keep(bench)
    listed = (await client.get("/dev/mail")).text
    assert 'href="/dev/mail/m1"' in listed
    assert "Confirm &lt;it&gt;" in listed
    shown = await client.get("/dev/mail/m1")
    assert 'href="https://id.example/x?token=t&amp;a=b"' in shown.text
    assert "never shown" not in shown.text
    assert (await client.get("/dev/mail/m2")).status_code == 404
    told = (await client.get("/dev/mail.json", params={"to": "ada@example.com"})).json()
    assert told["mails"][0]["links"] == ["https://id.example/x?token=t&a=b"]
    assert (await client.get("/dev/mail.json?to=eve@example.com")).json() == {"mails": []}


async def test_a_tenant_sees_its_own_mail_alone(bench: Bench) -> None:
    await keep(bench)
    client = bench.serve(*pages(Parts(pages=RENDERED, base_url=BASE)), pages=RENDERED)
    assert (await client.get(f"{ACME.path}/dev/mail.json")).json() == {"mails": []}
    assert (await client.get(f"{ACME.path}/dev/mail/m1")).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "id.example.evil.example"},
        {"host": "id.example:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_nobody_else_reads_it(bench: Bench, headers: dict[str, str]) -> None:
    await keep(bench)
    client = bench.serve(*pages(Parts(pages=RENDERED, base_url=BASE)), pages=RENDERED)
    for path in ("/dev/mail", "/dev/mail.json", "/dev/mail/m1"):
        answer = await client.get(path, headers=headers)
        assert answer.status_code in {404, 421}, path
        assert "ada@example.com" not in answer.text
