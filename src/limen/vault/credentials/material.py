"""What credentials are made of. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from limen.federation.catalogue.credential_rule import CredentialKind
from limen.federation.provider import is_token
from limen.kernel.errors import InvalidInput
from limen.kernel.secret import Secret
from limen.protocol.jwk import InvalidKey
from limen.protocol.sign_assertion import AssertionAlgorithm, read_signing_key
from limen.web.languages.words import marked

_MAX_KEY_CHARS: Final = 4096
_MAX_NAME_CHARS: Final = 512
_MAX_PEM_CHARS: Final = 8192
_MAX_FILE_CHARS: Final = 16_384
_LEAST_STRUCK_CHARS: Final = 6
_NO_FILE: Final = marked("The key file, as a JSON object, is needed.")
_NOT_SENDABLE: Final = marked("It is missing, or has characters that can't be sent.")
_TOO_LONG: Final = marked("It is too long.")
_SIGNING: Final[tuple[AssertionAlgorithm, ...]] = ("RS256", "ES256")
_MEMBERS: Final[Mapping[CredentialKind, frozenset[str]]] = {
    "api_key": frozenset({"key"}),
    "basic": frozenset({"username", "password"}),
    "client_credentials": frozenset({"client_id", "client_secret"}),
    "service_account": frozenset({"service_account", "on_behalf_of"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that calls are made with."""

    raw: Secret[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPassword:
    """A user name and its password, as HTTP Basic has them (RFC 7617)."""

    user: str
    raw_password: Secret[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnClient:
    """Somebody's own client at the provider."""

    client_id: str
    raw_secret: Secret[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """An account that signs for itself.

    Args:
        account: Its name: ``iss`` of what it signs.
        key_id: As the provider names the key; empty where it has one alone.
        raw_pem: The private key.
        on_behalf_of: Whom it speaks for; empty for itself.
    """

    account: str
    key_id: str
    raw_pem: Secret[str]
    alg: AssertionAlgorithm
    on_behalf_of: str = ""


Material = ApiKey | UserPassword | OwnClient | ServiceAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What somebody gives; the members of other kinds stay away.

    Args:
        members: By name, as they came; ``None`` is as good as absent.
    """

    kind: CredentialKind
    members: Mapping[str, Any] = field(repr=False)


def read_material(given: Given) -> Material:
    """Read what somebody gives.

    Raises:
        InvalidInput: ``credential_invalid``: a member is missing, empty, too long, of another
            kind, or can't be sent; names it and says nothing of what it holds.
    """
    sent = {name: value for name, value in given.members.items() if value is not None}
    for name in sent:
        if name not in _MEMBERS[given.kind]:
            _refuse(name, f"This is not part of a credential of the kind {given.kind}.")
    match given.kind:
        case "api_key":
            key = _token(sent, "key")
            if " " in key.reveal():
                _refuse("key", marked("A key has no blanks."))
            return ApiKey(raw=key)
        case "basic":
            return _read_pair(sent)
        case "client_credentials":
            return OwnClient(
                client_id=_token(sent, "client_id", most=_MAX_NAME_CHARS).reveal(),
                raw_secret=_token(sent, "client_secret"),
            )
        case "service_account":
            return _read_service_account(sent)


def read_key_file(raw: str) -> Mapping[str, Any]:
    """Read a service account's key file, as somebody pastes it.

    Raises:
        InvalidInput: ``credential_invalid``.
    """
    try:
        document = json.loads(raw) if len(raw) <= _MAX_FILE_CHARS else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        _refuse("service_account", _NO_FILE)
    return document


def kind_of(material: Material) -> CredentialKind:
    """Return what kind of credential it is."""
    match material:
        case ApiKey():
            return "api_key"
        case UserPassword():
            return "basic"
        case OwnClient():
            return "client_credentials"
        case ServiceAccount():
            return "service_account"


def account_of(material: Material) -> str:
    """Return what names whose it is and is no secret; empty for a key, which says nothing.

    A user name without a password is one: what is kept in clear, and shown, does not have it.
    """
    match material:
        case ApiKey():
            return ""
        case UserPassword(user=user, raw_password=raw_password):
            return user if raw_password else ""
        case OwnClient(client_id=client_id):
            return client_id
        case ServiceAccount(account=account, on_behalf_of=person):
            return f"{account} as {person}" if person else account


def lasting_of(material: ApiKey | UserPassword) -> Secret[str]:
    """Return what calls are made with: the key, or the pair as Basic sends it."""
    if isinstance(material, ApiKey):
        return material.raw
    pair = f"{material.user}:{material.raw_password.reveal()}"
    return Secret(base64.b64encode(pair.encode()).decode())


def struck_with(kind: str, raw_access: str) -> tuple[str, ...]:
    """Return what else must not come back beside what calls are made with: a password.

    Or the name, where it stands alone and is a key. One of a few characters stands in answers by
    chance: struck out, it would be given away.
    """
    if kind != "basic":
        return ()
    user, _, password = base64.b64decode(raw_access).decode().partition(":")
    secret = password or user
    return (secret,) if len(secret) >= _LEAST_STRUCK_CHARS else ()


def told_of(kind: str, *, raw_access: str, raw_lasting: str | None) -> dict[str, Any]:
    """Return a credential in clear, by the members it was given in: for its owner alone."""
    if raw_lasting is not None:
        told: dict[str, Any] = json.loads(raw_lasting)
        return told
    if kind == "api_key":
        return {"key": raw_access}
    user, _, password = base64.b64decode(raw_access).decode().partition(":")
    return {"username": user, "password": password}


def to_text(material: OwnClient | ServiceAccount) -> Secret[str]:
    """Write what tokens are fetched with, to be sealed."""
    if isinstance(material, OwnClient):
        told = {"client_id": material.client_id, "client_secret": material.raw_secret.reveal()}
    else:
        told = {
            "account": material.account,
            "key_id": material.key_id,
            "private_key": material.raw_pem.reveal(),
            "alg": material.alg,
            "on_behalf_of": material.on_behalf_of,
        }
    return Secret(json.dumps(told))


def from_text(raw: Secret[str]) -> OwnClient | ServiceAccount:
    """Read what ``to_text`` wrote."""
    told = json.loads(raw.reveal())
    if "client_id" in told:
        return OwnClient(client_id=told["client_id"], raw_secret=Secret(told["client_secret"]))
    return ServiceAccount(
        account=told["account"],
        key_id=told["key_id"],
        raw_pem=Secret(told["private_key"]),
        alg=told["alg"],
        on_behalf_of=told["on_behalf_of"],
    )


def _read_pair(sent: Mapping[str, Any]) -> UserPassword:
    user = _text(sent, "username", most=_MAX_NAME_CHARS)
    if ":" in user:
        _refuse("username", marked("A user name has no colon."))
    password = sent.get("password", "")
    if password != "":
        password = _text(sent, "password", most=_MAX_KEY_CHARS)
    return UserPassword(user=user, raw_password=Secret(password))


def _read_service_account(sent: Mapping[str, Any]) -> ServiceAccount:
    """Read a key file as providers hand it out; where it says to ask is for the entry to say."""
    document = sent.get("service_account")
    if not isinstance(document, Mapping):
        _refuse("service_account", _NO_FILE)
    named = "client_email" if "client_email" in document else "client_id"
    account = _token(document, named, most=_MAX_NAME_CHARS, field_of="service_account")
    key_id = document.get("private_key_id", "")
    if key_id != "":
        key_id = _token(
            document, "private_key_id", most=_MAX_NAME_CHARS, field_of="service_account"
        ).reveal()
    raw_pem = document.get("private_key")
    if not isinstance(raw_pem, str) or not 0 < len(raw_pem) <= _MAX_PEM_CHARS:
        _refuse("service_account.private_key", marked("The file has no private key."))
    person = sent.get("on_behalf_of", "")
    if person != "":
        person = _token(sent, "on_behalf_of", most=_MAX_NAME_CHARS).reveal()
    return ServiceAccount(
        account=account.reveal(),
        key_id=key_id,
        raw_pem=Secret(raw_pem),
        alg=_algorithm(Secret(raw_pem)),
        on_behalf_of=person,
    )


def _algorithm(raw_pem: Secret[str]) -> AssertionAlgorithm:
    found = next((alg for alg in _SIGNING if _signs(raw_pem, alg)), None)
    if found is None:
        _refuse("service_account.private_key", marked("Its private key is not one that signs."))
    return found


def _signs(raw_pem: Secret[str], alg: AssertionAlgorithm) -> bool:
    try:
        read_signing_key(raw_pem, alg)
    except (InvalidKey, ValueError):
        return False
    return True


def _token(
    sent: Mapping[str, Any], name: str, *, most: int = _MAX_KEY_CHARS, field_of: str = ""
) -> Secret[str]:
    """Read what goes into a header line, or beside others into a form."""
    value = sent.get(name)
    field = f"{field_of}.{name}" if field_of else name
    if not isinstance(value, str) or not is_token(value) or value != value.strip():
        _refuse(field, _NOT_SENDABLE)
    if len(value) > most:
        _refuse(field, _TOO_LONG)
    return Secret(value)


def _text(sent: Mapping[str, Any], name: str, *, most: int) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        _refuse(name, _NOT_SENDABLE)
    if len(value) > most:
        _refuse(name, _TOO_LONG)
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(name, _NOT_SENDABLE)
    return value


def _refuse(field: str, text: str) -> NoReturn:
    raise InvalidInput("credential_invalid", text, field=field)
