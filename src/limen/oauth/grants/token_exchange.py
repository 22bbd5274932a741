"""The token exchange grant (RFC 8693): a token for another, less, and for no longer."""

from __future__ import annotations

from collections.abc import Mapping

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.custom_claims import About, ask_before_token
from limen.oauth.exchange import store
from limen.oauth.exchange.access import exchange_for_access, scope_of, target_of
from limen.oauth.exchange.actors import act_of, check_actor, check_holder, check_subject
from limen.oauth.exchange.case import Case
from limen.oauth.exchange.events import TokenExchanged
from limen.oauth.exchange.id_jag import assert_identity, assertion_of
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.readers import (
    IDENTITIES,
    SUBJECT_TOKENS,
    Presented,
    SubjectTokenReader,
)
from limen.oauth.exchange.subject import Subject
from limen.oauth.granted import Granted, Handed
from limen.oauth.parts import Parts
from limen.oauth.trust.verify_assertion import AssertionRefused
from limen.protocol.client_metadata import TOKEN_EXCHANGE
from limen.protocol.token_exchange import ACCESS_TOKEN, ID_JAG, TokenExchangeRequest


async def grant_token_exchange(
    work: Work, *, parts: Parts, caller: Caller, request: TokenExchangeRequest
) -> Granted | Handed:
    """Exchange a token, as far as the client's policy goes; without one, not at all.

    Raises:
        OAuthRefusal: ``unauthorized_client``: nobody said that it may; ``invalid_request``: a
            token is not valid, or not one for this client to exchange; ``invalid_target``,
            ``invalid_scope`` (RFC 8693 section 2.2.2).
    """
    policy = await _policy_of(work, caller)
    if request.requested_type == ID_JAG:
        subject = await _read_subject(work, parts, caller, request=request, readers=IDENTITIES)
        case = Case(caller=caller, policy=policy, subject=subject, request=request)
        return await _assertion(work, parts, case)
    target = parts.exchanges.target_for(request, issuer=work.site.issuer)
    if target is None and request.requested_type != ACCESS_TOKEN:
        raise OAuthRefusal(
            "invalid_request", "This token type is not issued.", field="requested_token_type"
        )
    case = await _case(work, parts, caller, policy=policy, request=request)
    if target is None:
        return await _access(work, parts, case)
    handed = await target.exchange(work, case=case)
    await _record(work, case, issued_type=request.requested_type)
    return handed


async def _assertion(work: Work, parts: Parts, case: Case) -> Handed:
    """Assert who somebody is to another server; the hooks are asked about that too."""
    desk = parts.exchange_desk
    spec = await assertion_of(work, desk=desk, case=case)
    about = About(
        client=case.caller.client,
        audience=spec.audience,
        scope=spec.scope,
        user_id=case.subject.user_id,
        grant_type=TOKEN_EXCHANGE,
    )
    added = await ask_before_token(work, parts=parts, about=about)
    handed = await assert_identity(work, desk=desk, spec=spec, added=added)
    await _record(work, case, issued_type=ID_JAG)
    return handed


async def _access(work: Work, parts: Parts, case: Case) -> Granted:
    """Give an access token of ours; the hooks are asked before anything is written."""
    desk = parts.exchange_desk
    resource = await target_of(work, desk=desk, case=case)
    scope = scope_of(case, resource=resource)
    about = About(
        client=case.caller.client,
        audience=resource.identifier,
        scope=scope,
        user_id=case.subject.user_id,
        grant_type=TOKEN_EXCHANGE,
    )
    added = await ask_before_token(work, parts=parts, about=about)
    access = await exchange_for_access(work, desk=desk, case=case, resource=resource, scope=scope)
    await _record(work, case, issued_type=ACCESS_TOKEN)
    return Granted(
        access=access,
        resource=resource,
        user_id=case.subject.user_id,
        added=added,
        issued_type=ACCESS_TOKEN,
    )


async def _policy_of(work: Work, caller: Caller) -> ExchangePolicy:
    """Return what the client may exchange; a name that anybody can say opens nothing."""
    policy = None
    if not caller.client.is_public:
        policy = await store.find_policy(work, caller.client.client_id)
    if policy is None:
        raise OAuthRefusal("unauthorized_client", "The client may not exchange tokens.")
    return policy


async def _case(
    work: Work,
    parts: Parts,
    caller: Caller,
    *,
    policy: ExchangePolicy,
    request: TokenExchangeRequest,
) -> Case:
    """Read both tokens and decide who may act for whom, before anything is issued."""
    readers = {**parts.exchanges.readers, **SUBJECT_TOKENS}
    subject = await _read_subject(work, parts, caller, request=request, readers=readers)
    check_subject(policy, subject)
    actor = None
    if request.actor is not None:
        presented = Presented(raw=request.actor.raw, caller=caller, desk=parts.exchange_desk)
        actor = await _read(
            work, presented, type_=request.actor.type, readers=readers, field="actor_token"
        )
    check_actor(caller, policy=policy, actor=actor)
    act = act_of(caller, policy=policy, subject=subject, actor=actor, issuer=work.site.issuer)
    return Case(caller=caller, policy=policy, subject=subject, request=request, act=act)


async def _read_subject(
    work: Work,
    parts: Parts,
    caller: Caller,
    *,
    request: TokenExchangeRequest,
    readers: Mapping[str, SubjectTokenReader],
) -> Subject:
    presented = Presented(raw=request.subject.raw, caller=caller, desk=parts.exchange_desk)
    return await _read(
        work, presented, type_=request.subject.type, readers=readers, field="subject_token"
    )


async def _read(
    work: Work,
    presented: Presented,
    *,
    type_: str,
    readers: Mapping[str, SubjectTokenReader],
    field: str,
) -> Subject:
    """Read one token by its type, from whoever holds its key.

    Raises:
        OAuthRefusal: ``invalid_request``, in one text for whatever is wrong with it; of another
            issuer's, once its signature has held, what that is.
    """
    reader = readers.get(type_)
    if reader is None:
        raise OAuthRefusal(
            "invalid_request", "This token type is not accepted.", field=f"{field}_type"
        )
    try:
        subject = await reader(work, presented)
    except AssertionRefused as refused:
        raise _not_valid(field, refused.public, detail=refused.reason) from refused
    if subject is None:
        raise _not_valid(field)
    check_holder(presented.caller, subject, field=field)
    return subject


def _not_valid(field: str, told: str = "", *, detail: str = "") -> OAuthRefusal:
    public = f"The {field}: {told}" if told else f"The {field} is not valid."
    return OAuthRefusal("invalid_request", public, field=field, detail=detail)


async def _record(work: Work, case: Case, *, issued_type: str) -> None:
    """Name both in the audit log: for whom, and who acts."""
    act = case.act or {}
    await work.record(
        TokenExchanged(
            client_id=case.caller.client.client_id,
            user_id=case.subject.user_id or "",
            subject=case.subject.subject,
            subject_client_id=case.subject.client_id,
            actor=str(act.get("sub", "")),
            target=case.request.target or "",
            issued_type=issued_type,
        )
    )
