from __future__ import annotations

from typing import Any

import pytest

from limen.protocol.sender.confirmation import (
    from_cnf,
    jkt_of,
    of_certificate,
    of_proof,
    to_cnf,
    token_type,
)


def test_rfc_9449_6_1_and_rfc_8705_3_1_what_a_token_says_of_its_key() -> None:
    assert to_cnf(of_proof("a")) == {"jkt": "a"}
    assert to_cnf(of_certificate("a")) == {"x5t#S256": "a"}
    for bound_to in (of_proof("a"), of_certificate("a")):
        assert from_cnf({"cnf": to_cnf(bound_to)}) == bound_to
    assert from_cnf({}) == ""


def test_only_proofs_have_a_scheme_of_their_own() -> None:
    assert [token_type(each) for each in ("", of_certificate("a"), of_proof("a"))] == [
        "Bearer",
        "Bearer",
        "DPoP",
    ]
    assert (jkt_of(of_proof("a")), jkt_of(of_certificate("a")), jkt_of("")) == ("a", "", "")


@pytest.mark.parametrize("bound_to", ["", "jkt:", "x5t#S256:", "kid:1", "unknown:", "jkt"])
def test_nothing_else_is_written(bound_to: str) -> None:
    with pytest.raises(ValueError, match="bound"):
        to_cnf(bound_to)


@pytest.mark.parametrize(
    "cnf",
    [None, {}, [], "jkt", {"kid": "1"}, {"jkt": ""}, {"jkt": 7}, {"jkt": "a", "x5t#S256": "b"}, {"jwk": {}}],
    ids=str,
)  # fmt: skip
def test_what_we_can_not_check_is_bound_to_nobody(cnf: Any) -> None:
    bound_to = from_cnf({"cnf": cnf})
    assert bound_to
    assert bound_to not in {of_proof("a"), of_certificate("b")}
    assert token_type(bound_to) == "Bearer"
