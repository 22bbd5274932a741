"""What is checked of an authorization request, in one list.

Nothing redirects before client and redirect URI are verified (``address``). Then ``CHECKS``
runs down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.authorization.allowed import allowed_claims, allowed_details, allowed_scope
from limen.oauth.authorization.asked import Addressed, Asked, Desk
from limen.oauth.authorization.id_token_hint import hinted_subject
from limen.oauth.model import Client
from limen.oauth.resources import issuer_resource
from limen.protocol.authorization_request import parse_authorization_request
from limen.protocol.claims_request import wanted_subject
from limen.protocol.prompt import authenticated_after
from limen.tenants.policy_of import policy_of

ANOTHER_LOOK: Final = frozenset({"login", "select_account", "create"})
"""Prompts that a session which is already there does not satisfy."""


async def check(work: Work, *, to: Addressed, desk: Desk) -> Asked:
    """Run all that is checked once errors may be sent to the client.

    However the request came, by parameters, as an object or pushed, it is checked here; a
    pushed one twice, for clients and resources change in between.

    Raises:
        OAuthRefusal: The first check that fails, for the redirect URI.
    """
    if to.unreadable is not None:
        raise to.unreadable
    request = parse_authorization_request(to.params)
    asked = Asked(to=to, request=request, resource=issuer_resource(work.site))
    for one in CHECKS:
        await one(work, asked, desk)
    return asked


async def check_again(work: Work, *, asked: Asked, desk: Desk) -> None:
    """Check of a request that waited what registration or policy may demand since (N017).

    Raises:
        OAuthRefusal: The first check that fails, for the redirect URI.
    """
    for one in _AGAIN:
        await one(work, asked, desk)


def has_to_push(work: Work, client: Client) -> bool:
    """Say whether a client's requests are served only pushed, by its own word or its tenant's."""
    return (
        client.metadata.require_pushed_authorization_requests
        or client.metadata.is_fapi
        or policy_of(work).authorization.require_pushed
    )


def has_to_sign(work: Work, client: Client) -> bool:
    """Say whether a client's requests are served only signed, by its own word or its tenant's."""
    return (
        client.metadata.require_signed_request_object
        or policy_of(work).authorization.require_signed
    )


async def _grant_registered(_work: Work, asked: Asked, _desk: Desk) -> None:
    if not asked.client.may_use("authorization_code"):
        raise OAuthRefusal("unauthorized_client", "This client may not use authorization codes.")


async def _pushed_if_required(work: Work, asked: Asked, _desk: Desk) -> None:
    """RFC 9126 section 5."""
    if asked.to.pushed_hash is None and has_to_push(work, asked.client):
        raise OAuthRefusal("invalid_request", "Push this request first (RFC 9126).")


async def _signed_if_required(work: Work, asked: Asked, _desk: Desk) -> None:
    """RFC 9101 section 10.5: who asks for signatures is not served without one."""
    if not asked.to.is_signed and has_to_sign(work, asked.client):
        raise OAuthRefusal("invalid_request", "Send a signed request object.", field="request")


async def _redirect_named(_work: Work, asked: Asked, _desk: Desk) -> None:
    """FAPI 2.0 SP 5.3.2.2: a request says where its answer goes, though there be one address."""
    if asked.client.metadata.is_fapi and asked.request.redirect_uri is None:
        raise OAuthRefusal("invalid_request", "redirect_uri is missing.", field="redirect_uri")


async def _response_mode_registered(_work: Work, asked: Asked, _desk: Desk) -> None:
    """N018."""
    if asked.request.response_mode not in asked.client.response_modes:
        raise OAuthRefusal(
            "invalid_request",
            "This client did not register this response_mode.",
            field="response_mode",
        )


async def _pkce_satisfied(_work: Work, asked: Asked, _desk: Desk) -> None:
    """Stolen and injected codes (RFC 9700 section 4.5; N030)."""
    needed = asked.client.needs_pkce(openid=asked.request.openid)
    if needed and asked.request.code_challenge is None:
        raise OAuthRefusal("invalid_request", "code_challenge is missing.", field="code_challenge")


async def _resource_known(work: Work, asked: Asked, desk: Desk) -> None:
    """RFC 8707 section 2.1."""
    asked.resource = await desk.resources.resolve(
        work, client=asked.client, requested=asked.request.resource
    )


async def _details_allowed(_work: Work, asked: Asked, _desk: Desk) -> None:
    """RFC 9396 section 5."""
    asked.details = allowed_details(
        asked.request.authorization_details, client=asked.client, resource=asked.resource
    )


async def _scope_allowed(_work: Work, asked: Asked, _desk: Desk) -> None:
    asked.scope = allowed_scope(
        asked.request.scope, details=asked.details, client=asked.client, resource=asked.resource
    )
    asked.claims = allowed_claims(asked.request, client=asked.client, scope=asked.scope)


async def _sign_in_recent(work: Work, asked: Asked, _desk: Desk) -> None:
    """Turn ``prompt`` and ``max_age`` into the instant a sign-in must be later than (N273)."""
    if asked.request.prompt & ANOTHER_LOOK:
        asked.authenticated_after = work.now
        return
    max_age = asked.request.max_age
    if max_age is None:
        max_age = asked.client.metadata.default_max_age
    asked.authenticated_after = authenticated_after(
        prompt=asked.request.prompt, max_age=max_age, now=work.now
    )


async def _hint_believed(work: Work, asked: Asked, desk: Desk) -> None:
    """Read whom ``id_token_hint`` names: an ID token of ours, for this client, old or new."""
    hint = asked.request.id_token_hint
    if hint is None:
        return
    asked.hinted_subject = await hinted_subject(
        work, keyring=desk.keyring, client_id=asked.client.client_id, raw=hint
    )


async def _subject_expected(_work: Work, asked: Asked, _desk: Desk) -> None:
    """Read whom the ``claims`` parameter names; nobody else will do (OIDC Core 5.5.1)."""
    wanted = wanted_subject(asked.request.requested_claims)
    if wanted is None:
        return
    if asked.hinted_subject not in {None, wanted}:
        raise OAuthRefusal(
            "invalid_request", "claims and id_token_hint name different people.", field="claims"
        )
    asked.hinted_subject = wanted


CHECKS: Final[tuple[Callable[[Work, Asked, Desk], Awaitable[None]], ...]] = (
    # Before these: known client, exact redirect (``address``); then, in
    # ``parse_authorization_request``: nothing repeated, response_type, response_mode, scope,
    # PKCE method, prompt, max_age, resource, claims, authorization_details and acr_values
    # well-formed.
    _grant_registered,
    _pushed_if_required,
    _signed_if_required,
    _redirect_named,
    _response_mode_registered,
    _pkce_satisfied,
    _resource_known,
    _details_allowed,
    _scope_allowed,
    _sign_in_recent,
    _hint_believed,
    _subject_expected,
)

_AGAIN: Final = (
    _grant_registered,
    _pushed_if_required,
    _signed_if_required,
    _response_mode_registered,
    _pkce_satisfied,
)
"""Those of ``CHECKS`` whose answer another registration changes, and ``recheck`` does not give."""
