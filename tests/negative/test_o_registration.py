"""Cases O and P where clients register themselves."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from limen.db.work import Work
from limen.oauth.clients import Clients
from limen.oauth.consent import grant_consent
from limen.oauth.model import Client
from limen.oauth.registration.expire_unused import sweep_registrations
from limen.oauth.registration.initial_tokens import create_initial_token, revoke_initial_token
from limen.oauth.registry.disable_client import disable_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.oauth.store import clients as store
from limen.protocol.jwk import generate_key
from limen.protocol.jwt import sign
from limen.testing.visitor import Page
from tests.installation import Installation, Known
from tests.standings import add_tenant

CALLBACK = "https://self-made.example/cb"
REGISTER = "/oauth2/register"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def limen(limen_on_both: Installation) -> Installation:
    return await opened(limen_on_both)


async def opened(running: Installation, **registration: Any) -> Installation:
    """A tenant of its own where anybody may register, on a server that others use too."""
    policy = {"registration": {"mode": "open", **registration}}
    slug = f"registers{next(_numbers)}"
    tenant = await add_tenant(running.application, slug=slug, policy=policy)
    return running.at(tenant)


async def register(limen: Installation, token: str = "", **members: Any) -> Page:
    body = {"redirect_uris": [CALLBACK], **members}
    return await limen.api.fetch("POST", REGISTER, body=body, headers=bearer(token))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


async def registered(limen: Installation, **members: Any) -> dict[str, Any]:
    answer = await register(limen, **members)
    assert answer.status == 201, answer.text
    return dict(answer.json())


async def manage(limen: Installation, made: dict[str, Any], method: str, body: Any = None) -> Page:
    token = made["registration_access_token"]
    return await limen.api.fetch(
        method, made["registration_client_uri"], body=body, headers=bearer(token)
    )


async def stored(limen: Installation, client_id: str) -> Client | None:
    return await limen.run(lambda work: Clients().fresh(work, client_id))


async def change(limen: Installation, client_id: str, changes: ClientChanges) -> None:
    """Let an operator have a say."""
    await limen.run(lambda work: update_client(work, client_id=client_id, changes=changes))


async def how_many(limen: Installation) -> int:
    return len(await limen.run(lambda work: store.list_clients(work, after="", most=1000)))


@pytest.mark.parametrize(
    "uri",
    [
        "https://*.example/cb",
        "https://app.example/cb#frag",
        "https://user@app.example/cb",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " https://app.example/cb",
        "data:text/html,x",
        "http://app.example/cb",
        "",
    ],
)
async def test_n005_n006_n007_n009_nobody_registers_a_dangerous_redirect(
    limen: Installation, uri: str
) -> None:
    before = await how_many(limen)
    for application_type in ("web", "native"):
        answer = await register(limen, redirect_uris=[uri], application_type=application_type)
        assert (answer.status, answer.json()["error"]) == (400, "invalid_redirect_uri")
    assert await how_many(limen) == before


async def test_n190_what_is_no_clients_to_say_is_ignored(limen: Installation) -> None:
    made = await registered(
        limen,
        first_party=True,
        trusted=True,
        verified=True,
        client_type="machine",
        type="machine",
        tenant_id="other",
        roles=["owner"],
        access_token_seconds=9999,
        default_resource="https://api.example",
        rotates_refresh=False,
        allowed_origins=["https://evil.example"],
        require_pkce=False,
        assertion_audience="endpoints",
        profile="mcp",
        client_id="chosen",
        client_secret="chosen",
        grant_types=["authorization_code", "client_credentials", "implicit", "password"],
        scope="openid admin urn:limen:admin",
    )
    assert made["client_id"] != "chosen"
    assert made["client_secret"] != "chosen"
    assert made["grant_types"] == ["authorization_code"]
    assert made["scope"] == "openid"
    asked_for_more = {"first_party", "trusted", "verified", "roles", "tenant_id", "require_pkce"}
    assert not asked_for_more & made.keys()
    client = await stored(limen, made["client_id"])
    assert client is not None
    assert (client.first_party, client.trusted, client.verified) == (False, False, False)
    assert (client.type, client.metadata.profile, client.metadata.require_pkce) == ("web", "", True)
    assert client.origins == ("https://self-made.example",)
    assert client.metadata.assertion_audience is None
    assert client.default_resource is None


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uris": ["javascript:x"]},
        {"redirect_uris": []},
        {"redirect_uris": ["com.example.app:/cb"]},
        {"grant_types": ["client_credentials"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"jwks_uri": "https://10.0.0.1/jwks"},
        {"logo_uri": "data:x"},
        {"client_id": "other"},
        {"client_secret": "guess"},
        {"registration_access_token": "x"},
        {"client_secret_expires_at": 0},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_n191_a_replacement_is_validated_as_a_whole(
    limen: Installation, change: dict[str, Any]
) -> None:
    made = await registered(limen, client_name="Before")
    body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], **change}
    answer = await manage(limen, made, "PUT", body)
    assert answer.status == 400, answer.text
    assert answer.json()["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}
    still = (await manage(limen, made, "GET")).json()
    assert still["client_name"] == "Before"
    assert still["redirect_uris"] == [CALLBACK]


async def test_n191_who_vouched_for_it_did_so_for_what_it_was(limen: Installation) -> None:
    made = await registered(limen)
    client_id = made["client_id"]
    changes = ClientChanges(flags={"verified": True, "trusted": True})
    await limen.run(lambda work: update_client(work, client_id=client_id, changes=changes))
    body = {"client_id": client_id, "redirect_uris": ["https://evil.example/cb"]}
    assert (await manage(limen, made, "PUT", body)).status == 200
    client = await stored(limen, client_id)
    assert client is not None
    assert (client.verified, client.trusted) == (False, False)


async def test_n191_trust_in_a_client_is_not_its_own_to_keep(limen_on_both: Installation) -> None:
    limen = limen_on_both
    initial = await limen.run(create_initial_token)
    made = (await register(limen, initial.raw_token.reveal())).json()
    client_id = made["client_id"]
    changes = ClientChanges(flags={"trusted": True, "first_party": True})
    await limen.run(lambda work: update_client(work, client_id=client_id, changes=changes))
    body = {"client_id": client_id, "redirect_uris": [CALLBACK]}
    kept = await manage(limen, made, "PUT", body)
    client = await stored(limen, client_id)
    assert client is not None
    assert (client.trusted, client.first_party) == (True, True)
    again = {**made, **kept.json()}
    body["redirect_uris"] = ["https://evil.example/cb"]
    assert (await manage(limen, again, "PUT", body)).status == 200
    client = await stored(limen, client_id)
    assert client is not None
    assert (client.verified, client.trusted, client.first_party) == (True, False, False)


async def test_n192_a_disabled_client_manages_nothing(limen: Installation) -> None:
    made, other = await registered(limen), await registered(limen)
    await limen.run(lambda work: disable_client(work, client_id=made["client_id"]))
    body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK]}
    for method in ("GET", "PUT", "DELETE"):
        answer = await manage(limen, made, method, body if method == "PUT" else None)
        assert (answer.status, answer.json()["error"]) == (401, "invalid_token")
    client = await stored(limen, made["client_id"])
    assert client is not None
    assert not client.is_active
    stolen = {**other, "registration_access_token": made["registration_access_token"]}
    assert (await manage(limen, stolen, "GET")).status == 401


async def test_n192_a_token_is_for_one_client_alone(limen: Installation) -> None:
    made, other = await registered(limen), await registered(limen)
    initial = await limen.run(create_initial_token)
    for token in (
        other["registration_access_token"],
        initial.raw_token.reveal(),
        made["client_secret"],
        "x",
    ):
        for method in ("GET", "PUT", "DELETE"):
            stolen = {**made, "registration_access_token": token}
            body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK]}
            answer = await manage(limen, stolen, method, body if method == "PUT" else None)
            assert answer.status == 401, answer.text
    bare = await limen.api.fetch("GET", made["registration_client_uri"])
    assert bare.status == 401
    assert (await manage(limen, made, "GET")).status == 200


async def test_n192_a_token_is_worth_nothing_in_another_tenant(limen: Installation) -> None:
    made, elsewhere = await registered(limen), await opened(limen)
    answer = await elsewhere.api.fetch(
        "GET",
        f"{REGISTER}/{made['client_id']}",
        headers=bearer(made["registration_access_token"]),
    )
    assert answer.status == 401


async def test_n193_nobody_registers_a_dangerous_link(limen: Installation) -> None:
    for member in (
        *("client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri", "jwks_uri"),
        *("backchannel_logout_uri", "frontchannel_logout_uri", "sector_identifier_uri"),
    ):
        for uri in ("javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x"):
            answer = await register(limen, **{member: uri})
            told = (answer.status, answer.json().get("error"))
            assert told == (400, "invalid_client_metadata"), (member, uri)


async def test_n194_there_is_room_for_so_many(limen_on_both: Installation) -> None:
    limen = await opened(limen_on_both, most_open=2)
    for _ in range(2):
        await registered(limen)
    full = await register(limen)
    assert full.status == 429, full.text
    assert int(full.headers["retry-after"]) > 0
    made = await limen.run(create_initial_token)
    assert (await register(limen, made.raw_token.reveal())).status == 201


async def test_n194_what_nobody_uses_goes(limen_on_both: Installation) -> None:
    limen = await opened(limen_on_both, unused_days=2)
    unused, used = await registered(limen), await registered(limen)
    initial = await limen.run(create_initial_token)
    kept = (await register(limen, initial.raw_token.reveal())).json()
    person = await limen.person()

    async def consent(work: Work) -> None:
        client = await Clients().fresh(work, used["client_id"])
        assert client is not None
        await grant_consent(
            work,
            user_id=person.id,
            client=client,
            resource=limen.issuer,
            scope=("openid",),
            remembered=True,
        )

    await limen.run(consent)

    async def sweep(days: int) -> int:
        async def later(work: Work) -> int:
            work.now += dt.timedelta(days=days)
            return await sweep_registrations(work)

        return await limen.run(later)

    await sweep(1)
    assert await stored(limen, unused["client_id"]) is not None
    await sweep(3)
    assert await stored(limen, unused["client_id"]) is None
    assert await stored(limen, used["client_id"]) is not None
    assert await stored(limen, kept["client_id"]) is not None
    assert (await manage(limen, unused, "GET")).status == 401


async def test_n194_whom_an_operator_stands_for_is_used_by_them(
    limen_on_both: Installation,
) -> None:
    limen = await opened(limen_on_both, unused_days=2)
    unused = await registered(limen)
    vouched = {flag: await registered(limen) for flag in ("verified", "trusted", "first_party")}
    for flag, made in vouched.items():
        await change(limen, made["client_id"], ClientChanges(flags={flag: True}))

    async def later(work: Work) -> int:
        work.now += dt.timedelta(days=4)
        return await sweep_registrations(work)

    await limen.run(later)
    for flag, made in vouched.items():
        assert await stored(limen, made["client_id"]) is not None, flag
    assert await stored(limen, unused["client_id"]) is None


async def test_n194_nobody_has_checked_its_name(limen: Installation) -> None:
    made = await registered(limen, client_name="Google")
    client = await stored(limen, made["client_id"])
    assert client is not None
    assert not client.verified
    initial = await limen.run(create_initial_token)
    vouched = await register(limen, initial.raw_token.reveal(), client_name="Ours")
    client = await stored(limen, vouched.json()["client_id"])
    assert client is not None
    assert client.verified


async def test_n195_secrets_are_shown_once(limen: Installation) -> None:
    made = await registered(limen)
    secret = made["client_secret"]
    assert made["client_secret_expires_at"] == 0
    body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], "client_secret": secret}
    for answer in (await manage(limen, made, "GET"), await manage(limen, made, "PUT", body)):
        assert answer.status == 200
        assert secret not in answer.text
        assert "client_secret" not in answer.json()
    client = await stored(limen, made["client_id"])
    assert client is not None
    assert secret.encode() not in (client.secrets[0].secret_hash or b"")
    known = Known(made["client_id"], secret)
    answer = await limen.post("/oauth2/token", known, grant_type="client_credentials")
    assert answer.json()["error"] == "unauthorized_client"


async def test_n195_an_access_token_is_replaced_with_the_registration(limen: Installation) -> None:
    made = await registered(limen)
    body = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], "client_name": "New"}
    replaced = (await manage(limen, made, "PUT", body)).json()
    assert replaced["registration_access_token"] != made["registration_access_token"]
    assert (await manage(limen, made, "GET")).status == 401
    assert (await manage(limen, replaced, "GET")).json()["client_name"] == "New"


async def test_n213_nothing_inside_is_named_by_a_registration(limen: Installation) -> None:
    # In development loopback and local names are open; tests of ``limen.net`` have all forms.
    before = await how_many(limen)
    for member in ("jwks_uri", "sector_identifier_uri", "request_uris", "backchannel_logout_uri"):
        for host in (
            *("10.0.0.1", "169.254.169.254", "100.64.0.1", "[::ffff:10.0.0.1]"),
            *("[64:ff9b::a00:1]", "2130706433", "0x7f.1", "224.0.0.1"),
        ):
            uri = f"https://{host}/x"
            sent: dict[str, Any] = {member: [uri] if member == "request_uris" else uri}
            answer = await register(limen, **sent)
            told = (answer.status, answer.json().get("error"))
            assert told == (400, "invalid_client_metadata"), (member, host)
    assert await how_many(limen) == before


async def test_a_closed_tenant_registers_nobody(limen_on_both: Installation) -> None:
    limen = await opened(limen_on_both, mode="closed")
    assert (await register(limen)).status == 403
    initial = await limen.run(create_initial_token)
    assert (await register(limen, initial.raw_token.reveal())).status == 403
    document = (await limen.api.fetch("GET", "/.well-known/openid-configuration")).json()
    assert "registration_endpoint" not in document


async def test_an_initial_token_registers_so_many_and_no_more(limen_on_both: Installation) -> None:
    limen = await opened(limen_on_both, mode="initial_access_token")
    for token in ("", "x", "lmia_aaaaaaaaaa_" + "a" * 43):
        # Who may not register is told so before anything they sent is looked at.
        refused = await register(limen, token, redirect_uris=[], jwks_uri="https://10.0.0.1/x")
        assert (refused.status, refused.json()["error"]) == (401, "invalid_token")
        challenge = refused.headers["www-authenticate"]
        assert (challenge.startswith("Bearer "), "error=" in challenge) == (True, bool(token))
    made = await limen.run(lambda work: create_initial_token(work, uses=2))
    token = made.raw_token.reveal()
    for uris, status in (([], 400), ([CALLBACK], 201), (["x:"], 400), ([CALLBACK], 201)):
        answer = await register(limen, token, redirect_uris=uris)
        assert answer.status == status, answer.text
    assert (await register(limen, token)).status == 401


async def test_an_initial_token_ends(limen_on_both: Installation) -> None:
    limen = await opened(limen_on_both, mode="initial_access_token")

    async def yesterday(work: Work) -> str:
        work.now -= dt.timedelta(days=1)
        made = await create_initial_token(work, ttl=dt.timedelta(days=1))
        return made.raw_token.reveal()

    over = await limen.run(yesterday)
    revoked = await limen.run(create_initial_token)
    await limen.run(lambda work: revoke_initial_token(work, token_id=revoked.token.id))
    for token in (over, revoked.raw_token.reveal()):
        assert (await register(limen, token)).status == 401


async def test_a_deleted_client_and_its_tokens_are_gone(limen: Installation) -> None:
    made = await registered(limen)
    answer = await manage(limen, made, "DELETE")
    assert (answer.status, answer.text) == (204, "")
    for method in ("GET", "DELETE"):
        assert (await manage(limen, made, method)).status == 401
    known = Known(made["client_id"], made["client_secret"])
    refused = await limen.post("/oauth2/token", known, grant_type="refresh_token")
    assert (refused.status, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"redirect_uris":[],"redirect_uris":[]}', "application/json", 400),
        (b"{" * 5000, "application/json", 400),
        (b'{"client_name":"\xff"}', "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"redirect_uris=x", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_only_a_json_object_registers(
    limen: Installation, body: bytes, kind: str, status: int
) -> None:
    async with limen.plain.post(
        f"{limen.issuer}{REGISTER}", data=body, headers={"Content-Type": kind}
    ) as answer:
        assert answer.status == status


async def test_n195_initial_tokens_are_shown_once_and_only_to_operators(
    limen_on_both: Installation,
) -> None:
    path = "/api/v1/admin/initial-access-tokens"
    admin, member = await limen_on_both.person(role="admin"), await limen_on_both.person()
    tokens = [(await limen_on_both.login(who))["access_token"] for who in (admin, member)]
    body = {"name": "Suite", "uses": 2, "valid_seconds": 3600}
    api = limen_on_both.api
    refused = await api.fetch("POST", path, body=body, headers=bearer(tokens[1]))
    assert refused.status == 403
    made = await api.fetch("POST", path, body=body, headers=bearer(tokens[0]))
    assert made.status == 201, made.text
    raw = made.json()["token"]
    listed = await api.fetch("GET", path, headers=bearer(tokens[0]))
    assert raw not in listed.text
    assert made.json()["id"] in [one["id"] for one in listed.json()["tokens"]]
    audit = await api.fetch("GET", "/api/v1/admin/audit?limit=200", headers=bearer(tokens[0]))
    assert raw not in audit.text
    assert (await register(limen_on_both, raw)).status == 201
    gone = f"{path}/{made.json()['id']}"
    assert (await api.fetch("DELETE", gone, headers=bearer(tokens[0]))).status == 204
    assert (await api.fetch("DELETE", gone, headers=bearer(tokens[0]))).status == 404
    assert (await register(limen_on_both, raw)).status == 401


async def test_n193_operators_see_all_that_a_client_registered(
    limen_on_both: Installation,
) -> None:
    admin = await limen_on_both.person(role="admin")
    headers = bearer((await limen_on_both.login(admin))["access_token"])
    api, path = limen_on_both.api, "/api/v1/admin/clients"
    body = {
        "name": "Bank",
        "redirect_uris": [CALLBACK],
        "profile": "fapi2",
        "jwks_uri": "https://93.184.216.34/jwks",
        "metadata": {"software_id": "s-1", "subject_type": "pairwise"},
    }
    made = await api.fetch("POST", path, body=body, headers=headers)
    assert made.status == 201, made.text
    shown = made.json()
    assert shown["client_secret"] is None
    expected = {"software_id": "s-1", "profile": "fapi2", "dpop_bound_access_tokens": True}
    assert expected.items() <= shown["metadata"].items()
    url = f"{path}/{shown['client_id']}"
    inside = {"jwks_uri": "https://10.0.0.1/jwks"}
    assert (await api.fetch("PATCH", url, body=inside, headers=headers)).status == 422
    weaker = {"metadata": {"require_pushed_authorization_requests": False}}
    assert (await api.fetch("PATCH", url, body=weaker, headers=headers)).status == 422
    plain = {"metadata": {"profile": "", "token_endpoint_auth_method": "client_secret_jwt"}}
    changed = await api.fetch("PATCH", url, body=plain, headers=headers)
    assert changed.status == 200, changed.text
    secret = changed.json()["client_secret"]
    assert secret.startswith("lmcs_")
    client = await stored(limen_on_both, shown["client_id"])
    assert client is not None
    assert client.secrets[0].secret_hash is None
    assert secret.encode() not in (client.secrets[0].sealed_secret or b"")
    again = await api.fetch("GET", url, headers=headers)
    assert secret not in again.text


async def test_n191_without_its_statement_a_client_is_vouched_for_no_longer(
    limen_on_both: Installation,
) -> None:
    key, issuer = generate_key("ES256"), "https://statements.example"
    known = {"issuer": issuer, "jwks": {"keys": [key.public.jwk()]}}
    limen = await opened(
        limen_on_both,
        statement_issuers=[known],
        grant_types=["authorization_code", "client_credentials"],
    )
    said = {
        "iss": issuer,
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [generate_key("ES256").public.jwk()]},
    }
    stated = {
        "software_statement": sign(said, key, typ="JWT"),
        "grant_types": ["authorization_code", "client_credentials"],
    }
    made = await registered(limen, **stated)
    before = await stored(limen, made["client_id"])
    assert before is not None
    assert (before.verified, before.may_use("client_credentials")) == (True, True)
    elsewhere = {"redirect_uris": ["https://elsewhere.example/cb"]}
    changed = {**stated, **elsewhere, "client_id": made["client_id"]}
    kept = await manage(limen, made, "PUT", changed)
    assert kept.status == 200, kept.text
    after = await stored(limen, made["client_id"])
    assert after is not None
    assert (after.verified, after.redirect_uris) == (True, (CALLBACK,))
    made = dict(kept.json())
    del changed["software_statement"]
    assert (await manage(limen, made, "PUT", changed)).status == 200
    after = await stored(limen, made["client_id"])
    assert after is not None
    assert (after.verified, after.may_use("client_credentials")) == (False, False)


async def test_n191_nobody_leaves_a_profile_by_registering_anew(limen: Installation) -> None:
    made = await registered(limen, token_endpoint_auth_method="none")
    await change(limen, made["client_id"], ClientChanges(metadata={"profile": "mcp"}))
    said = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], "profile": ""}
    kept = await manage(limen, made, "PUT", {**said, "token_endpoint_auth_method": "none"})
    assert kept.status == 200, kept.text
    client = await stored(limen, made["client_id"])
    assert client is not None
    assert client.metadata.profile == "mcp"


async def test_n191_a_copied_statement_lends_a_stranger_no_name(
    limen_on_both: Installation,
) -> None:
    key, issuer = generate_key("ES256"), "https://statements.example"
    grants = ["authorization_code", "client_credentials"]
    limen = await opened(
        limen_on_both,
        statement_issuers=[{"issuer": issuer, "jwks": {"keys": [key.public.jwk()]}}],
        grant_types=grants,
    )
    copied = sign({"iss": issuer, "client_name": "Ours"}, key, typ="JWT")
    made = await registered(limen, software_statement=copied)
    client = await stored(limen, made["client_id"])
    assert client is not None
    assert (made["client_name"], client.verified) == ("Ours", False)
    asked = {"software_statement": copied, "grant_types": grants}
    assert (await registered(limen, **asked))["grant_types"] == grants[:1]
    alone = await register(
        limen, software_statement=copied, redirect_uris=[], grant_types=grants[1:]
    )
    assert (alone.status, alone.json()["error"]) == (400, "invalid_client_metadata")
    at_home = {"iss": issuer, "redirect_uris": [CALLBACK]}
    keys = {"jwks": {"keys": [generate_key("ES256").public.jwk()]}}
    for left_open in (at_home, {**at_home, **keys}, {**at_home, "grant_types": grants}):
        asked["software_statement"] = sign(left_open, key, typ="JWT")
        own = await registered(limen, **asked)
        assert own["grant_types"] == grants[:1], left_open
        client = await stored(limen, own["client_id"])
        assert client is not None
        assert not client.verified
