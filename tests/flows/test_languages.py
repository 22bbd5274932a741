"""Pages and mails in the language that somebody reads, whole."""

from __future__ import annotations

import html
import re

import pytest

from limen.testing.visitor import Page
from limen.web.pages import speak
from tests.flows.test_asking import app_of
from tests.giving import KEY
from tests.installation import PASSWORD, Installation, Person, new_address
from tests.oauth_client import Flow
from tests.sharing import FEATURE, Sharer, agent, connected, share

pytestmark = pytest.mark.parametrize("limen", [("root", "sqlite")], indirect=True, ids=["root"])
_SILENT = re.compile(r"<(script|style|svg|pre|code)\b.*?</\1>", re.DOTALL)
_SPOKEN = re.compile(r'(?:aria-label|alt|placeholder|title)="([^"]*)"')
_TRANSLATED = re.compile(r"⟦[^⟦⟧]*⟧", re.DOTALL)
# What the catalogue of providers, tenants and clients say is theirs.
DATA = ("Google", "Notion", "GitHub", "Limen", "Default", "UTC")


def left_in_english(page: Page, *data: str) -> list[str]:
    """Return the words of a page that went through no catalogue and are nobody's data."""
    body = page.text.partition("<title>")[2]
    body = _SILENT.sub(" ", body)
    text = html.unescape(" ".join([*_SPOKEN.findall(body), re.sub(r"<[^>]*>", " ", body)]))
    while _TRANSLATED.search(text):
        text = _TRANSLATED.sub(" ", text)
    for each in sorted((*data, *DATA), key=len, reverse=True):
        assert each
        text = text.replace(each, " ")
    return re.findall(r"[A-Za-z]{2,}", text)


class Reader:
    """Somebody who reads pages in a language that nobody speaks.

    Args:
        data: What is said in no language: names, addresses.
    """

    def __init__(self, limen: Installation, *data: str) -> None:
        self.issuer = limen.issuer
        self.data = data
        self.found: dict[str, list[str]] = {}

    def look(self, page: Page) -> Page:
        """Note what of a page is in English still."""
        assert "⟦" in page.text, (page.url, page.text[:500])
        words = left_in_english(page, *self.data)
        self.found[f"{len(self.found)} {page.url.removeprefix(self.issuer)}"] = words
        return page

    def check(self, *, pages: int) -> None:
        """Refuse any."""
        assert {path: words for path, words in self.found.items() if words} == {}
        assert len(self.found) >= pages


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text that goes through a catalogue is marked."""
    monkeypatch.setattr(speak, "say_in", lambda _: lambda text: f"⟦{text}⟧")


@pytest.mark.usefixtures("foreign")
async def test_no_page_on_the_way_in_has_a_word_that_is_not_translated(
    limen: Installation,
) -> None:
    person, browser, email = await limen.person(), limen.browser(), new_address()
    flow = Flow(limen, await limen.client(name="Diary", scope=("openid", "profile", "email")))
    reader = Reader(limen, email, person.email, "Diary", "app.example", "link_invalid")
    for path in ("/sign-in", "/sign-up", "/forgot-password", "/device", "/reset-password?token=x"):
        reader.look(await browser.open(path))
    page = await browser.open("/sign-up")
    typed = {"email": email, "password": PASSWORD}
    reader.look(await browser.press(page, "sign-up-submit", {**typed, "password": "short"}))
    reader.look(await browser.press(page, "sign-up-submit", typed))
    page = reader.look(await browser.open(flow.url(scope="openid profile email")))
    wrong = {"email": person.email, "password": "not the right one"}
    reader.look(await browser.press(page, "sign-in-submit", wrong))
    page = await browser.press(page, "sign-in-submit", {**wrong, "password": PASSWORD})
    assert page.has("consent-allow"), page.text[:600]
    reader.look(page)
    reader.check(pages=10)


@pytest.mark.usefixtures("foreign")
async def test_no_page_of_an_account_has_a_word_that_is_not_translated(
    limen: Installation,
) -> None:
    ada, known = await connected(limen), await agent(limen)
    await share(ada, known.id)
    person = ada.person
    _, token = await app_of(limen, person, mode="raw")
    asked = []
    for features in ([FEATURE], [FEATURE, "drive_read"]):
        body = {"provider": "google", "features": features}
        made = await person.api("POST", "/api/v1/oauth/sharing-requests", token, body)
        asked.append(made.json()["url"])
    key = await person.api("POST", "/api/v1/oauth/notion/credentials", ada.own, KEY)
    keyed = f"/account/connections/{key.json()['id']}"
    shown = await person.api("GET", f"/api/v1/oauth/connections/{ada.connection}", ada.own)
    data = (
        person.email,
        shown.json()["account"],
        "The <b>Diary",
        "app.example",
        f"{limen.issuer}/api/v1",
        key.json()["account"],
        key.json()["manage_url"],
    )
    reader = Reader(limen, *data, *re.findall(r"App \d+", await _names(person, ada)))
    paths = (
        "/account",
        "/account/profile",
        "/account/password",
        "/account/api-keys",
        "/account/two-step",
        f"/account/connections/{ada.connection}",
        f"/account/connect/google?feature={FEATURE}",
        "/account/link/google",
        "/account/credentials/notion",
        keyed,
        f"{keyed}/credential",
        "/sign-out",
        *asked,
    )
    for path in paths:
        reader.look(await person.browser.open(path))
    page = await person.browser.open("/account/credentials/google")
    reader.data = (*data, *re.findall(r'rel="noreferrer">([^<]+)<', page.text))
    reader.look(page)
    typed = {"service_account": "{}", "feature": FEATURE}
    reader.look(await person.browser.press(page, "credential-submit", typed))
    reader.check(pages=15)


async def _names(person: Person, ada: Sharer) -> str:
    return (await person.browser.open(f"/account/connections/{ada.connection}")).text


async def test_a_page_is_in_the_language_that_was_asked_for(limen: Installation) -> None:
    flow, person = Flow(limen, await limen.client()), await limen.person()
    german = {"Accept-Language": "de-CH, en;q=0.5"}
    page = await person.browser.open("/sign-in", headers=german)
    assert '<html lang="de">' in page.text
    assert "Willkommen zurück" in page.text
    page = await person.browser.open("/sign-in", headers={"Accept-Language": "ja"})
    assert '<html lang="en">' in page.text
    # What an application asks for stands before what the browser says, to the end of the journey.
    page = await person.browser.open(flow.url(ui_locales="xx fr-CA de"), headers=german)
    assert '<html lang="fr">' in page.text
    page = await person.browser.sign_in(person.email, person.password, at=page)
    assert page.has("consent-allow")
    assert '<html lang="fr">' in page.text
    # Whoever is signed in already comes to the consent page at once: the request is asked.
    page = await person.browser.open(flow.url(ui_locales="es"))
    assert '<html lang="es">' in page.text
    assert "¿Permitir App" in page.text
    # And what follows in this browser is in the same, errors too; their codes are for programs.
    page = await person.browser.open("/account/connections/none", headers=german)
    assert "No hay tal conexión." in page.text
    assert 'id="error-code">connection_not_found<' in page.text
    wrong = {"email": person.email, "password": "not the right one"}
    told = await limen.api.fetch("POST", "/api/v1/auth/login", body=wrong, headers=german)
    assert told.json()["detail"] == "The e-mail address or the password is wrong."


async def test_whoever_signs_up_in_a_language_is_mailed_in_it(limen: Installation) -> None:
    browser, email = limen.browser(), new_address()
    page = await browser.open("/sign-up?ui_locales=es")
    await browser.press(page, "sign-up-submit", {"email": email, "password": PASSWORD})
    [mail] = await limen.mails(email)
    assert mail["subject"].startswith("Confirma tu correo electrónico para ")
    assert "escribe este código" in mail["text"]
    person = await limen.person(locale="de-AT")
    body = {"email": person.email}
    await limen.api.fetch("POST", "/api/v1/auth/password/forgot", body=body)
    [mail] = await limen.mails(person.email)
    assert mail["subject"].startswith("Wählen Sie ein neues Passwort für ")
    assert "eine Stunde lang" in mail["text"]


async def test_discovery_names_the_languages(limen: Installation) -> None:
    page = await limen.api.fetch("GET", "/.well-known/openid-configuration")
    assert page.json()["ui_locales_supported"] == ["en", "de", "fr", "es"]
    for language in page.json()["ui_locales_supported"]:
        shown = await limen.api.fetch("GET", f"/sign-in?ui_locales={language}")
        assert f'<html lang="{language}">' in shown.text
