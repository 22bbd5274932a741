"""Many clients or tokens in one request, and clients as lines of NDJSON."""

from __future__ import annotations

import io
import json
import secrets
from typing import Any

import pytest

from limen.admin import batch
from limen.admin.api import bulk as api
from tests.flows.admin.test_admin_api import Admin, a_client, everything, obtains_token, somebody
from tests.installation import Installation
from tests.oauth_client import Flow
from tests.standings import EACH_ONCE, add_tenant

pytestmark = EACH_ONCE


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


def machine(**more: Any) -> dict[str, Any]:
    return {"name": f"M {secrets.token_hex(6)}", "type": "machine", "scope": "read", **more}


async def bulk(admin: Admin, *operations: Any, key: str | None = None) -> list[dict[str, Any]]:
    answer = await admin.ask("POST", "/clients/bulk", {"operations": operations}, key=key)
    assert answer.status == 200, answer.text
    return list(answer.json()["results"])


async def test_each_operation_has_its_own_result(limen: Installation, admin: Admin) -> None:
    old = await limen.client("machine")
    chosen = f"robot-{secrets.token_hex(6)}"
    told = await bulk(
        admin,
        {"op": "create", "ref": "one", "client": machine(client_id=chosen)},
        {"op": "create", "client": a_client(redirect_uris=["https://*.example/cb"])},
        {"op": "create", "client": machine(client_id=chosen)},
        {"op": "update", "client_id": old.id, "changes": {"name": "Renamed"}},
        {"op": "rotate", "client_id": old.id},
        {"op": "disable", "client_id": old.id},
        {"op": "enable", "client_id": old.id},
        {"op": "disable", "client_id": "nobody"},
        {"op": "explode", "client_id": old.id},
        {"op": "disable", "client_id": old.id, "tenant_id": "x"},
        {"op": "delete", "client_id": old.id},
        {},
    )
    assert [each["status"] for each in told] == [
        201, 422, 409, 200, 200, 204, 204, 404, 422, 422, 204, 422,
    ]  # fmt: skip
    assert [each["index"] for each in told] == list(range(12))
    assert (told[0]["ref"], told[0]["body"]["client_id"]) == ("one", chosen)
    assert told[1]["error"]["code"] == "invalid_redirect_uri"
    assert told[2]["error"]["code"] == "client_exists"
    assert told[3]["body"]["name"] == "Renamed"
    secret = told[0]["body"]["client_secret"]
    assert (await obtains_token(limen, chosen, secret)).status == 200
    assert (await admin.ask("GET", f"/clients/{old.id}")).status == 404
    assert (await obtains_token(limen, old.id, told[4]["body"]["client_secret"])).status == 401


_NO_OPERATIONS: tuple[Any, ...] = (
    5,
    None,
    "x",
    [],
    [{"op": "delete"}],
    {"op": "explode"},
    {"op": ["create"]},
    True,
)


async def test_what_is_no_operation_refuses_itself_alone(limen: Installation, admin: Admin) -> None:
    known = await limen.client("machine")
    disable = {"op": "disable", "ref": "last", "client_id": known.id}
    told = await bulk(admin, *_NO_OPERATIONS, disable)
    assert [each["status"] for each in told] == [422] * len(_NO_OPERATIONS) + [204]
    assert {each["error"]["code"] for each in told[:-1]} == {"invalid_input"}
    assert [each["index"] for each in told] == list(range(len(told)))
    assert (told[0]["ref"], told[-1]["ref"]) == ("", "last")
    assert (await obtains_token(limen, known.id, known.secret)).status == 401
    body = {"operations": [*_NO_OPERATIONS, {"client_id": known.id}]}
    answer = await admin.ask("POST", "/tokens/bulk", body)
    assert (answer.status, answer.json()["refused"]) == (200, len(_NO_OPERATIONS))
    assert answer.json()["results"][-1]["status"] == 200


async def test_too_many_are_refused_whole_whatever_they_are(
    limen: Installation, admin: Admin
) -> None:
    known = await limen.client("machine")
    first = {"op": "disable", "client_id": known.id}
    many = {"operations": [first, *[5] * 500]}
    answer = await admin.ask("POST", "/clients/bulk", many)
    assert (answer.status, "results" in answer.json()) == (422, False)
    assert (await obtains_token(limen, known.id, known.secret)).status == 200


async def test_with_a_key_nothing_is_done_twice(limen: Installation, admin: Admin) -> None:
    key = secrets.token_hex(16)
    names = [f"N {secrets.token_hex(6)}" for _ in range(3)]
    operations = [{"op": "create", "client": machine(name=name)} for name in names]
    first = await bulk(admin, *operations, key=key)
    again = await bulk(admin, *operations, key=key)
    assert first == again
    other = await admin.ask("POST", "/clients/bulk", {"operations": operations[:1]}, key=key)
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
    without = await bulk(admin, *operations)
    assert {each["body"]["client_id"] for each in without}.isdisjoint(
        each["body"]["client_id"] for each in first
    )


async def test_what_broke_off_in_the_middle_goes_on_where_it_was(
    limen: Installation, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, fails = secrets.token_hex(16), True
    operations: list[dict[str, Any]] = [{"op": "create", "client": machine()} for _ in range(2)]
    run, ran = batch._run, 0

    async def breaks(*args: Any, **kwargs: Any) -> Any:
        nonlocal ran
        ran += 1
        if fails and ran == 2:
            raise RuntimeError("the machine stops")
        return await run(*args, **kwargs)

    monkeypatch.setattr(batch, "_run", breaks)
    names = {operation["client"]["name"] for operation in operations}
    broken = await admin.ask("POST", "/clients/bulk", {"operations": operations}, key=key)
    assert broken.status == 500
    fails = False
    told = await bulk(admin, *operations, key=key)
    made = [each for each in await everything(admin, "clients") if each["name"] in names]
    assert [each["client_id"] for each in made] == [each["body"]["client_id"] for each in told]


async def test_our_own_fault_at_one_undoes_no_other(
    limen: Installation, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await limen.client("machine")

    async def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(api, "rotate_one", breaks)
    told = await bulk(
        admin,
        {"op": "rotate", "client_id": known.id},
        {"op": "disable", "client_id": known.id},
    )
    assert [each["status"] for each in told] == [500, 204]
    assert "defect" not in str(told)


async def test_n212_a_reference_no_utf8_can_say_fails_no_answer(admin: Admin) -> None:
    odd = {"op": "create", "ref": "\ud800"}
    told = await bulk(admin, {"op": "create", "client": machine()}, odd)
    assert [each["status"] for each in told] == [201, 422]
    assert told[0]["body"]["client_secret"]  # shown but once
    assert told[1]["ref"] == "?"


@pytest.mark.parametrize(
    "body",
    [
        {"operations": []},
        {"operations": [{"op": "disable", "client_id": "x"}] * 501},
        {"operations": "x"},
        {},
        {"operations": [{"op": "disable", "client_id": "x"}], "more": 1},
    ],
)
async def test_what_is_no_batch_is_refused_whole(admin: Admin, body: Any) -> None:
    assert (await admin.ask("POST", "/clients/bulk", body)).status == 422


async def test_many_need_the_same_permission_as_one(limen: Installation) -> None:
    auditor = await somebody(limen, "auditor")
    operations = {"operations": [{"op": "create", "client": machine()}]}
    assert (await auditor.ask("POST", "/clients/bulk", operations)).status == 403
    assert (await auditor.ask("POST", "/tokens/bulk", operations)).status == 403
    assert (await auditor.ask("POST", "/clients/import", {})).status == 403
    member = await somebody(limen)
    assert (await member.ask("GET", "/clients/export")).status == 403


async def test_n206_another_tenant_s_clients_are_not_there(
    limen: Installation, admin: Admin
) -> None:
    known = await limen.client("machine")
    there = limen.at(await add_tenant(limen.application, slug="no-bulk"))
    stranger = await somebody(there, "owner")
    told = await bulk(
        stranger,
        *({"op": op, "client_id": known.id} for op in ("disable", "rotate", "delete")),
        {"op": "update", "client_id": known.id, "changes": {"name": "Mine"}},
    )
    assert {each["status"] for each in told} == {404}
    lines = await export(stranger)
    assert lines == []
    assert (await obtains_token(limen, known.id, known.secret)).status == 200


async def test_tokens_end_by_id_by_user_and_by_client(limen: Installation, admin: Admin) -> None:
    flow = Flow(limen, await limen.client())
    people = [await limen.person() for _ in range(3)]
    made = [await flow.tokens(person) for person in people]
    listed = [
        await admin.get(f"/tokens?user_id={person.id}&client_id={flow.client.id}")
        for person in people
    ]
    answer = await admin.ask(
        "POST",
        "/tokens/bulk",
        {
            "operations": [
                {"token_id": listed[0]["tokens"][0]["id"]},
                {"op": "revoke", "user_id": people[1].id, "client_id": flow.client.id},
                {"client_id": flow.client.id, "ref": "the rest"},
                {"token_id": "unknown"},
                {},
                {"token_id": "x", "user_id": "y"},
            ]
        },
    )
    told = answer.json()["results"]
    assert [each["status"] for each in told] == [204, 200, 200, 404, 422, 422]
    assert [each["body"]["revoked"] for each in told[1:3]] == [1, 1]
    assert [bool(each["body"]["issued_before"]) for each in told[1:3]] == [False, True]
    for tokens in made:
        assert not await flow.is_active(tokens["access_token"])


async def export(admin: Admin) -> list[dict[str, Any]]:
    answer = await admin.ask("GET", "/clients/export")
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def take_in(admin: Admin, *lines: object) -> list[dict[str, Any]]:
    body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    headers = {
        "Authorization": f"Bearer {admin.token}",
        "Content-Type": "application/x-ndjson",
    }
    url = f"{admin.limen.issuer}/api/v1/admin/clients/import"
    async with admin.limen.plain.post(url, data=body, headers=headers) as answer:
        told = await answer.json()
        assert answer.status == 200, told
        return list(told["results"])


async def test_what_is_exported_goes_in_again_and_changes_nothing(
    limen: Installation, admin: Admin
) -> None:
    web, robot = await limen.client(trusted=True), await limen.client("machine")
    account = await admin.ask(
        "POST", "/service-accounts", {"name": "S", "description": "D", "scope": "read"}
    )
    secret = account.json()["client_secret"]
    ids = {web.id, robot.id, account.json()["client_id"]}
    before = {line["client_id"]: line for line in await export(admin) if line["client_id"] in ids}
    assert before.keys() == ids
    assert not any(each in str(before) for each in (web.secret, robot.secret, secret))
    told = await take_in(admin, *before.values())
    assert {each["status"] for each in told} == {200}
    assert {each["body"]["client_secret"] for each in told} == {None}
    after = {line["client_id"]: line for line in await export(admin) if line["client_id"] in ids}
    assert after == before
    assert (await obtains_token(limen, robot.id, robot.secret)).status == 200
    assert (await obtains_token(limen, account.json()["client_id"], secret)).status == 200


async def test_a_line_creates_a_client_elsewhere_and_twice_is_fine(
    limen: Installation, admin: Admin
) -> None:
    known = await limen.client("machine")
    (line,) = [each for each in await export(admin) if each["client_id"] == known.id]
    there = limen.at(await add_tenant(limen.application, slug="carried"))
    stranger = await somebody(there, "owner")
    first = (await take_in(stranger, line))[0]
    assert first["status"] == 201
    secret = first["body"]["client_secret"]
    assert secret != known.secret
    again = (await take_in(stranger, {**line, "active": False}))[0]
    assert (again["status"], again["body"]["client_secret"]) == (200, None)
    assert (await obtains_token(there, known.id, secret)).status == 401
    assert (await take_in(stranger, line))[0]["status"] == 200
    assert (await obtains_token(there, known.id, secret)).status == 200


async def test_each_line_is_read_by_itself(limen: Installation, admin: Admin) -> None:
    good = {
        "client_id": f"line-{secrets.token_hex(6)}",
        "type": "machine",
        "metadata": {"client_name": "L", "scope": "read"},
    }
    deep = "[" * 100 + "]" * 100
    told = await take_in(
        admin,
        "no json",
        "[]",
        deep,
        {**good, "client_id": "limen-first-party"},
        {**good, "client_id": "limen-api-keys"},
        {**good, "client_id": "https://elsewhere.example/client.json"},
        {**good, "client_id": "a"},
        {**good, "secret": "x"},
        {**good, "type": "spy"},
        {**good, "metadata": {"jwks_uri": "https://10.1.2.3/keys"}},
        {**good, "metadata": {"redirect_uris": "abc"}},
        good,
        {**good, "type": "spa"},
    )
    assert [each["status"] for each in told[:11]] == [422] * 11
    assert (told[11]["status"], told[11]["ref"]) == (201, good["client_id"])
    assert told[12]["status"] in {409, 422}


async def test_n205_an_import_takes_over_no_client_with_roles(limen: Installation) -> None:
    owner, admin = await somebody(limen, "owner"), await somebody(limen, "admin")
    made = await owner.ask("POST", "/service-accounts", {"name": "S", "roles": ["owner"]})
    id_ = made.json()["client_id"]
    (line,) = [each for each in await export(admin) if each["client_id"] == id_]
    told = await take_in(admin, line)
    assert (told[0]["status"], told[0]["error"]["code"]) == (403, "role_above_own")


async def test_too_many_lines_are_refused(limen: Installation, admin: Admin) -> None:
    headers = {
        "Authorization": f"Bearer {admin.token}",
        "Content-Type": "application/x-ndjson",
    }
    url = f"{limen.issuer}/api/v1/admin/clients/import"
    for data, status in (("x\n" * 501, 413), (io.BytesIO(b"x" * (1024 * 1024 + 1)), 413)):
        async with limen.plain.post(url, data=data, headers=headers) as answer:
            assert answer.status == status
    async with limen.plain.post(
        url, data="{}", headers={**headers, "Content-Type": "text/plain"}
    ) as answer:
        assert answer.status == 415
