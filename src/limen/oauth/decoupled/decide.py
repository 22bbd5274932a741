"""A person's answer to a request: looked at, approved or denied, once.

Nobody's answer is taken for granted: consent is shown each time, to trusted clients too, for
whoever asked stands elsewhere and may be anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from limen.db.work import Work
from limen.kernel.errors import Conflict, NotFound, ReauthenticationRequired
from limen.oauth.authorization.asked import Desk, SignedIn
from limen.oauth.authorization.assurance import WantedAcr, reached_acr
from limen.oauth.authorization.attendance import note_client
from limen.oauth.authorization.decide import due_step
from limen.oauth.authorization.interaction import Waits
from limen.oauth.consent import grant_consent
from limen.oauth.decoupled.allowed import Allowed, recheck
from limen.oauth.decoupled.events import ApprovalDenied, ApprovalGiven
from limen.oauth.decoupled.ping import ping
from limen.oauth.pending import store
from limen.oauth.pending.model import MAX_MISMATCHES, Approval, DecoupledRequest
from limen.oauth.subjects import subject_of
from limen.protocol.scopes import OPENID
from limen.tenants.policy_of import policy_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A request as the person who may answer it sees it.

    Attributes:
        allowed: What the client would have, as things stand.
        waits: What comes first; ``consent`` when nothing does.
    """

    request: DecoupledRequest
    allowed: Allowed
    waits: Waits


async def look(work: Work, *, request_id: str, who: SignedIn, desk: Desk) -> Looked:
    """Return a request that this person, in this session, may answer.

    Raises:
        NotFound: ``approval_not_found``: none, another's, or over.
        OAuthRefusal: As ``recheck``.
    """
    request = await store.find_by_id(work, request_id)
    if request is None or not _may_answer(request, who):
        raise _not_found()
    return await look_at(work, request=request, who=who, desk=desk)


async def look_at(work: Work, *, request: DecoupledRequest, who: SignedIn, desk: Desk) -> Looked:
    """Return a request as this person would see it; they may answer it nevertheless not yet.

    Raises:
        NotFound, OAuthRefusal: As ``look``.
        Conflict: ``approval_answered``.
    """
    if request.status != "pending":
        raise _answered()
    if request.is_expired(now=work.now) or request.mismatches >= MAX_MISMATCHES:
        raise _not_found()
    allowed = await recheck(work, request=request, desk=desk)
    return Looked(
        request=request, allowed=allowed, waits=await _waits(work, request=request, who=who)
    )


async def approve(work: Work, *, request_id: str, who: SignedIn, desk: Desk) -> DecoupledRequest:
    """Approve a request; of any number who answer it at once, one does.

    Raises:
        NotFound, OAuthRefusal: As ``look``.
        Conflict: ``approval_answered``: another was first.
        ReauthenticationRequired: ``reauth_required``, or ``step_required``: the sign-in is too
            old or too weak for what the client asks.
    """
    looked = await look(work, request_id=request_id, who=who, desk=desk)
    _check_nothing_missing(looked)
    request, allowed = looked.request, looked.allowed
    rules = policy_of(work).assurance.acr
    approval = Approval(
        user_id=who.user_id,
        session_id=who.session_id,
        scope=allowed.scope,
        authenticated_at=who.authenticated_at,
        acr=reached_acr(WantedAcr(values=request.acr_values), who.amr, rules=rules),
        amr=who.amr,
    )
    await write_approval(work, request=request, allowed=allowed, approval=approval, desk=desk)
    return request


async def write_approval(
    work: Work, *, request: DecoupledRequest, allowed: Allowed, approval: Approval, desk: Desk
) -> None:
    """Write an approval that was checked, with the consent it means; have the client pinged.

    Raises:
        Conflict: ``approval_answered``.
    """
    by = approval.session_id or ""
    if not await store.take_approval(work, request.id, by=by, approval=approval):
        raise _answered()
    client = allowed.client
    await grant_consent(
        work,
        user_id=approval.user_id,
        client=client,
        resource=allowed.resource.identifier,
        scope=approval.scope,
        # A public client's name proves nothing on a device (N272).
        remembered=not client.is_public,
    )
    if approval.session_id is not None and OPENID in approval.scope:
        subject = await subject_of(
            work, envelope=desk.envelope, client=client, user_id=approval.user_id
        )
        await note_client(work, client=client, session_id=approval.session_id, subject=subject)
    await work.record(
        ApprovalGiven(
            request_id=request.id,
            kind=request.kind,
            client_id=request.client_id,
            user_id=approval.user_id,
            scope=approval.scope,
        )
    )
    await ping(work, request)


async def deny(work: Work, *, request_id: str, who: SignedIn) -> None:
    """Deny a request; whoever says no need not prove more than that they may.

    Raises:
        NotFound: ``approval_not_found``.
        Conflict: ``approval_answered``: another was first.
    """
    request = await store.find_by_id(work, request_id)
    if request is None or not _may_answer(request, who):
        raise _not_found()
    await write_denial(work, request=request, user_id=who.user_id, by=who.session_id)


async def write_denial(work: Work, *, request: DecoupledRequest, user_id: str, by: str) -> None:
    """Write a denial, and have the client pinged.

    Raises:
        Conflict: ``approval_answered``.
    """
    if not await store.take_denial(work, request.id, by=by, user_id=user_id):
        raise _answered()
    await work.record(
        ApprovalDenied(
            request_id=request.id,
            kind=request.kind,
            client_id=request.client_id,
            user_id=user_id,
        )
    )
    await ping(work, request)


async def _waits(work: Work, *, request: DecoupledRequest, who: SignedIn) -> Waits:
    after = request.authenticated_after
    if after is not None and who.authenticated_at <= after:
        return "sign_in"
    wanted = WantedAcr(values=request.acr_values)
    return await due_step(work, wanted=wanted, who=who) or "consent"


def _may_answer(request: DecoupledRequest, who: SignedIn) -> bool:
    if request.kind == "ciba":
        return request.user_id == who.user_id
    return bool(who.session_id) and request.opened_by == who.session_id


def _check_nothing_missing(looked: Looked) -> None:
    if looked.waits == "sign_in":
        raise ReauthenticationRequired(public="Sign in again to approve this.")
    if looked.waits != "consent":
        raise ReauthenticationRequired(
            "step_required", "Pass your second step, or what else is due, and approve this then."
        )


def _not_found() -> NotFound:
    return NotFound("approval_not_found", "This request is over, or is not yours to answer.")


def _answered() -> Conflict:
    return Conflict("approval_answered", "This request was answered already, or is over.")
