from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from limen.federation.facts import Name
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.kernel.tokens import read
from limen.mfa.recovery_codes import read_recovery_code
from limen.mfa.totp import read_code
from limen.oauth.registry.register_client import check_chosen_id
from limen.protocol.jose import decode_part
from limen.protocol.params import Params
from limen.protocol.pkce import check_verifier, parse_challenge, s256
from limen.protocol.prompt import parse_max_age
from limen.protocol.redirect_uri import check_redirect_uri, match_redirect_uri
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import parse_scope
from limen.protocol.sender.proof import is_thumbprint
from limen.protocol.sender.target import normal_target
from limen.signin.continue_url import is_local_path
from limen.tenants.policies.sign_in import ProviderId
from limen.tenants.policy import TenantPolicy
from limen.tenants.tenant import check_host, check_slug
from limen.tokens.sender.credentials import read_credentials
from limen.vault.proxy.way import check_path
from limen.vault.sessions.make import check_state

VERIFIER = "v" * 43
CHALLENGE = s256(Secret(VERIFIER))
LOOPBACK = "http://127.0.0.1:8080/cb"
METHOD = ("code_challenge_method", "S256")

READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "opaque token": (lambda raw: read(Secret(raw), kind="lmr"), f"lmr_{'a' * 10}_{'b' * 43}"),
    "bearer": (lambda raw: read_credentials([f"Bearer {raw}"]), "aa.bb.cc"),
    "client id": (check_chosen_id, "my-client"),
    "challenge": (
        lambda raw: parse_challenge(Params([("code_challenge", raw), METHOD])),
        CHALLENGE,
    ),
    "verifier": (lambda raw: check_verifier(Secret(raw), challenge=s256(Secret(raw))), VERIFIER),
    "scope": (parse_scope, "openid email"),
    "redirect uri": (
        lambda raw: check_redirect_uri(raw, application="web"),
        "https://a.example/cb",
    ),
    "redirect uri sent": (
        lambda raw: match_redirect_uri(raw, registered=["https://a.example/cb"]),
        "https://a.example/cb",
    ),
    "loopback": (lambda raw: match_redirect_uri(raw, registered=["http://127.0.0.1/cb"]), LOOPBACK),
    "loopback port": (
        lambda raw: match_redirect_uri(raw, registered=["http://127.0.0.1"]),
        "http://127.0.0.1:8080",
    ),
    "resource": (parse_resource, "https://api.example"),
    "max_age": (parse_max_age, "60"),
    "part of a token": (decode_part, "aGVsbG8"),
    "thumbprint": (is_thumbprint, CHALLENGE),
    "address in a proof": (normal_target, "https://a.example/x"),
    "way back": (is_local_path, "/account"),
    "six digits": (lambda raw: read_code(Secret(raw)), "123456"),
    "recovery code": (lambda raw: read_recovery_code(Secret(raw)), "aaaaa-aaaaa"),
    "slug": (check_slug, "acme"),
    "host": (check_host, "a.example"),
    "origin": (lambda raw: TenantPolicy(allowed_origins=(raw,)), "https://a.example"),
    "origin with a port": (lambda raw: TenantPolicy(allowed_origins=(raw,)), "http://[::1]:80"),
    "default scope": (lambda raw: TenantPolicy(default_scopes=(raw,)), "openid"),
    "provider": (TypeAdapter(ProviderId).validate_python, "google"),
    "name": (TypeAdapter(Name).validate_python, "google"),
    "path at a provider": (check_path, "/v1/me"),
    "state": (check_state, "xyz"),
}


CHECKS = {"client id", "verifier", "redirect uri", "path at a provider", "state"}
"""They refuse, or return nothing."""


def is_taken(name: str, raw: str) -> bool:
    try:
        return bool(READERS[name][0](raw)) or name in CHECKS
    except (Refusal, ValidationError):
        return False


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"], ids=["none", "lf", "crlf", "two"])
def test_nothing_is_taken_with_a_line_break_behind_it(name: str, end: str) -> None:
    assert is_taken(name, READERS[name][1] + end) is not bool(end)
