"""Keep the secrets and keys of our clients: sealed, several at a time, each with its end."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final

from limen.crypto.envelope import Envelope, Place
from limen.db.work import Work
from limen.federation.clients import store
from limen.federation.clients.credentials import ClientKey, Credential, SharedSecret
from limen.federation.clients.record import ClientRecord, SealedCredential
from limen.federation.events import UpstreamSecretAdded, UpstreamSecretRetired
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.protocol.sign_assertion import read_signing_key

_MOST: Final = 10
_MAX_SECRET_CHARS: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A secret or key to be kept.

    Args:
        credential: What it is.
        expires_at: When the provider stops taking it; ``None`` if nobody said.
        certificate: Of a key: PEM, to be given to the provider; no secret.
    """

    credential: Credential
    expires_at: dt.datetime | None = None
    certificate: str = field(default="", repr=False)


async def add_credential(
    work: Work, envelope: Envelope, *, provider: str, new: NewCredential
) -> str:
    """Keep one more secret or key beside those there are; return its id.

    The newest is tried first, the others when the provider refuses it.

    Raises:
        InvalidInput: ``client_secret_missing``, ``client_key_invalid``, ``expires_at_invalid``.
        NotFound: ``provider_unknown``.
        Conflict: ``too_many_secrets``.
    """
    check_credential(new, now=work.now)
    if not await store.hold_client(work, provider=provider):
        raise NotFound("provider_unknown", "There is no such provider here.")
    if await store.count_credentials(work, provider=provider) >= _MOST:
        raise Conflict("too_many_secrets", f"A client keeps {_MOST} secrets at most.")
    credential_id = await keep_credential(work, envelope, provider=provider, new=new)
    await work.record(UpstreamSecretAdded(provider=provider, secret_id=credential_id))
    return credential_id


async def keep_credential(
    work: Work, envelope: Envelope, *, provider: str, new: NewCredential
) -> str:
    """Seal and store a checked secret or key; return its id."""
    credential_id = new_id(work.now)
    credential = new.credential
    if isinstance(credential, SharedSecret):
        kind, raw, detail = "secret", credential.raw, None
    else:
        kind, raw, detail = credential.kind, credential.raw_pem, _detail(credential, new)
    sealed = await envelope.seal(work, _place(provider, credential_id), raw.reveal().encode())
    await store.add_credential(
        work,
        provider=provider,
        id=credential_id,
        kind=kind,
        detail=detail,
        sealed_secret=sealed,
        expires_at=new.expires_at,
    )
    return credential_id


async def retire_credential(work: Work, *, provider: str, credential_id: str) -> None:
    """Forget a secret or key; never the last one, however many are retired at once.

    Raises:
        NotFound: ``client_secret_unknown``.
        Conflict: ``last_secret``: set another first, or switch the provider off.
    """
    await store.hold_client(work, provider=provider)
    if not await store.drop_credential(work, provider=provider, credential_id=credential_id):
        if await store.has_credential(work, provider=provider, credential_id=credential_id):
            text = "This is the client's last secret: add another one first."
            raise Conflict("last_secret", text)
        raise NotFound("client_secret_unknown", "The client has no such secret.")
    await work.record(UpstreamSecretRetired(provider=provider, secret_id=credential_id))


async def open_credentials(
    work: Work, envelope: Envelope, record: ClientRecord
) -> tuple[Credential, ...]:
    """Return a client's secrets and keys in the order they are tried.

    The newest first; one past its end last: who wrote the date may have erred.
    """
    order = sorted(record.credentials, key=lambda each: _is_over(each, work.now))
    return tuple([await _open(work, envelope, record.provider, sealed=each) for each in order])


def check_credential(new: NewCredential, *, now: dt.datetime) -> None:
    """Refuse what no provider could take."""
    credential = new.credential
    if new.expires_at is not None and new.expires_at <= now:
        text = "It has ended already."
        raise InvalidInput("expires_at_invalid", text, field="expires_at")
    if isinstance(credential, SharedSecret):
        raw = credential.raw.reveal()
        if not raw:
            text = "A client secret is needed."
            raise InvalidInput("client_secret_missing", text, field="client_secret")
        if len(raw) > _MAX_SECRET_CHARS:
            text = "The client secret is too long."
            raise InvalidInput("client_secret_missing", text, field="client_secret")
        return
    _check_key(credential)


def _check_key(key: ClientKey) -> None:
    read_signing_key(key.raw_pem, key.alg)
    if key.kind == "signed_secret" and not (key.kid and key.team_id and key.alg == "ES256"):
        text = "A signed secret needs the key's id, the team's id and a P-256 key."
        raise InvalidInput("client_key_invalid", text, field="key")
    if key.kind == "assertion" and not (key.kid or key.x5t_s256):
        text = "The provider finds a key by its id or by the thumbprint of its certificate."
        raise InvalidInput("client_key_invalid", text, field="key")


async def _open(
    work: Work, envelope: Envelope, provider: str, *, sealed: SealedCredential
) -> Credential:
    raw = await envelope.open(work, _place(provider, sealed.id), sealed.sealed)
    text = Secret(raw.reveal().decode())
    if sealed.kind == "secret":
        return SharedSecret(raw=text)
    detail = sealed.detail
    return ClientKey(
        kind=sealed.kind,
        raw_pem=text,
        alg=detail["alg"],
        kid=detail.get("kid", ""),
        x5t_s256=detail.get("x5t#S256", ""),
        team_id=detail.get("team_id", ""),
    )


def _detail(key: ClientKey, new: NewCredential) -> dict[str, Any]:
    told = {
        "alg": key.alg,
        "kid": key.kid,
        "x5t#S256": key.x5t_s256,
        "team_id": key.team_id,
        "certificate": new.certificate,
    }
    return {name: value for name, value in told.items() if value}


def _is_over(sealed: SealedCredential, now: dt.datetime) -> bool:
    return sealed.expires_at is not None and sealed.expires_at <= now


def _place(provider: str, credential_id: str) -> Place:
    return Place("upstream_client_secret", f"{provider}/{credential_id}", "secret")
