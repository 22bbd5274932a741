"""The authorization challenge: credentials come in, a code goes out, or what is missing.

Spec: draft-ietf-oauth-first-party-apps sections 5 and 6.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Final, Literal

from limen.db.work import Work
from limen.kernel.errors import InvalidInput, NotAuthenticated, OAuthRefusal, Throttled
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.oauth.authorization.answer import issue_code
from limen.oauth.authorization.asked import (
    AskConsent,
    Asked,
    Desk,
    Issue,
    Refuse,
    ShowSignIn,
    SignedIn,
)
from limen.oauth.authorization.checks import check, check_again
from limen.oauth.authorization.decide import decide, recheck
from limen.oauth.authorization.interaction import KIND, TTL
from limen.oauth.authorization.push import address_pushed
from limen.oauth.caller import Caller, become_nobody, become_person
from limen.oauth.model import Binding, Interaction
from limen.oauth.store import interactions as store
from limen.protocol.params import Params
from limen.protocol.responses import AuthorizationResponse
from limen.sessions.revoke import revoke
from limen.signin.door import Door
from limen.signin.steps.take_step import Reply, take_step
from limen.signin.steps.underway import Entered, Waiting
from limen.signin.steps.waiting import find_waiting
from limen.signin.with_password import PasswordAttempt, sign_in_with_password

Wanted = Literal["password", "otp"]
"""What an app has to ask the person for."""

_CREDENTIALS: Final = frozenset({"auth_session", "username", "password", "otp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """One request of an app.

    Args:
        params: The authorization request, of the first one.
        raw_session: ``auth_session`` of the answer before.
        username: With the password; as typed.
        raw_password: As typed.
        raw_otp: A code of the authenticator app, or a recovery code.
        address_block: Where from.
        user_agent: What the app calls itself.
    """

    params: Params
    raw_session: Secret[str] | None
    username: str
    raw_password: Secret[str] | None
    raw_otp: Secret[str] | None
    address_block: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insufficient:
    """The app has to ask the person for something more."""

    wanted: Wanted
    raw_session: Secret[str]
    expires_in: int


@dataclass(frozen=True, slots=True)
class RedirectToWeb:
    """The rest takes a browser: the app begins an ordinary authorization request."""


Challenged = AuthorizationResponse | Insufficient | RedirectToWeb


def without_credentials(params: Params) -> Params:
    """Return the authorization request in a form, without what proves the person."""
    return Params(pair for pair in params.pairs if pair[0] not in _CREDENTIALS)


async def answer_challenge(
    work: Work, *, presented: Presented, caller: Caller, desk: Desk, door: Door
) -> Challenged:
    """Take one step.

    Atomic: of any number of concurrent callers with one ``auth_session`` one goes on.

    Args:
        work: Nothing written in it yet.
        presented: As sent.
        caller: The app; authenticated, or a public client that names itself.
        desk: Of the server.
        door: What signing in needs.

    Raises:
        OAuthRefusal: ``unauthorized_client``: not one of our own apps. ``invalid_session``:
            unknown, used, expired, or of another app or key. ``invalid_grant``: what was
            presented is wrong. Else as the authorization endpoint.
    """
    if not caller.client.first_party:
        raise OAuthRefusal("unauthorized_client", "This is for the tenant's own applications.")
    found = await _resume(work, presented, caller)
    if found is None:
        asked = await _first(work, presented, caller, desk=desk)
    else:
        asked = await recheck(work, interaction=found, desk=desk)
        await check_again(work, asked=asked, desk=desk)
    if "create" in asked.request.prompt:
        return RedirectToWeb()
    app = work.actor
    become_nobody(work)
    outcome = await _prove(work, presented, found, door=door)
    if isinstance(outcome, Entered):
        become_person(work, _who(outcome))
    else:
        work.actor = app
    if isinstance(outcome, Waiting):
        if outcome.step != "second_factor":
            return RedirectToWeb()
        return await _keep(work, caller, found=found, asked=asked, outcome=outcome)
    return await _go_on(work, caller, desk=desk, found=found, asked=asked, entered=outcome)


async def _go_on(
    work: Work,
    caller: Caller,
    *,
    desk: Desk,
    found: Interaction | None,
    asked: Asked,
    entered: Entered | None,
) -> Challenged:
    who = None if entered is None else _who(entered)
    match await decide(work, asked=asked, desk=desk, who=who):
        case Issue(who=someone):
            await _take(work, found)
            return await issue_code(work, desk=desk, asked=asked, who=someone)
        case AskConsent(who=someone) if _needs_nobody(asked):
            await _take(work, found)
            return await issue_code(work, desk=desk, asked=asked, who=someone)
        case Refuse(refusal=refusal):
            raise refusal
        case ShowSignIn() if who is None:
            return await _keep(work, caller, found=found, asked=asked, outcome=None)
        case _:
            await _take(work, found)
            if who is not None:  # nobody holds this session: the browser begins its own
                await revoke(work, session_id=who.session_id, reason="replaced")
            return RedirectToWeb()


def _needs_nobody(asked: Asked) -> bool:
    """Whether the tenant vouches for the app: nothing redirects, so no address has to be proven."""
    return asked.client.trusted and "consent" not in asked.request.prompt


async def _first(work: Work, presented: Presented, caller: Caller, *, desk: Desk) -> Asked:
    jkt = caller.bound_to.removeprefix("jkt:") if caller.bound_to.startswith("jkt:") else None
    params = Params((*presented.params.pairs, *_constants(presented.params, caller)))
    to = await address_pushed(work, params=params, client=caller.client, jkt=jkt, desk=desk)
    asked = await check(work, to=to, desk=desk)
    # There is no session yet: whoever gets in proves it here and now, later than any instant
    # that ``prompt`` or ``max_age`` names.
    asked.authenticated_after = None
    if "redirect_uri" not in presented.params:  # then the token request names none either
        asked.request = replace(asked.request, redirect_uri=None)
    return asked


def _constants(params: Params, caller: Caller) -> list[tuple[str, str]]:
    """Return what an app need not say: there is one response type, and nothing redirects."""
    said: list[tuple[str, str]] = []
    if "response_type" not in params:
        said.append(("response_type", "code"))
    if "redirect_uri" not in params and caller.client.redirect_uris:
        said.append(("redirect_uri", caller.client.redirect_uris[0]))
    return said


async def _prove(
    work: Work, presented: Presented, found: Interaction | None, *, door: Door
) -> Entered | Waiting | None:
    try:
        if presented.raw_otp is not None and found is not None and found.pending_hash is not None:
            underway = await find_waiting(work, hashed=found.pending_hash)
            passed = await take_step(
                work,
                underway=underway,
                step="second_factor",
                reply=Reply(raw_code=presented.raw_otp),
                door=door,
            )
            return passed.outcome
        if presented.raw_password is None:
            return None
        attempt = PasswordAttempt(
            email=presented.username,
            raw_password=presented.raw_password,
            address_block=presented.address_block,
            kind="tokens",
            user_agent=presented.user_agent,
        )
        return await sign_in_with_password(work, attempt=attempt, door=door)
    except Throttled:
        raise
    except (NotAuthenticated, InvalidInput) as refusal:
        raise OAuthRefusal("invalid_grant", refusal.public) from None


async def _resume(work: Work, presented: Presented, caller: Caller) -> Interaction | None:
    raw = presented.raw_session
    if raw is None:
        return None
    told = read(raw, kind=KIND)
    found = None
    if told is not None and told.tenant_id == work.tenant_id:
        found = await store.find_interaction(work, token_hash(raw))
    binding = _binding(caller)
    if (
        found is None
        or found.binding.by != binding.by
        or not hmac.compare_digest(found.binding.to.encode(), binding.to.encode())
    ):
        raise _invalid_session()
    return found


async def _keep(
    work: Work,
    caller: Caller,
    *,
    found: Interaction | None,
    asked: Asked,
    outcome: Waiting | None,
) -> Insufficient:
    """Keep the request under a new handle; the one before is spent."""
    raw_handle = mint(KIND, work.tenant_id)
    pending = None
    if outcome is not None and outcome.raw_token is not None:
        pending = token_hash(outcome.raw_token)
    if found is not None:
        await _take(work, found)
    expires_at = work.now + TTL if found is None else found.expires_at
    kept = Interaction(
        handle_hash=token_hash(raw_handle),
        client_id=asked.client.client_id,
        binding=_binding(caller),
        request=replace(asked.request, id_token_hint=None),
        redirect_uri=asked.to.redirect.uri,
        resource=asked.resource.identifier,
        scope=asked.scope,
        steps=("sign_in" if outcome is None else outcome.step,),
        hinted_subject=asked.hinted_subject,
        authenticated_after=asked.authenticated_after,
        is_signed=asked.to.is_signed,
        user_id=None,
        session_id=None,
        pending_hash=pending,
        created_at=work.now,
        expires_at=expires_at,
    )
    await store.add_interaction(work, kept)
    return Insufficient(
        wanted="password" if outcome is None else "otp",
        raw_session=raw_handle,
        expires_in=int((expires_at - work.now).total_seconds()),
    )


async def _take(work: Work, found: Interaction | None) -> None:
    if found is not None and await store.take_interaction(work, found.handle_hash) is None:
        raise _invalid_session()


def _binding(caller: Caller) -> Binding:
    """Bind to the app, and to the key of its proofs where it sends them."""
    return Binding("client", f"challenge {caller.client.client_id} {caller.bound_to}")


def _who(entered: Entered) -> SignedIn:
    session = entered.session
    return SignedIn(
        user_id=session.user_id,
        session_id=session.id,
        authenticated_at=session.authenticated_at,
        amr=session.amr,
    )


def _invalid_session() -> OAuthRefusal:
    return OAuthRefusal(
        "invalid_session",
        "This auth_session is unknown, used or expired. Begin again.",
        field="auth_session",
    )
