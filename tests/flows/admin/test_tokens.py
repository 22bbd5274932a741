"""Tokens for tokens from end to end, and tokens as people and operators see and end them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from typing import Any

import pytest

from limen.kernel.clock import to_timestamp
from limen.protocol.client_metadata import JWT_BEARER, TOKEN_EXCHANGE
from limen.protocol.jwk import generate_key
from limen.protocol.jwt import sign
from limen.protocol.token_exchange import ACCESS_TOKEN
from tests.flows.admin.test_admin_api import Admin, somebody
from tests.installation import Installation, Known, Person
from tests.oauth_client import Flow, claims_in
from tests.standings import EACH_ONCE, add_tenant

pytestmark = EACH_ONCE
_numbers = itertools.count(1)


@pytest.fixture
async def admin(limen: Installation) -> Admin:
    return await somebody(limen, "admin")


async def machine(limen: Installation) -> Known:
    grants = ["client_credentials", TOKEN_EXCHANGE, JWT_BEARER]
    return await limen.client("machine", metadata={"grant_types": grants})


async def exchange(limen: Installation, by: Known, raw: str, resource: str) -> Any:
    return await limen.post(
        "/oauth2/token",
        by,
        grant_type=TOKEN_EXCHANGE,
        subject_token=raw,
        subject_token_type=ACCESS_TOKEN,
        resource=resource,
    )


async def test_an_api_calls_on_for_whoever_called_it(limen: Installation, admin: Admin) -> None:
    api = await limen.resource()
    flow, service = Flow(limen, await limen.client()), await machine(limen)
    made = await flow.tokens(await limen.person())
    path = f"/clients/{service.id}/exchange-policy"
    assert (await exchange(limen, service, made["access_token"], api)).status == 400
    assert (await admin.ask("GET", path)).status == 404
    policy = {
        "subject_clients": [flow.client.id],
        "subjects": ["*"],
        "audiences": [api],
        "scopes": ["read"],
    }
    set_ = await admin.ask("PUT", path, policy)
    assert set_.status == 200, set_.text
    assert (await admin.get(path))["policy"]["audiences"] == [api]
    answer = await exchange(limen, service, made["access_token"], api)
    assert answer.status == 200, answer.text
    told = answer.json()
    assert claims_in(told["access_token"])["act"] == {"sub": service.id}
    seen = await flow.introspect(told["access_token"], by=service)
    assert (seen["active"], seen["aud"]) == (True, api)
    await flow.revoke(made["refresh_token"])
    assert not await flow.is_active(told["access_token"], by=service)
    assert (await admin.ask("DELETE", path)).status == 204
    assert (await admin.ask("DELETE", path)).status == 404


@pytest.mark.parametrize(
    "policy",
    [
        {"subjects": "*"},
        {"audience": ["https://api.example"]},
        {"scopes": ["two words"]},
        {"impersonate": "yes"},
        {"assertions": [{"audience": "https://x.example"}]},
    ],
)
async def test_a_policy_is_read_strictly(
    limen: Installation, admin: Admin, policy: dict[str, Any]
) -> None:
    service = await machine(limen)
    answer = await admin.ask("PUT", f"/clients/{service.id}/exchange-policy", policy)
    assert (answer.status, answer.json()["code"]) == (422, "exchange_policy_invalid")


async def test_only_who_may_exchange_has_a_policy(limen: Installation, admin: Admin) -> None:
    for known in (await limen.client("spa"), await limen.client("machine")):
        answer = await admin.ask("PUT", f"/clients/{known.id}/exchange-policy", {})
        assert (answer.status, answer.json()["code"]) == (422, "exchange_policy_invalid")
    assert (await admin.ask("PUT", "/clients/nobody/exchange-policy", {})).status == 404


async def test_an_api_hears_of_its_tokens_once_its_client_is_bound(
    limen: Installation, admin: Admin
) -> None:
    api = await limen.resource()
    flow, own = Flow(limen, await limen.client()), await limen.client("machine")
    made = await flow.tokens(await limen.person(), resource=api, scope="openid read")
    raw = made["access_token"]
    assert not await flow.is_active(raw, by=own)
    path = f"/clients/{own.id}/resources"
    bound = await admin.ask("PUT", path, {"resources": [api + "/"]})
    assert (bound.status, bound.json()["resources"]) == (200, [api])
    assert await flow.is_active(raw, by=own)
    unknown = await admin.ask("PUT", path, {"resources": ["https://unknown.example"]})
    assert unknown.status == 422
    assert (await admin.ask("PUT", path, {"resources": []})).status == 200
    assert (await admin.get(path)) == {"resources": []}
    assert not await flow.is_active(raw, by=own)


async def test_another_issuers_word_is_taken_as_far_as_was_said(
    limen: Installation, admin: Admin
) -> None:
    api, service, person = await limen.resource(), await machine(limen), await limen.person()
    key, issuer = generate_key("ES256"), f"https://{service.id}.example"
    trust = {
        "jwks": {"keys": [key.public.jwk()]},
        "clients": [service.id],
        "resources": [api],
        "scopes": ["read"],
    }
    made = await admin.ask("POST", "/trusted-issuers", {"issuer": issuer, "trust": trust})
    assert made.status == 201, made.text
    issuer_id = made.json()["id"]
    path = f"/trusted-issuers/{issuer_id}"
    again = await admin.ask("POST", "/trusted-issuers", {"issuer": issuer, "trust": trust})
    assert again.status == 409
    link = {"subject": "them", "user_id": person.id}
    assert (await admin.ask("POST", f"{path}/subjects", link)).status == 204
    assert (await admin.ask("POST", f"{path}/subjects", link)).status == 409
    assert (await admin.get(f"{path}/subjects"))["subjects"] == [link]

    async def present(jti: str) -> Any:
        now = to_timestamp(limen.clock.now())
        said = {"iss": issuer, "sub": "them", "aud": limen.issuer, "jti": jti}
        assertion = sign({**said, "iat": now, "exp": now + 60}, key, typ="JWT")
        return await limen.post(
            "/oauth2/token", service, grant_type=JWT_BEARER, assertion=assertion, resource=api
        )

    answer = await present("1")
    assert answer.status == 200, answer.text
    assert claims_in(answer.json()["access_token"])["sub"] == person.id
    assert (await present("1")).status == 400
    strict = await admin.ask("PUT", path, {"trust": {**trust, "clients": []}})
    assert strict.status == 200, strict.text
    assert (await present("2")).status == 400
    unlinked = await admin.ask("DELETE", f"{path}/subjects?subject=them")
    assert unlinked.status == 204
    assert (await admin.ask("DELETE", path)).status == 204
    assert (await admin.ask("GET", path)).status == 404


@pytest.mark.parametrize(
    "trust",
    [
        {},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": []}, "jwks_uri": "https://idp.example/jwks"},
        {"jwks_uri": "ftp://idp.example/jwks"},
        {"jwks_uri": "jwks"},
        {"jwks_uri": "https://idp.example/jwks", "algorithms": ["HS256"]},
        {"jwks_uri": "https://idp.example/jwks", "algorithms": []},
        {"jwks_uri": "https://idp.example/jwks", "subjects": "email"},
        {"jwks_uri": "https://idp.example/jwks", "everything": True},
        {"jwks_uri": "https://idp.example/jwks", "max_age_seconds": 86_400},
    ],
)
async def test_trust_is_read_strictly(admin: Admin, trust: dict[str, Any]) -> None:
    body = {"issuer": "https://strict.example", "trust": trust}
    assert (await admin.ask("POST", "/trusted-issuers", body)).status == 422


async def test_n205_an_admin_lets_nobody_speak_for_an_owner(
    limen: Installation, admin: Admin
) -> None:
    owner = await limen.person(role="owner")
    trust = {"jwks": {"keys": [generate_key("ES256").public.jwk()]}}
    body = {"issuer": "https://mine.example", "trust": trust}
    path = f"/trusted-issuers/{(await admin.ask('POST', '/trusted-issuers', body)).json()['id']}"
    link = {"subject": "me", "user_id": owner.id}
    refused = await admin.ask("POST", f"{path}/subjects", link)
    assert (refused.status, refused.json()["code"]) == (403, "role_above_own")


async def test_nobody_trusts_themselves(limen: Installation, admin: Admin) -> None:
    trust = {"jwks_uri": "https://idp.example/jwks"}
    body = {"issuer": limen.issuer, "trust": trust}
    assert (await admin.ask("POST", "/trusted-issuers", body)).status == 422


async def test_people_see_and_end_what_applications_hold_for_them(limen: Installation) -> None:
    flow = Flow(limen, await limen.client())
    person, other = await two(limen)
    made = await flow.tokens(person)
    theirs, not_theirs = await bearer(limen, person), await bearer(limen, other)
    found = (await person.api("GET", "/api/v1/tokens", theirs)).json()["tokens"]
    (held,) = [each for each in found if each["client_id"] == flow.client.id]
    assert held["scope"] == "openid email offline_access"
    assert held["resources"] == [limen.issuer]
    assert held["last_used_at"] is None
    assert made["refresh_token"] not in str(found)
    await flow.refresh(made["refresh_token"])
    found = (await person.api("GET", "/api/v1/tokens", theirs)).json()["tokens"]
    assert [each["last_used_at"] for each in found if each["id"] == held["id"]] != [None]
    # N200: somebody else's is not there, whatever its id.
    path = f"/api/v1/tokens/{held['id']}"
    assert (await other.api("DELETE", path, not_theirs)).status == 404
    assert held["id"] not in (await other.api("GET", "/api/v1/tokens", not_theirs)).text
    assert await flow.is_active(made["access_token"])
    assert (await person.api("DELETE", path, theirs)).status == 204
    assert not await flow.is_active(made["access_token"])
    assert (await flow.refresh(made["refresh_token"])).status == 400
    assert (await person.api("DELETE", path, theirs)).status == 404


async def two(limen: Installation) -> tuple[Person, Person]:
    return await limen.person(), await limen.person()


async def bearer(limen: Installation, person: Person) -> str:
    return str((await limen.login(person))["access_token"])


async def test_n210_a_list_of_tokens_goes_on_where_it_ended_and_nowhere_else(
    limen: Installation, admin: Admin
) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    for _ in range(3):
        await flow.tokens(person)
    which = f"client_id={flow.client.id}"
    first = await admin.get(f"/tokens?{which}&limit=2")
    rest = await admin.get(f"/tokens?{which}&limit=2&cursor={first['next_cursor']}")
    ids = [each["id"] for each in first["tokens"] + rest["tokens"]]
    assert len(set(ids)) == 3
    assert ids == sorted(ids)
    assert rest["next_cursor"] == ""
    stray = await admin.ask("GET", f"/tokens?cursor={first['next_cursor']}")
    assert (stray.status, stray.json()["code"]) == (422, "cursor_invalid")


async def test_operators_end_one_and_many(limen: Installation, admin: Admin) -> None:
    flow = Flow(limen, await limen.client())
    one, other = await two(limen)
    made = [await flow.tokens(person) for person in (one, one, other)]
    page = await admin.get(f"/tokens?user_id={one.id}&client_id={flow.client.id}")
    assert {each["user_id"] for each in page["tokens"]} == {one.id}
    first = page["tokens"][0]["id"]
    assert (await admin.get(f"/tokens/{first}"))["client_id"] == flow.client.id
    assert (await admin.ask("DELETE", f"/tokens/{first}")).status == 204
    assert (await admin.ask("DELETE", f"/tokens/{first}")).status == 404
    alive = [await flow.is_active(each["access_token"]) for each in made]
    assert alive == [False, True, True]
    everybodys = await admin.ask("POST", "/tokens/revoke", {})
    assert (everybodys.status, everybodys.json()["code"]) == (422, "filter_missing")
    ended = await admin.ask("POST", "/tokens/revoke", {"client_id": flow.client.id})
    assert (ended.status, ended.json()["revoked"]) == (200, 2)
    assert ended.json()["issued_before"] is not None
    assert not await flow.is_active(made[2]["access_token"])


async def own_token(limen: Installation, by: Known, resource: str) -> str:
    answer = await limen.post(
        "/oauth2/token", by, grant_type="client_credentials", resource=resource
    )
    assert answer.status == 200, answer.text
    return str(answer.json()["access_token"])


async def test_what_no_list_has_of_a_machine_is_said(limen: Installation, admin: Admin) -> None:
    service, api = await limen.client("machine"), await limen.resource()
    flow, raw = Flow(limen, service), await own_token(limen, service, api)
    page = await admin.get(f"/tokens?client_id={service.id}")
    known = page["not_listed"]
    assert (page["tokens"], known["client_id"]) == ([], service.id)
    assert known["issued_since"] is None
    assert to_timestamp(dt.datetime.fromisoformat(known["live_until"])) >= claims_in(raw)["exp"]
    ended = (await admin.ask("POST", "/tokens/revoke", {"client_id": service.id})).json()
    assert ended["revoked"] == 0
    assert not await flow.is_active(raw)
    page = await admin.get(f"/tokens?client_id={service.id}")
    assert page["not_listed"]["issued_since"] == ended["issued_before"]
    public = await limen.client("spa")
    for path in (f"/tokens?client_id={public.id}", "/tokens"):
        assert (await admin.get(path))["not_listed"] is None
    person = await limen.person()
    named = await admin.get(f"/tokens?client_id={service.id}&user_id={person.id}")
    assert named["not_listed"] is None


async def test_an_opaque_token_of_a_machine_is_listed_and_ended(
    limen: Installation, admin: Admin
) -> None:
    service, api = await limen.client("machine"), await limen.resource(token_format="opaque")
    there = limen.at(await add_tenant(limen.application, slug=f"tokens{next(_numbers)}"))
    stranger = await somebody(there, "admin")
    flow = Flow(limen, service)
    raws = [await own_token(limen, service, api) for _ in range(3)]
    which = f"/tokens?client_id={service.id}"
    first = await admin.get(f"{which}&limit=2")
    rest = await admin.get(f"{which}&limit=2&cursor={first['next_cursor']}")
    held = first["tokens"] + rest["tokens"]
    assert (len({each["id"] for each in held}), rest["next_cursor"]) == (3, "")
    assert {(each["user_id"], each["resources"][0]) for each in held} == {("", api)}
    path = f"/tokens/{held[0]['id']}"
    assert (await admin.get(path))["client_id"] == service.id
    # N200: as if it were not there.
    assert (await stranger.get(which))["tokens"] == []
    assert [(await stranger.ask(how, path)).status for how in ("GET", "DELETE")] == [404, 404]
    assert (await admin.ask("DELETE", path)).status == 204
    assert (await admin.ask("DELETE", path)).status == 404
    assert [await flow.is_active(raw) for raw in raws].count(True) == 2
    assert len((await admin.get(which))["tokens"]) == 2
    ended = (await admin.ask("POST", "/tokens/revoke", {"client_id": service.id})).json()
    assert ended["revoked"] == 2
    assert (await admin.get(which))["tokens"] == []
    assert not any([await flow.is_active(raw) for raw in raws])


async def test_all_of_a_client_are_those_it_exchanged_too(
    limen: Installation, admin: Admin
) -> None:
    api, flow = await limen.resource(), Flow(limen, await limen.client())
    service = await limen.client("machine", metadata={"grant_types": [TOKEN_EXCHANGE]})
    made = await flow.tokens(await limen.person())
    policy = {"subject_clients": [flow.client.id], "subjects": ["*"], "audiences": [api]}
    path = f"/clients/{service.id}/exchange-policy"
    assert (await admin.ask("PUT", path, {**policy, "scopes": ["read"]})).status == 200
    answer = await exchange(limen, service, made["access_token"], api)
    assert answer.status == 200, answer.text
    raw = answer.json()["access_token"]
    assert await flow.is_active(raw, by=service)
    told = await admin.ask("POST", "/tokens/revoke", {"client_id": service.id})
    assert told.status == 200
    assert not await flow.is_active(raw, by=service)
    assert await flow.is_active(made["access_token"])


async def test_what_was_exchanged_for_a_machines_own_token_is_listed_while_it_lives(
    limen: Installation, admin: Admin
) -> None:
    api = await limen.resource(token_format="opaque")
    subject = await limen.client("machine")
    service = await limen.client("machine", metadata={"grant_types": [TOKEN_EXCHANGE]})
    policy = {"subject_clients": [subject.id], "subjects": ["*"], "audiences": [api]}
    path = f"/clients/{service.id}/exchange-policy"
    assert (await admin.ask("PUT", path, {**policy, "scopes": ["read"]})).status == 200
    answer = await exchange(limen, service, await own_token(limen, subject, api), api)
    assert answer.status == 200, answer.text
    flow, raw = Flow(limen, service), answer.json()["access_token"]
    page = await admin.get(f"/tokens?client_id={service.id}")
    (held,) = page["tokens"]
    assert await flow.is_active(raw)
    told = await admin.ask("POST", "/tokens/revoke", {"client_id": subject.id})
    assert told.status == 200
    assert not await flow.is_active(raw)
    assert (await admin.get(f"/tokens?client_id={service.id}"))["tokens"] == []
    assert (await admin.ask("GET", f"/tokens/{held['id']}")).status == 404
    told = await admin.ask("POST", "/tokens/revoke", {"client_id": service.id})
    assert told.json()["revoked"] == 0


async def test_o4_the_audit_log_says_who_was_refused(limen: Installation, admin: Admin) -> None:
    service, app = await limen.client("machine"), await limen.client("spa")
    grant = {"grant_type": "client_credentials"}
    assert (await limen.post("/oauth2/token", service, **grant, scope="unheard-of")).status == 400
    wrong = dataclasses.replace(service, secret="wrong")
    assert (await limen.post("/oauth2/token", wrong, **grant)).status == 401
    assert (await limen.post("/oauth2/token", app, **grant)).status == 400
    unknown = dataclasses.replace(service, id=f"{service.id}-unknown")
    assert (await limen.post("/oauth2/token", unknown, **grant)).status == 401
    page = await admin.get("/audit?outcome=denied&limit=200")
    told = {
        (each["name"], each["actor_kind"], each["actor_id"], each["client_id"])
        for each in page["events"]
        if each["detail"].get("client_id") in {service.id, app.id, unknown.id}
    }
    assert told == {
        ("oauth:token:refused", "client", service.id, service.id),
        ("oauth:client:refused", "anonymous", "", ""),
        ("oauth:token:refused", "anonymous", "", ""),
    }
    member = await somebody(limen)
    assert (await member.ask("GET", "/tokens")).status == 403
    page = await admin.get(f"/audit?actor_id={member.id}&outcome=denied")
    (denied,) = [each for each in page["events"] if each["name"].startswith("access:")]
    assert denied["name"] == "access:permission:refused"
    assert denied["detail"] == {"permission": "tokens:read", "reason": "roles"}


async def test_n200_another_tenants_tokens_and_issuers_are_not_there(
    limen: Installation, admin: Admin
) -> None:
    there = limen.at(await add_tenant(limen.application, slug=f"tokens{next(_numbers)}"))
    flow = Flow(there, await there.client())
    made = await flow.tokens(await there.person())
    grant_id = claims_in(made["access_token"])["jti"].partition(".")[0]
    for method in ("GET", "DELETE"):
        assert (await admin.ask(method, f"/tokens/{grant_id}")).status == 404
    service = await machine(limen)
    here = Flow(limen, service)
    assert not await here.is_active(made["access_token"])
    answer = await exchange(limen, service, made["access_token"], limen.issuer)
    assert answer.status == 400
    assert await flow.is_active(made["access_token"])


@pytest.mark.parametrize(
    ("role", "path", "method"),
    [
        (None, "/tokens", "GET"),
        ("auditor", "/tokens/revoke", "POST"),
        ("auditor", "/tokens/x", "DELETE"),
        (None, "/trusted-issuers", "GET"),
        ("auditor", "/trusted-issuers", "POST"),
        ("auditor", "/clients/x/exchange-policy", "PUT"),
        ("auditor", "/clients/x/resources", "PUT"),
    ],
)
async def test_each_takes_its_permission(
    limen: Installation, role: Any, path: str, method: str
) -> None:
    who = await somebody(limen, role)
    body: object = {} if method in ("POST", "PUT") else None
    assert (await who.ask(method, path, body)).status == 403
