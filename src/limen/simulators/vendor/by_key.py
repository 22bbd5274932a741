"""Credentials of people's own, and whose they are."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from starlette.requests import Request

from limen.federation.catalogue.credential_rule import Credentials
from limen.simulators.state import Account, Key, State, Token


def keys_of(accounts: Iterable[str], rules: Credentials | None) -> dict[str, Key]:
    """Return the credentials that a vendor takes from the start: known to everybody, on purpose."""
    if rules is None:
        return {}
    names = ("ada", "grace", "mallory")
    found = {}
    for name, sub in zip(names, accounts, strict=False):
        if rules.api_key is not None:
            found[f"simulated-key-of-{name}"] = Key(sub=sub)
        if rules.basic is not None:
            found[f"{name}:simulated-password-of-{name}"] = Key(sub=sub)
    return found


def by_key(
    state: State, request: Request, rules: Credentials | None, *, now: dt.datetime
) -> Token | None:
    """Return whose credential a request carries, as a token for everything."""
    for raw in _presented(request, rules):
        key = state.keys.get(raw)
        if key is not None and (key.expires_at is None or key.expires_at > now):
            client_id = next(iter(state.clients), "")
            return Token(client_id=client_id, sub=key.sub, scopes=[], issued_at=now)
    return None


def machine(sub: str) -> Account:
    """Return the account of one that is nobody's: a client's own, or a service account."""
    return Account(sub=sub, email="", name=sub, email_verified=False)


def _presented(request: Request, rules: Credentials | None) -> Iterator[str]:
    if rules is None:
        return
    headers: Mapping[str, str] = request.headers
    if rules.api_key is not None and rules.api_key.query:
        # As a careless reader takes the first of two.
        yield from request.query_params.getlist(rules.api_key.query)[:1]
    elif rules.api_key is not None:
        raw = headers.get(rules.api_key.header, "")
        if raw.startswith(rules.api_key.prefix):
            yield raw.removeprefix(rules.api_key.prefix)
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if rules.basic is not None and scheme.lower() == "basic":
        try:
            yield base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
