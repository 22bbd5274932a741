"""What a consent says, in a person's words: to whom, for what, and where the answer goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from limen.access.permissions import FULL_SCOPE
from limen.oauth.consent import is_unproven
from limen.oauth.model import Client, Resource
from limen.protocol.authorization_details import Details
from limen.protocol.redirect_uri import is_loopback, is_private_use
from limen.web.languages.words import Words, marked

SCOPE_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "openid": "Know that it is you who signs in",
        "profile": "See your name and what else your profile says",
        "email": "See your e-mail address",
        "address": "See your postal address",
        "phone": "See your phone number",
        "offline_access": "Keep this access while you are away, until you take it back",
        FULL_SCOPE: "Do everything that you can do here",
    }
)


SELF_REGISTERED: Final = marked(
    "Unverified: this application registered itself and nobody has checked who it is."
)


@dataclass(frozen=True, slots=True)
class DetailWords:
    """One of ``authorization_details`` as a person reads it: a title, and every member."""

    title: str
    lines: list[tuple[str, str]]


def scope_text(scope: str, *, resource: Resource) -> str:
    """Say what a scope lets a client do; its name where nobody wrote a text."""
    return SCOPE_TEXTS.get(scope) or resource.scopes.get(scope) or scope


def scope_texts(scope: Iterable[str], *, resource: Resource) -> list[str]:
    """Say what all of a scope lets a client do."""
    return [scope_text(one, resource=resource) for one in scope]


def detail_words(details: Details, *, resource: Resource) -> list[DetailWords]:
    """Say in full what is asked for in detail: what is not shown was not agreed to."""
    return [
        DetailWords(
            title=resource.authorization_details_types[detail["type"]]["description"]
            or detail["type"],
            lines=list(_lines(detail)),
        )
        for detail in details
    ]


def _lines(members: Mapping[str, Any], *, above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in members.items():
        if not above and name == "type":
            continue
        label = f"{above} {name}".strip()
        if isinstance(value, dict):
            yield from _lines(value, above=label)
        elif isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
            yield label, ", ".join(map(str, value))
        elif isinstance(value, list):
            for item in value:
                yield from _lines({label: item})
        else:
            yield label, str(value)


def destination(redirect_uri: str) -> Words:
    """Say where the answer goes: the one thing on the page that the client can't make up."""
    host = urlsplit(redirect_uri).netloc
    if is_loopback(redirect_uri):
        return Words("Your answer goes to a program on this device (%(host)s).", {"host": host})
    if is_private_use(redirect_uri):
        scheme = redirect_uri.partition(":")[0]
        return Words(
            "Your answer goes to the app on this device that opens %(scheme)s links.",
            {"scheme": scheme},
        )
    return Words("Your answer goes to %(host)s.", {"host": host})


def warning(client: Client, *, redirect_uri: str) -> Words | None:
    """Say what speaks against believing the client's name; ``None`` if nothing does."""
    if client.document_host and all(map(is_loopback, client.redirect_uris)):
        return Words(
            "Unverified: any program on this device could give %(host)s as its address, and the "
            "answer leaves no trace there. Allow it only if you have just started it yourself.",
            {"host": client.document_host},
        )
    if is_unproven(client, redirect_uri=redirect_uri):
        return Words(
            "Unverified: any program on this device could use this name. "
            "Allow it only if you have just started it yourself."
        )
    if not client.verified:
        return Words(SELF_REGISTERED)
    return None


def links(client: Client) -> list[tuple[str, str]]:
    """Return what the client links to (OIDC Registration section 2)."""
    named = (
        (marked("About it"), client.metadata.client_uri),
        (marked("Privacy policy"), client.metadata.policy_uri),
        (marked("Terms"), client.metadata.tos_uri),
    )
    return [(label, uri) for label, uri in named if uri]
