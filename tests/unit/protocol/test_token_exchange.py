from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.jwt_bearer import named_resource, named_scope, profile_of
from limen.protocol.params import Params
from limen.protocol.token_exchange import (
    ACCESS_TOKEN,
    MAX_ACTORS,
    acting,
    is_named_by,
    parse_token_exchange,
)

GOOD = {"subject_token": "s", "subject_token_type": ACCESS_TOKEN}
US = "https://us.example"


def params(*more: tuple[str, str], **changes: str) -> Params:
    return Params.of([*{**GOOD, **changes}.items(), *more])


def test_parameters_of_our_own_are_read_and_no_others() -> None:
    ours = {"limen_feature": "calendar_read", "limen_seen_generation": "3"}
    read = parse_token_exchange(params(**ours, limen_other="x", feature="y"))
    assert read.extensions == ours
    with pytest.raises(OAuthRefusal, match="invalid_request"):
        parse_token_exchange(params(("limen_feature", "drive_read"), **ours))


def test_rfc_8693_2_1_reads_a_request() -> None:
    read = parse_token_exchange(
        params(
            ("resource", "https://API.example/"),
            ("resource", "https://api.example"),
            actor_token="a",
            actor_token_type="urn:x",
            scope="a b",
        )
    )
    assert (read.subject.raw.reveal(), read.subject.type) == ("s", ACCESS_TOKEN)
    assert read.actor is not None
    assert (read.actor.raw.reveal(), read.actor.type) == ("a", "urn:x")
    assert read.requested_type == ACCESS_TOKEN
    assert read.target == read.resource == "https://api.example"
    assert (read.audience, read.scope) == (None, ("a", "b"))
    assert "'s'" not in repr(read)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token_type": ""}, "invalid_request"),
        ({"subject_token_type": "x" * 257}, "invalid_request"),
        ({"actor_token": "a"}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"requested_token_type": "x" * 257}, "invalid_request"),
        ({"resource": "no uri"}, "invalid_target"),
        ({"audience": "x" * 2049}, "invalid_target"),
        ({"scope": '"'}, "invalid_scope"),
    ],
)
def test_n108_refuses_half_a_request(changes: dict[str, str], error: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_token_exchange(params(**changes))
    assert refused.value.code == error


@pytest.mark.parametrize("name", ["resource", "audience"])
def test_one_target_for_a_token(name: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_token_exchange(params((name, "https://a.example"), (name, "https://b.example")))
    assert refused.value.code == "invalid_target"


@given(st.dictionaries(st.sampled_from([*GOOD, "actor_token", "resource", "scope"]), st.text()))
def test_reads_anything_or_refuses_it(members: dict[str, str]) -> None:
    try:
        read = parse_token_exchange(Params.of(members.items()))
    except OAuthRefusal:
        return
    assert read.subject.raw.reveal()


def test_rfc_8693_4_1_who_acts_stands_before_who_acted() -> None:
    assert acting({"sub": "a"}, before=None) == {"sub": "a"}
    chain: dict[str, Any] = {"sub": "first"}
    for number in range(MAX_ACTORS - 1):
        chain = acting({"sub": str(number)}, before=chain)
    assert chain == {"sub": "2", "act": {"sub": "1", "act": {"sub": "0", "act": {"sub": "first"}}}}


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"sub": 7},
        {"sub": "a", "act": "b"},
        {"sub": "a", "act": {}},
        {"sub": "1", "act": {"sub": "2", "act": {"sub": "3", "act": {"sub": "4"}}}},
    ],
)
def test_n274_no_chain_grows_beyond_its_bound_or_from_nothing(before: dict[str, Any]) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        acting({"sub": "next"}, before=before)
    assert refused.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("may_act", "named"),
    [
        ({"sub": "a"}, True),
        ({"sub": "a", "iss": US}, True),
        ({"sub": "a", "iss": "https://other.example"}, False),
        ({"sub": "b"}, False),
        ({"iss": US}, False),
        ({"sub": "a", "role": "support"}, False),
        ({}, False),
        ([], False),
        ("a", False),
        (None, False),
    ],
)
def test_rfc_8693_4_4_may_act_names_the_actor(may_act: object, *, named: bool) -> None:
    assert is_named_by(may_act, {"sub": "a"}, issuer=US) is named


def test_an_actor_of_another_issuer_is_not_ours_of_that_name() -> None:
    foreign = {"sub": "a", "iss": "https://other.example"}
    assert not is_named_by({"sub": "a", "iss": US}, foreign, issuer=US)
    assert is_named_by({"sub": "a", "iss": "https://other.example"}, foreign, issuer=US)


@pytest.mark.parametrize(
    ("typ", "profile"),
    [
        ("oauth-id-jag+jwt", "id-jag"),
        ("application/OAUTH-ID-JAG+jwt", "id-jag"),
        ("JWT", "jwt"),
        (None, "jwt"),
        (7, "jwt"),
    ],
)
def test_typ_tells_assertions_apart(typ: object, profile: str) -> None:
    assert profile_of({} if typ is None else {"typ": typ}) == profile


def test_an_identity_assertion_names_one_resource_and_a_scope() -> None:
    assert named_resource({}) is None
    assert named_resource({"resource": "urn:a"}) == "urn:a"
    assert named_resource({"resource": ["urn:a"]}) == "urn:a"
    assert named_scope({}) is None
    assert named_scope({"scope": "a b"}) == ("a", "b")
    assert named_scope({"scope": ""}) == ()
    for wrong in ([], ["a", "b"], 7, ""):
        with pytest.raises(OAuthRefusal):
            named_resource({"resource": wrong})
    with pytest.raises(OAuthRefusal):
        named_scope({"scope": ["a"]})
