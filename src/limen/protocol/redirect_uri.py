"""Redirect URIs: which may be registered, and how one that was sent is compared."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, final
from urllib.parse import quote, urlencode

from limen.kernel.errors import InvalidInput, OAuthRefusal

ApplicationType = Literal["web", "native"]

MAX_CHARACTERS: Final = 2048

# Every pattern is one pass over disjoint character sets: no input makes it back-track (N012).
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?@!$&'()+,;=%\[\]-]+", re.ASCII)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_PARTS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<slashes>//(?P<authority>[^/?]*))?(?P<rest>.*)", re.ASCII
)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(?P<port>[0-9]+))?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LOOPBACK: Final = re.compile(
    r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?].*)?)",
    re.ASCII,
)
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]{2,31}", re.ASCII)
_LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "[::1]", "localhost"})
_OUR_ANSWER: Final = frozenset({"code", "state", "iss", "error", "error_description", "response"})

_NEVER: Final = frozenset(
    {
        *("about", "blob", "chrome", "content", "data", "edge", "feed", "file", "filesystem"),
        *("ftp", "gopher", "http", "https", "intent", "jar", "javascript", "ldap", "mailto"),
        *("news", "resource", "shell", "sms", "ssh", "tel", "urn", "vbscript", "view-source"),
        *("wss", "wyciwyg", "xmpp"),
    }
)
"""Schemes that mean something to browsers or systems: none is one application's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateUse:
    """Which private-use schemes clients may redirect to (RFC 8252 section 7.1).

    Args:
        under_mcp: Whether clients of the profile ``mcp`` may at all.
        schemes: Those without a dot in them that are taken, under that profile too; other
            applications can claim such a name as well as the one that it is meant for.
    """

    under_mcp: bool = False
    schemes: frozenset[str] = frozenset()


NO_MORE: Final = PrivateUse()


def check_private_scheme(scheme: str) -> str:
    """Return a scheme that may be taken although no domain name stands in it.

    Raises:
        ValueError: It is none, or one that browsers or systems act upon.
    """
    if not _PRIVATE_SCHEME.fullmatch(scheme):
        raise ValueError("a scheme of 3 to 32 lower-case letters, digits, + and -")
    if scheme in _NEVER:
        raise ValueError("browsers and systems know this scheme; it is no application's own")
    return scheme


@final
@dataclass(frozen=True, slots=True)
class VerifiedRedirect:
    """An address that this client registered: the only kind anything redirects to.

    Made by ``match_redirect_uri`` alone; a function that takes one can't be an open redirector.
    """

    uri: str

    def with_params(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Add an answer to the URI's query, keeping the one it has."""
        return add_params(self.uri, pairs)

    def with_fragment(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Add an answer as the fragment, which no server and no ``Referer`` sees."""
        # No registered URI has one (N007).
        return f"{self.uri}#{_encode(pairs)}"


def add_params(uri: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Add parameters to a URI's query, keeping the one it has."""
    added = _encode(pairs)
    if "?" not in uri:
        return f"{uri}?{added}"
    return f"{uri}{'' if uri[-1] in '?&' else '&'}{added}"


def _encode(pairs: Iterable[tuple[str, str]]) -> str:
    # %20 and not "+": read alike by form decoders and by URL decoders.
    return urlencode(list(pairs), quote_via=quote, safe="")


class _Loopback(NamedTuple):
    host: str
    rest: str


def match_redirect_uri(sent: str | None, *, registered: Sequence[str]) -> VerifiedRedirect:
    """Return where the answer may go.

    Compared as strings (N003, N004, N013). The one exception is the port of a loopback
    address, which a native app learns at run time (RFC 8252 section 7.3): any port on
    ``127.0.0.1``, ``[::1]`` and ``localhost``, each for itself, with the same path and query.

    Args:
        sent: ``None`` when the request named none; then the only registered one counts.
        registered: The client's.

    Raises:
        OAuthRefusal: ``invalid_redirect_uri``. To be shown as a page: nothing may redirect.
    """
    if sent is None:
        if len(registered) == 1:
            return VerifiedRedirect(registered[0])
        raise _unregistered("redirect_uri is missing.")
    if sent in registered:
        return VerifiedRedirect(sent)
    loopback = _read_loopback(sent)
    if loopback is not None and any(loopback == _read_loopback(known) for known in registered):
        return VerifiedRedirect(sent)
    raise _unregistered(
        "This redirect_uri is not registered for the client, character for character."
    )


def is_loopback(uri: str) -> bool:
    """Say whether a URI ends on the user's own machine over plain http."""
    return _read_loopback(uri) is not None


def is_private_use(uri: str) -> bool:
    """Say whether a URI is of a private-use scheme, which any app may claim (RFC 8252 8.6)."""
    return uri.partition(":")[0] not in {"http", "https"}


def origin_of(uri: str) -> str | None:
    """Return scheme, host and port as a browser writes them; ``None`` without an origin."""
    parts = _PARTS.fullmatch(uri)
    if parts is None or parts["scheme"] not in {"http", "https"} or not parts["authority"]:
        return None
    default = ":443" if parts["scheme"] == "https" else ":80"
    return f"{parts['scheme']}://{parts['authority'].removesuffix(default)}"


def check_redirect_uri(
    uri: str,
    *,
    application: ApplicationType,
    private_use: PrivateUse = NO_MORE,
    field: str = "redirect_uris",
    code: str = "invalid_redirect_uri",
) -> None:
    """Check that a URI may be registered.

    An allow-list: ``https``, ``http`` on loopback, and for native applications a private-use
    scheme with a dot in it, a domain name turned round (RFC 8252 section 7.1), or one that the
    tenant takes by name. That leaves out
    ``javascript:``, ``data:``, ``file:`` and whatever is invented next (N009). No wildcard
    anywhere (N005), no user-info (N006), no fragment (N007), hosts in lower-case ASCII (N013).

    Raises:
        InvalidInput: ``code``, with the reason in words.
    """
    problem = _problem_of(uri, application=application, schemes=private_use.schemes)
    if problem:
        raise InvalidInput(code, f"{field}: {problem}", field=field)


def check_web_uri(uri: str, *, field: str) -> None:
    """Check an address that is shown to people as a link: ``https``, or loopback (N193).

    Raises:
        InvalidInput: ``invalid_client_metadata``.
    """
    check_redirect_uri(uri, application="web", field=field, code="invalid_client_metadata")


def _problem_of(uri: str, *, application: ApplicationType, schemes: frozenset[str]) -> str:
    if not 0 < len(uri) <= MAX_CHARACTERS:
        return f"a URI has 1 to {MAX_CHARACTERS} characters."
    if "#" in uri:
        return "a fragment is not allowed."
    if "*" in uri:
        return "wildcards are not allowed; register each URI."
    if not _CHARACTERS.fullmatch(uri) or _BAD_ESCAPE.search(uri):
        return "not a URI: only ASCII letters, digits and the signs of RFC 3986."
    parts = _PARTS.fullmatch(uri)
    if parts is None:
        return "not an absolute URI with a lower-case scheme."
    if "@" in (parts["authority"] or ""):
        return "user-info is not allowed."
    return _problem_of_scheme(parts, application=application, schemes=schemes) or _problem_of_rest(
        parts["rest"]
    )


def _problem_of_scheme(
    parts: re.Match[str], *, application: ApplicationType, schemes: frozenset[str]
) -> str:
    scheme = parts["scheme"]
    if scheme in {"https", "http"}:
        host = _host_of(parts["authority"] or "")
        if host is None:
            return "the host must be a lower-case ASCII name or an IP address."
        if scheme == "http" and host not in _LOOPBACK_HOSTS:
            return "http is for 127.0.0.1, [::1] and localhost only; use https."
        return ""
    if application != "native":
        return "use https (or http on loopback)."
    if "." not in scheme.strip(".") and scheme not in schemes:
        return "a private-use scheme is a reversed domain name, com.example.app say."
    return "" if parts["authority"] or parts["rest"] else "nothing follows the scheme."


def _problem_of_rest(rest: str) -> str:
    path, _, query = rest.partition("?")
    if any(segment in {".", ".."} for segment in path.split("/")):
        return "dot segments are not allowed."
    names = {pair.partition("=")[0] for pair in query.split("&")}
    if names & _OUR_ANSWER:
        return "its query may not hold the names of an authorization answer."
    return ""


def _host_of(authority: str) -> str | None:
    match = _AUTHORITY.fullmatch(authority)
    if match is None or not _is_port(match["port"]):
        return None
    host = match["host"]
    if host.startswith("["):
        return host if _is_address(host[1:-1]) else None
    labels = host.split(".")
    if labels[-1].isdigit():  # a number as the last label makes it an IPv4 address (WHATWG URL)
        return host if _is_address(host) else None
    return host if len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_port(port: str | None) -> bool:
    return port is None or (len(port) <= 5 and not port.startswith("0") and 0 < int(port) <= 65_535)


def _read_loopback(uri: str) -> _Loopback | None:
    """Take a loopback URI apart, its port left out; ``None`` for every other URI (N010, N011)."""
    match = _LOOPBACK.fullmatch(uri)
    if match is None or not _is_port(match["port"]):
        return None
    return _Loopback(match["host"], match["rest"])


def _unregistered(public: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_redirect_uri", public, field="redirect_uri")
