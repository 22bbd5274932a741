"""Token exchange for a third party's token (RFC 8693): the vault's target.

``audience`` or ``resource`` names a connection, or a provider at which the person has one
connection shared with the client. What is given is the provider's own access token: it carries
the scopes that the answer names, whatever was asked for, because few providers cut a token.

The subject token must carry ``connections:token``, as it must at the token's own route: what a
person let one application do elsewhere opens nothing that another of their tokens would not.

Where ``audience`` names the connection, ``resource`` may name one of its provider's APIs, which has
tokens of its own.

``limen_feature``, ``limen_min_ttl``, ``limen_resource`` and ``limen_seen_generation`` say what the
query of the token's own route says; the answer names ``limen_connection`` and
``limen_generation``, a refusal the closer ``limen_code``, and in ``limen_ask_uri`` where to ask the
person, if asking them helps.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from limen.access.permissions import CONNECTIONS_TOKEN, scope_allows
from limen.db.work import Work
from limen.kernel.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    NotPermitted,
    OAuthRefusal,
    Refusal,
)
from limen.oauth.exchange.case import Case
from limen.oauth.granted import Handed
from limen.oauth.trust.chosen import names
from limen.protocol.token_exchange import ACCESS_TOKEN, TokenExchangeRequest
from limen.vault.model import TENANT_OWNER
from limen.vault.parts import Parts
from limen.vault.sharing.check import ASK_AT
from limen.vault.sharing.consents import list_shared
from limen.vault.store import connections
from limen.vault.token_for import Released, Wanted, token_for

_NAMES: Final = re.compile(
    r"(?:urn:limen:|(?P<issuer>.+)/api/v1/oauth/)"
    r"(?P<what>connection|provider|connections|providers)[:/](?P<id>[A-Za-z0-9_.-]{1,128})"
)


class ConnectionTarget:
    """Gives the token of a connection.

    Args:
        parts: The vault's.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def is_for(self, request: TokenExchangeRequest, *, issuer: str) -> bool:
        """Say whether a request names a connection, or a provider of connections."""
        return _named(request, issuer=issuer) is not None

    async def exchange(self, work: Work, *, case: Case) -> Handed:
        """Return the third party's token, if policy and consent cover it.

        Raises:
            OAuthRefusal: ``invalid_target``: the client's policy does not name it, another issuer
                vouched for the subject, there is no such connection, or its owner did not agree;
                ``access_denied``: a hook said no; ``invalid_scope``: the token lacks a scope;
                ``invalid_request``: the subject token does not cover connections, or only the
                owner can help, at the provider.
        """
        request = case.request
        named = _named(request, issuer=work.site.issuer)
        assert named is not None
        what, id_ = named
        if case.subject.issuer or not _allows(case, what=what, id_=id_):
            # Another issuer may say who somebody is, and opens nothing of theirs here by that.
            raise _not_for_it()
        _check_subject(case)
        owner = case.subject.user_id or TENANT_OWNER
        client_id = case.caller.client.client_id
        if what == "provider":
            id_ = await _only_one(work, owner_id=owner, provider=id_, client_id=client_id)
        wanted = Wanted(
            connection_id=id_,
            user_id=owner,
            reader=f"client:{client_id}",
            client_id=client_id,
            feature=request.extensions.get("limen_feature", ""),
            min_ttl=dt.timedelta(seconds=_number(request, "limen_min_ttl", most=86_400)),
            seen_generation=_number(request, "limen_seen_generation", most=2**31) or None,
            scopes=request.scope or (),
            resource=_resource(request, issuer=work.site.issuer),
            token_only=True,
        )
        released = await _released(work, self._parts, wanted)
        return Handed(
            raw=released.raw_access,
            issued_type=ACCESS_TOKEN,
            token_type="Bearer",  # noqa: S106 -- RFC 6750's name
            scope=released.scopes,
            expires_in=released.seconds_left(work.now),
            more={"limen_connection": id_, "limen_generation": released.generation},
        )


def _check_subject(case: Case) -> None:
    """Refuse a token that was given for something else: an ID token, a sign-in, another API.

    Whoever is shown such a token could otherwise have a third party's for it. What the person may
    do is every person's right; a machine's is what its administrators share with it.
    """
    if not scope_allows(frozenset(case.subject.scope), CONNECTIONS_TOKEN):
        text = f"The subject token does not cover connections: it needs {CONNECTIONS_TOKEN}."
        refusal = OAuthRefusal("invalid_request", text, field="subject_token")
        refusal.closer = "insufficient_scope"
        raise refusal


def _number(request: TokenExchangeRequest, name: str, *, most: int) -> int:
    raw = request.extensions.get(name, "0")
    is_number = raw.isascii() and raw.isdecimal() and len(raw) <= 10
    if not is_number or int(raw) > most:
        raise OAuthRefusal("invalid_request", f"{name} is no number it can be.", field=name)
    return int(raw)


async def _released(work: Work, parts: Parts, wanted: Wanted) -> Released:
    try:
        return await token_for(work, parts, wanted=wanted)
    except InvalidInput as refusal:
        raise _in_oauths_words("invalid_target", refusal, field="resource") from None
    except (NotFound, NotPermitted) as refusal:
        if refusal.code == "refused_by_hook":
            raise _in_oauths_words("access_denied", refusal) from None
        raise _in_oauths_words("invalid_target", refusal, field="audience") from None
    except Conflict as refusal:
        code = "invalid_scope" if refusal.code == "scope_not_granted" else "invalid_request"
        raise _in_oauths_words(code, refusal) from None


def _in_oauths_words(code: str, refusal: Refusal, *, field: str = "") -> OAuthRefusal:
    said = OAuthRefusal(code, refusal.public, detail=refusal.code, field=field)
    said.closer = refusal.code
    said.ask_at = refusal.ask_at
    return said


async def _only_one(work: Work, *, owner_id: str, provider: str, client_id: str) -> str:
    """Return the one connection at a provider that its owner shares with the client."""
    shared = {
        each.connection_id
        for each in await list_shared(work, owner_id=owner_id)
        if each.client_id == client_id
    }
    live = await connections.list_connections(work, owner_id=owner_id, most=1000)
    found = [each.id for each in live if each.provider == provider and each.id in shared]
    if len(found) != 1:
        text = "There are several; name the connection." if found else "Nothing is shared there."
        refusal = OAuthRefusal("invalid_target", text, field="audience")
        refusal.closer = "connection_ambiguous" if found else "connection_consent_required"
        if not found and owner_id != TENANT_OWNER:
            refusal.ask_at = ASK_AT
        raise refusal
    return found[0]


def _named(request: TokenExchangeRequest, *, issuer: str) -> tuple[str, str] | None:
    """Read what a request names: the same thing, where it says both.

    Unless ``audience`` names the connection, and ``resource`` an API of its provider's.
    """
    told = {each for each in (request.resource, request.audience) if each}
    if _upstream(request, issuer=issuer):
        told = {request.audience or ""}
    found = {_read(each, issuer=issuer) for each in told}
    if len(found) != 1:
        return None
    return found.pop()


def _resource(request: TokenExchangeRequest, *, issuer: str) -> str:
    """Return which of the provider's resources is meant, by its name or as it is called there."""
    named = request.extensions.get("limen_resource", "")
    uri = _upstream(request, issuer=issuer)
    if named and uri:
        text = "Say resource, or limen_resource."
        raise OAuthRefusal("invalid_request", text, field="limen_resource")
    return named or uri


def _upstream(request: TokenExchangeRequest, *, issuer: str) -> str:
    """Return which of the provider's resources a token is for; empty if it is not said.

    Ours are never one of those: a request that names two connections means neither.
    """
    resource, audience = request.resource or "", request.audience or ""
    is_ours = resource.startswith(("urn:limen:", f"{issuer}/")) or resource == issuer
    return "" if not audience or is_ours else resource


def _read(raw: str, *, issuer: str) -> tuple[str, str] | None:
    match = _NAMES.fullmatch(raw)
    if match is None or match["issuer"] not in {None, issuer}:
        return None
    return match["what"].removesuffix("s"), match["id"]


def _allows(case: Case, *, what: str, id_: str) -> bool:
    """Whether the client's exchange policy names this, or every connection."""
    audiences = case.policy.audiences
    return any(
        names(audiences, each) for each in (f"urn:limen:{what}:{id_}", f"urn:limen:{what}:*")
    )


def _not_for_it() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_target", "The client may not exchange tokens for this.", field="audience"
    )
