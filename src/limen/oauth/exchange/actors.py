"""Who acts for whom: decided by the policy, the subject token and the actor's own token."""

from __future__ import annotations

from typing import Any

from limen.kernel.errors import OAuthRefusal
from limen.oauth.caller import Caller
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.subject import Subject
from limen.oauth.trust.chosen import names
from limen.protocol.token_exchange import acting, is_named_by


def check_subject(policy: ExchangePolicy, subject: Subject) -> None:
    """Refuse a subject that the policy does not name, by its origin and by who it is.

    Raises:
        OAuthRefusal: ``invalid_request``, as RFC 8693 section 2.2.2 wants it also where
            policy is the reason; in words that tell nothing of whom it speaks.
    """
    if not _is_known(policy, subject) or not names(policy.subjects, subject.id):
        raise OAuthRefusal(
            "invalid_request", "The client may not exchange this token.", field="subject_token"
        )


def check_actor(caller: Caller, *, policy: ExchangePolicy, actor: Subject | None) -> None:
    """Refuse an actor token that is not the caller's own, nor of an origin the policy names.

    An API is shown the tokens of everybody who calls it: without this it could say of any of
    them that they act.

    Raises:
        OAuthRefusal: ``invalid_request``.
    """
    if actor is None or (not actor.issuer and actor.client_id == caller.client.client_id):
        return
    if not _is_known(policy, actor):
        raise OAuthRefusal(
            "invalid_request", "The client may not exchange this token.", field="actor_token"
        )


def _is_known(policy: ExchangePolicy, token: Subject) -> bool:
    """Say whether the policy names where a token comes from."""
    if token.issuer:
        return names(policy.subject_issuers, token.issuer)
    return names(policy.subject_clients, token.client_id)


def check_holder(caller: Caller, token: Subject, *, field: str) -> None:
    """Refuse a bound token whose key this request did not prove: it may be stolen.

    Raises:
        OAuthRefusal: ``invalid_request`` (RFC 8693 section 2.2.2).
    """
    if token.bound_to and token.bound_to != caller.bound_to:
        raise OAuthRefusal(
            "invalid_request", f"The {field} is bound to a key that was not proved.", field=field
        )


def act_of(
    caller: Caller, *, policy: ExchangePolicy, subject: Subject, actor: Subject | None, issuer: str
) -> dict[str, Any] | None:
    """Return ``act`` of what the subject is exchanged for; ``None`` if nobody is named.

    Who acted before stays named whatever the policy says.

    Args:
        caller: Acts itself where there is no actor token.
        policy: Whether an actor may be left unsaid.
        subject: Whose token it is; its ``may_act`` is obeyed.
        actor: What the actor token says.
        issuer: Ours.

    Raises:
        OAuthRefusal: ``invalid_request``: ``may_act`` names somebody else, the actor acts for
            another already, or too many act.
    """
    if actor is not None and actor.act is not None:
        # Whoever acts for somebody else does not lend that on: N274.
        raise _may_not_act()
    acts: dict[str, Any] = {"sub": caller.client.client_id}
    if actor is not None:
        acts = {"sub": actor.subject} | ({"iss": actor.issuer} if actor.issuer else {})
    if subject.may_act is not None and not is_named_by(subject.may_act, acts, issuer=issuer):
        raise _may_not_act()
    if actor is None and policy.impersonate:
        return None if subject.act is None else dict(subject.act)
    return acting(acts, before=subject.act)


def _may_not_act() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_request", "The actor may not act for this subject.", field="actor_token"
    )
