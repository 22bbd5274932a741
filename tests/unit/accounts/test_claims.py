from __future__ import annotations

import datetime as dt

import pytest

from limen.accounts.claims import STORED_CLAIMS, all_claims, check_claims
from limen.accounts.user import User
from limen.kernel.clock import UTC
from limen.kernel.errors import InvalidInput
from limen.protocol.claims import select_claims

MOMENT = dt.datetime(2030, 1, 1, tzinfo=UTC)
WHOLE = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "middle_name": "King",
    "nickname": "Ada",
    "preferred_username": "ada",
    "profile": "https://example.com/ada",
    "picture": "https://example.com/ada.png",
    "website": "https://example.com",
    "gender": "female",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 20 7946 0000",
    "phone_number_verified": True,
    "address": {"formatted": "12 St James's Square\nLondon", "country": "UK"},
}


def user(claims: dict[str, object], *, email: str | None = "ada@example.com") -> User:
    return User(
        id="u1",
        state="active",
        email=email,
        email_verified_at=MOMENT if email else None,
        claims=claims,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


def test_every_standard_claim_can_be_stored_and_comes_out_by_scope() -> None:
    assert WHOLE.keys() == STORED_CLAIMS
    ada = user(check_claims(WHOLE, by_operator=True))
    assert select_claims(all_claims(ada), scope=["openid"]) == {}
    assert select_claims(all_claims(ada), scope=["email"]) == {
        "email": "ada@example.com",
        "email_verified": True,
    }
    assert select_claims(all_claims(ada), scope=["phone"]) == {
        "phone_number": "+44 20 7946 0000",
        "phone_number_verified": True,
    }
    assert select_claims(all_claims(ada), scope=["address"]) == {"address": WHOLE["address"]}
    profile = select_claims(all_claims(ada), scope=["profile"])
    assert profile["updated_at"] == int(MOMENT.timestamp())
    assert len(profile) == 14
    assert select_claims(
        all_claims(ada), scope=["profile", "email", "phone", "address"]
    ) == all_claims(ada)


def test_absent_claims_are_left_out() -> None:
    assert select_claims(
        all_claims(user({}, email=None)), scope=["profile", "email", "phone", "address"]
    ) == {"updated_at": int(MOMENT.timestamp())}


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"email": "eve@example.com"}, "claim_unknown"),
        ({"sub": "u2"}, "claim_unknown"),
        ({"role": "owner"}, "claim_unknown"),
        ({"name": ""}, "claim_invalid"),
        ({"name": "a\nb"}, "claim_invalid"),
        ({"name": "x" * 1001}, "claim_invalid"),
        ({"name": 5}, "claim_invalid"),
        ({"name": ["a"]}, "claim_invalid"),
        ({"website": "javascript:alert(1)"}, "claim_invalid"),
        ({"picture": "data:image/png;base64,x"}, "claim_invalid"),
        ({"profile": "https://user@example.com"}, "claim_invalid"),
        ({"website": "https://["}, "claim_invalid"),
        ({"birthdate": "10.12.1815"}, "claim_invalid"),
        ({"locale": "not a locale"}, "claim_invalid"),
        ({"address": "London"}, "claim_invalid"),
        ({"address": {"planet": "earth"}}, "claim_invalid"),
        ({"phone_number_verified": "true"}, "claim_invalid"),
    ],
)
def test_what_is_no_standard_claim_of_the_right_form_is_refused(
    claims: dict[str, object], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_claims(claims, by_operator=True)
    assert refused.value.code == code
    assert refused.value.field in claims
