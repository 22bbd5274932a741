"""``sub``: one for everybody, or another for each sector, so that clients can't compare users."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.ids import b64url
from limen.oauth.model import Client
from limen.protocol.client_metadata import CIBA

_PURPOSE: Final = "pairwise subject"


async def subject_of(work: Work, *, envelope: Envelope, client: Client, user_id: str) -> str:
    """Return ``sub`` as a client knows a user.

    A pairwise one is a MAC of sector and user under a key of the tenant: the same for ever,
    and nobody without the key can tell whose it is.

    Spec: OpenID Connect Core section 8.
    """
    if client.metadata.subject_type != "pairwise":
        return user_id
    sector = sector_of(client)
    key = await envelope.derive(work, _PURPOSE)
    told = f"{len(sector)} {sector} {user_id}".encode()
    return b64url(hmac.digest(key.reveal(), told, hashlib.sha256))


def sector_of(client: Client) -> str:
    """Return what clients share whose users they may compare: a host.

    That of ``sector_identifier_uri``, which registration made sure names every redirect URI;
    else that of the redirect URIs, which are then all on one host; else, for CIBA, that of
    ``jwks_uri`` (its section 4); a client without any is a sector of its own.
    """
    metadata = client.metadata
    keys_at = metadata.jwks_uri if CIBA in metadata.grant_types else None
    for uri in (metadata.sector_identifier_uri, *metadata.redirect_uris, keys_at):
        host = urlsplit(uri or "").hostname
        if host:
            return host
    return client.client_id
