from __future__ import annotations

import pytest

from tests.installation import Installation
from tests.standings import EACH_ONCE

pytestmark = EACH_ONCE


@pytest.mark.parametrize(
    ("method", "path", "beside"),
    [
        ("POST", "/api/v1/auth/login", "/api/v1/auth/none"),
        ("GET", "/api/v1/auth/me", "/api/v1/auth/none"),
        ("GET", "/api/v1/admin/users", "/api/v1/admin/none"),
        ("GET", "/api/v1/oauth/connections/x/token", "/api/v1/oauth/none"),
        ("GET", "/api/v1/oauth/connections/x/proxy/a.example/y", "/api/v1/oauth/none"),
        ("POST", "/oauth2/token", "/oauth2/none"),
        ("GET", "/oauth2/jwks", "/oauth2/none"),
        ("GET", "/.well-known/openid-configuration", "/.well-known/none"),
        ("GET", "/sign-in", "/none"),
        ("GET", "/account", "/none"),
    ],
)
async def test_a_route_is_not_found_with_a_line_break_behind_it(
    limen: Installation, method: str, path: str, beside: str
) -> None:
    known = await limen.api.fetch(method, path, body={})
    other = await limen.api.fetch(method, f"{path}%0A", body={})
    unknown = await limen.api.fetch(method, beside, body={})
    assert known.status != 404 or known.text != unknown.text
    # In which words depends on the host's own router, which takes the line break off a prefix.
    assert (other.status, unknown.status) == (404, 404)
    assert "nothing at this address" in other.text
    assert "nothing at this address" in unknown.text


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/jwks", "/api/v1/auth/login"])
async def test_no_script_is_let_in_with_a_line_break_behind_the_path(
    limen: Installation, path: str
) -> None:
    asked = {"Origin": limen.root, "Access-Control-Request-Method": "POST"}
    known = await limen.api.fetch("OPTIONS", path, headers=asked)
    other = await limen.api.fetch("OPTIONS", f"{path}%0A", headers=asked)
    assert (known.status, other.status) == (204, 404)
    assert not [name for name in other.headers if name.lower().startswith("access-control")]
