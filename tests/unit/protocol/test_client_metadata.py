from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput
from limen.protocol.client_metadata import ClientMetadata, ClientType, parse_client_metadata

CB = "https://app.example/cb"


def parse(client_type: ClientType = "web", **members: object) -> ClientMetadata:
    if client_type != "machine":
        members = {"redirect_uris": [CB], **members}
    return parse_client_metadata(members, client_type=client_type)


@pytest.mark.parametrize(
    ("client_type", "method", "grants", "responses", "public"),
    [
        ("web", "client_secret_basic", ("authorization_code", "refresh_token"), ("code",), False),
        ("spa", "none", ("authorization_code", "refresh_token"), ("code",), True),
        ("native", "none", ("authorization_code", "refresh_token"), ("code",), True),
        ("machine", "client_secret_basic", ("client_credentials",), (), False),
    ],
)
def test_the_type_gives_the_defaults(
    client_type: ClientType,
    method: str,
    grants: tuple[str, ...],
    responses: tuple[str, ...],
    public: bool,
) -> None:
    client = parse(client_type)
    assert client.token_endpoint_auth_method == method
    assert client.grant_types == grants
    assert client.response_types == responses
    assert client.public is public
    assert client.require_pkce is True
    assert client.id_token_signed_response_alg == "RS256"
    assert client.application_type == ("native" if client_type == "native" else "web")


def test_keeps_what_was_registered() -> None:
    client = parse(
        client_name="Caf\u00e9",
        redirect_uris=[CB, CB, f"{CB}2"],
        scope="openid read  read",
        token_endpoint_auth_method="client_secret_post",
        client_uri="https://app.example",
        contacts=["ada@app.example"],
        default_max_age=60,
        response_modes=["query"],
        id_token_signed_response_alg="ES256",
        require_pkce=False,
        post_logout_redirect_uris=["https://app.example/bye"],
    )
    assert client.redirect_uris == (CB, f"{CB}2")
    assert client.scope == ("openid", "read")
    assert client.response_modes == ("query",)
    assert client.post_logout_redirect_uris == ("https://app.example/bye",)
    assert (client.default_max_age, client.require_pkce) == (60, False)


def test_origins_are_those_of_the_https_redirects_unless_given() -> None:
    uris = [CB, "https://app.example:8443/cb", "http://localhost:3000/cb"]
    derived = parse(redirect_uris=uris).allowed_origins
    assert derived == ("https://app.example", "https://app.example:8443")
    given_ = parse(redirect_uris=uris, allowed_origins=["http://localhost:3000"])
    assert given_.allowed_origins == ("http://localhost:3000",)


@pytest.mark.parametrize(
    ("client_type", "member", "value"),
    [
        ("web", "token_endpoint_auth_method", "none"),
        ("web", "token_endpoint_auth_method", "password"),
        ("spa", "token_endpoint_auth_method", "client_secret_basic"),
        ("machine", "token_endpoint_auth_method", "none"),
        ("web", "grant_types", ["implicit"]),
        ("web", "grant_types", ["password"]),
        ("web", "grant_types", ["refresh_token"]),
        ("web", "grant_types", []),
        ("web", "grant_types", "authorization_code"),
        ("spa", "grant_types", ["authorization_code", "client_credentials"]),
        ("machine", "grant_types", ["authorization_code"]),
        ("web", "response_types", ["token"]),
        ("web", "response_types", ["code id_token"]),
        ("web", "response_types", []),
        ("machine", "response_types", ["code"]),
        ("web", "response_modes", ["web_message"]),
        ("web", "id_token_signed_response_alg", "none"),
        ("web", "id_token_signed_response_alg", "HS256"),
        ("web", "client_name", 7),
        ("web", "client_name", "x" * 101),
        ("web", "client_name", "a\r\nSet-Cookie: x"),
        ("web", "client_name", "a\x00"),
        ("web", "client_name", "a\u202eb"),
        ("web", "scope", "a\tb"),
        ("web", "scope", ["a"]),
        ("web", "scope", 'a"b'),
        ("web", "contacts", [1]),
        ("web", "contacts", [f"{n}@app.example" for n in range(21)]),
        ("web", "default_max_age", -1),
        ("web", "default_max_age", "60"),
        ("web", "default_max_age", True),
        ("web", "default_max_age", 1e300),
        ("web", "require_pkce", "false"),
        ("web", "allowed_origins", ["https://app.example/"]),
        ("web", "allowed_origins", ["*"]),
        ("web", "allowed_origins", ["null"]),
        ("web", "post_logout_redirect_uris", ["javascript:alert(1)"]),
        ("web", "post_logout_redirect_uris", ["http://app.example/bye"]),
    ],
)
def test_refuses_what_does_not_fit(client_type: ClientType, member: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(client_type, **{member: value})
    assert refused.value.code == "invalid_client_metadata"
    assert refused.value.field == member


@pytest.mark.parametrize(
    "member", ["client_uri", "logo_uri", "policy_uri", "tos_uri", "initiate_login_uri"]
)
@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//x", "x"],
)
def test_n193_refuses_dangerous_links(member: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse("web", **{member: value})
    assert refused.value.code == "invalid_client_metadata"


@pytest.mark.parametrize(
    ("client_type", "uris"),
    [
        ("web", []),
        ("web", None),
        ("spa", []),
        ("web", ["javascript:alert(1)"]),
        ("web", ["com.example.app:/cb"]),
        ("web", [CB, "https://*.example/cb"]),
        ("machine", [CB]),
    ],
)
def test_refuses_redirect_uris(client_type: ClientType, uris: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(client_type, redirect_uris=uris)
    assert (refused.value.code, refused.value.field) == ("invalid_redirect_uri", "redirect_uris")


def test_a_native_client_may_have_a_private_use_scheme() -> None:
    assert parse("native", redirect_uris=["com.example.app:/cb"]).public


def test_n190_ignores_what_is_not_a_clients_to_say() -> None:
    plain = parse()
    assert parse(first_party=True, trusted=True, roles=["owner"], tenant="other") == plain


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBERS = sorted(ClientMetadata.__dataclass_fields__)


@given(st.sampled_from(get_args(ClientType)), st.dictionaries(st.sampled_from(MEMBERS), JSON))
def test_any_json_is_a_client_or_a_typed_refusal(
    client_type: ClientType, members: Mapping[str, object]
) -> None:
    try:
        client = parse_client_metadata(members, client_type=client_type)
    except InvalidInput as refused:
        assert refused.code in {"invalid_client_metadata", "invalid_redirect_uri"}  # noqa: PT017 -- it may be read as well
        assert refused.field  # noqa: PT017 -- it may be read as well
        return
    assert client.client_type == client_type
