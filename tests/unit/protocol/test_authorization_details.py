import contextlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import InvalidInput, OAuthRefusal
from limen.protocol.authorization_details import (
    check_details,
    narrow_details,
    parse_details,
    write_details,
)
from limen.protocol.detail_types import parse_declarations

API = "https://api.example"
# RFC 9396 section 2
PAYMENT = {
    "type": "payment_initiation",
    "actions": ["initiate", "status", "cancel"],
    "locations": [API],
    "instructedAmount": {"currency": "EUR", "amount": "123.50"},
    "creditorName": "Merchant A",
}
TYPES = parse_declarations(
    {
        "payment_initiation": {
            "description": "Pay",
            "schema": {
                "type": "object",
                "required": ["instructedAmount"],
                "properties": {
                    "actions": {
                        "type": "array",
                        "maxItems": 3,
                        "items": {"type": "string", "enum": ["initiate", "status", "cancel"]},
                    },
                    "instructedAmount": {
                        "type": "object",
                        "required": ["currency", "amount"],
                        "properties": {
                            "currency": {"type": "string", "enum": ["EUR"]},
                            "amount": {"type": "string", "maxLength": 12},
                        },
                    },
                    "creditorName": {"type": "string"},
                    "urgent": {"type": "boolean"},
                    "copies": {"type": "integer"},
                },
            },
        },
        "bare": {},
    }
)


def check(
    *details: Mapping[str, Any], registered: tuple[str, ...] = ("payment_initiation",)
) -> None:
    check_details(details, registered=registered, declared=TYPES, resource=API)


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**PAYMENT, **changes}.items() if value is not None}


def test_rfc9396_section_2_takes_what_the_resource_declares() -> None:
    details = parse_details(json.dumps([PAYMENT]))
    check(*details)
    assert parse_details(write_details(details)) == details
    check({"type": "bare"}, registered=("bare",))
    assert parse_details(None) == ()


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{}",
        "[]",
        "null",
        "[1]",
        "[{}]",
        '[{"type": 1}]',
        '[{"type": "a", "type": "b"}]',
        '[{"type": "a"}], "more": [1',
        '[{"type": "a"}]}',
        '[{"type": "a", "x": NaN}]',
        json.dumps([{"type": "a"}] * 21),
        json.dumps([{"type": "a", "text": "x" * 20_000}]),
        '[{"type":"a","x":' + "[" * 500 + "]" * 500 + "}]",
    ],
)
def test_rfc9396_section_5_refuses_other_forms(raw: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_details(raw)
    assert refused.value.code == "invalid_authorization_details"


@pytest.mark.parametrize(
    "detail",
    [
        changed(type="account_information"),
        changed(instructedAmount=None),
        changed(instructedAmount={"currency": "EUR"}),
        changed(instructedAmount={"currency": "USD", "amount": "1"}),
        changed(instructedAmount={"currency": "EUR", "amount": 1}),
        changed(instructedAmount={"currency": "EUR", "amount": "1" * 13}),
        changed(instructedAmount={"currency": "EUR", "amount": "1", "fee": "9"}),
        changed(instructedAmount="much"),
        changed(actions=["delete"]),
        changed(actions=["status"] * 4),
        changed(actions="status"),
        changed(locations=["https://other.example"]),
        changed(locations=API),
        changed(urgent="yes"),
        changed(copies=True),
        changed(undeclared=1),
        changed(creditorName="x" * 1025),
    ],
)
def test_rfc9396_section_5_refuses_what_is_not_declared(detail: dict[str, Any]) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        check(detail)
    assert refused.value.code == "invalid_authorization_details"


def test_a_client_asks_for_what_it_registered() -> None:
    with pytest.raises(OAuthRefusal):
        check(PAYMENT, registered=())


def test_rfc9396_section_6_a_token_carries_what_was_granted_or_less() -> None:
    granted = (PAYMENT, {"type": "bare"})
    assert narrow_details(None, granted=granted) == granted
    fewer = (changed(actions=["status"]),)
    assert narrow_details(fewer, granted=granted) == fewer


@pytest.mark.parametrize(
    "wanted",
    [
        changed(instructedAmount={"currency": "EUR", "amount": "999"}),
        changed(actions=["initiate", "delete"]),
        changed(actions=[]),
        changed(actions=None),
        changed(locations=None),
        changed(creditorName="Merchant B"),
        {"type": "other"},
    ],
)
def test_rfc9396_section_6_never_more(wanted: dict[str, Any]) -> None:
    with pytest.raises(OAuthRefusal):
        narrow_details((wanted,), granted=(PAYMENT,))


def test_rfc9396_section_6_a_truth_value_is_no_number() -> None:
    granted = {"type": "p", "recurring": False, "amounts": [{"most": 1}]}
    for said in ({"recurring": 0}, {"amounts": [{"most": True}]}):
        with pytest.raises(OAuthRefusal):
            narrow_details(({**granted, **said},), granted=(granted,))
    same = {**granted, "amounts": [{"most": 1.0}]}  # as a script writes the number
    assert narrow_details((same,), granted=(granted,)) == (same,)


def test_rfc9396_section_6_what_was_granted_once_is_asked_for_once() -> None:
    status = changed(actions=["status"])
    with pytest.raises(OAuthRefusal):
        narrow_details((PAYMENT, PAYMENT), granted=(PAYMENT,))
    with pytest.raises(OAuthRefusal):
        narrow_details((status, PAYMENT, status), granted=(PAYMENT, PAYMENT))
    for wanted in ((status, PAYMENT), (PAYMENT, status)):
        assert narrow_details(wanted, granted=(PAYMENT, status)) == wanted


@pytest.mark.parametrize(
    "types",
    [
        {"": {}},
        {"a": []},
        {"a": {"other": 1}},
        {"a": {"description": 1}},
        {"a": {"schema": []}},
        {"a": {"schema": {"type": "string"}}},
        {"a": {"schema": {"type": "object", "pattern": "x"}}},
        {"a": {"schema": {"type": "object", "properties": []}}},
        {"a": {"schema": {"type": "object", "properties": {"b": 1}}}},
        {"a": {"schema": {"type": "object", "properties": {"b": {"type": "array"}}}}},
        {"a": {"schema": {"type": "object", "properties": {"b": {"type": "null"}}}}},
        {"a": {"schema": {"type": "object", "items": {"type": "string"}}}},
        {"a": {"schema": {"type": "object", "required": [1]}}},
        {"a": {"schema": {"type": "object", "required": "b"}}},
        {"a": {"schema": {"type": "object", "maxLength": "b"}}},
        {str(number): {} for number in range(51)},
    ],
)
def test_refuses_declarations_nobody_would_enforce(types: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_declarations(types)
    assert refused.value.code == "resource_invalid"


def test_refuses_declarations_that_nest_without_end() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(7):
        schema = {"type": "object", "properties": {"a": schema}}
    with pytest.raises(InvalidInput):
        parse_declarations({"a": {"schema": schema}})


@given(st.text(max_size=200))
def test_any_text_is_details_or_refused(raw: str) -> None:
    with contextlib.suppress(OAuthRefusal):
        parse_details(raw)
