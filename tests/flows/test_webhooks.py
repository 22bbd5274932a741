"""Webhooks that a tenant set up over the admin API: what receivers hear of people and connections."""

from __future__ import annotations

import itertools
import json
from typing import Any

import sqlalchemy as sa

from limen.db.outbox import enqueue
from limen.db.parked.retry import retry_parked
from limen.db.tables import outbox
from limen.db.work import Work
from limen.oauth.registry.register_client import FIRST_PARTY_CLIENT_ID
from limen.tenants.switch_tenant import resume_tenant, suspend_tenant
from tests.installation import Installation
from tests.standings import EACH_ONCE, add_tenant
from tests.unit.net.servers import Listener, answer, listening

pytestmark = EACH_ONCE

HOOKS = "/api/v1/admin/webhooks"
GIVE_UP = (
    sa.update(outbox)
    .where(outbox.c.tenant_id == sa.bindparam("tenant_id"), outbox.c.kind == "nobody takes this")
    .values(due_at=None)
)
_numbers = itertools.count()


def heard(listener: Listener, kind: str) -> list[dict[str, Any]]:
    bodies = [json.loads(sent.partition(b"\r\n\r\n")[2]) for sent in listener.requests]
    return [body["data"] for body in bodies if body["type"] == kind]


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


async def test_a_receiver_is_told_of_sign_ins_until_it_is_turned_off(limen: Installation) -> None:
    admin = await limen.person(role="admin")
    token = (await limen.login(admin))["access_token"]
    async with listening(answer(b"{}")) as listener:
        body = {"url": listener.url, "types": ["session.started", "webhook.test"]}
        added = await admin.api("POST", HOOKS, token, body)
        assert added.status == 201, added.text
        path = f"{HOOKS}/{added.json()['id']}"
        person = await limen.person()
        await limen.login(person)
        await limen.settle()
        assert [each["user_id"] for each in heard(listener, "session.started")] == [person.id]
        assert (await admin.api("PATCH", path, token, {"enabled": False})).status == 200
        await limen.login(person)
        assert (await admin.api("PATCH", path, token, {"enabled": True})).status == 200
        await admin.api("POST", f"{path}/test", token, {})
        await limen.settle()
        assert heard(listener, "webhook.test")
        assert len(heard(listener, "session.started")) == 1


async def test_what_was_sent_is_listed_page_by_page(limen: Installation) -> None:
    admin = await limen.person(role="admin")
    token = (await limen.login(admin))["access_token"]
    async with listening(answer(b"{}")) as listener:
        added = await admin.api("POST", HOOKS, token, {"url": listener.url, "types": ["user.*"]})
        assert added.json()["secret"].startswith("whsec_")
        path = f"{HOOKS}/{added.json()['id']}"
        sent = [(await admin.api("POST", f"{path}/test", token, {})).json() for _ in range(2)]
        await limen.settle()
        ids = {headers_of(request)["webhook-id"] for request in listener.requests}
        assert ids == {each["message_id"] for each in sent}
        page = (await admin.api("GET", f"{path}/deliveries?limit=1", token)).json()
        cursor = page["next_cursor"]
        rest = (await admin.api("GET", f"{path}/deliveries?cursor={cursor}", token)).json()
        listed = [each["message_id"] for each in page["deliveries"] + rest["deliveries"]]
        assert listed == [each["message_id"] for each in reversed(sent)]
        assert "secret" not in (await admin.api("GET", path, token)).json()
        assert (await admin.api("DELETE", path, token)).status == 204
    assert (await admin.api("GET", path, token)).status == 404


async def test_n199_a_member_sets_up_no_receiver(limen: Installation) -> None:
    member = await limen.person()
    token = (await limen.login(member))["access_token"]
    body = {"url": "https://hooks.example/", "types": ["*"]}
    assert (await member.api("POST", HOOKS, token, body)).status == 403
    assert (await member.api("GET", HOOKS, token)).status == 403


async def test_a_receiver_hears_what_happens_to_its_tenant_as_a_whole(limen: Installation) -> None:
    site = await add_tenant(limen.application, slug=f"hooks{next(_numbers)}")
    there = limen.at(site)
    admin, member = await there.person(role="admin"), await there.person()
    token = (await there.login(admin))["access_token"]
    client = await there.client("machine")
    wanted = ["permission.refused", "client.tokens_ended", "tenant.*", "outbox.retried"]

    async def given_up(work: Work) -> None:
        await enqueue(work, kind="nobody takes this", payload=b"")
        await work.execute(GIVE_UP)

    async with listening(answer(b"{}")) as listener:
        added = await admin.api("POST", HOOKS, token, {"url": listener.url, "types": wanted})
        assert added.status == 201, added.text
        refused = (await there.login(member))["access_token"]
        for _ in range(2):
            assert (await member.api("GET", HOOKS, refused)).status == 403
        path = "/api/v1/admin/tokens/revoke"
        assert (await admin.api("POST", path, token, {"client_id": client.id})).status == 200
        await there.run(given_up)
        assert await there.run(retry_parked) == 1
        await there.run(suspend_tenant)
        assert (await member.api("GET", HOOKS, refused)).status == 404
        await limen.settle()
        told = {kind: heard(listener, kind) for kind in [*wanted, "tenant.suspended"]}
        await there.run(resume_tenant)
        await limen.settle()
        resumed = heard(listener, "tenant.resumed")
    assert told["permission.refused"] == [
        {
            "permission": "webhooks:read",
            "reason": "roles",
            "actor": "user",
            "actor_id": member.id,
            "client_id": FIRST_PARTY_CLIENT_ID,
        }
    ]
    assert told["client.tokens_ended"] == [{"client_id": client.id, "count": 0}]
    assert told["outbox.retried"] == [{"count": 1, "kinds": ["nobody takes this"]}]
    assert told["tenant.suspended"] == resumed == [{"slug": site.slug}]
