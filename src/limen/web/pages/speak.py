"""Which language a page is in, and how its template says things in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import jinja2
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from limen.web import cookies
from limen.web.languages.catalogue import say_in, say_words
from limen.web.languages.moments import day_in, minute_in
from limen.web.languages.negotiate import DEFAULT, choose, read_accepted
from limen.web.languages.words import Words

_COOKIE: Final = "lang"
_MOST_FIELDS: Final = 50


def language_for(request: Request, *, ui_locales: Sequence[str] = ()) -> str:
    """Return the language of a page.

    Args:
        request: Says what its address asks for, what was asked for before, what the browser wants.
        ui_locales: What an application asked for (OpenID Connect Core section 3.1.2.1).
    """
    return (
        _asked(request, ui_locales)
        or choose([cookies.read(request, _COOKIE) or ""])
        or choose(read_accepted(request.headers.get("accept-language", "")))
        or DEFAULT
    )


def remember_language(
    response: Response, request: Request, *, ui_locales: Sequence[str] = ()
) -> None:
    """Keep what was asked for, for the pages that follow in this browser session."""
    asked = _asked(request, ui_locales)
    if asked and asked != cookies.read(request, _COOKIE):
        cookies.write(response, request, _COOKIE, value=asked)


def spoken(request: Request) -> dict[str, str]:
    """Return what a new profile says of its person's language: nothing, if it is the default.

    Mails are written in it; the claim is OpenID Connect's ``locale``.
    """
    language = language_for(request)
    return {} if language == DEFAULT else {"locale": language}


def texts_in(language: str) -> Callable[..., Markup]:
    """Return what templates of pages call ``_``: a text of theirs in a language, as markup.

    Values are escaped; the text itself is not, in whatever language: it is ours. The context holds
    it, and so do macros that are imported ``with context``. A page has dozens of texts: what
    Jinja's own extension does for each of them costs as much as the rest of the page.
    """
    say = say_in(language)

    def text(told: str, /, **values: object) -> Markup:
        said = Markup(say(told))  # noqa: S704 -- a template's own text, or its translator's
        return said % values if values else said

    return text


def plain_texts_in(language: str) -> Callable[..., str]:
    """Return the same for what is no markup: the plain part of a mail."""
    say = say_in(language)

    def text(told: str, /, **values: object) -> str:
        said = say(told)
        return said % values if values else said

    return text


def install(environment: jinja2.Environment) -> None:
    """Give templates the filters ``said``, ``day`` and ``minute``; they ask for ``language``.

    What is imported takes it ``with context``.
    """
    environment.filters["said"] = _said
    environment.filters["day"] = _day
    environment.filters["minute"] = _minute


def _asked(request: Request, ui_locales: Sequence[str]) -> str:
    return choose(ui_locales) or choose(_in_address(request))


def _in_address(request: Request) -> list[str]:
    raw: bytes = request.scope["query_string"]
    if b"ui_locales=" not in raw:
        return []
    try:
        pairs = parse_qsl(raw.decode("latin-1"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return []
    return [tag for name, value in pairs if name == "ui_locales" for tag in value.split()]


@jinja2.pass_context
def _said(context: Context, told: str | Words) -> str:
    """Say what is no text of the template's own: a refusal, a name of ours, words with values."""
    return say_words(say_in(_language(context)), told)


@jinja2.pass_context
def _day(context: Context, moment: dt.datetime) -> str:
    return day_in(_language(context), moment)


@jinja2.pass_context
def _minute(context: Context, moment: dt.datetime) -> str:
    return minute_in(_language(context), moment)


def _language(context: Context) -> str:
    language: Any = context.get("language", DEFAULT)
    return str(language)
