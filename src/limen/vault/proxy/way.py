"""Which hosts, paths and headers go out by the proxy, and which come back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from limen.federation.facts import Api
from limen.kernel.errors import InvalidInput, NotPermitted
from limen.vault.proxy.redact import spellings

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_PATH: Final = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_TURNS: Final = re.compile(r"(^|/)(\.|%2e){1,2}(/|\Z)|%2f|%5c|//", re.IGNORECASE)
_MAX_PATH_CHARS: Final = 2000

# Where tokens are made and exchanged: a client could have another one made of ours there.
_NEVER: Final = frozenset({"accounts", "auth", "iamcredentials", "login", "oauth2", "sts"})

# No ``range``: an answer that repeats the token, fetched in slices, would bring it piece by piece,
# and no piece is the token. Who is asked for no part sends the whole (RFC 9110 section 14.2).
_SENT: Final = frozenset(
    {
        "accept",
        "accept-language",
        "content-disposition",
        "content-language",
        "content-range",
        "content-type",
        "consistencylevel",
        "dropbox-api-arg",
        "idempotency-key",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-unmodified-since",
        "linear-version",
        "linkedin-version",
        "notion-version",
        "prefer",
    }
)
_SENT_PREFIXES: Final = ("x-goog-upload-", "x-upload-", "x-github-", "x-restli-")

_TOLD: Final = frozenset(
    {
        "content-disposition",
        "content-language",
        "content-length",
        "content-range",
        "content-type",
        "etag",
        "last-modified",
        "link",
        "retry-after",
        "x-request-id",
    }
)
_TOLD_PREFIXES: Final = ("ratelimit", "x-ratelimit-", "x-goog-upload-", "x-github-", "x-ms-")


def check_host(host: str, api: Api) -> None:
    """Refuse any host but those of the provider's API.

    Raises:
        NotPermitted: ``proxy_host_refused``.
    """
    labels = host.split(".")
    pinned = any(_is_below(host, pattern) for pattern in api.hosts)
    if not _HOST.fullmatch(host) or not pinned or labels[0] in _NEVER:
        raise NotPermitted("proxy_host_refused", "The token is not sent to this host.")


def check_path(path: str) -> None:
    """Refuse a path that two readers could read differently, or that turns back.

    Raises:
        InvalidInput: ``proxy_path_refused``.
    """
    if len(path) > _MAX_PATH_CHARS or not _PATH.fullmatch(path) or _TURNS.search(path):
        raise InvalidInput("proxy_path_refused", "The path can't be read.", field="path")


def check_operation(path: str, about_tokens: Iterable[str]) -> None:
    """Refuse what makes or ends tokens: who may use a connection may not end it.

    At whichever of the provider's hosts: some serve it at each of them.

    Args:
        path: Checked already.
        about_tokens: The provider's addresses for that.

    Raises:
        NotPermitted: ``proxy_operation_refused``.
    """
    if _plain(path) in {_plain(urlsplit(url).path) for url in about_tokens}:
        raise NotPermitted(
            "proxy_operation_refused", "Tokens are made and ended by their vault alone."
        )


def _plain(path: str) -> str:
    return unquote(path).rstrip("/").lower()


def headers_out(headers: Iterable[tuple[str, str]], *, api: Api) -> dict[str, str]:
    """Return what of a request goes on: nothing of ours, and nothing that names the caller.

    Args:
        headers: Lower-case names; a repeated one is sent once, as it came last.
        api: With the headers the provider wants besides.
    """
    found = {
        name: value for name, value in headers if name in _SENT or name.startswith(_SENT_PREFIXES)
    }
    known = set(found)
    return {
        **{name: value for name, value in api.headers.items() if name.lower() not in known},
        **found,
    }


def check_query(query: str, api: Api) -> None:
    """Refuse a query that speaks in the place of the key, where that travels in one.

    Of two with one name some readers take the first, others the last.

    Raises:
        InvalidInput: ``proxy_query_refused``.
    """
    names = {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}
    if api.query and api.query.lower() in names:
        raise InvalidInput("proxy_query_refused", "The key's own parameter is ours.", field="query")


def with_key(url: str, *, api: Api, raw_access: str) -> str:
    """Return where a call goes, with the key in its query where the provider wants it there."""
    if not api.query:
        return url
    # Percent-encoded in full, as it is struck out of answers: no plus for a blank.
    return f"{url}{'&' if '?' in url else '?'}{api.query}={quote(raw_access, safe='')}"


def with_token(headers: Mapping[str, str], *, api: Api, raw_access: str) -> dict[str, str]:
    """Return the headers with the token where the provider wants it."""
    if api.query:
        return dict(headers)
    kept = {name: value for name, value in headers.items() if name.lower() != api.header.lower()}
    return {**kept, api.header: f"{api.prefix}{raw_access}"}


def headers_back(
    headers: Iterable[tuple[str, str]], *, api: Api, raw_access: str, also: Iterable[str] = ()
) -> list[tuple[str, str]]:
    """Return what of an answer is handed on: no cookie, no policy, nothing with the token.

    A redirect is an answer here; where it leads is told only if the token could go there too.

    Args:
        headers: Lower-case names.
        api: Where the token may go.
        raw_access: The token.
        also: What else is kept back: the password within it.
    """
    told = []
    struck = [form.decode() for each in (raw_access, *also) for form in spellings(each)]
    for name, value in headers:
        if any(form in value for form in struck):
            continue
        leads_home = name == "location" and _stays(value, api)
        if name in _TOLD or name.startswith(_TOLD_PREFIXES) or leads_home:
            told.append((name, value))
    return told


def _stays(location: str, api: Api) -> bool:
    try:
        parts = urlsplit(location)
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(_is_below(host, each) for each in api.hosts)


def _is_below(host: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern
