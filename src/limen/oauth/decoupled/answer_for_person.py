"""Answer a server's request in a person's place: for suites, in development alone."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.kernel.errors import NotFound
from limen.kernel.secret import Secret
from limen.kernel.tokens import read, token_hash
from limen.oauth.authorization.asked import Desk
from limen.oauth.authorization.assurance import WantedAcr, reached_acr
from limen.oauth.decoupled.allowed import recheck
from limen.oauth.decoupled.begin_backchannel import KIND
from limen.oauth.decoupled.decide import write_approval, write_denial
from limen.oauth.pending import store
from limen.oauth.pending.model import Approval
from limen.tenants.policy_of import policy_of

_AMR: Final = ("user",)
"""Somebody was there (RFC 8176); how they proved who they are is not claimed."""


async def answer_for_person(
    work: Work, *, raw_request_id: Secret[str], answer: str, desk: Desk
) -> None:
    """Approve or deny, as if the person had done it now.

    Args:
        work: The transaction.
        raw_request_id: The ``auth_req_id``.
        answer: ``allow`` or ``deny``.
        desk: Of the server.

    Raises:
        NotFound: ``approval_not_found``.
        Conflict: ``approval_answered``.
    """
    told = read(raw_request_id, kind=KIND)
    found = None
    if told is not None and told.tenant_id == work.tenant_id and answer in {"allow", "deny"}:
        found = await store.find_by_hash(work, token_hash(raw_request_id))
    if found is None or found.user_id is None:
        raise NotFound("approval_not_found", "There is no such request.")
    if answer == "deny":
        await write_denial(work, request=found, user_id=found.user_id, by="")
        return
    allowed = await recheck(work, request=found, desk=desk)
    approval = Approval(
        user_id=found.user_id,
        session_id=None,
        scope=allowed.scope,
        authenticated_at=work.now,
        acr=reached_acr(
            WantedAcr(values=found.acr_values), _AMR, rules=policy_of(work).assurance.acr
        ),
        amr=_AMR,
    )
    await write_approval(work, request=found, allowed=allowed, approval=approval, desk=desk)
