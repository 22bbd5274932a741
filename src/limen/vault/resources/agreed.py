"""What a person agreed to for a provider's other resources, until a token of theirs says it."""

from __future__ import annotations

from collections.abc import Iterable

from limen.db.work import Work
from limen.federation.catalogue.resources import others_of
from limen.federation.provider import Provider
from limen.vault.model import Grant
from limen.vault.resources.store import find_token, note_agreed, tokens_of


async def note_resources(
    work: Work, provider: Provider, grant: Grant, *, asked: Iterable[str]
) -> tuple[str, ...]:
    """Note the scopes of other resources that came with a consent; return them.

    The code is exchanged for the default resource's token, whose answer does not name them. Where
    the provider refuses one after all, that is noted when its token is fetched.

    Args:
        work: The callback's.
        provider: As the tenant has it.
        grant: That the consent was for.
        asked: What the person was asked for.
    """
    resources = provider.facts.resources
    agreed: list[str] = []
    for name, scopes in others_of(provider.normalise(asked), resources).items():
        before, audience = await find_token(work, grant.id, name), resources[name].identifier
        had = before.granted_scopes if before is not None and before.audience == audience else ()
        together = tuple(dict.fromkeys([*had, *scopes]))
        await note_agreed(work, grant, resource=name, audience=audience, scopes=together)
        agreed += scopes
    return tuple(agreed)


async def scopes_held(work: Work, provider: Provider, grant: Grant) -> tuple[str, ...]:
    """Return what a grant is good for, at all of its provider's resources together."""
    resources = provider.facts.resources
    if not resources:
        return grant.granted_scopes
    kept = await tokens_of(work, grant.id)
    return (
        *grant.granted_scopes,
        *(
            scope
            for each in kept
            if each.resource in resources and resources[each.resource].identifier == each.audience
            for scope in each.granted_scopes
        ),
    )
