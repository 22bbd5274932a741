from __future__ import annotations

import json

import pytest

from limen.oauth.authorization.assurance import (
    WantedAcr,
    is_unmet,
    reached_acr,
    wanted_acr,
    wants_factor,
)
from limen.protocol.authorization_request import AuthorizationRequest
from limen.protocol.claims_request import parse_claims_request
from limen.tenants.policies.assurance import ONE_FACTOR, TWO_FACTORS, AssurancePolicy

RULES = AssurancePolicy().acr
ONE, TWO = ("pwd",), ("pwd", "otp", "mfa")


def wanted(*values: str, essential: bool = False) -> WantedAcr:
    return WantedAcr(values=values, essential=essential)


@pytest.mark.parametrize(
    ("values", "amr", "acr"),
    [
        ((), TWO, ""),
        (("x",), TWO, ""),
        ((ONE_FACTOR,), ONE, ONE_FACTOR),
        ((ONE_FACTOR,), (), ""),
        ((TWO_FACTORS,), ONE, ""),
        ((TWO_FACTORS,), TWO, TWO_FACTORS),
        ((ONE_FACTOR, TWO_FACTORS), TWO, ONE_FACTOR),
        (("x", TWO_FACTORS, ONE_FACTOR), ONE, ONE_FACTOR),
    ],
)
def test_acr_is_one_of_the_requested_values_or_absent(
    values: tuple[str, ...], amr: tuple[str, ...], acr: str
) -> None:
    assert reached_acr(wanted(*values), amr, rules=RULES) == acr


@pytest.mark.parametrize(
    ("values", "amr", "wants"),
    [
        ((), ONE, False),
        (("x",), ONE, False),
        ((TWO_FACTORS,), ONE, True),
        ((TWO_FACTORS,), TWO, False),
        ((TWO_FACTORS, ONE_FACTOR), ONE, True),
        ((ONE_FACTOR, TWO_FACTORS), ONE, False),
        (("x", TWO_FACTORS), ONE, True),
    ],
)
def test_the_value_preferred_decides_about_stepping_up(
    values: tuple[str, ...], amr: tuple[str, ...], wants: bool
) -> None:
    assert wants_factor(wanted(*values), amr, rules=RULES) is wants


def test_only_an_essential_value_that_nobody_knows_can_not_be_met() -> None:
    assert is_unmet(wanted("x", essential=True), rules=RULES)
    assert not is_unmet(wanted("x"), rules=RULES)
    assert not is_unmet(wanted("x", ONE_FACTOR, essential=True), rules=RULES)


@pytest.mark.parametrize(
    ("claims", "acr_values", "expected"),
    [
        (None, (), wanted("default")),
        (None, ("a", "b"), wanted("a", "b")),
        ({"acr": None}, ("a",), wanted("a")),
        ({"acr": {"values": ["c", "d"]}}, ("a",), wanted("c", "d", "a")),
        ({"acr": {"essential": True, "values": ["c"]}}, ("a",), wanted("c", essential=True)),
        ({"acr": {"essential": True, "value": "c"}}, (), wanted("c", essential=True)),
        ({"acr": {"essential": True}}, (), wanted("default")),
        ({"acr": {"essential": False, "value": "c"}}, (), wanted("c")),
    ],
)
def test_oidc_core_5_5_1_1_the_claims_parameter_can_make_it_essential(
    claims: dict[str, object] | None, acr_values: tuple[str, ...], expected: WantedAcr
) -> None:
    raw = None if claims is None else json.dumps({"id_token": claims})
    request = AuthorizationRequest(
        client_id="c", acr_values=acr_values, requested_claims=parse_claims_request(raw)
    )
    assert wanted_acr(request, defaults=("default",)) == expected
