"""The DPoP proof that comes with a token to an API (RFC 9449 section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from limen.kernel.errors import BearerRefusal
from limen.kernel.secret import Secret
from limen.protocol.sender.confirmation import of_proof
from limen.protocol.sender.proof import ExpectedProof, read_proof, verify_proof
from limen.protocol.sender.refusal import NonceRefused, ProofRefused
from limen.tokens.resource.sources import Source
from limen.web.locate import escaped_path


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderRules:
    """What an API asks of tokens that are bound to a key.

    Args:
        required: Whether all its tokens must be.
        needs_nonce: Whether DPoP proofs must carry a nonce of ours.
        base_url: Where the API's root is, for the address that proofs name; the resource's
            origin when left out. Never read from the request.
    """

    required: bool = False
    needs_nonce: bool = False
    base_url: str = ""


DEFAULT_RULES: Final = SenderRules()


class Prover:
    """Verifies the proofs of one API.

    Args:
        source: Remembers proofs, and knows the nonces.
        base: Scheme and authority of the API, and what its paths hang from.
        needs_nonce: Whether a proof without a nonce is refused.
    """

    def __init__(self, source: Source, *, base: str, needs_nonce: bool) -> None:
        self._source = source
        self._base = base
        self._needs_nonce = needs_nonce

    async def prove(self, request: Request, raw_access_token: Secret[str]) -> str:
        """Return the key that a request's proof proves, as ``ActiveToken.bound_to`` writes it.

        The nonce for the next one is left in ``request.state.dpop_nonce``.

        Raises:
            BearerRefusal: ``invalid_dpop_proof`` or ``use_dpop_nonce``.
            Unavailable: If nobody can tell whether it is new.
        """
        try:
            return await self._prove(request, raw_access_token)
        except ProofRefused as refusal:
            if isinstance(refusal, NonceRefused):
                request.state.dpop_nonce = refusal.nonce
            raise BearerRefusal(
                refusal.code, refusal.public, detail=refusal.detail, scheme="DPoP"
            ) from None

    async def _prove(self, request: Request, raw_access_token: Secret[str]) -> str:
        raw = read_proof(request.headers.getlist("dpop"))
        if raw is None:
            raise ProofRefused("absent", "Send a DPoP proof.")
        expected = ExpectedProof(
            method=request.method,
            targets=(self._base + escaped_path(request.scope),),
            raw_access_token=raw_access_token,
        )
        proof = verify_proof(raw, expected=expected, now=self._source.now())
        nonce = await self._source.accept_proof(proof, needs_nonce=self._needs_nonce)
        if nonce:
            request.state.dpop_nonce = nonce
        return of_proof(proof.jkt)


def nonce_of(request: Request) -> str:
    """Return the nonce to answer a request with; empty where none is in use."""
    return getattr(request.state, "dpop_nonce", "")
