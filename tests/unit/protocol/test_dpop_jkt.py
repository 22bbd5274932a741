from __future__ import annotations

import pytest

from limen.kernel.errors import OAuthRefusal
from limen.protocol.authorization_request import (
    AuthorizationRequest,
    parse_authorization_request,
)
from limen.protocol.params import parse_params

JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def parsed(value: str) -> AuthorizationRequest:
    query = f"client_id=app&response_type=code&dpop_jkt={value}"
    return parse_authorization_request(parse_params(query.encode()))


def test_rfc_9449_10_a_request_names_the_key_of_its_code() -> None:
    request = parsed(JKT)
    assert request.dpop_jkt == JKT
    assert AuthorizationRequest.from_json(request.to_json()) == request
    assert parsed("").dpop_jkt is None


@pytest.mark.parametrize("value", ["x", JKT + "A", JKT[:-1], "%2B" * 43, "a%20b"])
def test_what_is_no_thumbprint_is_refused(value: str) -> None:
    with pytest.raises(OAuthRefusal) as refused:
        parsed(value)
    assert (refused.value.code, refused.value.field) == ("invalid_request", "dpop_jkt")
