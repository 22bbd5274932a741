"""``/api/v1/authorization/decisions``: may a client have this, and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints

from limen.access.permissions import CONSENTS_READ
from limen.access.require import require
from limen.oauth.may_have import Decision, Question, Verdict, may_have
from limen.oauth.parts import Parts
from limen.protocol.resource_indicator import parse_resource
from limen.protocol.scopes import parse_scope
from limen.web.deps import CurrentWork
from limen.web.exchange import WorkRoute

_Text = Annotated[str, StringConstraints(min_length=1, max_length=8192)]


class DecisionBody(BaseModel):
    """The question.

    ``user_id`` is on whose behalf, absent for the client's own access; ``scope`` as in a
    request; ``resource`` the API, the client's default if absent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: _Text
    scope: _Text
    user_id: _Text | None = None
    resource: _Text | None = None


class ScopeDecisionView(BaseModel):
    """What holds for one scope, with a stable ``reason`` and the same in words."""

    scope: str
    decision: Verdict
    reason: str
    detail: str


class DecisionView(BaseModel):
    """The answer: the worst of its parts, and the parts."""

    decision: Verdict
    reason: str
    detail: str
    resource: str
    scopes: list[ScopeDecisionView]


def routes(parts: Parts) -> APIRouter:
    """Return the route."""
    router = APIRouter(
        prefix="/api/v1/authorization", tags=["authorization"], route_class=WorkRoute
    )

    @router.post("/decisions", dependencies=[require(CONSENTS_READ)])
    async def decide(work: CurrentWork, body: DecisionBody) -> DecisionView:
        """Say whether a client may have scopes at a resource, for a user or for itself.

        Nothing is issued and nothing is written; the rules are those of the authorization
        endpoint.
        """
        question = Question(
            client_id=body.client_id,
            user_id=body.user_id,
            scope=parse_scope(body.scope) or (),
            resource=None if body.resource is None else parse_resource(body.resource),
        )
        return _view(await may_have(work, parts=parts, question=question))

    return router


def _view(decision: Decision) -> DecisionView:
    return DecisionView(
        decision=decision.verdict,
        reason=decision.reason,
        detail=decision.text,
        resource=decision.resource,
        scopes=[
            ScopeDecisionView(
                scope=each.scope, decision=each.verdict, reason=each.reason, detail=each.text
            )
            for each in decision.scopes
        ],
    )
