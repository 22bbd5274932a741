"""The key that a request for tokens is proved to come with: of a DPoP proof, or a certificate."""

from __future__ import annotations

from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.errors import OAuthRefusal
from limen.oauth.model import Client, Resource
from limen.oauth.parts import Parts
from limen.protocol.sender.confirmation import BEARER, of_certificate
from limen.protocol.sender.proof import FAPI_PROOF_ALGS, PROOF_ALGS, ExpectedProof
from limen.protocol.sender.refusal import ProofRefused
from limen.tenants.policy_of import policy_of
from limen.tokens.sender.by_proof import prove_by_proof
from limen.web.locate import address_of, route_path
from limen.web.peer.client_certificate import certificate_thumbprint


async def prove_sender(request: Request, work: Work, *, parts: Parts, client: Client) -> str:
    """Return what the tokens of this request are bound to; empty for nothing.

    A proof that is sent counts, and must hold. Without one, the certificate of the connection
    counts for a client that registered to be bound to it. Never both: a token has one key, and
    the one of the proof is what the client chose in this very request.

    Args:
        request: Its ``DPoP`` header and its certificate are looked at.
        work: Clean.
        parts: Of the server.
        client: Authenticated.

    Raises:
        OAuthRefusal: ``invalid_dpop_proof``, ``use_dpop_nonce``; ``invalid_request`` without
            the certificate, and without the proof under FAPI 2.0. A client that is bound to a
            key gets nothing without it (RFC 9449 section 5.2, RFC 8705 section 3.4, FAPI 2.0 SP
            5.3.2.1).
    """
    by_proof = await prove_proof(request, work, parts=parts, client=client)
    if by_proof:
        return by_proof
    registered = client.metadata
    if registered.dpop_bound_access_tokens:
        raise _no_proof(client, "This client's tokens are bound to a key: send a DPoP proof.")
    if registered.tls_client_certificate_bound_access_tokens:
        thumbprint = certificate_thumbprint(request)
        if thumbprint is None:
            raise OAuthRefusal(
                "invalid_request",
                "This client's tokens are bound to its certificate: send that along.",
            )
        return of_certificate(thumbprint)
    if registered.is_fapi:
        raise _no_proof(client, "FAPI 2.0 binds tokens to a key: send a DPoP proof.")
    return BEARER


async def prove_proof(request: Request, work: Work, *, parts: Parts, client: Client) -> str:
    """Return what the request's DPoP proof binds to; empty if there is no proof.

    For endpoints that take a proof ahead of the tokens, PAR among them (RFC 9449 section 10.1).

    Raises:
        OAuthRefusal: ``invalid_dpop_proof``, ``use_dpop_nonce``.
    """
    if "dpop" not in request.headers:
        return BEARER
    policy = policy_of(work).dpop.nonce
    expected = ExpectedProof(
        method=request.method,
        targets=(address_of(request.scope), *second_address(request, work, parts=parts)),
        raw_access_token=None,
        algorithms=proof_algs(client),
    )
    return await prove_by_proof(
        request,
        work,
        envelope=parts.envelope,
        expected=expected,
        needs_nonce=policy == "always" or (policy == "fapi" and client.metadata.is_fapi),
    )


def proof_algs(client: Client) -> frozenset[str]:
    """Return what a client's proofs may be signed with (FAPI 2.0 SP 5.4.1)."""
    return FAPI_PROOF_ALGS if client.metadata.is_fapi else frozenset(PROOF_ALGS)


def second_address(request: Request, work: Work, *, parts: Parts) -> tuple[str, ...]:
    """Return where the same endpoint answers with certificates, if it does."""
    alias = None if parts.mtls is None else parts.mtls.alias_of(work.site.issuer)
    return () if alias is None else (alias + route_path(request.scope),)


def check_constrained(resource: Resource, bound_to: str) -> None:
    """Refuse a bearer token for a resource that takes none.

    Raises:
        OAuthRefusal: ``invalid_dpop_proof``.
    """
    if resource.sender_constrained and bound_to == BEARER:
        raise ProofRefused(
            "absent", "Tokens for this resource are bound to a key: send a DPoP proof."
        )


def _no_proof(client: Client, public: str) -> OAuthRefusal:
    """Return the refusal of a request without the proof it needs.

    RFC 9449 names an error for a proof that is not valid, none for one that is not there. FAPI's
    clients expect one of RFC 6749 section 5.2, as without their certificate.
    """
    if client.metadata.is_fapi:
        return OAuthRefusal("invalid_request", public, detail="dpop: absent")
    return ProofRefused("absent", public)
