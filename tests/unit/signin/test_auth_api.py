from __future__ import annotations

import datetime as dt

import pytest

from limen.kernel.secret import Secret
from limen.tokens.issue_access_token import AccessTokenSpec, issue_access_token
from limen.tokens.look_up import verified_claims
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.unit.signin.kit import ELSEWHERE, WayIn

pytestmark = pytest.mark.anyio


async def test_login_answers_exactly_a_pair(way: WayIn) -> None:
    user = await way.house.user("ada@example.org")
    answer = await way.login("Ada@example.org ", PASSWORD)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    pair = answer.json()
    assert list(pair) == ["access_token", "refresh_token", "token_type", "expires_in", "expires_at"]
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == 900
    expires_at = dt.datetime.fromisoformat(pair["expires_at"])
    assert 0 <= (way.house.clock.now() + dt.timedelta(minutes=15) - expires_at).total_seconds() < 1
    assert "set-cookie" not in answer.headers
    me = (await way.api("GET", "/me", token=pair["access_token"])).json()
    assert me["id"] == user.id
    assert me["email"] == "ada@example.org"
    assert me["email_verified"] is True
    assert me["roles"] == ["member"]
    assert me["amr"] == ["pwd"]


async def test_refresh_rotates_and_a_spent_token_ends_the_family(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    first = (await way.login("ada@example.org", PASSWORD)).json()
    second = (
        await way.api("POST", "/refresh", json={"refresh_token": first["refresh_token"]})
    ).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await way.api("GET", "/me", token=second["access_token"])).status_code == 200
    way.house.clock.advance(dt.timedelta(seconds=11))
    again = await way.api("POST", "/refresh", json={"refresh_token": first["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "invalid_refresh_token")
    assert (await way.api("GET", "/me", token=second["access_token"])).status_code == 401
    dead = await way.api("POST", "/refresh", json={"refresh_token": second["refresh_token"]})
    assert dead.status_code == 401


@pytest.mark.parametrize("by", ["access_token", "refresh_token"])
async def test_logout_ends_the_session_and_its_tokens(way: WayIn, by: str) -> None:
    await way.house.user("ada@example.org")
    pair = (await way.login("ada@example.org", PASSWORD)).json()
    other = (await way.login("ada@example.org", PASSWORD)).json()
    if by == "access_token":
        answer = await way.api("POST", "/logout", token=pair["access_token"])
    else:
        answer = await way.api("POST", "/logout", json={"refresh_token": pair["refresh_token"]})
    assert answer.status_code == 204
    assert (await way.api("GET", "/me", token=pair["access_token"])).status_code == 401
    body = {"refresh_token": pair["refresh_token"]}
    assert (await way.api("POST", "/refresh", json=body)).status_code == 401
    assert (await way.api("GET", "/me", token=other["access_token"])).status_code == 200
    assert (await way.api("POST", "/logout", json=body)).status_code == 204


@pytest.mark.parametrize(("scope", "status"), [("connections:token", 403), ("self", 204)])
async def test_an_application_ends_no_session_that_its_token_does_not_cover(
    way: WayIn, scope: str, status: int
) -> None:
    await way.house.user("ada@example.org")
    pair = (await way.login("ada@example.org", PASSWORD)).json()
    claims = await way.run(
        lambda work: verified_claims(
            work, keyring=way.keyring, raw=Secret(str(pair["access_token"]))
        )
    )
    assert claims is not None
    # What a client holds that was lent a little in the same session.
    less = AccessTokenSpec(
        client_id=claims["client_id"],
        subject=claims["sub"],
        audience=claims["aud"],
        scope=(scope,),
        ttl=dt.timedelta(minutes=5),
        grant_id=claims["jti"].partition(".")[0],
    )
    made = await way.run(lambda work: issue_access_token(work, keyring=way.keyring, spec=less))
    assert (await way.api("POST", "/logout", token=made.raw.reveal())).status_code == status
    alive = 200 if status == 403 else 401
    assert (await way.api("GET", "/me", token=pair["access_token"])).status_code == alive


async def test_n049_one_factor_refreshes_nothing_where_two_are_demanded_by_now(
    way: WayIn,
) -> None:
    await way.house.user("ada@example.org")
    pair = (await way.login("ada@example.org", PASSWORD)).json()
    way.policy(assurance={"second_factor": "required"})
    body = {"refresh_token": pair["refresh_token"]}
    refused = await way.api("POST", "/refresh", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_refresh_token")
    way.policy(assurance={"second_factor": "optional"})
    assert (await way.api("POST", "/refresh", json=body)).status_code == 200


async def test_sessions_are_listed_and_ended(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    await way.house.user("bob@example.org")
    mine = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    other = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    bobs = (await way.login("bob@example.org", PASSWORD)).json()["access_token"]
    items = (await way.api("GET", "/sessions", token=mine)).json()["items"]
    assert [item["kind"] for item in items] == ["tokens", "tokens"]
    current = next(item for item in items if item["current"])
    second = next(item for item in items if not item["current"])
    stranger = await way.api("DELETE", f"/sessions/{second['id']}", token=bobs)
    assert (stranger.status_code, stranger.json()["code"]) == (404, "session_not_found")
    assert (await way.api("DELETE", f"/sessions/{second['id']}", token=mine)).status_code == 204
    assert (await way.api("GET", "/me", token=other)).status_code == 401
    await way.login("ada@example.org", PASSWORD)
    assert (await way.api("DELETE", "/sessions", token=mine)).json() == {"ended": 1}
    left = (await way.api("GET", "/sessions", token=mine)).json()["items"]
    assert [item["id"] for item in left] == [current["id"]]


async def test_register_verify_by_code_and_by_link(way: WayIn) -> None:
    way.policy(require_verified_email=True)
    body = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}
    answer = await way.api("POST", "/register", json=body)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    early = await way.login("ada@example.org", PASSWORD)
    assert (early.status_code, early.json()["code"]) == (403, "email_not_verified")
    token = await way.house.newest_link("ada@example.org")
    done = await way.api("POST", "/verify-email", json={"token": token.reveal()})
    assert done.json() == {"email": "ada@example.org", "email_verified": True}
    replay = await way.api("POST", "/verify-email", json={"token": token.reveal()})
    assert (replay.status_code, replay.json()["code"]) == (422, "link_invalid")
    pair = (await way.login("ada@example.org", PASSWORD)).json()
    me = (await way.api("GET", "/me", token=pair["access_token"])).json()
    assert me["claims"]["name"] == "Ada"


async def test_what_one_says_of_oneself_never_includes_being_verified(way: WayIn) -> None:
    body = {"email": "ada@example.org", "password": PASSWORD, "email_verified": True}
    assert (await way.api("POST", "/register", json=body)).status_code == 200
    pair = (await way.login("ada@example.org", PASSWORD)).json()
    me = (await way.api("GET", "/me", token=pair["access_token"])).json()
    assert me["email_verified"] is False
    claims = {**body, "email": "eve@example.org", "claims": {"email_verified": True}}
    assert (await way.api("POST", "/register", json=claims)).status_code == 422


async def test_forgotten_passwords_come_back_by_mail(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    before = (await way.login("ada@example.org", PASSWORD)).json()
    answer = await way.api("POST", "/password/forgot", json={"email": "ada@example.org"})
    assert answer.json() == {"status": "accepted"}
    token = (await way.house.newest_link("ada@example.org")).reveal()
    weak = await way.api("POST", "/password/reset", json={"token": token, "password": "short"})
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
    body = {"token": token, "password": OTHER_PASSWORD}
    assert (await way.api("POST", "/password/reset", json=body)).status_code == 204
    assert (await way.api("POST", "/password/reset", json=body)).status_code == 422
    assert (await way.api("GET", "/me", token=before["access_token"])).status_code == 401
    assert (await way.login("ada@example.org", PASSWORD)).status_code == 401
    assert (await way.login("ada@example.org", OTHER_PASSWORD)).status_code == 200


async def test_a_changed_password_ends_the_other_sessions(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    mine = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    other = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    wrong = {"current_password": "not this one at all", "new_password": OTHER_PASSWORD}
    refused = await way.api("POST", "/password/change", json=wrong, token=mine)
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_password")
    right = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert (await way.api("POST", "/password/change", json=right, token=mine)).status_code == 204
    assert (await way.api("GET", "/me", token=mine)).status_code == 200
    assert (await way.api("GET", "/me", token=other)).status_code == 401


async def test_a_copied_session_is_no_place_to_guess_the_password(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    mine = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    statuses = []
    for number in range(7):
        guess = {"current_password": f"guess {number}", "new_password": OTHER_PASSWORD}
        answer = await way.api("POST", "/password/change", json=guess, token=mine)
        statuses.append(answer.status_code)
    assert statuses == [403] * 5 + [429] * 2


async def test_who_knows_the_password_changes_it_as_often_as_they_like(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    mine = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    current = PASSWORD
    for number in range(7):
        new = f"{OTHER_PASSWORD} {number}"
        body = {"current_password": current, "new_password": new}
        answer = await way.api("POST", "/password/change", json=body, token=mine)
        assert answer.status_code == 204, answer.text
        current = new


async def test_what_is_refused_for_another_reason_is_no_guess(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    mine = (await way.login("ada@example.org", PASSWORD)).json()["access_token"]
    for _ in range(8):
        short = {"current_password": PASSWORD, "new_password": "short"}
        assert (
            await way.api("POST", "/password/change", json=short, token=mine)
        ).status_code == 422


async def test_browsers_sign_people_in_from_the_tenants_origins_alone(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    own = await way.login("ada@example.org", PASSWORD, origin=way.tenant.origin)
    assert own.status_code == 200
    for origin in (ELSEWHERE, "null", way.tenant.origin + ".evil.example"):
        refused = await way.login("ada@example.org", PASSWORD, origin=origin)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    way.policy(allowed_origins=(ELSEWHERE,))
    allowed = await way.login("ada@example.org", PASSWORD, origin=ELSEWHERE)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ELSEWHERE


async def test_a_session_over_is_the_end_of_its_refresh_token(way: WayIn) -> None:
    await way.house.user("ada@example.org")
    pair = (await way.login("ada@example.org", PASSWORD)).json()
    way.house.clock.advance(dt.timedelta(days=30, seconds=1))
    dead = await way.api("POST", "/refresh", json={"refresh_token": pair["refresh_token"]})
    assert dead.status_code == 401


async def test_another_clients_refresh_token_opens_nothing_here(way: WayIn) -> None:
    for raw in ("", "lmr_x", "a" * 5000, "lmr_testtenant_" + "a" * 43):
        answer = await way.api("POST", "/refresh", json={"refresh_token": raw})
        assert answer.status_code in {401, 422}, raw


async def test_secrets_are_never_in_an_answer_that_refuses(way: WayIn) -> None:
    body = {"email": ["canary-mail"], "password": ["canary-password"]}
    answer = await way.api("POST", "/login", json=body)
    assert answer.status_code == 422
    assert "canary" not in answer.text
