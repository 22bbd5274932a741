"""What has to follow from an authorization request: a sign-in, a consent, or nothing."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.authorization.address import address, answer_mode, recipient_for
from limen.oauth.authorization.allowed import allowed_claims, allowed_details, allowed_scope
from limen.oauth.authorization.asked import (
    Addressed,
    AskConsent,
    Asked,
    Desk,
    Issue,
    Outcome,
    Refuse,
    ShowSignIn,
    SignedIn,
    StepUp,
)
from limen.oauth.authorization.assurance import (
    UNMET,
    WantedAcr,
    is_unmet,
    reached_acr,
    wants_factor,
)
from limen.oauth.authorization.checks import check
from limen.oauth.consent import consent_for, is_asked_each_time
from limen.oauth.model import Consent, Interaction
from limen.oauth.subjects import subject_of
from limen.protocol.params import Params
from limen.protocol.redirect_uri import match_redirect_uri
from limen.signin.journey import Step
from limen.signin.steps.missing import missing_step
from limen.tenants import policy_of


async def authorize(work: Work, *, params: Params, desk: Desk, who: SignedIn | None) -> Outcome:
    """Decide what follows from an authorization request as it was sent.

    Raises:
        OAuthRefusal: Client or redirect URI are not what they should be: for a page of ours,
            never for a redirect (N014).
    """
    to = await address(work, params=params, desk=desk)
    try:
        asked = await check(work, to=to, desk=desk)
    except OAuthRefusal as refusal:
        return Refuse(to, refusal)
    return await decide(work, asked=asked, desk=desk, who=who)


async def decide(work: Work, *, asked: Asked, desk: Desk, who: SignedIn | None) -> Outcome:
    """Say what is still missing before a code may be issued."""
    if who is None or not _is_recent(asked, who):
        if asked.is_silent:
            return _refuse(asked, "login_required", "Nobody is signed in as required.")
        return ShowSignIn(asked, again=who is not None)
    if not await _is_whom_client_expects(work, asked, desk=desk, who=who):
        return _refuse(asked, "login_required", "Somebody else is signed in.")
    unmet = await _assurance(work, asked, who)
    if unmet is not None:
        return unmet
    consent = await _consent(work, asked, who)
    if needs_consent(asked, consent):
        if asked.is_silent:
            return _refuse(asked, "consent_required", "The user has not agreed to this.")
        return AskConsent(asked, who)
    return Issue(asked, who)


async def _assurance(work: Work, asked: Asked, who: SignedIn) -> StepUp | Refuse | None:
    """Say which step who is signed in has to pass; one that only a client wants is voluntary."""
    wanted = asked.wanted_acr
    if is_unmet(wanted, rules=policy_of(work).assurance.acr):
        return _refuse(asked, UNMET, "This server knows none of the acr values.")
    step = await due_step(work, wanted=wanted, who=who, is_silent=asked.is_silent)
    if step is None:
        return None
    if asked.is_silent:
        return _refuse(asked, "interaction_required", "The user has something to do first.")
    return StepUp(asked, who, step)


async def due_step(
    work: Work, *, wanted: WantedAcr, who: SignedIn, is_silent: bool = False
) -> Step | None:
    """Say which step is left for who is signed in, by the tenant's rules and the client's wish.

    Voluntary wishes are met if that takes no more than a factor there is: nobody enrols one, or
    fails, for them.
    """
    rules = policy_of(work).assurance.acr
    step = await missing_step(work, user_id=who.user_id, amr=who.amr)
    if step is None and wants_factor(wanted, who.amr, rules=rules):
        step = await missing_step(work, user_id=who.user_id, amr=who.amr, needs_factor=True)
        is_enough = not wanted.essential or bool(reached_acr(wanted, who.amr, rules=rules))
        if is_enough and (is_silent or step == "enrol_factor"):
            step = None
    return step


def needs_consent(asked: Asked, consent: Consent | None) -> bool:
    """Say whether the user must be asked."""
    if "consent" in asked.request.prompt:
        return True
    if is_asked_each_time(asked.client, redirect_uri=asked.to.redirect.uri):
        return True
    if asked.client.trusted:
        return False
    if asked.details:
        # Agreed to once is not agreed to twice: it may be a payment.
        return True
    return consent is None or not consent.remembered or not consent.covers(asked.agreed_scope)


async def recheck(work: Work, *, interaction: Interaction, desk: Desk) -> Asked:
    """Check once more what may have changed since an interaction was opened (N017).

    Everything comes from the row; nothing that the browser or a front end sends counts. What
    may be told to the client is ``check_again``'s.

    Raises:
        OAuthRefusal: Client or redirect URI are gone: for a page, never for a redirect; or the
            resource or all of the scope are, which ``Refuse`` would tell the client.
    """
    request = interaction.request
    client = await desk.clients.fresh(work, interaction.client_id)
    if client is None or not client.is_active:
        raise OAuthRefusal("invalid_client", "This client is unknown.")
    redirect = match_redirect_uri(interaction.redirect_uri, registered=client.redirect_uris)
    mode = answer_mode(client, asked=request.response_mode)
    resource = await desk.resources.resolve(work, client=client, requested=interaction.resource)
    details = allowed_details(request.authorization_details, client=client, resource=resource)
    scope = allowed_scope(interaction.scope, details=details, client=client, resource=resource)
    return Asked(
        to=Addressed(
            client=client,
            redirect=redirect,
            mode=mode,
            state=request.state,
            is_signed=interaction.is_signed,
            pushed_hash=interaction.pushed_hash,
            recipient=await recipient_for(work, client, desk, mode=mode),
        ),
        request=request,
        resource=resource,
        scope=scope,
        claims=allowed_claims(request, client=client, scope=scope),
        details=details,
        hinted_subject=interaction.hinted_subject,
        authenticated_after=interaction.authenticated_after,
    )


def _is_recent(asked: Asked, who: SignedIn) -> bool:
    after = asked.authenticated_after
    return after is None or who.authenticated_at > after


async def _is_whom_client_expects(work: Work, asked: Asked, *, desk: Desk, who: SignedIn) -> bool:
    if asked.hinted_subject is None:
        return True
    subject = await subject_of(
        work, envelope=desk.envelope, client=asked.client, user_id=who.user_id
    )
    return subject == asked.hinted_subject


async def _consent(work: Work, asked: Asked, who: SignedIn) -> Consent | None:
    if asked.client.trusted:
        return None
    return await consent_for(
        work,
        user_id=who.user_id,
        client_id=asked.client.client_id,
        resource=asked.resource.identifier,
    )


def _refuse(asked: Asked, code: str, public: str) -> Refuse:
    return Refuse(asked.to, OAuthRefusal(code, public))
