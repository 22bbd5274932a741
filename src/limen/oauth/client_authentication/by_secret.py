"""``client_secret_basic`` and ``client_secret_post``: the secret itself."""

from __future__ import annotations

import datetime as dt
import hmac
from typing import Final

from limen.kernel.tokens import token_hash
from limen.oauth.model import Client
from limen.protocol.client_authentication import SecretCredentials, failed

_NOBODYS_HASH: Final = bytes(32)


def check_secret(
    client: Client | None, credentials: SecretCredentials, *, now: dt.datetime
) -> None:
    """Compare in constant time, and for a client that does not exist too.

    Either way of sending a secret will do for a client that registered one of them; a client
    of any other method has no secret to send (N057). A service account may have both.

    Raises:
        InvalidClient: Whatever is wrong.
    """
    presented = token_hash(credentials.raw_secret)
    stored = [s.secret_hash for s in client.secrets if s.is_valid(now=now)] if client else []
    known = [secret_hash for secret_hash in stored if secret_hash is not None]
    matches = [hmac.compare_digest(presented, each) for each in known or [_NOBODYS_HASH]]
    if client is None or not client.takes_secrets:
        raise failed()
    if not any(matches):
        raise failed(detail="the secret is wrong" if known else "the client has no valid secret")
