from __future__ import annotations

import io
import json
from typing import Any

from PIL import Image

from limen.accounts.ending.close_account import close_account
from limen.testing.forms import forms_in
from limen.testing.visitor import Page
from tests.at_provider import agree, connect, leave_to_sign_in, order, sign_in_with
from tests.installation import Installation, Person, Watched, new_address
from tests.standings import EACH_ONCE
from tests.unit.net.servers import answer, listening

pytestmark = EACH_ONCE
PROFILE = "/api/v1/auth/oauth2/profile"


async def rename(limen: Installation, sub: str, email: str, name: str, **more: Any) -> None:
    """Say at the simulated Google who somebody is."""
    account = {"sub": sub, "email": email, "name": name, "hd": "app.example", **more}
    await order(limen, "google", accounts=[account])


async def somebody(limen: Installation) -> tuple[str, str, Watched]:
    """Somebody who signed in with Google: their subject, address and browser."""
    email = new_address()
    sub = f"profile-{email.partition('@')[0]}"
    await rename(limen, sub, email, "Ada L.")
    browser = limen.browser()
    await sign_in_with(limen, browser, account=sub)
    return sub, email, browser


async def profile_of(browser: Watched) -> dict[str, Any]:
    page = await browser.fetch("GET", PROFILE)
    assert page.status == 200, page.text
    return dict(page.json())


async def changed(browser: Watched, method: str, path: str, body: object = None) -> Page:
    fields = dict((await browser.open("/account/profile")).form_with("profile-save").fields)
    headers = {"X-CSRF-Token": fields["csrf"], "Sec-Fetch-Site": "same-origin"}
    return await browser.fetch(method, path, body=body, headers=headers)


async def test_what_a_provider_says_is_kept_with_what_it_said_before(limen: Installation) -> None:
    sub, email, browser = await somebody(limen)
    first = await profile_of(browser)
    [said] = first["profiles"]
    assert (said["provider"], said["provider_user_id"], said["email"]) == ("google", sub, email)
    assert (said["name"], said["email_verified"], said["history"]) == ("Ada L.", True, [])
    assert said["profile_data"]["hd"] == "app.example"
    assert first["used"]["name"] | {"since": 0} == {
        "value": "Ada L.",
        "source": said["identity"],
        "since": 0,
    }
    limen.clock.advance(minutes=1)
    await rename(limen, sub, email, "Ada King")
    await sign_in_with(limen, browser, account=sub)
    second = await profile_of(browser)
    [said] = second["profiles"]
    assert second["used"]["name"]["value"] == "Ada King"
    assert said["last_sync"] == said["changed_at"] > first["profiles"][0]["last_sync"]
    [change] = said["history"]
    assert change["before"]["name"] == "Ada L."
    me = (await browser.fetch("GET", "/api/v1/auth/me")).json()
    assert me["claims"]["name"] == "Ada King"


async def test_a_receiver_hears_what_changed_and_not_to_what(limen: Installation) -> None:
    admin = await limen.person(role="admin")
    token = (await limen.login(admin))["access_token"]
    sub, email, browser = await somebody(limen)
    hooks = "/api/v1/admin/webhooks"
    async with listening(answer(b"{}")) as listener:
        body = {"url": listener.url, "types": ["profile.changed"]}
        added = await admin.api("POST", hooks, token, body)
        await rename(limen, sub, email, "Countess of Lovelace")
        await sign_in_with(limen, browser, account=sub)
        await limen.settle()
        [sent] = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in listener.requests]
        await admin.api("DELETE", f"{hooks}/{added.json()['id']}", token)
    assert (sent["type"], sent["data"]["provider"]) == ("profile.changed", "google")
    assert "name" in sent["data"]["members"]
    assert "Countess" not in str(sent)


async def test_a_closed_account_leaves_no_picture(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    url = (await put_picture(person.browser, drawn())).json()["picture_url"]
    await limen.run(lambda work: close_account(work, user_id=person.id))
    assert (await limen.api.fetch("GET", url)).status == 404


async def test_ones_own_words_stand_until_one_chooses_otherwise(limen: Installation) -> None:
    sub, email, browser = await somebody(limen)
    own = {"name": {"source": "own", "value": "Countess"}, "locale": {"source": "none"}}
    assert (await changed(browser, "PUT", PROFILE, own)).status == 200
    await rename(limen, sub, email, "Ada Byron")
    await sign_in_with(limen, browser, account=sub)
    shown = await profile_of(browser)
    assert (shown["used"]["name"]["value"], shown["used"]["name"]["source"]) == ("Countess", "own")
    source = shown["profiles"][0]["identity"]
    page = await changed(browser, "PUT", PROFILE, {"name": {"source": source}})
    assert page.json()["used"]["name"]["value"] == "Ada Byron"
    assert "Ada Byron" in (await browser.open("/account")).text


async def test_n229_pictures_are_ours_whoever_gave_them(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    uploaded = await put_picture(person.browser, drawn())
    url = uploaded.json()["picture_url"]
    assert url.startswith(f"{limen.issuer}/pictures/")
    shown = await limen.api.fetch("GET", url)
    assert (shown.status, shown.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in shown.headers["cache-control"]
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert f'src="{url}"' in (await person.browser.open("/account")).text
    sub, _, browser = await somebody(limen)
    told = {"id_token": {"picture": url}, "userinfo": {"picture": url}}
    await order(limen, "google", lies=told)
    await sign_in_with(limen, browser, account=sub)
    await order(limen, "google", lies={})
    await limen.settle()
    theirs = await profile_of(browser)
    copy = theirs["profiles"][0]["picture_url"]
    assert theirs["used"]["picture"]["value"] == copy != url
    assert (await limen.api.fetch("GET", copy)).status == 200
    removed = await changed(person.browser, "DELETE", f"{PROFILE}/picture")
    assert removed.status == 204
    assert (await limen.api.fetch("GET", url)).status == 404
    assert (await profile_of(person.browser))["used"]["picture"]["source"] == "none"
    refused = await put_picture(person.browser, b"<svg/>")
    assert (refused.status, refused.json()["code"]) == (422, "picture_invalid")


async def test_profiles_are_brought_up_to_date_while_people_are_away(limen: Installation) -> None:
    sub, email, browser = await somebody(limen)
    me = (await browser.fetch("GET", "/api/v1/auth/me")).json()
    await connect(limen, Person(me["id"], email, "", browser), account=sub)
    await rename(limen, sub, email, "By Connection")
    limen.clock.advance(hours=24)
    await limen.settle()
    assert (await profile_of(browser))["used"]["name"]["value"] == "By Connection"


async def test_a_sign_in_may_leave_the_means_to_ask_again(limen: Installation) -> None:
    mapped = {"claim": "hd", "value": "app.example", "role": "auditor"}
    rules = {"keep_access": True, "roles": [mapped]}
    await limen.set_policy(sign_in={"providers": {"google": rules}})
    audit = "/api/v1/admin/audit"
    try:
        sub, email, browser = await somebody(limen)
        assert (await browser.fetch("GET", audit)).status == 200
        for name in ("Once", "Twice"):
            await rename(limen, sub, email, name)
            limen.clock.advance(hours=24)
            await limen.settle()
            assert (await profile_of(browser))["used"]["name"]["value"] == name
        assert (await browser.fetch("GET", audit)).status == 200
        # N049: who left the domain keeps no role of it until they sign in again.
        await rename(limen, sub, email, "Twice", hd="")
        limen.clock.advance(hours=24)
        await limen.settle()
        assert (await browser.fetch("GET", audit)).status == 403
        # N121: an answer of another account changes nothing, and is not asked again.
        await rename(limen, sub, email, "Nobody")
        lie = {"userinfo": {"sub": "another"}, "id_token": {"sub": "another"}}
        await order(limen, "google", lies=lie)
        limen.clock.advance(hours=24)
        await limen.settle()
        await order(limen, "google", lies={})
        limen.clock.advance(hours=24)
        await limen.settle()
        assert (await profile_of(browser))["used"]["name"]["value"] == "Twice"
        assert (await changed(browser, "DELETE", "/api/v1/auth/oauth2/revoke")).status == 204
        assert (await browser.fetch("GET", PROFILE)).status == 401
    finally:
        await limen.set_policy(sign_in=None)


async def test_the_account_page_adds_and_removes_ways_in(limen: Installation) -> None:
    person = await limen.person()
    await person.sign_in()
    email = new_address()
    sub = f"page-{email.partition('@')[0]}"
    await rename(limen, sub, email, "Second")
    page = await person.browser.open("/account/link/google")
    form = page.form_with("link-continue")
    left = await person.browser.fetch("POST", limen.root + form.action, form=form.fields)
    page = await person.browser.open(await agree(limen, left.headers["location"], account=sub))
    assert page.has("done"), page.text[:500]
    assert email in page.text
    [remove] = [form for form in forms_in(page.text) if form.action.endswith("/identities/unlink")]
    gone = await person.browser.fetch("POST", limen.root + remove.action, form=remove.fields)
    assert gone.headers["location"].endswith("done=identity-unlinked")
    assert (await leave_to_sign_in(limen.browser())).startswith("http")


async def put_picture(browser: Watched, image: bytes) -> Page:
    fields = dict((await browser.open("/account/profile")).form_with("profile-save").fields)
    headers = {
        "X-CSRF-Token": fields["csrf"],
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "image/png",
    }
    return await browser.fetch("PUT", f"{PROFILE}/picture", body=image, headers=headers)


def drawn() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, "PNG")
    return out.getvalue()
