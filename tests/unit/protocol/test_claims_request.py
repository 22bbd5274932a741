import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.claims_request import (
    MAX_CLAIMS_BYTES,
    ClaimsRequest,
    accepted_values,
    names_for,
    only_claims,
    parse_claims_request,
    wanted_subject,
    write_claims_request,
)

# OIDC Core section 5.5
EXAMPLE = """{
 "userinfo": {
  "given_name": {"essential": true},
  "nickname": null,
  "email": {"essential": true},
  "email_verified": {"essential": true},
  "picture": null,
  "http://example.info/claims/groups": null
 },
 "id_token": {
  "auth_time": {"essential": true},
  "acr": {"values": ["urn:mace:incommon:iap:silver"] }
 }
}"""


def test_oidc_core_5_5_reads_the_example() -> None:
    wanted = parse_claims_request(EXAMPLE)
    assert wanted["userinfo"]["given_name"] == {"essential": True}
    assert wanted["userinfo"]["nickname"] == {}
    assert accepted_values(wanted["id_token"]["acr"]) == ("urn:mace:incommon:iap:silver",)
    assert names_for(wanted, "id_token") == {"auth_time", "acr"}
    assert parse_claims_request(write_claims_request(wanted)) == wanted


@pytest.mark.parametrize(
    "raw", [None, "{}", '{"other": 1}', '{"userinfo": null}', '{"id_token": {}}']
)
def test_what_asks_for_nothing_is_nothing(raw: str | None) -> None:
    assert parse_claims_request(raw) == {}


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "null",
        "{",
        '{"userinfo": []}',
        '{"userinfo": "email"}',
        '{"userinfo": {"email": true}}',
        '{"userinfo": {"email": {"essential": "yes"}}}',
        '{"userinfo": {"sub": {"value": {}}}}',
        '{"id_token": {"acr": {"value": null}}}',
        '{"userinfo": {"email": {"values": []}}}',
        '{"userinfo": {"email": {"values": "x"}}}',
        '{"userinfo": {"sub": {"values": [[]]}}}',
        '{"userinfo": {"email": null, "email": null}}',
        '{"userinfo": {"email": {"value": NaN}}}',
        json.dumps({"userinfo": {f"c{n}": None for n in range(101)}}),
        json.dumps({"userinfo": {"c": {"values": ["x"] * 21}}}),
    ],
)
def test_refuses_what_section_5_5_does_not_say(raw: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_claims_request(raw)
    assert refused.value.code == "invalid_request"


def test_oidc_core_5_5_1_a_wish_for_an_object_is_a_wish_all_the_same() -> None:
    address = {"essential": True, "value": {"country": "NL"}}
    phone = {"values": [["+31"], "+49"]}
    raw = json.dumps({"userinfo": {"address": address, "phone_number": phone}})
    assert parse_claims_request(raw)["userinfo"] == {
        "address": {"essential": True},
        "phone_number": {"values": ["+49"]},
    }


@pytest.mark.parametrize(
    "raw",
    [
        '{"userinfo": {"x": null}}' + " " * MAX_CLAIMS_BYTES,
        '{"a":' * 1000 + "1" + "}" * 1000,
        "[" * 8000,
    ],
)
def test_n233_n236_refuses_what_is_too_much(raw: str) -> None:
    with pytest.raises(OAuthRefusal):
        parse_claims_request(raw)


@pytest.mark.parametrize(
    ("wanted", "subject"),
    [
        ({}, None),
        ({"id_token": {"sub": {}}}, None),
        ({"id_token": {"sub": {"value": "u1"}}}, "u1"),
        ({"userinfo": {"sub": {"value": "u1"}}}, "u1"),
        ({"userinfo": {"sub": {"value": "u1"}}, "id_token": {"sub": {"values": ["u1"]}}}, "u1"),
    ],
)
def test_oidc_core_5_5_1_names_the_one_person(wanted: Any, subject: str | None) -> None:
    assert wanted_subject(wanted) == subject


@pytest.mark.parametrize(
    "wanted",
    [
        {"id_token": {"sub": {"values": ["u1", "u2"]}}},
        {"id_token": {"sub": {"value": "u1"}}, "userinfo": {"sub": {"value": "u2"}}},
        {"id_token": {"sub": {"value": 1}}},
    ],
)
def test_refuses_two_people_at_once(wanted: Any) -> None:
    with pytest.raises(OAuthRefusal):
        wanted_subject(wanted)


def test_keeps_what_is_allowed() -> None:
    wanted: ClaimsRequest = {
        "userinfo": {"email": {}, "name": {}},
        "id_token": {"phone_number": {}},
    }
    assert only_claims(wanted, allowed=frozenset({"email"})) == {"userinfo": {"email": {}}}


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(raw: str) -> None:
    with contextlib.suppress(OAuthRefusal):
        parse_claims_request(raw)
