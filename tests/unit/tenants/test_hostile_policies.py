"""Policies as an administrator may write them: read, or refused with the member at fault."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from limen.kernel.errors import InvalidInput
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.trust.issuer import Trust
from limen.tenants.policy import TenantPolicy
from tests.unit.hostile import FEW, JSON, objects, read_or_refused
from tests.unit.protocol.jose_kit import ES

POLICY: dict[str, Any] = TenantPolicy().model_dump(mode="json")
TRUST: dict[str, Any] = {
    "jwks": {"keys": [ES.public.jwk()]},
    "algorithms": ["ES256"],
    "profiles": ["jwt", "id-jag"],
    "audience": "issuer",
    "max_age_seconds": 300,
    "clients": ["*"],
    "resources": ["https://api.example"],
    "scopes": ["read"],
    "subjects": "linked",
}
EXCHANGE: dict[str, Any] = {
    "subject_clients": ["*"],
    "subjects": ["*"],
    "audiences": ["https://api.example"],
    "scopes": ["read"],
    "subject_issuers": ["https://idp.example"],
}


def test_the_good_ones_are_read() -> None:
    assert TenantPolicy.read(POLICY) == TenantPolicy()
    assert Trust.read(TRUST).scopes == ("read",)
    assert ExchangePolicy.read(EXCHANGE).scopes == ("read",)


@FEW
@given(objects(POLICY), JSON)
def test_any_policy_is_read_or_refused(policy: dict[str, Any], other: Any) -> None:
    read_or_refused(TenantPolicy.read, policy)
    for name in list(POLICY)[:6]:
        read_or_refused(TenantPolicy.read, {name: other})


@FEW
@given(objects(TRUST), objects(EXCHANGE))
def test_any_trust_is_read_or_refused(trust: dict[str, Any], exchange: dict[str, Any]) -> None:
    read_or_refused(Trust.read, trust)
    read_or_refused(ExchangePolicy.read, exchange)


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="policy_invalid"):
        TenantPolicy.read({"claims": {"access_token": {"\ud800": 1}}})
