from __future__ import annotations

import datetime as dt
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy import bindparam

from limen.accounts.passwords.change_due import require_password_change
from limen.accounts.terms.accept import must_accept_terms
from limen.db.work import Work
from limen.protocol.jwt import peek
from limen.signin import token_pair
from limen.signin.tables import pending_sign_ins
from tests.house import OTHER_PASSWORD, PASSWORD
from tests.unit.mfa.kit import App, Person, enrol, enrolled
from tests.unit.signin.kit import WayIn

pytestmark = pytest.mark.anyio
ADA = "ada@example.org"
_AGENTS = sa.select(pending_sign_ins.c.user_agent).where(
    pending_sign_ins.c.tenant_id == bindparam("tenant_id")
)
TERMS = {"version": "2026-11", "url": "https://example.org/terms"}


async def waiting(way: WayIn, code: str) -> dict[str, Any]:
    """What is answered to the right password while a step comes first."""
    answer = await way.login(ADA, PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await way.count("sessions") == 0
    said: dict[str, Any] = answer.json()
    return said


async def take(way: WayIn, step: str, said: dict[str, Any], **reply: str) -> httpx2.Response:
    body = {"challenge": said["challenge"], **reply}
    return await way.api("POST", f"/steps/{step}", json=body)


async def me(way: WayIn, answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = (
        await way.api("GET", "/me", token=answer.json()["access_token"])
    ).json()
    return found


async def test_a_second_factor_is_asked_for_and_then_tokens_come(way: WayIn) -> None:
    person = await enrolled(way.house, ADA)
    said = await waiting(way, "mfa_required")
    assert said["step"] == "second_factor"
    assert said["methods"] == ["totp", "recovery_code"]
    body = {"challenge": said["challenge"], "code": person.app.code()}
    answer = await way.api("POST", "/mfa/verify", json=body)
    assert (await me(way, answer))["amr"] == ["pwd", "otp", "mfa"]
    again = await way.api("POST", "/mfa/verify", json={**body, "code": person.app.next_code()})
    assert (again.status_code, again.json()["code"]) == (401, "sign_in_over")


async def test_what_a_browser_calls_itself_is_kept_cut(way: WayIn) -> None:
    person = await enrolled(way.house, ADA)
    name = "Browser " + "x" * 7000
    said = (await way.login(ADA, PASSWORD, **{"user-agent": name})).json()

    async def kept(work: Work) -> list[str]:
        return [row.user_agent for row in (await work.execute(_AGENTS)).all()]

    assert await way.run(kept) == [name[:200]]
    token = (await take(way, "second_factor", said, code=person.app.code())).json()["access_token"]
    listed = (await way.api("GET", "/sessions", token=token)).json()
    assert name[:200] in str(listed)
    assert name[:201] not in str(listed)


async def test_a_wrong_code_leaves_another_try(way: WayIn) -> None:
    person = await enrolled(way.house, ADA)
    said = await waiting(way, "mfa_required")
    wrong = await take(way, "second_factor", said, code="000000")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "code_invalid")
    assert (await take(way, "second_factor", said, code=person.recovery[3])).status_code == 200


async def test_a_challenge_is_over_after_a_quarter_of_an_hour(way: WayIn) -> None:
    person = await enrolled(way.house, ADA)
    said = await waiting(way, "mfa_required")
    way.house.clock.advance(dt.timedelta(minutes=15))
    late = await take(way, "second_factor", said, code=person.app.code())
    assert (late.status_code, late.json()["code"]) == (401, "sign_in_over")


@pytest.mark.parametrize("challenge", ["", "x", "lmn_testtenant_" + "a" * 43, "\x00"])
async def test_nobody_else_is_on_the_way(way: WayIn, challenge: str) -> None:
    answer = await way.api(
        "POST", "/steps/second_factor", json={"challenge": challenge, "code": "1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_over")


async def test_a_required_factor_is_enrolled_on_the_way(way: WayIn) -> None:
    way.policy(assurance={"second_factor": "required"})
    await way.house.user(ADA)
    said = await waiting(way, "mfa_enrolment_required")
    begun = await way.api(
        "POST", "/steps/enrol_factor/begin", json={"challenge": said["challenge"]}
    )
    app = App.of(way.house.clock, begun.json()["secret"])
    factor_id = begun.json()["factor_id"]
    nameless = await take(way, "enrol_factor", said, code=app.code())
    assert (nameless.status_code, nameless.json()["code"]) == (422, "factor_id_missing")
    wrong = await take(way, "enrol_factor", said, code="000000", factor_id=factor_id)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_invalid")
    answer = await take(way, "enrol_factor", said, code=app.code(), factor_id=factor_id)
    assert len(answer.json()["recovery_codes"]) == 10
    assert (await me(way, answer))["amr"] == ["pwd", "otp", "mfa"]


async def test_terms_are_accepted_as_shown_and_once_for_each_version(way: WayIn) -> None:
    way.policy(assurance={"terms": TERMS})
    user = await way.house.user(ADA)
    said = await waiting(way, "terms_required")
    assert said["terms"] == TERMS
    old = await take(way, "accept_terms", said, version="2025-01")
    assert (old.status_code, old.json()["code"]) == (409, "terms_changed")
    assert (await take(way, "accept_terms", said, version="2026-11")).status_code == 200
    assert (await way.login(ADA, PASSWORD)).status_code == 200
    way.policy(assurance={"terms": {**TERMS, "version": "2027-01"}})
    assert (await way.login(ADA, PASSWORD)).json()["code"] == "terms_required"
    assert await way.run(lambda work: must_accept_terms(work, user_id=user.id))
    assert await way.count("accepted_terms") == 1


async def test_a_password_that_must_change_opens_its_replacement_alone(way: WayIn) -> None:
    user = await way.house.user(ADA)
    await way.run(lambda work: require_password_change(work, user_id=user.id))
    said = await waiting(way, "password_change_required")
    other = await waiting(way, "password_change_required")
    same = await take(way, "change_password", said, password=PASSWORD)
    assert (same.status_code, same.json()["code"]) == (422, "password_unchanged")
    short = await take(way, "change_password", said, password="too short")
    assert short.json()["code"] == "password_too_short"
    assert (await take(way, "change_password", said, password=OTHER_PASSWORD)).status_code == 200
    assert (await way.login(ADA, PASSWORD)).status_code == 401
    assert (await way.login(ADA, OTHER_PASSWORD)).status_code == 200
    # Who else was on the way in with the old password is there no more.
    late = await take(way, "change_password", other, password="another good one of mine")
    assert (late.status_code, late.json()["code"]) == (401, "sign_in_over")


async def test_an_address_is_confirmed_by_code_or_elsewhere(way: WayIn) -> None:
    way.policy(require_verified_email=True)
    await way.api("POST", "/register", json={"email": ADA, "password": PASSWORD})
    said = await waiting(way, "email_not_verified")
    wrong = await take(way, "verify_email", said, code="00000000")
    assert wrong.status_code == 422
    token = await way.house.newest_link(ADA)
    await way.api("POST", "/verify-email", json={"token": token.reveal()})
    late = await take(way, "verify_email", said, code="00000000")
    assert (late.status_code, late.json()["code"]) == (409, "step_not_due")
    done = await way.api("POST", "/steps/continue", json={"challenge": said["challenge"]})
    assert (await me(way, done))["email_verified"] is True


async def test_steps_follow_each_other_and_each_token_is_good_for_one(way: WayIn) -> None:
    way.policy(assurance={"terms": TERMS})
    person = await enrolled(way.house, ADA)
    first = await waiting(way, "mfa_required")
    ahead = await take(way, "accept_terms", first, version="2026-11")
    assert (ahead.status_code, ahead.json()["code"]) == (409, "step_not_due")
    second = await take(way, "second_factor", first, code=person.app.code())
    assert (second.status_code, second.json()["code"]) == (403, "terms_required")
    assert second.json()["challenge"] != first["challenge"]
    gone = await take(way, "accept_terms", first, version="2026-11")
    assert (gone.status_code, gone.json()["code"]) == (401, "sign_in_over")
    answer = await take(way, "accept_terms", second.json(), version="2026-11")
    assert (await me(way, answer))["amr"] == ["pwd", "otp", "mfa"]


# -- one's own factors, by token ------------------------------------------------------------------


async def test_a_factor_is_enrolled_and_removed_by_api(way: WayIn) -> None:
    await way.house.user(ADA)
    token = (await way.login(ADA, PASSWORD)).json()["access_token"]
    begun = (await way.api("POST", "/mfa/totp", token=token)).json()
    app = App.of(way.house.clock, begun["secret"])
    body = {"factor_id": begun["factor_id"], "code": app.code()}
    codes = await way.api("POST", "/mfa/totp/confirm", json=body, token=token)
    assert len(codes.json()["recovery_codes"]) == 10
    shown = (await way.api("GET", "/mfa", token=token)).json()
    assert shown["totp"] is True
    assert shown["recovery_codes_left"] == 10
    assert "secret" not in str(shown)
    # The token was issued for one factor: what changes factors takes both.
    weak = await way.api("DELETE", "/mfa/totp", token=token)
    assert (weak.status_code, weak.json()["code"]) == (403, "reauth_required")
    stepped = await way.api("POST", "/mfa/verify", json={"code": app.next_code()}, token=token)
    strong = stepped.json()["access_token"]
    renewed = await way.api("POST", "/mfa/recovery-codes", token=strong)
    assert len(renewed.json()["recovery_codes"]) == 10
    assert (await way.api("DELETE", "/mfa/totp", token=strong)).status_code == 204
    assert (await way.login(ADA, PASSWORD)).status_code == 200


async def test_a_code_makes_no_old_sign_in_a_recent_one(way: WayIn) -> None:
    person = await enrolled(way.house, ADA)
    said = await waiting(way, "mfa_required")
    pair = (await take(way, "second_factor", said, code=person.app.code())).json()
    signed_in = (await way.api("GET", "/me", token=pair["access_token"])).json()
    way.house.clock.advance(dt.timedelta(minutes=14))
    body = {"code": person.app.next_code()}
    stepped = await way.api("POST", "/mfa/verify", json=body, token=pair["access_token"])
    token = stepped.json()["access_token"]
    now = (await way.api("GET", "/me", token=token)).json()
    assert now["authenticated_at"] == signed_in["authenticated_at"]
    assert peek(token).claims["auth_time"] == peek(pair["access_token"]).claims["auth_time"]
    way.house.clock.advance(dt.timedelta(minutes=2))
    refused = await way.api("DELETE", "/mfa/totp", token=token)
    assert (refused.status_code, refused.json()["code"]) == (403, "reauth_required")


async def test_stepping_up_takes_a_factor_and_a_session(way: WayIn) -> None:
    await way.house.user(ADA)
    token = (await way.login(ADA, PASSWORD)).json()["access_token"]
    none = await way.api("POST", "/mfa/verify", json={"code": "123456"}, token=token)
    assert (none.status_code, none.json()["code"]) == (404, "factor_not_found")
    nobody = await way.api("POST", "/mfa/verify", json={"code": "123456"})
    assert nobody.status_code == 401


async def test_a_shorter_password_will_do_with_a_second_factor(way: WayIn) -> None:
    person: Person = await enrolled(way.house, ADA)
    said = await waiting(way, "mfa_required")
    pair = (await take(way, "second_factor", said, code=person.app.code())).json()
    for new, status in (("gq8!vdx", 422), ("gq8!vdxw", 204)):
        body = {"current_password": PASSWORD, "new_password": new}
        answer = await way.api("POST", "/password/change", json=body, token=pair["access_token"])
        assert answer.status_code == status, answer.text


async def test_a_client_of_little_scope_does_not_step_up_to_everything(
    way: WayIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await way.house.user(ADA)
    monkeypatch.setattr(token_pair, "SCOPE", ("openid", "self"))
    little = (await way.login(ADA, PASSWORD)).json()["access_token"]
    app, _ = await enrol(
        way.house.run, envelope=way.house.envelope, clock=way.house.clock, user_id=user.id
    )
    answer = await way.api("POST", "/mfa/verify", json={"code": app.code()}, token=little)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
