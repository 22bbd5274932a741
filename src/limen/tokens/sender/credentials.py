"""The access token of a request's ``Authorization`` header (RFC 6750 2.1, RFC 9449 7.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from limen.kernel.errors import BearerRefusal
from limen.kernel.secret import Secret
from limen.protocol.sender.confirmation import TokenType

_SCHEMES: Final[dict[str, TokenType]] = {"bearer": "Bearer", "dpop": "DPoP"}
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedToken:
    """An access token as it came.

    Attributes:
        scheme: ``DPoP`` says that a proof comes with it.
    """

    raw: Secret[str]
    scheme: TokenType


def read_credentials(lines: Sequence[str]) -> PresentedToken | None:
    """Return the token of the ``Authorization`` headers; ``None`` if there is none of ours.

    Raises:
        BearerRefusal: ``invalid_request``: two headers, or a token that does not parse.
    """
    scheme, _, rest = (lines[0] if lines else "").partition(" ")
    known = _SCHEMES.get(scheme.lower())
    if known is None:
        return None
    if len(lines) > 1:
        raise BearerRefusal("invalid_request", "Send one access token.", scheme=known)
    raw = rest.strip(" ")
    if _TOKEN.fullmatch(raw) is None:
        raise BearerRefusal(
            "invalid_request", "The Authorization header is malformed.", scheme=known
        )
    return PresentedToken(raw=Secret(raw), scheme=known)
