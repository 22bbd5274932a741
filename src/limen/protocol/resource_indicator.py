"""Resource indicators: which API a token is for (RFC 8707)."""

from __future__ import annotations

import functools
import re
from typing import Final

from limen.kernel.errors import OAuthRefusal
from limen.protocol.params import Params

MAX_CHARACTERS: Final = 2048
_ABSOLUTE: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?]*))?(?P<rest>.*)", re.ASCII
)
_URI_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]+", re.ASCII)


@functools.lru_cache(maxsize=2000)
def parse_resource(raw: str) -> str:
    """Return a resource identifier in the form that is compared and put into ``aud``.

    Scheme and host in lower case, a lone trailing slash dropped; nothing else is touched.

    Raises:
        OAuthRefusal: ``invalid_target``: not an absolute URI, or with a fragment
            (RFC 8707 section 2), or with user-info, which no API's name needs.
    """
    match = None
    if len(raw) <= MAX_CHARACTERS and _URI_CHARACTERS.fullmatch(raw):
        match = _ABSOLUTE.fullmatch(raw)
    if match is None:
        raise _invalid()
    authority, rest = match["authority"], match["rest"]
    if authority is None:
        if not rest:
            raise _invalid()
        return f"{match['scheme'].lower()}:{rest}"
    if not authority or "@" in authority:
        raise _invalid()
    return f"{match['scheme'].lower()}://{authority.lower()}{'' if rest == '/' else rest}"


def is_resource(named: str, identifier: str) -> bool:
    """Say whether what an operator wrote names a resource.

    Args:
        named: As written, with capital letters or a lone trailing slash, say.
        identifier: Canonical, as ``parse_resource`` gives it.
    """
    try:
        return parse_resource(named) == identifier
    except OAuthRefusal:
        return named == identifier


def read_resource(params: Params) -> str | None:
    """Read ``resource``, which may repeat; one resource per token.

    Raises:
        OAuthRefusal: ``invalid_target``, also for two different ones.
    """
    asked = {parse_resource(raw) for raw in params.many("resource")}
    if len(asked) > 1:
        raise OAuthRefusal(
            "invalid_target", "A token is for one resource; ask for each apart.", field="resource"
        )
    return asked.pop() if asked else None


def _invalid() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_target", "resource must be an absolute URI without a fragment.", field="resource"
    )
