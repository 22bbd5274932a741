"""The answer as a JWT, for an API that must be able to prove what it was told (RFC 9701)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.clock import to_timestamp
from limen.oauth.client_keys.recipient import Recipient, sign_for
from limen.oauth.model import Client

MEDIA_TYPE: Final = "application/token-introspection+jwt"


async def sign_answer(
    work: Work,
    *,
    keyring: Keyring,
    client: Client,
    answer: Mapping[str, Any],
    recipient: Recipient | None,
) -> str:
    """Sign an introspection response, and encrypt it if its recipient registered that.

    What is said of the token stands inside ``token_introspection`` alone: at the top a ``sub``
    or an ``exp`` would make it look like an access token (RFC 9701 section 5).

    Args:
        work: The request's.
        keyring: Signs, with what the client registered.
        client: The API's client: the audience.
        answer: The response as it would be in JSON.
        recipient: Found before anything was written.
    """
    claims = {
        "iss": work.site.issuer,
        "aud": client.client_id,
        "iat": to_timestamp(work.now),
        "token_introspection": dict(answer),
    }
    return await sign_for(
        work,
        keyring=keyring,
        claims=claims,
        typ="token-introspection+jwt",
        alg=client.metadata.introspection_signed_response_alg,
        recipient=recipient,
    )
