"""The one place where a code is issued or a client is told no."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.kernel.ids import new_id
from limen.kernel.tokens import token_hash
from limen.oauth.authorization.asked import Addressed, Asked, Desk, SignedIn
from limen.oauth.authorization.assurance import reached_acr
from limen.oauth.authorization.attendance import note_client
from limen.oauth.authorization.pushed import take_pushed
from limen.oauth.client_keys.recipient import sign_for
from limen.oauth.codes import new_code
from limen.oauth.events import AuthorizationRefused, CodeIssued
from limen.oauth.granted import access_ttl
from limen.oauth.model import AuthorizationCode
from limen.oauth.store.codes import add_code
from limen.oauth.subjects import subject_of
from limen.protocol.responses import AuthorizationResponse, issued, refused
from limen.tenants import policy_of

SIGNED_TTL: Final = dt.timedelta(minutes=5)
"""Of a signed answer, which a browser carries straight to the client."""


async def issue_code(
    work: Work, *, desk: Desk, asked: Asked, who: SignedIn
) -> AuthorizationResponse:
    """Issue a code for what was asked and checked, bound to who is signed in.

    Raises:
        OAuthRefusal: ``invalid_request_uri``: the pushed request was answered already.
    """
    await take_pushed(work, asked.to.pushed_hash)
    raw_code = new_code(work)
    request = asked.request
    subject = await subject_of(
        work, envelope=desk.envelope, client=asked.client, user_id=who.user_id
    )
    expires_at = work.now + desk.code_ttl
    code = AuthorizationCode(
        code_hash=token_hash(raw_code),
        grant_id=new_id(work.now),
        client_id=asked.client.client_id,
        client_version=asked.client.version,
        user_id=who.user_id,
        subject=subject,
        session_id=who.session_id,
        scope=asked.scope,
        resource=asked.resource.identifier,
        redirect_uri=asked.to.redirect.uri,
        redirect_uri_sent=request.redirect_uri is not None,
        code_challenge=request.code_challenge,
        dpop_jkt=request.dpop_jkt,
        nonce=request.nonce,
        claims=asked.claims,
        authorization_details=asked.details,
        acr=reached_acr(asked.wanted_acr, who.amr, rules=policy_of(work).assurance.acr),
        amr=who.amr,
        authenticated_at=who.authenticated_at,
        expires_at=expires_at,
        used_at=None,
        attempts=0,
        kept_until=expires_at + access_ttl(work, asked.resource),
    )
    await add_code(work, code)
    await note_client(work, client=asked.client, session_id=who.session_id, subject=subject)
    await work.record(
        CodeIssued(
            client_id=code.client_id,
            user_id=code.user_id,
            grant_id=code.grant_id,
            scope=code.scope,
            resource=code.resource,
        )
    )
    to = asked.to
    answer = issued(
        to.redirect, mode=to.mode, issuer=work.site.issuer, state=to.state, raw_code=raw_code
    )
    return await _enclosed(work, answer, desk=desk, to=to)


async def tell_refusal(
    work: Work, *, desk: Desk, to: Addressed, refusal: OAuthRefusal
) -> AuthorizationResponse:
    """Tell the client no, at its verified address (RFC 6749 section 4.1.2.1).

    Raises:
        OAuthRefusal: ``invalid_request_uri``: the pushed request was answered already.
    """
    await take_pushed(work, to.pushed_hash)
    await work.record(AuthorizationRefused(client_id=to.client.client_id, reason=refusal.code))
    answer = refused(
        to.redirect, mode=to.mode, issuer=work.site.issuer, state=to.state, refusal=refusal
    )
    return await _enclosed(work, answer, desk=desk, to=to)


async def _enclosed(
    work: Work, answer: AuthorizationResponse, *, desk: Desk, to: Addressed
) -> AuthorizationResponse:
    """Sign an answer whose mode is one of JARM's (section 2.3); others stay as they are."""
    if not answer.is_signed:
        return answer
    return answer.enclosed(
        await sign_for(
            work,
            keyring=desk.keyring,
            claims=answer.claims(client_id=to.client.client_id, expires_at=work.now + SIGNED_TTL),
            typ="JWT",
            alg=to.client.metadata.authorization_signed_response_alg,
            recipient=to.recipient,
        )
    )
