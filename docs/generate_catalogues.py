"""Bring ``src/limen/web/languages/*.po`` up to date with what pages and mails say (``make docs``).

Translations are kept, new texts get an empty one, and what nobody says any more goes. A test finds
empty ones; whoever adds a text translates it.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2.ext import babel_extract

import limen
from limen.federation.catalogue.credential_rule import KINDS as CREDENTIAL_KINDS
from limen.federation.catalogue.load import load_entries
from limen.mail.message import TEMPLATES as MAILS
from limen.oauth.endpoints.interactive.words import SCOPE_TEXTS
from limen.portal.account_page import DONE
from limen.portal.api_keys_page import _WORDS as KEY_WORDS
from limen.vault.listing import ADVICE, CREDENTIAL_ADVICE
from limen.web.languages.catalogue import parse_catalogue
from limen.web.languages.negotiate import DEFAULT, SPOKEN
from limen.web.pages.error_words import words_for

SOURCE: Final = Path(limen.__file__).resolve().parent
FOLDER: Final = SOURCE / "web" / "languages"
NOT_PEOPLES: Final = {"form_post.html", "mailbox.html", "mail.html"}
"""Pages without a word, and those of development."""

MARKS: Final = {"marked", "Words"}
REFUSING: Final = (
    "access",
    "accounts",
    "federation/begin.py",
    "federation/finish.py",
    "mfa",
    "oauth/authorization/interaction.py",
    "oauth/consent.py",
    "oauth/decoupled",
    "oauth/endpoints/decoupled",
    "oauth/endpoints/interactive",
    "portal",
    "sessions",
    "signin",
    "tenants/policies/sign_up.py",
    "vault/asking",
    "vault/connect.py",
    "vault/connect_link.py",
    "vault/credentials",
    "vault/disconnect.py",
    "vault/endpoints/confirming.py",
    "vault/endpoints/sharing_page.py",
    "vault/giving",
    "vault/sessions",
    "vault/sharing",
    "web",
)
"""Where what is refused may be refused to a person, on a page."""

KINDS: Final = {
    "Conflict",
    "InvalidInput",
    "MalformedRequest",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "ProviderUnavailable",
    "ReauthenticationRequired",
    "Throttled",
    "TooLarge",
    "Unavailable",
}


TO_PROGRAMS: Final = frozenset(
    {
        "A credential asks nobody's consent.",
        "An application gives no credentials of people.",
        "Authenticate as the client, or call from one of its registered origins.",
        "Connections are people's.",
        "FAPI 2.0 binds tokens to a key.",
        "Nobody is impersonated at this provider.",
        "Say which enrolment this confirms.",
        "Say which provider.",
        "Send the SHA-256 of your verifier in base64url.",
        "Send token, or email and code.",
        "The body is no JSON, or nests too deeply.",
        "The body is not JSON.",
        "The profile has no such field.",
        "The state is too long.",
        "There is no such tenant here.",
        "This origin may not sign people in here.",
        "This service has no pages; it answers over its JSON API.",
        "code_challenge must be the 43 characters of a SHA-256.",
        "decision is allow or deny.",
        "state is 500 printable characters.",
    }
)
"""What no page says, though it stands where pages refuse."""


@cache
def texts() -> tuple[str, ...]:
    """Return every text that pages and mails say, in a fixed order."""
    return tuple(sorted({*_of_templates(), *_of_tables(), *_of_modules()} - TO_PROGRAMS))


def render(language: str) -> str:
    """Return a catalogue as it has to be."""
    path = FOLDER / f"{language}.po"
    known = parse_catalogue(path.read_text(encoding="utf-8"))
    head = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
    )
    entries = [
        f"msgid {_quoted(text)}\nmsgstr {_quoted(known.get(text, ''))}\n" for text in texts()
    ]
    return "\n".join([head, *entries])


def _of_templates() -> Iterator[str]:
    folders = [*SOURCE.glob("*/templates"), SOURCE / "web" / "pages" / "templates"]
    pages = [path for folder in folders for path in sorted(folder.rglob("*.html"))]
    mails = sorted((SOURCE / "mail" / "messages").glob("*"))
    for path in (*pages, *mails):
        if path.name in NOT_PEOPLES or "simulators" in path.parts:
            continue
        with path.open("rb") as file:
            options = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
            for _, _, message, _ in babel_extract(file, ("_", "gettext"), [], options):
                # With values it is a tuple: the text, and nothing for each of them.
                text = message if isinstance(message, str) else (message or ("",))[0]
                yield text or ""


def _of_tables() -> Iterator[str]:
    for table in (SCOPE_TEXTS, DONE, KEY_WORDS, ADVICE, CREDENTIAL_ADVICE):
        yield from table.values()
    for entry in load_entries().values():
        yield from (feature.title for feature in entry.features.values())
        yield from (scope.title for scope in entry.scopes.values())
        rules = entry.credentials
        yield from (rule.title for kind in CREDENTIAL_KINDS if (rule := getattr(rules, kind, None)))
    for status in (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503):
        words = words_for(status)
        yield from (words.title, words.way_on, words.link_label)


def _of_modules() -> Iterator[str]:
    refusing = [SOURCE / each for each in REFUSING]
    for path in sorted(SOURCE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        refuses = any(path == each or each in path.parents for each in refusing)
        if not refuses and not any(f"{mark}(" in source for mark in MARKS):
            continue
        tree = ast.parse(source)
        yield from _marked(tree)
        if refuses:
            yield from _refused(tree)


def _marked(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _refused(tree: ast.Module) -> Iterator[str]:
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        named = {
            target.id: node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                text = _public(node, named) if node.func.id in KINDS else None
                if text is not None:
                    yield text


def _public(call: ast.Call, named: Mapping[str, ast.expr]) -> str | None:
    given = call.args[1] if len(call.args) > 1 else None
    for keyword in call.keywords:
        given = keyword.value if keyword.arg == "public" else given
    if isinstance(given, ast.Name):
        given = named.get(given.id)
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        return given.value
    return None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    assert set(MAILS) <= {path.stem for path in (SOURCE / "mail" / "messages").iterdir()}
    for language in SPOKEN:
        if language != DEFAULT:
            (FOLDER / f"{language}.po").write_text(render(language), encoding="utf-8")
