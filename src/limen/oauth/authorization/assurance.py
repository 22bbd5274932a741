"""How sure we are of who signed in: what a client wants to know, and what was reached.

What each ``acr`` value takes is the tenant's to say (``policy.assurance.acr``).

Spec: OIDC Core sections 2, 3.1.2.1 and 5.5.1.1; RFC 9470 section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from limen.protocol.authorization_request import AuthorizationRequest
from limen.protocol.claims_request import accepted_values
from limen.signin.journey import SECOND_FACTOR
from limen.tenants.policies.assurance import AcrRule

UNMET: Final = "unmet_authentication_requirements"
"""The error where an essential ``acr`` is none that this tenant knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAcr:
    """What a client asks of the sign-in.

    Args:
        values: In order of preference; empty if it asks nothing.
        essential: Whether nothing else will do (the ``claims`` parameter); otherwise the
            request is answered with what can be reached.
    """

    values: tuple[str, ...]
    essential: bool = False


def wanted_acr(request: AuthorizationRequest, *, defaults: Iterable[str] = ()) -> WantedAcr:
    """Return what a request asks of the sign-in.

    ``acr`` in the ``claims`` parameter counts before ``acr_values``, which is always voluntary;
    what the client registered counts where the request says nothing.

    Args:
        request: Well-formed.
        defaults: The client's ``default_acr_values``.
    """
    asked = request.requested_claims.get("id_token", {}).get("acr", {})
    named = tuple(str(value) for value in accepted_values(asked))
    if asked.get("essential", False) and named:
        return WantedAcr(values=named, essential=True)
    return WantedAcr(values=(*named, *request.acr_values) or tuple(defaults))


def reached_acr(wanted: WantedAcr, amr: Collection[str], *, rules: Mapping[str, AcrRule]) -> str:
    """Return the first wanted value that the sign-in reached, or nothing.

    ``acr`` is one of the requested values or absent: a value the client never named can only
    be misread by it.
    """
    return next((value for value in wanted.values if _is_reached(value, amr, rules)), "")


def is_unmet(wanted: WantedAcr, *, rules: Mapping[str, AcrRule]) -> bool:
    """Whether nothing that a person could do would be enough."""
    return wanted.essential and not any(value in rules for value in wanted.values)


def wants_factor(wanted: WantedAcr, amr: Collection[str], *, rules: Mapping[str, AcrRule]) -> bool:
    """Whether the value that the client prefers takes a factor that was not proven."""
    known = [value for value in wanted.values if value in rules]
    return bool(known) and not _is_reached(known[0], amr, rules)


def _is_reached(value: str, amr: Collection[str], rules: Mapping[str, AcrRule]) -> bool:
    rule = rules.get(value)
    if rule is None or not amr:
        return False
    return rule.factors == 1 or SECOND_FACTOR in amr
