"""Begin, change and end the trust in another issuer."""

from __future__ import annotations

from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.kernel.ids import new_id
from limen.net.client import Net
from limen.oauth.trust import store
from limen.oauth.trust.events import IssuerTrusted, IssuerTrustEnded
from limen.oauth.trust.issuer import Trust, TrustedIssuer

MAX_ISSUER_CHARACTERS = 2048


async def trust_issuer(work: Work, *, net: Net, issuer: str, trust: Trust) -> TrustedIssuer:
    """Begin to trust an issuer.

    Raises:
        InvalidInput: ``trusted_issuer_invalid``: ourselves, whose assertions are for others
            alone; ``url_not_allowed``: keys at an address that we never call.
        Conflict: ``trusted_issuer_exists``.
    """
    if not issuer or len(issuer) > MAX_ISSUER_CHARACTERS or issuer == work.site.issuer:
        raise InvalidInput("trusted_issuer_invalid", "Not another issuer.", field="issuer")
    _check_keys(net, trust)
    trusted = TrustedIssuer(id=new_id(work.now), issuer=issuer, trust=trust)
    if not await store.add_issuer(work, trusted):
        raise Conflict("trusted_issuer_exists", "This issuer is trusted already.")
    await work.record(IssuerTrusted(issuer=issuer))
    return trusted


async def change_trust(work: Work, *, net: Net, issuer_id: str, trust: Trust) -> TrustedIssuer:
    """Replace what is believed of an issuer.

    Raises:
        NotFound: ``trusted_issuer_not_found``.
        InvalidInput: As ``trust_issuer``.
    """
    _check_keys(net, trust)
    changed = await store.change_issuer(work, issuer_id, trust)
    if changed is None:
        raise _unknown()
    await work.record(IssuerTrusted(issuer=changed.issuer))
    return changed


async def end_trust(work: Work, *, issuer_id: str) -> None:
    """Believe an issuer no more; its linked subjects are forgotten.

    Raises:
        NotFound: ``trusted_issuer_not_found``.
    """
    issuer = await store.drop_issuer(work, issuer_id)
    if issuer is None:
        raise _unknown()
    await work.record(IssuerTrustEnded(issuer=issuer))


async def get_trusted_issuer(work: Work, *, issuer_id: str) -> TrustedIssuer:
    """Return one.

    Raises:
        NotFound: ``trusted_issuer_not_found``.
    """
    found = await store.find_issuer(work, issuer_id)
    if found is None:
        raise _unknown()
    return found


async def list_trusted_issuers(work: Work, *, after: str, limit: int) -> list[TrustedIssuer]:
    """Return trusted issuers, oldest first."""
    return await store.list_issuers(work, after=after, most=limit)


def _check_keys(net: Net, trust: Trust) -> None:
    if trust.jwks_uri is not None:
        net.check_url(trust.jwks_uri, field="jwks_uri")


def _unknown() -> NotFound:
    return NotFound("trusted_issuer_not_found", "There is no such issuer.")
