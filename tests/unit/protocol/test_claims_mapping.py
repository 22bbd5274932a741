from __future__ import annotations

from typing import Any

import pytest

from limen.kernel.errors import InvalidInput
from limen.protocol.claims_mapping import RESERVED_CLAIMS, check_rules, facts_in, mapped


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"mail": "user.email", "who": "user.id", "app": "client.name"},
        {"roles": "user.roles"},
        {"powers": "user.roles"},
        {"plan": {"value": "pro"}, "seats": {"value": 3}, "beta": {"value": True}},
        {"tags": {"value": ["a", "b"]}},
        {"https://claims.example/plan": {"value": ""}},
    ],
)
def test_rules_that_can_be_followed(rules: dict[str, Any]) -> None:
    check_rules(rules, field="claims")


@pytest.mark.parametrize(
    "rules",
    [
        {"": "user.email"},
        {"x" * 101: "user.email"},
        {"a\nb": "user.email"},
        {"mail": "user.password_hash"},
        {"mail": "email"},
        {"mail": ""},
        {"mail": None},
        {"mail": 1},
        {"mail": {}},
        {"mail": {"value": None}},
        {"mail": {"value": 1.5}},
        {"mail": {"value": {"deep": 1}}},
        {"mail": {"value": [1]}},
        {"mail": {"value": "x" * 1001}},
        {"mail": {"value": "a", "more": 1}},
        {"roles": {"value": ["owner"]}},
        {"roles": "user.name"},
        {f"c{n}": "user.email" for n in range(51)},
    ],
    ids=range(18),
)
def test_rules_that_can_not(rules: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_rules(rules, field="claims")
    assert (caught.value.code, caught.value.field) == ("claims_invalid", "claims")


@pytest.mark.parametrize("name", sorted(RESERVED_CLAIMS))
def test_n096_nobody_writes_what_decides_who_is_admitted(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_rules({name: {"value": "x"}}, field="claims")
    with pytest.raises(InvalidInput):
        check_rules({name: "user.email"}, field="claims")


def test_what_is_not_known_is_left_out() -> None:
    rules = {"mail": "user.email", "nick": "user.nickname", "plan": {"value": "pro"}}
    assert facts_in(rules) == {"user.email", "user.nickname"}
    assert mapped(rules, {"user.email": "a@b.example", "user.id": "1"}) == {
        "mail": "a@b.example",
        "plan": "pro",
    }
    assert mapped({"no": {"value": False}}, {}) == {"no": False}
