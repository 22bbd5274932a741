from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput
from limen.oauth.registration.offered import offered
from limen.protocol.client_document import (
    DocumentRefused,
    check_document_url,
    parse_client_document,
)
from limen.protocol.client_metadata import DEVICE_CODE, ClientMetadata, parse_client_metadata
from limen.tenants.policy import TenantPolicy

CB = ["https://app.example/cb"]


def policy(profile: str = "", **registration: Any) -> TenantPolicy:
    return TenantPolicy.read({"profile": profile, "registration": registration})


@pytest.mark.parametrize(
    ("members", "client_type"),
    [
        ({}, "web"),
        ({"application_type": "native"}, "native"),
        ({"application_type": "web", "token_endpoint_auth_method": "none"}, "spa"),
        ({"token_endpoint_auth_method": "none"}, "spa"),
        (
            {"token_endpoint_auth_method": "none", "redirect_uris": ["http://localhost/cb"]},
            "native",
        ),
        ({"token_endpoint_auth_method": "none", "redirect_uris": ["com.app:/cb"]}, "native"),
        ({"token_endpoint_auth_method": "none", "grant_types": [DEVICE_CODE]}, "native"),
        ({"redirect_uris": ["http://localhost/cb"]}, "web"),
        ({"redirect_uris": "http://localhost/cb"}, "web"),
    ],
)
def test_the_members_say_where_it_runs(members: dict[str, Any], client_type: str) -> None:
    assert (
        offered({"redirect_uris": CB, **members}, policy=policy(), vouched=False)[0] == client_type
    )


def test_nobody_is_a_machine_by_its_own_word() -> None:
    machine = policy(grant_types=["client_credentials"])
    members = {"grant_types": ["client_credentials"], "application_type": "web"}
    assert offered(members, policy=machine, vouched=True)[0] == "web"
    with pytest.raises(InvalidInput) as refusal:
        offered(members, policy=machine, vouched=False)
    assert refusal.value.field == "grant_types"


def test_a_tenants_profile_is_its_clients() -> None:
    _, fapi = offered({"profile": ""}, policy=policy("fapi2"), vouched=False)
    assert fapi["profile"] == "fapi2"
    assert "token_endpoint_auth_method" not in fapi
    assert "require_pkce" not in fapi
    _, mcp = offered({"profile": "fapi2"}, policy=policy("mcp"), vouched=False)
    assert (mcp["profile"], mcp["token_endpoint_auth_method"]) == ("mcp", "client_secret_basic")
    _, plain = offered({}, policy=policy(require_pkce=False), vouched=False)
    assert plain["require_pkce"] is False


def held(**members: Any) -> ClientMetadata:
    """What a client is already, an operator having had their say."""
    return parse_client_metadata({"redirect_uris": CB, **members}, client_type="web")


def test_n191_what_operators_decided_stays_when_a_registration_is_replaced() -> None:
    bank = held(
        profile="fapi2",
        jwks_uri="https://app.example/jwks",
        allowed_origins=["https://desk.example"],
    )
    said = {"profile": "", "require_pkce": False, "assertion_audience": "issuer"}
    kept = offered(said, policy=policy(), vouched=False, held=bank)[1]
    assert kept["profile"] == "fapi2"
    assert tuple(kept["allowed_origins"]) == ("https://desk.example",)
    assert "token_endpoint_auth_method" not in kept
    older = held(assertion_audience="endpoints")
    kept = offered(said, policy=policy(), vouched=False, held=older)[1]
    assert kept["assertion_audience"] == "endpoints"
    lax = policy(require_pkce=False)
    assert offered({}, policy=lax, vouched=False, held=held())[1]["require_pkce"] is True
    assert offered({}, policy=lax, vouched=False)[1]["require_pkce"] is False


def test_derived_origins_follow_the_redirect_uris() -> None:
    moved = {"redirect_uris": ["https://new.example/cb"]}
    assert "allowed_origins" not in offered(moved, policy=policy(), vouched=False, held=held())[1]


def test_a_tenants_stricter_profile_wins_over_what_a_client_is() -> None:
    kept = offered({}, policy=policy("fapi2"), vouched=False, held=held(profile="mcp"))[1]
    assert kept["profile"] == "fapi2"
    assert "require_pkce" not in kept
    signed = held(profile="fapi2_message_signing", jwks_uri="https://app.example/jwks")
    kept = offered({}, policy=policy("fapi2"), vouched=False, held=signed)[1]
    assert kept["profile"] == "fapi2_message_signing"


def test_n190_details_that_nobody_is_asked_about_are_not_a_clients_to_say() -> None:
    grants = ["authorization_code", "client_credentials"]
    given = policy(grant_types=grants)
    details = {"redirect_uris": CB, "authorization_details_types": ["payment"]}

    def made(
        grant_types: list[str], held: ClientMetadata | None = None, *, also: str = ""
    ) -> ClientMetadata:
        asked = {**details, "grant_types": grant_types}
        asked["authorization_details_types"] = ["payment", *([also] if also else [])]
        client_type, members = offered(asked, policy=given, vouched=True, held=held)
        return parse_client_metadata(members, client_type=client_type)

    with_people = made(grants[:1])
    assert with_people.authorization_details_types == ("payment",)
    assert made(grants).authorization_details_types == ()
    assert made(grants, held=with_people).authorization_details_types == ()
    by_operator = parse_client_metadata({**details, "grant_types": grants}, client_type="web")
    assert made(grants, by_operator, also="more").authorization_details_types == ("payment",)


def test_scopes_are_those_of_the_tenant() -> None:
    public = policy(scopes=["openid", "mcp:tools"])
    assert offered({}, policy=public, vouched=False)[1]["scope"] == "openid mcp:tools"
    asked = {"scope": "mcp:tools admin"}
    assert offered(asked, policy=public, vouched=False)[1]["scope"] == "mcp:tools"
    with pytest.raises(InvalidInput):
        offered({"scope": "admin"}, policy=public, vouched=True)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("application_type", "desktop"),
        ("application_type", ["web"]),
        ("grant_types", ["password"]),
        ("response_types", ["token"]),
        ("response_types", ["code id_token"]),
    ],
)
def test_what_nobody_offers_is_refused(member: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        offered({"redirect_uris": CB, member: value}, policy=policy(), vouched=True)
    assert refusal.value.field == member


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [*sorted(ClientMetadata.__dataclass_fields__), "application_type", "software_statement"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.booleans())
def test_n190_any_json_is_a_client_or_a_typed_refusal(
    members: dict[str, Any], vouched: bool
) -> None:
    try:
        client_type, fitting = offered(members, policy=policy(), vouched=vouched)
        client = parse_client_metadata(fitting, client_type=client_type)
    except InvalidInput as refusal:
        assert refusal.field  # noqa: PT017 -- it may be accepted as well
        return
    assert client.client_type != "machine"
    assert client.require_pkce
    assert set(client.grant_types) <= {"authorization_code", "refresh_token", DEVICE_CODE}


@given(st.binary(max_size=200))
def test_n236_any_bytes_are_a_document_or_a_typed_refusal(body: bytes) -> None:
    url = "https://app.example/client.json"
    try:
        members = parse_client_document(body, url=url)
    except DocumentRefused:
        return
    assert members["client_id"] == url


@given(st.text(max_size=60).map(lambda rest: f"https://{rest}"))
def test_n213_any_text_is_an_address_or_a_typed_refusal(url: str) -> None:
    with contextlib.suppress(DocumentRefused):
        check_document_url(url)
        assert url.isascii()
        assert "/" in url.removeprefix("https://")
