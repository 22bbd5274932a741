"""Answers made for one client: signed with what it registered, encrypted if it registered a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.client_keys.published import ClientKeys
from limen.oauth.model import Client
from limen.protocol.jwe import (
    DEFAULT_CONTENT_ENCRYPTION,
    ContentEncryption,
    KeyManagement,
    encrypt,
    encryption_key,
)
from limen.protocol.jwk import InvalidKey
from limen.protocol.jwt import sign

Answer = Literal["id_token", "userinfo", "authorization", "introspection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """To whose key an answer is encrypted.

    Args:
        jwk: Public.
        alg: How the content key travels.
        enc: How the content is encrypted.
    """

    jwk: Mapping[str, Any]
    alg: KeyManagement
    enc: ContentEncryption


async def recipient_of(
    work: Work, *, keys: ClientKeys, client: Client, answer: Answer
) -> Recipient | None:
    """Return the key that a kind of answer is encrypted to; ``None`` if it is only signed.

    Call it before anything is written: the client's keys may have to be fetched.

    Raises:
        OAuthRefusal: ``invalid_request``: the client registered encryption and has no key that
            fits. It gets nothing in clear instead.
        Unavailable: Its keys can't be had now.
    """
    alg: KeyManagement | None = getattr(client.metadata, f"{answer}_encrypted_response_alg")
    if alg is None:
        return None
    enc: ContentEncryption | None = getattr(client.metadata, f"{answer}_encrypted_response_enc")
    try:
        jwk = encryption_key(await keys.jwks_of(work, client), alg=alg)
    except InvalidKey as error:
        raise OAuthRefusal(
            "invalid_request", "The client's keys hold none to encrypt this answer to."
        ) from error
    return Recipient(jwk=jwk, alg=alg, enc=enc or DEFAULT_CONTENT_ENCRYPTION)


def seal_for(
    recipient: Recipient | None, raw: str, *, cty: str = "JWT", issuer: str | None = None
) -> str:
    """Encrypt an answer, if its client wants that.

    Args:
        recipient: To whose key; ``None`` for nobody's.
        raw: Signed, or JSON.
        cty: Empty for one not signed.
        issuer: To be said in the header too, where the client may need it to choose its key.
    """
    if recipient is None:
        return raw
    return encrypt(
        raw.encode(),
        recipient.jwk,
        alg=recipient.alg,
        enc=recipient.enc,
        cty=cty,
        issuer=issuer,
    )


async def sign_for(
    work: Work,
    *,
    keyring: Keyring,
    claims: Mapping[str, Any],
    typ: str,
    alg: str,
    recipient: Recipient | None,
) -> str:
    """Sign an answer with what its client registered, and encrypt it if it wants that."""
    key = await keyring.active(work, alg)
    return seal_for(recipient, sign(claims, key, typ=typ, alg=alg))
