from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.params import Params
from limen.protocol.resource_indicator import is_resource, parse_resource, read_resource


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example"),
        ("HTTPS://API.Example/", "https://api.example"),
        ("https://api.example/V1/", "https://api.example/V1/"),
        ("https://api.example:8443/Mcp", "https://api.example:8443/Mcp"),
        ("https://api.example?x=Y", "https://api.example?x=Y"),
        ("urn:example:API", "urn:example:API"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
    ],
)
def test_compares_with_scheme_and_host_in_lower_case(raw: str, canonical: str) -> None:
    assert parse_resource(raw) == canonical
    assert parse_resource(canonical) == canonical
    assert is_resource(raw, canonical)
    assert not is_resource(raw, f"{canonical}x")


@pytest.mark.parametrize(
    "raw",
    [
        "api",
        "/v1",
        "//api.example",
        "https://",
        "https:///x",
        "https:",
        "https://api.example/#x",
        "https://api.example#",
        "https://u@api.example",
        "https://api.example/ x",
        "https://api.ex\u00e4mple",
        "https://api.example/\n",
        "1https://api.example",
        "https://api.example/" + "x" * 3000,
    ],
)
def test_refuses_what_is_no_resource(raw: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_resource(raw)
    assert refused.value.code == "invalid_target"


def test_n090_one_resource_per_token() -> None:
    assert read_resource(Params.of([])) is None
    same = Params.of([("resource", "https://a.example/"), ("resource", "https://A.example")])
    assert read_resource(same) == "https://a.example"
    with pytest.raises(OAuthRefusal) as refused:
        read_resource(Params.of([("resource", "https://a.example"), ("resource", "urn:b:c")]))
    assert refused.value.code == "invalid_target"


@given(st.text())
def test_any_text_is_a_resource_or_invalid_target(raw: str) -> None:
    try:
        canonical = parse_resource(raw)
    except OAuthRefusal as refused:
        assert refused.code == "invalid_target"  # noqa: PT017 -- it may be read as well
        return
    assert parse_resource(canonical) == canonical


def test_what_is_no_address_names_itself_alone() -> None:
    assert is_resource("*", "*")
    assert not is_resource("*", "https://api.example")
