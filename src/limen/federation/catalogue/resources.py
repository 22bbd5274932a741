"""The resources of an entry, and which scopes are whose, as a tenant's values complete them. Pure.

Where a provider has several, an access token is for one of them: its scopes begin with what names
it. What begins with no name at all is the default one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from limen.federation.catalogue.addresses import PLACEHOLDER, placeholders
from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.values import filled_api
from limen.federation.facts import Feature, Resource, Scope


def filled_resources(entry: Entry, values: Mapping[str, str]) -> dict[str, Resource]:
    """Return the resources there are; one whose host nobody said is not.

    Args:
        entry: Validated.
        values: Checked already, each against what the entry takes.
    """
    found = {}
    for name, resource in entry.resources.items():
        if any(each not in values for each in placeholders(resource.identifier)):
            continue
        identifier = _filled(resource.identifier, values)
        hosts = tuple(_filled(host, values) for host in resource.hosts or (resource.host,))
        if resource.is_default:
            hosts = filled_api(entry.api, values).hosts
        scopes = tuple(each.replace("{identifier}", identifier) for each in resource.scopes)
        changes = {"identifier": identifier, "hosts": hosts, "scopes": scopes}
        found[name] = resource.model_copy(update=changes)
    return found


def filled_scopes(entry: Entry, values: Mapping[str, str]) -> dict[str, Scope]:
    """Return what scopes mean, those aside that want what nobody said."""
    return {
        _filled(scope, values): meaning
        for scope, meaning in entry.scopes.items()
        if not _wants_more(entry, scope, values)
    }


def filled_features(entry: Entry, values: Mapping[str, str]) -> dict[str, Feature]:
    """Return the features that can be switched on, with their scopes as they are asked for."""
    return {
        name: feature.model_copy(
            update={"scopes": tuple(_filled(each, values) for each in feature.scopes)}
        )
        for name, feature in entry.features.items()
        if not any(_wants_more(entry, each, values) for each in feature.scopes)
    }


def others_of(scopes: Iterable[str], resources: Mapping[str, Resource]) -> dict[str, list[str]]:
    """Return the scopes that are not the default resource's, by the resource each is of."""
    found: dict[str, list[str]] = {}
    for scope in scopes:
        for name, resource in resources.items():
            if not resource.is_default and resource.names(scope):
                found.setdefault(name, []).append(scope)
    return found


def defaults_of(scopes: Iterable[str], resources: Mapping[str, Resource]) -> tuple[str, ...]:
    """Return the scopes of the default resource, and those that are of none."""
    scopes = tuple(scopes)
    elsewhere = {each for those in others_of(scopes, resources).values() for each in those}
    return tuple(each for each in scopes if each not in elsewhere)


def _wants_more(entry: Entry, scope: str, values: Mapping[str, str]) -> bool:
    return any(name in entry.values and name not in values for name in placeholders(scope))


def _filled(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)
