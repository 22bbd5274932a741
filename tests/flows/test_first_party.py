from __future__ import annotations

import re

from limen.testing.visitor import Page
from tests.installation import PASSWORD, Installation, new_address

NEW_PASSWORD = "another quite long passphrase 7"


async def _register(limen: Installation, email: str) -> None:
    body = {"email": email, "password": PASSWORD, "name": "Ada"}
    answer = await limen.api.fetch("POST", "/api/v1/auth/register", body=body)
    assert (answer.status, answer.json()) == (200, {"status": "accepted"})


async def _me(limen: Installation, token: str) -> Page:
    return await limen.api.fetch(
        "GET", "/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}
    )


async def test_register_verify_by_link_login_me_refresh_logout(limen: Installation) -> None:
    email = new_address()
    await _register(limen, email)
    link = await limen.link_to(email, "/verify-email")
    assert link.startswith(limen.issuer + "/verify-email?token=")
    token = link.partition("token=")[2]
    proved = await limen.api.fetch("POST", "/api/v1/auth/verify-email", body={"token": token})
    assert proved.json() == {"email": email, "email_verified": True}

    body = {"email": email, "password": PASSWORD}
    pair = (await limen.api.fetch("POST", "/api/v1/auth/login", body=body)).json()
    assert set(pair) == {
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "expires_at",
    }
    me = (await _me(limen, pair["access_token"])).json()
    assert (me["email"], me["email_verified"], me["claims"]["name"]) == (email, True, "Ada")

    body = {"refresh_token": pair["refresh_token"]}
    fresh = (await limen.api.fetch("POST", "/api/v1/auth/refresh", body=body)).json()
    assert fresh["refresh_token"] != pair["refresh_token"]
    assert (await _me(limen, fresh["access_token"])).status == 200

    headers = {"Authorization": f"Bearer {fresh['access_token']}"}
    out = await limen.api.fetch("POST", "/api/v1/auth/logout", headers=headers)
    assert out.status == 204
    assert (await _me(limen, fresh["access_token"])).status == 401
    body = {"refresh_token": fresh["refresh_token"]}
    again = await limen.api.fetch("POST", "/api/v1/auth/refresh", body=body)
    assert (again.status, again.json()["code"]) == (401, "invalid_refresh_token")


async def test_register_and_verify_by_code(limen: Installation) -> None:
    email = new_address()
    await _register(limen, email)
    [mail] = await limen.mails(email)
    found = re.search(r"\b\d{3}[ -]?\d{3}\b|\b\d{6,8}\b", mail["text"])
    assert found is not None, mail["text"]
    body = {"email": email, "code": found[0]}
    proved = await limen.api.fetch("POST", "/api/v1/auth/verify-email", body=body)
    assert proved.json() == {"email": email, "email_verified": True}


async def test_forgotten_password_over_json(limen: Installation) -> None:
    person = await limen.person()
    pair = await limen.login(person)
    answer = await limen.api.fetch(
        "POST", "/api/v1/auth/password/forgot", body={"email": person.email}
    )
    assert answer.status == 200
    link = await limen.link_to(person.email, "/reset-password")
    body = {"token": link.partition("token=")[2], "password": NEW_PASSWORD}
    answer = await limen.api.fetch("POST", "/api/v1/auth/password/reset", body=body)
    assert answer.status == 204, answer.text
    assert (await _me(limen, pair["access_token"])).status == 401
    person.password = NEW_PASSWORD
    await limen.login(person)


async def test_changed_password_over_json_ends_the_other_sessions(limen: Installation) -> None:
    person = await limen.person()
    kept, other = await limen.login(person), await limen.login(person)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = await person.api("POST", "/api/v1/auth/password/change", kept["access_token"], body)
    assert answer.status == 204, answer.text
    assert (await _me(limen, kept["access_token"])).status == 200
    assert (await _me(limen, other["access_token"])).status == 401


async def test_sessions_are_listed_and_ended(limen: Installation) -> None:
    person = await limen.person()
    mine, other = await limen.login(person), await limen.login(person)
    listed = (await person.api("GET", "/api/v1/auth/sessions", mine["access_token"])).json()
    assert sorted(item["current"] for item in listed["items"]) == [False, True]
    ended = await person.api("DELETE", "/api/v1/auth/sessions", mine["access_token"])
    assert ended.json() == {"ended": 1}
    assert (await _me(limen, other["access_token"])).status == 401
