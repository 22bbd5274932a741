"""An access token in a request, and the challenge that answers a bad one (RFC 6750, 9449)."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from limen.kernel.errors import BearerRefusal, InsufficientAuthentication
from limen.protocol.sender.proof import PROOF_ALGS
from limen.tokens.sender.credentials import PresentedToken, read_credentials

NO_TOKEN: Final = "no_token"  # noqa: S105 -- a code of ours, not a secret
"""Not an RFC 6750 code: who sent no token is told none (section 3.1)."""

_UNQUOTABLE: Final = re.compile(r"[^\x20-\x21\x23-\x5B\x5D-\x7E]", re.ASCII)


def read_token(request: Request) -> PresentedToken:
    """Return the token of the ``Authorization`` header, the only place one is taken from.

    A token in the query would end in logs and ``Referer`` headers; alone it counts as none, and
    beside the header the request is refused (OAuth 2.1 §5.2, N093).

    Raises:
        BearerRefusal: ``no_token``, or ``invalid_request`` for two tokens or none that parses.
    """
    presented = read_credentials(request.headers.getlist("authorization"))
    if presented is None:
        raise BearerRefusal(NO_TOKEN, "Send an access token in the Authorization header.")
    if "access_token" in request.query_params:
        raise BearerRefusal("invalid_request", "Send one access token.", scheme=presented.scheme)
    return presented


def challenge(refusal: BearerRefusal, *, metadata_url: str) -> str:
    """Return the ``WWW-Authenticate`` that tells a client what to do.

    Spec: RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1.
    """
    parts = {"resource_metadata": metadata_url}
    if refusal.code != NO_TOKEN:
        parts = {"error": refusal.code, "error_description": refusal.public, **parts}
    if refusal.scope:
        parts["scope"] = refusal.scope
    if isinstance(refusal, InsufficientAuthentication):
        parts.update(refusal.wanted)
    if refusal.scheme == "DPoP":
        parts["algs"] = " ".join(PROOF_ALGS)
    quoted = (f'{name}="{_UNQUOTABLE.sub(" ", value)}"' for name, value in parts.items())
    return f"{refusal.scheme} " + ", ".join(quoted)
