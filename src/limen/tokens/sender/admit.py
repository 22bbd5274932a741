"""Admit a request to our own resources: its token is active, and it comes from its sender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from limen.crypto.keyring import Keyring
from limen.db.work import Work
from limen.kernel.errors import BearerRefusal
from limen.protocol.sender.proof import FAPI_PROOF_ALGS, PROOF_ALGS, ExpectedProof
from limen.protocol.sender.refusal import ProofRefused
from limen.tenants.policy_of import policy_of
from limen.tokens.look_up import ActiveToken, look_up_access
from limen.tokens.sender.by_proof import prove_by_proof
from limen.tokens.sender.check_sender import check_sender
from limen.tokens.sender.credentials import PresentedToken
from limen.web.locate import address_of
from limen.web.peer.client_certificate import certificate_binding
from limen.web.state import FORESEE, state_of

AlgorithmsOf = Callable[[Work, ActiveToken], Awaitable[frozenset[str]]]
"""What proofs of a token may be signed with, where its client is known."""


async def admit(
    request: Request,
    work: Work,
    *,
    keyring: Keyring,
    presented: PresentedToken,
    also_at: tuple[str, ...] = (),
    algorithms_of: AlgorithmsOf | None = None,
) -> ActiveToken:
    """Return what an access token stands for, if this request may use it.

    Whom the token is for is the caller's to compare.

    Args:
        request: Its proof and its certificate are looked at.
        work: Clean.
        keyring: Verifies the signature.
        presented: As ``read_credentials`` gave it.
        also_at: Further addresses of ours for the same thing.
        algorithms_of: By the token's client; as the tenant's profile says otherwise.

    Raises:
        BearerRefusal: ``invalid_token``, ``invalid_dpop_proof``, ``use_dpop_nonce``.
    """
    token = await look_up_access(
        work, keyring=keyring, raw=presented.raw, foresee=state_of(request).get(FORESEE)
    )
    if token is None:
        raise BearerRefusal(
            "invalid_token", "The access token is invalid or expired.", scheme=presented.scheme
        )
    proved = set(certificate_binding(request))
    if presented.scheme == "DPoP":
        expected = ExpectedProof(
            method=request.method,
            targets=(address_of(request.scope), *also_at),
            raw_access_token=presented.raw,
            algorithms=await (algorithms_of or _by_profile)(work, token),
        )
        proved.add(await _prove(request, work, keyring=keyring, expected=expected))
    check_sender(token, scheme=presented.scheme, proved=proved)
    return token


async def _by_profile(work: Work, _token: ActiveToken) -> frozenset[str]:
    """FAPI 2.0 SP 5.4.1: no RS256, at a resource either."""
    return FAPI_PROOF_ALGS if "fapi2" in policy_of(work).profile else frozenset(PROOF_ALGS)


async def _prove(request: Request, work: Work, *, keyring: Keyring, expected: ExpectedProof) -> str:
    try:
        key = await prove_by_proof(
            request,
            work,
            envelope=keyring.envelope,
            expected=expected,
            needs_nonce=policy_of(work).dpop.nonce == "always",
        )
    except ProofRefused as refusal:
        raise BearerRefusal(
            refusal.code, refusal.public, detail=refusal.detail, scheme="DPoP"
        ) from None
    if not key:
        raise BearerRefusal("invalid_dpop_proof", "Send a DPoP proof.", scheme="DPoP")
    return key
