"""Ask a provider about a credential on somebody's behalf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from limen.access.permissions import CONNECTIONS_SERVICE, FULL_SCOPE, scope_allows
from limen.access.rights import may
from limen.db.work import Work
from limen.federation.catalogue.credential_rule import BasicRule, ServiceAccountRule
from limen.kernel.errors import InvalidInput, NotPermitted, ProviderUnavailable
from limen.kernel.secret import Secret
from limen.tokens.api_keys.model import PEOPLES_KEYS
from limen.vault.credentials.held_at import HeldAt
from limen.vault.credentials.material import (
    ApiKey,
    Material,
    ServiceAccount,
    UserPassword,
    kind_of,
    to_text,
)
from limen.vault.credentials.prove import NotTaken, Proven, Unproven, prove
from limen.vault.events import CredentialNotTaken
from limen.vault.features.offered import features_at
from limen.vault.model import TENANT_OWNER
from limen.vault.parts import Parts

_MAX_FEATURES: Final = 20


async def check_giver(work: Work, *, owner_id: str) -> None:
    """Refuse all but the person themselves, or who may speak for the tenant.

    An application that gave a credential of its own in somebody's name would have them work in
    its account without their knowing (connection fixation, F37).

    Raises:
        NotPermitted: ``user_required``, ``first_party_only``; or the tenant's connections are not
            theirs.
    """
    actor = work.actor
    if actor.kind != "user":
        raise NotPermitted("user_required", "Connections are people's.")
    is_own = actor.client_id in {"", PEOPLES_KEYS}
    if actor.scope is not None and FULL_SCOPE not in actor.scope and not is_own:
        raise NotPermitted("first_party_only", "An application gives no credentials of people.")
    if owner_id == TENANT_OWNER and not (
        await may(work, actor, CONNECTIONS_SERVICE)
        and scope_allows(actor.scope, CONNECTIONS_SERVICE)
    ):
        raise NotPermitted(public="You are not allowed to do this.")


async def prove_or_refuse(
    work: Work,
    parts: Parts,
    *,
    provider: HeldAt,
    material: Material,
    scopes: Sequence[str],
    connection_id: str = "",
) -> Proven:
    """Have the provider say that it takes a credential; nothing may have been written yet.

    Args:
        work: Its connection is given back for as long as the call takes.
        parts: The vault's.
        provider: As the credential meets it.
        material: The credential.
        scopes: What a token is wanted for.
        connection_id: Where it is to stand; empty for a new connection.

    Raises:
        InvalidInput: ``credential_refused``, ``scope_refused``: the provider does not take it.
        ProviderUnavailable: ``credential_unproven``: it did not say.
    """
    await work.let_go()
    outcome = await prove(parts.net, provider, material, scopes=scopes, now=work.now)
    match outcome:
        case Proven():
            return outcome
        case Unproven(reason=reason):
            raise ProviderUnavailable(
                "credential_unproven",
                "The provider could not be asked whether it takes this: nothing was changed.",
                detail=f"{provider.id}: {reason}",
            )
        case NotTaken(reason=reason):
            event = CredentialNotTaken(
                provider=provider.id, kind=kind_of(material), connection_id=connection_id
            )

            async def keep(later: Work) -> None:
                await later.record(event)

            work.even_if_refused(keep)
            if reason == "scope":
                text = "The provider does not give this credential what was asked for."
                raise InvalidInput("scope_refused", text, field="features")
            raise InvalidInput(
                "credential_refused",
                "The provider does not take this credential: nothing was changed.",
                field="credential",
            )


async def scopes_for(work: Work, provider: HeldAt, features: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes that a token for these features needs.

    Raises:
        InvalidInput: ``feature_unknown``.
    """
    known = await features_at(work, provider, provider_id=provider.id)
    if len(features) > _MAX_FEATURES or any(name not in known for name in features):
        raise InvalidInput("feature_unknown", "The provider has no such feature.", field="features")
    return provider.normalise(scope for name in features for scope in known[name].scopes)


def lasting_half(material: Material) -> Secret[str] | None:
    """Return what tokens are fetched with; ``None`` where nothing is fetched."""
    return None if isinstance(material, ApiKey | UserPassword) else to_text(material)


def check_rule(provider: HeldAt, material: Material) -> None:
    """Refuse what the entry's rule has no place for.

    Raises:
        InvalidInput: ``credential_invalid``.
    """
    match provider.way.rule, material:
        case BasicRule(may_omit_password=False), UserPassword() if not material.raw_password:
            raise InvalidInput("credential_invalid", "A password is needed.", field="password")
        case ServiceAccountRule(may_impersonate=False), ServiceAccount() if material.on_behalf_of:
            text = "Nobody is impersonated at this provider."
            raise InvalidInput("credential_invalid", text, field="on_behalf_of")
        case _:
            return
