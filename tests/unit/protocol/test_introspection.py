from __future__ import annotations

import pytest

from limen.kernel.errors import OAuthRefusal
from limen.protocol.introspection import INACTIVE, introspection_response, parse_token_question
from limen.protocol.params import Params


def test_reads_a_question() -> None:
    question = parse_token_question(Params.of([("token", "t"), ("token_type_hint", "nonsense")]))
    assert question.raw_token.reveal() == "t"
    assert question.hint == "nonsense"


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("token", "")],
        [("token", "a"), ("token", "b")],
        [("token", "a"), ("token_type_hint", "x"), ("token_type_hint", "x")],
        [("token", "a"), ("other", "x"), ("other", "x")],
    ],
)
def test_o7_refuses_a_question_about_nothing_or_two_things(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parse_token_question(Params.of(pairs))
    assert refused.value.code == "invalid_request"


def test_rfc_7662_says_what_it_lists_and_an_operators_own_claims() -> None:
    claims = {"sub": "u", "scope": "a", "sid": "s", "nonce": "n", "plan": "pro", "acr": None}
    said = introspection_response(claims)
    assert said == {"active": True, "sub": "u", "scope": "a", "plan": "pro"}


def test_of_an_inactive_token_nothing_is_said() -> None:
    assert dict(INACTIVE) == {"active": False}
