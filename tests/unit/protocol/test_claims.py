from __future__ import annotations

from limen.protocol.claims import STANDARD_CLAIMS, claims_of_scopes, select_claims

ADA = {
    "name": "Ada Lovelace",
    "nickname": "",
    "email": "ada@app.example",
    "email_verified": False,
    "address": {"country": "GB"},
    "phone_number": None,
}


def test_oidc_core_5_4_which_scope_opens_what() -> None:
    assert claims_of_scopes(["openid"]) == frozenset()
    assert claims_of_scopes(["email", "phone"]) == {
        "email",
        "email_verified",
        "phone_number",
        "phone_number_verified",
    }
    assert len(claims_of_scopes(["profile"])) == 14
    assert claims_of_scopes(["address", "read"]) == {"address"}
    assert len(STANDARD_CLAIMS) == 19


def test_says_what_the_scopes_open_and_the_account_has() -> None:
    assert select_claims(ADA, scope=["openid"]) == {}
    assert select_claims(ADA, scope=["profile"]) == {"name": "Ada Lovelace"}
    assert select_claims(ADA, scope=["email", "address", "phone"]) == {
        "email": "ada@app.example",
        "email_verified": False,
        "address": {"country": "GB"},
    }


def test_n096_an_account_can_not_write_protocol_claims() -> None:
    hostile = {"sub": "eve", "iss": "eve", "aud": "eve", "acr": "9", "roles": ["owner"], **ADA}
    said = select_claims(hostile, scope=["openid", "profile", "email", "roles", "sub"])
    assert set(said) == {"name", "email", "email_verified"}
