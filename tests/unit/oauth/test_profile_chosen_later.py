"""A profile that comes after the registration does what it does in one: switch on, refuse."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from limen.db.work import Works
from limen.kernel.errors import InvalidInput
from limen.kernel.site import Site
from limen.oauth.authorization.address import answer_mode
from limen.oauth.model import Client
from limen.oauth.registry.register_client import NewClient, register_client
from limen.oauth.registry.update_client import ClientChanges, update_client
from limen.protocol.client_metadata import (
    DEVICE_CODE,
    SIGNED_MODES,
    ResponseMode,
    problems_under,
    under_profile,
)
from limen.protocol.jwk import generate_key
from limen.tenants.store import ensure_tenant_row

pytestmark = pytest.mark.anyio
KEYS: dict[str, Any] = {"jwks": {"keys": [generate_key("ES256").public.jwk()]}}
PLAIN = NewClient(
    name="Bank",
    type="web",
    redirect_uris=("https://app.example/cb",),
    auth_method="private_key_jwt",
    metadata=KEYS,
)
FAPI = dataclasses.replace(PLAIN, metadata={**KEYS, "profile": "fapi2"})


@pytest.fixture(autouse=True)
async def tenant(works: Works, site: Site) -> None:
    await works.run(site, ensure_tenant_row)


async def registered(works: Works, site: Site, new: NewClient) -> Client:
    return (await works.run(site, lambda work: register_client(work, new=new))).client


async def changed(works: Works, site: Site, client: Client, **members: object) -> Client:
    changes = ClientChanges(metadata=members)
    made = await works.run(
        site, lambda work: update_client(work, client_id=client.client_id, changes=changes)
    )
    return made.client


async def refused(works: Works, site: Site, client: Client, **members: object) -> str:
    with pytest.raises(InvalidInput) as refusal:
        await changed(works, site, client, **members)
    assert refusal.value.code == "invalid_client_metadata"
    return refusal.value.field


@pytest.mark.parametrize("profile", ["fapi2", "fapi2_message_signing", "mcp"])
async def test_it_switches_on_what_it_does_at_registration(
    works: Works, site: Site, profile: str
) -> None:
    at_once = dataclasses.replace(PLAIN, metadata={**KEYS, "profile": profile})
    expected = (await registered(works, site, at_once)).metadata
    loose = {
        "require_pkce": False,
        "assertion_audience": "endpoints",
        "id_token_signed_response_alg": "RS256",
        "dpop_bound_access_tokens": False,
    }
    for said in ({}, loose):
        plain = dataclasses.replace(PLAIN, metadata={**KEYS, **said})
        later = await changed(works, site, await registered(works, site, plain), profile=profile)
        assert later.metadata == expected


async def test_what_was_chosen_and_is_as_good_stays(works: Works, site: Site) -> None:
    chosen = {"id_token_signed_response_alg": "EdDSA", "response_modes": ["query.jwt"]}
    bound = {"tls_client_certificate_bound_access_tokens": True}
    plain = dataclasses.replace(PLAIN, metadata={**KEYS, **chosen, **bound})
    later = await changed(
        works, site, await registered(works, site, plain), profile="fapi2_message_signing"
    )
    assert later.metadata.id_token_signed_response_alg == "EdDSA"
    assert later.metadata.response_modes == ("query.jwt",)
    assert later.metadata.tls_client_certificate_bound_access_tokens
    assert not later.metadata.dpop_bound_access_tokens


async def test_no_response_mode_at_all_is_no_plain_one_where_answers_are_signed(
    works: Works, site: Site
) -> None:
    none: dict[str, Any] = {"response_modes": []}
    profile: dict[str, Any] = {"profile": "fapi2_message_signing"}
    signing = dataclasses.replace(PLAIN, metadata={**KEYS, **profile})
    at_once = dataclasses.replace(PLAIN, metadata={**KEYS, **profile, **none})
    before = await registered(works, site, dataclasses.replace(PLAIN, metadata={**KEYS, **none}))
    assert before.response_modes == ()
    bound, problems = under_profile(before.metadata, "fapi2_message_signing")
    made = [
        await registered(works, site, at_once),
        await changed(works, site, await registered(works, site, signing), **none),
        await changed(works, site, before, **profile),
        dataclasses.replace(before, metadata=bound),
    ]
    assert problems == []
    for client in made:
        assert client.response_modes == SIGNED_MODES
        plain: tuple[ResponseMode | None, ...] = (None, "query", "form_post")
        for asked in plain:
            assert answer_mode(client, asked=asked) == "jwt"
    # As one was kept before this was refused.
    stored: tuple[tuple[ResponseMode, ...], ...] = ((), ("query", "form_post.jwt"))
    for modes in stored:
        kept = dataclasses.replace(bound, response_modes=modes)
        assert [field for field, _ in problems_under(kept, kept.profile)] == ["response_modes"]
        kept_client = dataclasses.replace(before, metadata=kept)
        assert answer_mode(kept_client, asked="query") == (modes[1:] or ("jwt",))[0]


async def test_what_is_named_beside_it_has_to_fit(works: Works, site: Site) -> None:
    client = await registered(works, site, PLAIN)
    for member, value in {
        "dpop_bound_access_tokens": False,
        "require_pushed_authorization_requests": False,
        "require_pkce": False,
        "assertion_audience": "endpoints",
        "id_token_signed_response_alg": "RS256",
        "token_endpoint_auth_method": "client_secret_basic",
    }.items():
        assert await refused(works, site, client, profile="fapi2", **{member: value}) == member


async def test_what_can_not_be_switched_on_is_refused(works: Works, site: Site) -> None:
    by_secret = dataclasses.replace(PLAIN, auth_method="client_secret_basic")
    client = await registered(works, site, by_secret)
    assert await refused(works, site, client, profile="fapi2") == "token_endpoint_auth_method"
    with_key = {"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt"}
    assert (await changed(works, site, client, **with_key)).metadata.is_fapi
    grants = ("authorization_code", DEVICE_CODE)
    codes = await registered(works, site, dataclasses.replace(PLAIN, grant_types=grants))
    assert await refused(works, site, codes, profile="fapi2") == "grant_types"
    for none in ("fapi1", ["fapi2"]):
        assert await refused(works, site, client, profile=none) == "profile"


async def test_taking_it_away_leaves_the_settings(works: Works, site: Site) -> None:
    for weaker in ("", None, "mcp"):
        client = await registered(works, site, FAPI)
        now = await changed(works, site, client, profile=weaker)
        assert now.metadata == dataclasses.replace(client.metadata, profile=weaker or "")
