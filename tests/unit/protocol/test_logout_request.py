from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.kernel.errors import OAuthRefusal
from limen.protocol.logout_request import match_post_logout_uri, parse_logout_request
from limen.protocol.params import Params

BYE = "https://app.example/bye"


def test_reads_a_logout_request() -> None:
    request = parse_logout_request(
        Params.of(
            [
                ("id_token_hint", "x.y.z"),
                ("client_id", "web"),
                ("post_logout_redirect_uri", BYE),
                ("state", "s"),
                ("ui_locales", "de"),
                ("unknown", "x"),
            ]
        )
    )
    assert request.id_token_hint is not None
    assert (request.client_id, request.post_logout_redirect_uri) == ("web", BYE)
    assert (request.state, request.ui_locales) == ("s", ("de",))


def test_everything_is_optional() -> None:
    assert parse_logout_request(Params.of([])).id_token_hint is None


@pytest.mark.parametrize("name", ["id_token_hint", "state", "post_logout_redirect_uri", "x"])
def test_o7_refuses_repeated_parameters(name: str) -> None:
    with pytest.raises(OAuthRefusal):
        parse_logout_request(Params.of([(name, "a"), (name, "b")]))


def test_refuses_a_state_nobody_needs() -> None:
    with pytest.raises(OAuthRefusal):
        parse_logout_request(Params.of([("state", "s" * 3000)]))


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        f"{BYE}x",
        f"{BYE}?x",
        "https://app.example",
        "javascript:alert(1)",
        "//x",
        BYE[:-1],
    ],
)
def test_n187_goes_nowhere_that_is_not_registered(sent: str | None) -> None:
    assert match_post_logout_uri(sent, registered=[BYE]) is None


def test_goes_where_the_client_registered() -> None:
    redirect = match_post_logout_uri(BYE, registered=[BYE])
    assert redirect is not None
    assert redirect.uri == BYE


@given(st.text())
def test_any_uri_is_registered_or_nowhere(sent: str) -> None:
    assert (match_post_logout_uri(sent, registered=[BYE]) is not None) == (sent == BYE)
