"""API keys of people."""

from __future__ import annotations

from limen.access.permissions import FULL_SCOPE
from limen.access.rights import granted_to
from limen.db.work import Work
from limen.kernel.actor import Actor
from limen.kernel.errors import NotPermitted
from limen.oauth.api_keys.wanted import WantedKey, find_api, make_key
from limen.oauth.model import Resource
from limen.oauth.resources import Resources
from limen.tenants.policy_of import policy_of
from limen.tenants.tenant import api_audience
from limen.tokens.api_keys.model import MadeKey


async def create_own_key(work: Work, *, resources: Resources, wanted: WantedKey) -> MadeKey:
    """Make a key for whoever asks; nobody else's is ever made this way (N197).

    Raises:
        NotPermitted: ``api_keys_off``, or ``first_party_only``: an application would make itself
            a key that does more, and for longer, than its token.
        InvalidInput: As ``create_key_for``.
    """
    check_own_hand(work)
    if not policy_of(work).api_keys.people:
        raise NotPermitted("api_keys_off", "People have no API keys here.")
    return await create_key_for(work, resources=resources, user_id=work.actor.id, wanted=wanted)


def check_own_hand(work: Work) -> None:
    """Refuse an application, and a key, that would make a key for its user.

    Raises:
        NotPermitted: ``first_party_only``.
    """
    scope = work.actor.scope
    if scope is not None and FULL_SCOPE not in scope:
        raise NotPermitted("first_party_only", "An application can't make its user's keys.")


async def create_key_for(
    work: Work, *, resources: Resources, user_id: str, wanted: WantedKey
) -> MadeKey:
    """Make a key of a person's.

    For our own API with what their roles allow, elsewhere with the scopes that the tenant lets
    people have. What a role allows is asked again with every use: a role that is taken back is
    taken from the key too.

    Raises:
        InvalidInput: ``resource_invalid``, ``scope_not_available``, ``lifetime_invalid``,
            ``name_invalid``.
        Conflict: ``too_many_api_keys``.
        NotFound: ``owner_not_found``.
    """
    resource = await find_api(work, resources=resources, wanted=wanted)
    allowed = await _allowed(work, user_id, resource)
    return await make_key(
        work, principal_id=user_id, wanted=wanted, resource=resource, allowed=allowed
    )


async def _allowed(work: Work, user_id: str, resource: Resource) -> frozenset[str]:
    if resource.identifier == api_audience(work.site):
        return await granted_to(work, Actor("user", id=user_id))
    return frozenset(policy_of(work).api_keys.scopes) & resource.scopes.keys()
