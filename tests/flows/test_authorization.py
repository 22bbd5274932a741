from __future__ import annotations

from urllib.parse import urlsplit

from tests.installation import CALLBACK, GOODBYE, Installation
from tests.oauth_client import Flow, claims_in


async def test_consent_is_asked_once_and_remembered(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    await person.sign_in()
    page = await person.browser.open(flow.url(scope="openid email"))
    assert page.has("consent-allow")
    assert urlsplit(CALLBACK).netloc in page.text
    page = await person.browser.press(page, "consent-allow")
    assert page.url.startswith(CALLBACK)
    assert page.query["iss"] == limen.issuer
    again = await person.browser.open(flow.url(scope="openid email"))
    assert "code" in again.query
    wider = await person.browser.open(flow.url(scope="openid email read"))
    assert wider.has("consent-allow")
    asked = await person.browser.open(flow.url(scope="openid email", prompt="consent"))
    assert asked.has("consent-allow")


async def test_denied_and_cancelled_end_in_access_denied(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    page = await person.browser.open(flow.url(state="s-9"))
    cancelled = await person.browser.press(page, "sign-in-cancel")
    assert cancelled.query["error"] == "access_denied"
    assert (cancelled.query["state"], cancelled.query["iss"]) == ("s-9", limen.issuer)
    await person.sign_in()
    page = await person.browser.open(flow.url())
    denied = await person.browser.press(page, "consent-deny")
    assert denied.query["error"] == "access_denied"


async def test_prompt_none_shows_nothing(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    page = await person.browser.open(flow.url(prompt="none"))
    assert page.query["error"] == "login_required"
    await person.sign_in()
    page = await person.browser.open(flow.url(prompt="none"))
    assert page.query["error"] == "consent_required"
    await flow.authorize(person)
    page = await person.browser.open(flow.url(prompt="none"))
    assert "code" in page.query


async def test_prompt_login_and_max_age_ask_again_and_say_when(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    first = claims_in((await flow.tokens(person))["id_token"])
    limen.clock.advance(seconds=90)
    assert claims_in((await flow.tokens(person))["id_token"])["auth_time"] == first["auth_time"]
    for asked in ({"prompt": "login"}, {"max_age": "60"}, {"max_age": "0"}):
        limen.clock.advance(seconds=90)
        page = await person.browser.open(flow.url(**asked))
        assert page.has("sign-in-submit"), asked
        again = claims_in((await flow.tokens(person, **asked))["id_token"])
        assert again["auth_time"] >= first["auth_time"] + 90
        first = again


async def test_form_post_posts_itself_and_has_a_button(limen: Installation) -> None:
    person, client = (
        await limen.person(),
        await limen.client(metadata={"response_modes": ["query", "form_post"]}),
    )
    flow = Flow(limen, client)
    page = await flow.authorize(person, response_mode="form_post", state='"><b>x')
    form = page.form_with("form-post-submit")
    fields = dict(form.fields)
    assert form.action == CALLBACK
    assert (fields["iss"], fields["state"]) == (limen.issuer, '"><b>x')
    assert "form-action" not in page.headers["content-security-policy"]
    assert (await flow.redeem(fields["code"])).status == 200


async def test_confidential_clients_keep_their_refresh_token(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    made = await flow.tokens(person)
    again = (await flow.refresh(made["refresh_token"])).json()
    assert again.get("refresh_token", made["refresh_token"]) == made["refresh_token"]
    narrowed = (await flow.refresh(made["refresh_token"], scope="openid")).json()
    assert narrowed["scope"] == "openid"


async def test_rotation_its_grace_and_reuse(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client("spa"))
    made = await flow.tokens(person)
    second = (await flow.refresh(made["refresh_token"])).json()
    repeated = (await flow.refresh(made["refresh_token"])).json()
    assert repeated["refresh_token"] == second["refresh_token"] != made["refresh_token"]
    limen.clock.advance(seconds=11)
    reused = await flow.refresh(made["refresh_token"])
    assert (reused.status, reused.json()["error"]) == (400, "invalid_grant")
    dead = await flow.refresh(second["refresh_token"])
    assert (dead.status, dead.json()["error"]) == (400, "invalid_grant")
    assert (await flow.userinfo(second["access_token"])).status == 401


async def test_a_token_for_a_resource_names_it(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    resource = await limen.resource()
    made = await flow.tokens(person, scope="read write", resource=resource)
    claims = claims_in(made["access_token"])
    assert (claims["aud"], claims["iss"], claims["scope"]) == (resource, limen.issuer, "read write")
    assert "id_token" not in made
    api = await limen.api_client(resource)
    seen = await flow.introspect(made["access_token"], by=api)
    assert (seen["active"], seen["aud"], seen["sub"]) == (True, resource, person.id)


async def test_revoking_the_refresh_token_ends_the_access_token(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    made = await flow.tokens(person)
    assert await flow.is_active(made["access_token"])
    assert (await flow.revoke(made["refresh_token"])).status == 200
    assert not await flow.is_active(made["access_token"])
    assert (await flow.userinfo(made["access_token"])).status == 401
    assert (await flow.revoke("no token of anybody's")).status == 200


async def test_withdrawn_consent_ends_the_tokens(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    made = await flow.tokens(person)
    own = (await limen.login(person))["access_token"]
    listed = (await person.api("GET", "/api/v1/consents", own)).json()["items"]
    assert [consent["client"]["client_id"] for consent in listed] == [flow.client.id]
    gone = await person.api("DELETE", f"/api/v1/consents/{listed[0]['id']}", own)
    assert gone.status == 204, gone.text
    assert not await flow.is_active(made["access_token"])
    assert (await flow.refresh(made["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await person.api("GET", "/api/v1/consents", own)).json()["items"] == []
    page = await person.browser.open(flow.url())
    assert page.has("consent-allow")


async def test_logout_with_a_hint_asks_and_comes_back(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    made = await flow.tokens(person, scope="openid email")
    limen.clock.advance(hours=2)  # an expired hint is fine
    asked = f"/oauth2/logout?id_token_hint={made['id_token']}&post_logout_redirect_uri={GOODBYE}"
    page = await person.browser.open(f"{asked}&state=s-3")
    stays = await person.browser.press(page, "logout-no")
    assert not stays.has("logged-out")
    page = await person.browser.open(f"{asked}&state=s-3")
    left = await person.browser.press(page, "logout-yes")
    assert left.url == f"{GOODBYE}?state=s-3"
    assert (await flow.refresh(made["refresh_token"])).status == 400


async def test_logout_without_a_hint_never_redirects(limen: Installation) -> None:
    person = await limen.person()
    await limen.client()
    await person.sign_in()
    page = await person.browser.open(f"/oauth2/logout?post_logout_redirect_uri={GOODBYE}")
    page = await person.browser.press(page, "logout-yes")
    assert page.has("logged-out")


async def test_offline_access_outlives_the_session(limen: Installation) -> None:
    person, flow = await limen.person(), Flow(limen, await limen.client())
    offline = await flow.tokens(person, scope="openid offline_access")
    tied = await flow.tokens(person, scope="openid email")
    page = await person.browser.open("/sign-out")
    await person.browser.press(page, "logout-yes")
    assert (await flow.refresh(offline["refresh_token"])).status == 200
    assert (await flow.refresh(tied["refresh_token"])).json()["error"] == "invalid_grant"
