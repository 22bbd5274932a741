"""Ask a provider whether it takes a credential; some of them are given a token for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from limen.federation.call import call
from limen.federation.catalogue.credential_rule import (
    ClientCredentialsRule,
    Proof,
    ServiceAccountRule,
)
from limen.federation.catalogue.credential_ways import Way
from limen.federation.catalogue.identity_rule import at
from limen.federation.clients.credentials import ClientAtProvider, SharedSecret
from limen.federation.provider import OK, THROTTLED, Operation, ProviderAnswer, TokenAnswer
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.ids import new_id
from limen.kernel.secret import Secret
from limen.net import Net
from limen.protocol.sign_assertion import AssertionClaims, sign_assertion
from limen.vault.credentials.held_at import HeldAt
from limen.vault.credentials.material import (
    ApiKey,
    Material,
    OwnClient,
    ServiceAccount,
    UserPassword,
    account_of,
    lasting_of,
)

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_TTL: Final = dt.timedelta(minutes=5)
_SUCCESS: Final = range(OK, 300)
_NO_CONTENT: Final = 204
_MAX_TOLD_CHARS: Final = 200
_REFUSALS: Final = frozenset({"grant_dead", "client_broken", "interaction_required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The provider takes it.

    Args:
        raw_access: What calls are made with.
        answer: The token endpoint's, where there is one.
        subject: Whose it is, by the provider's own name; empty if it does not say.
        label: What a person recognises it by.
    """

    raw_access: Secret[str]
    answer: TokenAnswer | None
    subject: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """The provider refuses it.

    Args:
        reason: ``refused``: the credential; ``scope``: what is asked for with it.
    """

    reason: Literal["refused", "scope"] = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """Nobody knows: the provider did not answer, or not to this.

    Args:
        reason: Stable, for the log.
        retry_after_seconds: It wants to be left alone for so long.
    """

    reason: str
    retry_after_seconds: int | None = None


Outcome = Proven | NotTaken | Unproven


async def prove(
    net: Net,
    provider: HeldAt,
    material: Material,
    *,
    scopes: Sequence[str] = (),
    now: dt.datetime,
) -> Outcome:
    """Ask the provider; nothing is kept.

    Args:
        net: The one way out; no transaction may be open.
        provider: Where; its addresses are the entry's, whatever the credential says.
        material: The credential.
        scopes: What a token is wanted for.
        now: What is signed counts from then.
    """
    try:
        if isinstance(material, ApiKey | UserPassword):
            return await _verify(net, provider.way, lasting_of(material), material=material)
        return await _fetch(net, provider, material, scopes=scopes, now=now)
    except ProviderUnavailable as unanswered:
        return Unproven(reason=unanswered.code)


async def prove_again(net: Net, provider: HeldAt, raw_access: Secret[str]) -> Outcome:
    """Ask about a credential that is kept, and that calls are made with itself."""
    try:
        return await _verify(net, provider.way, raw_access, material=None)
    except ProviderUnavailable as unanswered:
        return Unproven(reason=unanswered.code)


async def _fetch(
    net: Net,
    provider: HeldAt,
    material: OwnClient | ServiceAccount,
    *,
    scopes: Sequence[str],
    now: dt.datetime,
) -> Outcome:
    answer = await _ask_token(net, provider.way, material, scopes=scopes, now=now)
    match provider.classify(answer):
        case "ok" if provider.may_send(answer):
            given = provider.read_tokens(answer)
        case "scope_insufficient":
            return NotTaken(reason="scope")
        case refused if refused in _REFUSALS:
            return NotTaken()
        case other:
            return Unproven(reason=other, retry_after_seconds=answer.retry_after_seconds)
    account = account_of(material)
    proven = Proven(raw_access=given.raw_access, answer=given, subject=account, label=account)
    if provider.way.verify is None:
        return proven
    verified = await _verify(net, provider.way, given.raw_access, material=material)
    if not isinstance(verified, Proven):
        return verified
    return replace(proven, label=verified.label or account)


async def _verify(
    net: Net, way: Way, raw_access: Secret[str], *, material: Material | None
) -> Outcome:
    proof = way.verify
    assert proof is not None
    answer = await call(net, _carrying(way, proof, raw_access), params={})
    if answer.status in proof.refused_statuses:
        return NotTaken()
    if answer.status == THROTTLED:
        return Unproven(reason="throttled", retry_after_seconds=answer.retry_after_seconds)
    if answer.status not in _SUCCESS or not _is_an_apis(answer):
        return Unproven(reason="provider_error")
    subject = _told(answer, proof.subject) if proof.subject else ""
    if proof.subject and not subject:
        return Unproven(reason="provider_identity")
    account = "" if material is None else account_of(material)
    labels = (_told(answer, pointer) for pointer in proof.label)
    return Proven(
        raw_access=raw_access,
        answer=None,
        subject=subject or account,
        label=next((label for label in labels if label), account),
    )


def _is_an_apis(answer: ProviderAnswer) -> bool:
    """Say whether it is an API that answered: a page to sign in at comes with 200 too."""
    is_list = isinstance(answer.items, list)  # an empty one as well
    return answer.is_object or is_list or answer.status == _NO_CONTENT


def _carrying(way: Way, proof: Proof, raw_access: Secret[str]) -> Operation:
    """Return the proving call with the credential where the provider wants it."""
    api, raw = way.api, raw_access.reveal()
    headers = {**api.headers, **proof.headers}
    if not api.query:
        headers[api.header] = f"{api.prefix}{raw}"
        return Operation(url=proof.url, method=proof.method, client_auth="bearer", headers=headers)
    joint = "&" if "?" in proof.url else "?"
    url = f"{proof.url}{joint}{api.query}={quote(raw, safe='')}"
    return Operation(url=url, method=proof.method, client_auth="bearer", headers=headers)


async def _ask_token(
    net: Net,
    way: Way,
    material: OwnClient | ServiceAccount,
    *,
    scopes: Sequence[str],
    now: dt.datetime,
) -> ProviderAnswer:
    operation, rule = way.token, way.rule
    assert operation is not None
    if isinstance(material, OwnClient):
        assert isinstance(rule, ClientCredentialsRule)
        secret = SharedSecret(raw=material.raw_secret)
        client = ClientAtProvider(client_id=material.client_id, credentials=(secret,), read_at=now)
        params = {"grant_type": rule.grant_type, **_scope_param(rule.scope_param, scopes)}
        return await call(net, operation, params=params, client=client, credential=secret)
    assert isinstance(rule, ServiceAccountRule)
    asked = _scope_param(rule.scope_param, scopes)
    in_claims = rule.scope_in == "assertion"
    assertion = _assertion(
        material, rule, reader=operation.url, more=asked if in_claims else {}, now=now
    )
    params = {"grant_type": _JWT_BEARER, "assertion": assertion, **({} if in_claims else asked)}
    return await call(net, operation, params=params)


def _scope_param(name: str, scopes: Sequence[str]) -> dict[str, str]:
    return {name: " ".join(scopes)} if name and scopes else {}


def _assertion(
    account: ServiceAccount,
    rule: ServiceAccountRule,
    *,
    reader: str,
    more: dict[str, str],
    now: dt.datetime,
) -> str:
    """Sign for a token (RFC 7523 section 3): for one reader, for minutes."""
    own = account.account if rule.subject == "always" else ""
    claims = AssertionClaims(
        issuer=account.account,
        subject=account.on_behalf_of or own,
        audience=rule.audience or reader,
        now=now,
        ttl=_ASSERTION_TTL,
        jti=new_id(now) if rule.has_jti else "",
        more=more,
    )
    header = {"kid": account.key_id} if account.key_id else {}
    return sign_assertion(claims, account.raw_pem, alg=account.alg, header=header)


def _told(answer: ProviderAnswer, pointer: str) -> str:
    value: Any = at(answer.members, pointer)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    is_text = isinstance(value, str) and value.isprintable()
    return value[:_MAX_TOLD_CHARS] if is_text else ""
