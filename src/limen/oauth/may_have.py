"""May this client, for this user, have this scope on this resource, and why?

The same rules as at the authorization endpoint, asked without a request: nothing is written and
nothing is issued.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from limen.access.permissions import FULL_SCOPE
from limen.accounts.directory import find_user
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, OAuthRefusal
from limen.oauth.consent import consent_for, is_asked_each_time
from limen.oauth.model import Client, Consent, Resource
from limen.oauth.parts import Parts
from limen.oauth.resources import allowed_scope
from limen.protocol.scopes import IDENTITY_SCOPES, OFFLINE_ACCESS

Verdict = Literal["permit", "consent_required", "deny"]

_WORST_FIRST: Final[tuple[Verdict, ...]] = ("deny", "consent_required", "permit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Args:
        user_id: Whose behalf; ``None`` for the client's own.
        resource: In canonical form; ``None`` for the client's default.
    """

    client_id: str
    user_id: str | None
    scope: tuple[str, ...]
    resource: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeDecision:
    """What holds for one scope.

    Args:
        reason: A stable code.
        text: The same in words.
    """

    scope: str
    verdict: Verdict
    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer: the worst of its parts, and the parts.

    Args:
        resource: The one decided on, empty if it is not known.
    """

    verdict: Verdict
    reason: str
    text: str
    resource: str = ""
    scopes: tuple[ScopeDecision, ...] = ()


async def may_have(work: Work, *, parts: Parts, question: Question) -> Decision:
    """Decide what a client may have.

    Args:
        work: Says the tenant; read only.
        parts: Clients and resources are read from here.
        question: What is asked; unknown clients, users and resources are denials, not errors.

    Raises:
        InvalidInput: ``scope_missing``: it names no scope.
    """
    if not question.scope:
        raise InvalidInput("scope_missing", "Name at least one scope.", field="scope")
    client = await parts.clients.fresh(work, question.client_id)
    if client is None:
        return _denied("client_unknown", "There is no such client.")
    if not client.is_active:
        return _denied("client_disabled", "The client is disabled.")
    try:
        resource = await parts.resources.resolve(work, client=client, requested=question.resource)
    except OAuthRefusal:
        return _denied("resource_unknown", "There is no such resource, or it is disabled.")
    consent = None
    if question.user_id is not None:
        user = await find_user(work, question.user_id)
        if user is None or user.state != "active":
            return _denied("user_unavailable", "There is no such user, or they are disabled.")
        consent = await consent_for(
            work,
            user_id=question.user_id,
            client_id=client.client_id,
            resource=resource.identifier,
        )
    case = _Case(client, resource, consent, for_user=question.user_id is not None)
    return _summed_up(resource, tuple(case.decide(scope) for scope in question.scope))


@dataclass(frozen=True, slots=True)
class _Case:
    client: Client
    resource: Resource
    consent: Consent | None
    for_user: bool

    def decide(self, scope: str) -> ScopeDecision:
        """Decide on one scope: first whether it is within reach, then who has to agree."""
        denied = self._out_of_reach(scope)
        if denied is not None:
            return ScopeDecision(scope=scope, verdict="deny", reason=denied[0], text=denied[1])
        verdict, reason, text = self._agreed(scope)
        return ScopeDecision(scope=scope, verdict=verdict, reason=reason, text=text)

    def _out_of_reach(self, scope: str) -> tuple[str, str] | None:
        if not self.for_user and not self.client.may_use("client_credentials"):
            return "grant_not_registered", "The client may not act for itself."
        if not self.for_user and scope in IDENTITY_SCOPES:
            return "about_a_person", "This scope speaks of a person; name the user."
        if scope in allowed_scope(self.client, self.resource):
            return None
        if scope not in self.client.scope:
            return "not_registered", "The client did not register this scope."
        if scope == FULL_SCOPE:
            return "first_party_only", "Only the tenant's own applications may have this."
        if scope == OFFLINE_ACCESS:
            return "refresh_not_registered", "The client did not register refresh_token."
        return "not_of_resource", "The resource has no such scope."

    def _agreed(self, scope: str) -> tuple[Verdict, str, str]:
        if not self.for_user:
            return "permit", "own_access", "The client acts for itself."
        uris = self.client.redirect_uris
        if uris and all(is_asked_each_time(self.client, redirect_uri=uri) for uri in uris):
            return "consent_required", "asked_each_time", "Nothing proves who this client is."
        if self.client.trusted:
            return "permit", "trusted_client", "Nobody is asked about a trusted client."
        if self.consent is None or not self.consent.covers((scope,)):
            return "consent_required", "no_consent", "The user has not agreed yet."
        if not self.consent.remembered:
            return "consent_required", "asked_each_time", "That time was not for the next one."
        return "permit", "consented", "The user has agreed."


def _denied(reason: str, text: str) -> Decision:
    return Decision(verdict="deny", reason=reason, text=text)


def _summed_up(resource: Resource, scopes: tuple[ScopeDecision, ...]) -> Decision:
    worst = min(scopes, key=lambda each: _WORST_FIRST.index(each.verdict))
    return Decision(
        verdict=worst.verdict,
        reason=worst.reason,
        text=worst.text,
        resource=resource.identifier,
        scopes=scopes,
    )
