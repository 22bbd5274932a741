import contextlib
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.authorization_request import parse_authorization_request
from limen.protocol.client_metadata import ClientMetadata
from limen.protocol.jwk import KeySet, generate_key
from limen.protocol.params import Params
from limen.protocol.request_object import (
    RequestRules,
    merged,
    rules_for,
    verify_request_object,
)
from tests.request_objects import object_claims, signed_object
from tests.unit.protocol.jose_kit import ED, ES, ISSUER, KEYS, NOW, RS, encode, forge, forge_hmac

CLIENT = "s6BhdRkqt3"
# RFC 9101 section 4, with a challenge in place of what OAuth 2.1 dropped.
SAID = {
    "response_type": "code",
    "redirect_uri": "https://client.example.org/cb",
    "scope": "openid",
    "state": "af0ifjsldkj",
    "nonce": "n-0S6_WzA2Mj",
    "max_age": 86400,
}
PLAIN = RequestRules(algorithms=frozenset({"ES256", "EdDSA"}), dated=False, alone=True)
UNSIGNED = "Its signature can't be verified with a key of this client."
DATED = RequestRules(algorithms=frozenset({"ES256"}), dated=True, alone=True)


def claims(**changes: Any) -> dict[str, Any]:
    return object_claims(CLIENT, issuer=ISSUER, now=NOW, said=SAID, **changes)


def opened(raw: str, *, rules: RequestRules = PLAIN, keys: KeySet = KEYS) -> Params:
    return verify_request_object(raw, keys, client_id=CLIENT, issuer=ISSUER, rules=rules, now=NOW)


def refused(raw: str, *, rules: RequestRules = PLAIN) -> None:
    with pytest.raises(OAuthRefusal) as refusal:
        opened(raw, rules=rules)
    assert refusal.value.code == "invalid_request_object"


def test_rfc9101_the_object_says_the_parameters() -> None:
    request = parse_authorization_request(opened(signed_object(claims(), ES)))
    assert request.client_id == CLIENT
    assert request.max_age == 86400
    assert (request.scope, request.state, request.nonce) == (
        ("openid",),
        SAID["state"],
        SAID["nonce"],
    )


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", "application/jwt", None])
def test_rfc9101_takes_its_own_type_and_the_old_ones(typ: str | None) -> None:
    assert opened(signed_object(claims(), ES, typ=typ)).one("state") == SAID["state"]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": ["https://other.example"]},
        {"aud": []},
        {"aud": 7},
        {"iss": "somebody-else"},
        {"client_id": "somebody-else"},
        {"client_id": None},
        {"exp": int(NOW.timestamp()) - 60},
        {"exp": "tomorrow"},
        {"exp": 1e300},
        {"nbf": int(NOW.timestamp()) + 120},
        {"request": "eyJ"},
        {"request_uri": "https://client.example.org/ro"},
        {"sub": CLIENT},
    ],
)
def test_n078_n079_refuses_claims_that_are_not_as_they_should_be(changes: dict[str, Any]) -> None:
    refused(signed_object(claims(**changes), ES))


def test_the_issuer_need_only_be_among_the_audiences() -> None:
    raw = signed_object(claims(aud=["https://other.example", ISSUER]), ES)
    assert opened(raw).one("scope") == "openid"


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("changes", "rules", "words"),
    [
        ({"aud": "x"}, PLAIN, f"aud must be the issuer, or an array that holds it: {ISSUER}"),
        ({"iss": "somebody-else"}, PLAIN, "iss must be the client_id."),
        ({"exp": SECONDS - 60}, PLAIN, "It has expired: exp has passed."),
        ({"exp": "tomorrow"}, PLAIN, "exp must be a NumericDate."),
        ({"exp": SECONDS + 3700}, DATED, "exp must be a NumericDate, at most 3600 seconds ahead."),
        ({"exp": None}, DATED, "exp is missing."),
        ({"nbf": SECONDS + 120}, PLAIN, "nbf must be a NumericDate, and not in the future."),
        ({"nbf": SECONDS - 3700}, DATED, "It is too old: nbf is too long ago."),
        (
            {"nbf": SECONDS - 1800, "exp": SECONDS + 1801},
            DATED,
            "exp is too long after nbf.",
        ),
        ({"iat": SECONDS + 61}, PLAIN, "iat must be a NumericDate, and not in the future."),
    ],
)
def test_its_signer_reads_which_claim_is_wrong(
    changes: dict[str, Any], rules: RequestRules, words: str
) -> None:
    stranger = generate_key("ES256")
    for key, expected in ((ES, words), (stranger, UNSIGNED)):
        with pytest.raises(OAuthRefusal) as refusal:
            opened(signed_object(claims(**changes), key, kid=ES.kid), rules=rules)
        assert refusal.value.public == f"The request object: {expected}"


def test_before_its_signature_holds_all_answers_are_one() -> None:
    good, stranger = signed_object(claims(), ES), generate_key("ES256")
    sent = [
        good.rpartition(".")[0] + ".",
        good.rpartition(".")[0] + "." + "A" * 86,
        signed_object(claims(), stranger),
        signed_object(claims(), stranger, kid=ES.kid),
        signed_object(claims(), stranger, kid=ES.kid, alg="RS256"),
        signed_object(claims(), ES, alg="none"),
        forge_hmac({"alg": "HS256", "typ": "JWT", "kid": ES.kid}, claims(), b"secret"),
        "not a token",
    ]
    told = set()
    for raw in sent:
        with pytest.raises(OAuthRefusal) as refusal:
            opened(raw)
        told.add((refusal.value.code, refusal.value.public, refusal.value.field))
    assert told == {("invalid_request_object", f"The request object: {UNSIGNED}", "request")}


def test_its_signer_reads_that_the_algorithm_is_not_for_them() -> None:
    with pytest.raises(OAuthRefusal) as refusal:
        opened(signed_object(claims(), RS))
    assert refusal.value.public == "The request object: alg is not one that may be used here."


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "none"},
        {"alg": None},
        {"alg": "RS256"},
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "client-authentication+jwt"},
        {"typ": "logout+jwt"},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
    ],
)
def test_n070_n073_n084_refuses_headers(head: dict[str, Any]) -> None:
    refused(signed_object(claims(), ES, **head))


def test_n069_n070_n072_refuses_signatures() -> None:
    raw = signed_object(claims(), ES)
    refused(raw.rpartition(".")[0] + ".")
    refused(raw.rpartition(".")[0] + "." + "A" * 86)
    refused(forge_hmac({"alg": "HS256", "typ": "JWT", "kid": ES.kid}, claims(), b"secret"))
    stranger = generate_key("ES256")
    refused(signed_object(claims(), stranger))
    refused(
        forge(
            {"alg": "ES256", "kid": stranger.kid, "jwk": stranger.public.jwk()}, claims(), stranger
        )
    )
    refused(encode({"alg": "none"}) + "." + encode(claims()) + ".")
    refused("not a token")


@pytest.mark.parametrize(
    "changes",
    [
        {"nbf": None},
        {"exp": None},
        {"exp": int(NOW.timestamp()) + 3700},
        {"nbf": int(NOW.timestamp()) - 3700},
        {"nbf": int(NOW.timestamp()) - 1800, "exp": int(NOW.timestamp()) + 1801},
        {"iat": int(NOW.timestamp()) + 61},
        {"nbf": int(NOW.timestamp()) + 61},
    ],
)
def test_fapi_message_signing_wants_both_dates_within_the_hour(changes: dict[str, Any]) -> None:
    assert "state" in opened(signed_object(claims(), ES), rules=DATED)
    refused(signed_object(claims(**changes), ES), rules=DATED)


def metadata(**changes: Any) -> ClientMetadata:
    return ClientMetadata(
        client_name="App",
        client_type="web",
        token_endpoint_auth_method="client_secret_basic",
        grant_types=("authorization_code",),
        **changes,
    )


def test_a_registered_algorithm_is_the_only_one() -> None:
    params = Params(())
    assert "PS256" in rules_for(metadata(), params=params, pushed=False).algorithms
    registered = metadata(request_object_signing_alg="ES256")
    assert rules_for(registered, params=params, pushed=False).algorithms == {"ES256"}
    ed = rules_for(metadata(request_object_signing_alg="EdDSA"), params=params, pushed=False)
    assert "state" in opened(signed_object(claims(), ED), rules=ed)
    fapi = rules_for(metadata(profile="fapi2"), params=params, pushed=False)
    assert "RS256" not in fapi.algorithms
    refused(signed_object(claims(), RS), rules=fapi)


@pytest.mark.parametrize(
    ("outside", "changes", "pushed", "alone"),
    [
        ({"scope": "openid"}, {}, False, False),
        ({"scope": "read"}, {}, False, True),
        ({}, {}, False, True),
        ({"scope": "openid"}, {}, True, True),
        ({"scope": "openid"}, {"profile": "fapi2"}, False, True),
        ({"scope": "openid"}, {"require_signed_request_object": True}, False, True),
    ],
)
def test_only_openid_requests_are_merged(
    outside: dict[str, str], changes: dict[str, Any], pushed: bool, alone: bool
) -> None:
    rules = rules_for(metadata(**changes), params=Params(outside.items()), pushed=pushed)
    assert rules.alone is alone


OUTSIDE = Params(
    {
        "client_id": CLIENT,
        "response_type": "code",
        "scope": "openid email",
        "state": "outside",
        "prompt": "login",
        "request": "eyJ",
    }.items()
)
INSIDE = Params({"client_id": CLIENT, "scope": "openid", "state": "inside"}.items())


def test_rfc9101_alone_the_object_says_everything() -> None:
    kept = merged(OUTSIDE, INSIDE, rules=PLAIN)
    assert sorted(kept.pairs) == [("client_id", CLIENT), ("scope", "openid"), ("state", "inside")]


def test_oidc_core_6_1_the_object_wins_and_the_rest_stands() -> None:
    rules = RequestRules(algorithms=frozenset({"ES256"}), dated=False, alone=False)
    kept = merged(OUTSIDE, INSIDE, rules=rules)
    assert dict(kept.pairs) == {
        "client_id": CLIENT,
        "response_type": "code",
        "scope": "openid",
        "state": "inside",
        "prompt": "login",
    }
    assert len(kept.pairs) == 5
    with pytest.raises(OAuthRefusal):
        merged(OUTSIDE, Params([("response_type", "token")]), rules=rules)


def test_json_in_an_object_is_the_json_of_the_parameter() -> None:
    wanted = {"userinfo": {"email": {"essential": True}}}
    details = [{"type": "payment", "amount": "1"}]
    raw = signed_object(
        claims(claims=wanted, authorization_details=details, resource=["https://a.example"]), ES
    )
    params = opened(raw)
    assert json.loads(params.required("claims")) == wanted
    assert json.loads(params.required("authorization_details")) == details
    assert params.many("resource") == ("https://a.example",)


@given(
    st.dictionaries(
        st.text(max_size=10),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
        max_size=6,
    )
)
def test_whatever_an_object_says_it_is_parameters_or_refused(said: dict[str, Any]) -> None:
    raw = signed_object({**said, "aud": ISSUER, "client_id": CLIENT}, ES)
    with contextlib.suppress(OAuthRefusal):
        assert all(value for _, value in opened(raw).pairs)


def test_a_member_nobody_knows_is_no_reason_to_refuse() -> None:
    raw = signed_object(claims(new_flag=True, factor=1.5, nested={"a": [1]}), ES)
    assert parse_authorization_request(opened(raw)).state == SAID["state"]
    with pytest.raises(OAuthRefusal):
        parse_authorization_request(opened(signed_object(claims(max_age=True), ES)))


def test_the_clients_clock_may_be_a_little_off() -> None:
    ahead = int((NOW + dt.timedelta(seconds=8)).timestamp())
    assert "state" in opened(signed_object(claims(nbf=ahead, iat=ahead), ES), rules=DATED)
