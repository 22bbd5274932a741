"""The errors of RFC 9449."""

from __future__ import annotations

from limen.kernel.errors import OAuthRefusal


class ProofRefused(OAuthRefusal):
    """A DPoP proof that proves nothing here.

    Args:
        reason: Which check refused it, for the log.
        public: What the client's author can act on.
    """

    default_code = "invalid_dpop_proof"

    def __init__(
        self,
        reason: str,
        public: str = "The DPoP proof is not valid for this request.",
    ) -> None:
        super().__init__(public=public, detail=f"dpop: {reason}")
        self.reason = reason


class NonceRefused(ProofRefused):
    """A proof that will do once it carries our nonce (RFC 9449 sections 8 and 9).

    Args:
        reason: For the log.
        nonce: To be sent along as ``DPoP-Nonce``.
    """

    default_code = "use_dpop_nonce"

    def __init__(self, reason: str, *, nonce: str) -> None:
        super().__init__(reason, "Put the nonce of the header DPoP-Nonce into the DPoP proof.")
        self.nonce = nonce


def replayed() -> ProofRefused:
    """Return the refusal of a proof that was presented before (N100)."""
    return ProofRefused("replayed", "The DPoP proof was used before: make one per request.")
