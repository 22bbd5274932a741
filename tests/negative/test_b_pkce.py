"""Cases B: PKCE, from the challenge to the verifier."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from limen.kernel.secret import Secret
from limen.oauth.codes import find_code
from limen.oauth.model import AuthorizationCode
from tests.negative.oauth_cases import journey, told
from tests.unit.oauth.http_kit import CHALLENGE, VERIFIER, Known, Server, refusal
from tests.unit.oauth.journey_kit import Browser, answered, request_of

__all__ = ["journey"]

pytestmark = pytest.mark.anyio


async def code_for(journey: Server, client: Known, **changes: Any) -> str:
    browser = Browser(journey)
    await browser.sign_in(await journey.person())
    return answered(await browser.ask(client, **changes))["code"]


async def kept(journey: Server, code: str) -> AuthorizationCode:
    found = await journey.run(lambda work: find_code(work, raw_code=Secret(code)))
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["web", "spa"])
async def test_n025_no_verifier(journey: Server, kind: Any) -> None:
    client = await journey.client(kind, trusted=True)
    code = await code_for(journey, client)
    assert refusal(await journey.redeem(client, code, code_verifier="")) == (400, "invalid_grant")
    assert (await kept(journey, code)).used_at is None
    assert (await journey.redeem(client, code)).status_code == 200


async def test_n026_a_verifier_nobody_announced(journey: Server) -> None:
    client = await journey.client(trusted=True, require_pkce=False)
    without: dict[str, None] = {"code_challenge": None, "code_challenge_method": None}
    code = await code_for(journey, client, **without)
    assert refusal(await journey.redeem(client, code)) == (400, "invalid_grant")
    assert (await journey.redeem(client, code, code_verifier="")).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge": CHALLENGE[:-1]},
        {"code_challenge": CHALLENGE + "A"},
        {"code_challenge": CHALLENGE[:-1] + "="},
        {"code_challenge": CHALLENGE[:-1] + "+"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": None},
        {"code_challenge_method": ""},
    ],
)
@pytest.mark.parametrize("require_pkce", [True, False])
async def test_n027_malformed_challenges(
    journey: Server, changes: dict[str, Any], require_pkce: bool
) -> None:
    client = await journey.client(require_pkce=require_pkce)
    asked = {**request_of(client), **changes}
    sent = urlencode({name: value for name, value in asked.items() if value is not None})
    assert await told(journey, f"/oauth2/authorize?{sent}") == "invalid_request"


async def test_n028_a_wrong_verifier_is_counted_and_burns_nothing(journey: Server) -> None:
    client = await journey.client(trusted=True)
    code = await code_for(journey, client)
    wrong = VERIFIER[:-1] + ("A" if VERIFIER[-1] != "A" else "B")
    assert refusal(await journey.redeem(client, code, code_verifier=wrong)) == (
        400,
        "invalid_grant",
    )
    assert (await kept(journey, code)).attempts == 1
    assert (await journey.redeem(client, code)).status_code == 200


@pytest.mark.parametrize(
    "verifier", ["a" * 42, "a" * 129, "a" * 42 + "!", "a" * 42 + "ä", "a" * 42 + "\n", "=" * 43]
)
async def test_n029_malformed_verifiers(journey: Server, verifier: str) -> None:
    client = await journey.client(trusted=True)
    code = await code_for(journey, client)
    status, error = refusal(await journey.redeem(client, code, code_verifier=verifier))
    assert (status, error in {"invalid_grant", "invalid_request"}) == (400, True)
    assert (await kept(journey, code)).used_at is None


@pytest.mark.parametrize(
    ("kind", "given", "scope"),
    [
        ("web", {"require_pkce": True}, "openid"),
        ("web", {}, "openid"),
        ("web", {"require_pkce": False}, "read"),
        ("spa", {"require_pkce": False}, "openid"),
        ("native", {"require_pkce": False}, "openid"),
    ],
)
async def test_n030_no_challenge(
    journey: Server, kind: Any, given: dict[str, Any], scope: str
) -> None:
    client = await journey.client(kind, **given)
    asked = request_of(client, scope=scope, code_challenge=None, code_challenge_method=None)
    assert await told(journey, f"/oauth2/authorize?{urlencode(asked)}") == "invalid_request"
