"""A request's DPoP proof: verified, with a nonce of ours if one is wanted, and seen once only."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.protocol.sender.confirmation import of_proof
from limen.protocol.sender.nonce import check_nonce
from limen.protocol.sender.proof import ExpectedProof, Proof, read_proof, verify_proof
from limen.protocol.sender.refusal import NonceRefused, replayed
from limen.tokens.replay.durably import Once, first_time_durably
from limen.web.state import add_header, state_of, works_of

NONCE_HEADER: Final = "dpop-nonce"
_PURPOSE: Final = "dpop nonce"


async def prove_by_proof(
    request: Request,
    work: Work,
    *,
    envelope: Envelope,
    expected: ExpectedProof,
    needs_nonce: bool,
) -> str:
    """Return the key that a request's proof proves; empty if it carries none.

    Costs nothing without the header. The proof is remembered on all nodes before anything
    else is written (N100); the answer carries a nonce wherever nonces are in use.

    Args:
        request: The ``DPoP`` header is read.
        work: Clean.
        envelope: For the tenant's nonces.
        expected: What the proof must be made for.
        needs_nonce: Whether one without a nonce is refused.

    Raises:
        ProofRefused: ``invalid_dpop_proof`` or ``use_dpop_nonce``.

    Spec: RFC 9449 §4.3, §8, §9, §11.1.
    """
    raw = read_proof(request.headers.getlist("dpop"))
    if raw is None:
        return ""
    proof = verify_proof(raw, expected=expected, now=work.now)
    if needs_nonce or proof.nonce is not None:
        await _check_nonce(request, work, envelope=envelope, proof=proof)
    once = Once(kind="dpop_proof", of=proof.jkt, value=proof.jti, until=proof.until)
    if not await first_time_durably(works_of(request), work, once=once, memory=state_of(request)):
        raise replayed()
    return of_proof(proof.jkt)


async def nonce_key(work: Work, envelope: Envelope) -> Secret[bytes]:
    """Return the key of the tenant's nonces, the same on all nodes."""
    return await envelope.derive(work, _PURPOSE)


async def _check_nonce(request: Request, work: Work, *, envelope: Envelope, proof: Proof) -> None:
    key = await nonce_key(work, envelope)
    try:
        fresh = check_nonce(proof.nonce, key, now=work.now)
    except NonceRefused as refusal:
        add_header(request, NONCE_HEADER, refusal.nonce)
        raise
    add_header(request, NONCE_HEADER, fresh)
