"""Microsoft Entra: the issuer is the token's own tenant, and the key is tenant and object id."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from typing_extensions import override

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.entry import Entry
from limen.federation.provider import Endpoints, ExternalIdentity, Told, unidentified
from limen.kernel.errors import MalformedRequest, NotPermitted

CONSUMERS: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of everybody's personal account."""
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_SHARED: Final = frozenset({"common", "organizations", "consumers"})


class Microsoft(CatalogueProvider):
    """Sign-in and connections at Entra, for one tenant or for all.

    The shared endpoints answer for every tenant, each with an issuer of its own: the issuer
    must be the one of the tenant that the token itself names, and the tenant one of those that
    are let in. ``email`` is never proof, because a tenant's administrator may write anything
    there (nOAuth), unless Entra says that the domain's owner is verified.

    Args:
        entry: The catalogue's.
        values: ``tenant``: ``common``, ``organizations``, ``consumers``, or a tenant's id.
        base_url: Where a simulator stands.
        allowed_tenants: Of the shared endpoints' tenants only these; all if empty.
    """

    def __init__(
        self,
        entry: Entry,
        *,
        values: Mapping[str, str] | None = None,
        base_url: str = "",
        allowed_tenants: Collection[str] = (),
    ) -> None:
        super().__init__(entry, values=values, base_url=base_url)
        self._tenant = self.values["tenant"].lower()
        self._allowed = frozenset(each.lower() for each in allowed_tenants)
        self._root = base_url or "https://login.microsoftonline.com"

    @override
    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        return self._tenant_of(issuer) is not None

    @override
    def is_own_issuer(self, issuer: str) -> bool:
        return self._tenant_of(issuer) is not None

    @override
    def check_claims(self, claims: Mapping[str, Any]) -> None:
        """Check the tenant a token names against its issuer, and both against who is let in."""
        tid = claims.get("tid")
        if not isinstance(tid, str) or self._tenant_of(str(claims.get("iss"))) != tid:
            raise MalformedRequest(
                "provider_id_token",
                "The provider's answer could not be verified.",
                detail="microsoft: tid is not the issuer's",
            )
        if not self._lets_in(tid):
            raise NotPermitted(
                "provider_tenant",
                "Accounts of this organization are not let in.",
                detail="microsoft: another tenant",
            )

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        tid, oid = told.claims.get("tid"), told.claims.get("oid")
        if not isinstance(tid, str) or not _GUID.fullmatch(tid):
            raise unidentified(self.id, "no tid")
        if not isinstance(oid, str) or not oid:
            raise unidentified(self.id, "no oid")
        found = super().identify(told)
        # ``sub`` differs from one application to the next; ``oid`` is the account in its tenant.
        return ExternalIdentity(
            issuer=self._issuer_of(tid),
            subject=oid,
            label=found.label,
            email=found.email,
            email_verified=_proves_email(told.claims, found.email),
            name=found.name,
            picture=found.picture,
            locale=found.locale,
            profile=found.profile,
        )

    @override
    def names_other_account(self, claims: Mapping[str, Any], *, issuer: str, subject: str) -> bool:
        tid = self._tenant_of(str(claims.get("iss")))
        same_issuer = tid is not None and self._issuer_of(tid) == issuer
        return not same_issuer or claims.get("tid") != tid or claims.get("oid") != subject

    def _issuer_of(self, tid: str) -> str:
        return f"{self._root}/{tid}/v2.0"

    def _tenant_of(self, issuer: str) -> str | None:
        """Return the tenant that an issuer is of, if it is Microsoft's at all."""
        start, end = f"{self._root}/", "/v2.0"
        if not (issuer.startswith(start) and issuer.endswith(end)):
            return None
        tid = issuer[len(start) : -len(end)]
        return tid if _GUID.fullmatch(tid) else None

    def _lets_in(self, tid: str) -> bool:
        if self._allowed and tid not in self._allowed:
            return False
        if self._tenant == "consumers":
            return tid == CONSUMERS
        if self._tenant == "organizations":
            return tid != CONSUMERS
        return self._tenant in _SHARED or not _GUID.fullmatch(self._tenant) or tid == self._tenant


def _proves_email(claims: Mapping[str, Any], email: str | None) -> bool:
    """Say whether Entra vouches for the mailbox, in one of the two ways it has.

    ``xms_edov``: the domain's owner is verified; ``verified_*_email``: the address is listed.
    Absent, as both are by default, it proves nothing.
    """
    if not email:
        return False
    if claims.get("xms_edov") in (True, 1, "1", "true"):
        return True
    listed: list[object] = []
    for name in ("verified_primary_email", "verified_secondary_email"):
        value = claims.get(name)
        listed += value if isinstance(value, list) else [value]
    return email.lower() in {each.lower() for each in listed if isinstance(each, str)}
