"""What a tenant says to complete an entry's addresses: read, and put into them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from limen.federation.catalogue.addresses import fill, placeholders
from limen.federation.catalogue.entry import Value
from limen.federation.facts import Api
from limen.kernel.errors import InvalidInput

_AT_CALL: Final = {"client_id": "{client_id}", "token": "{token}"}


def read_values(wanted: Mapping[str, Value], given: Mapping[str, str]) -> dict[str, str]:
    """Return the values that complete an entry's URLs.

    Raises:
        InvalidInput: ``provider_address``: unknown, missing, or not as the entry has it.
    """
    unknown = set(given) - set(wanted)
    if unknown:
        raise InvalidInput(
            "provider_address", f"This provider has no {min(unknown)}.", field="values"
        )
    found: dict[str, str] = {}
    for name, value in wanted.items():
        raw = given.get(name, value.default)
        if raw is None and value.is_optional:
            continue
        if raw is None or not value.accepts(raw):
            text = f"{value.title}: is missing or not what this provider takes."
            raise InvalidInput("provider_address", text, field="values")
        found[name] = raw
    return found


def fill_in(template: str, *, wanted: Mapping[str, Value], values: Mapping[str, str]) -> str:
    """Return an address with the values in it, which must lead where the entry allows.

    Raises:
        InvalidInput: ``provider_address``.
    """
    hosts = [host for value in wanted.values() for host in value.hosts]
    names = placeholders(template)
    if not names:
        return template
    in_host = [name for name in names if f"{{{name}}}" in template.split("/", 3)[2]]
    if in_host and not hosts:  # the tenant's own server: any host of its choosing
        hosts = [values[name] for name in in_host if name in values]
    return fill(template, {**_AT_CALL, **values}, hosts=hosts)


def filled_api(api: Api, values: Mapping[str, str]) -> Api:
    """Return where tokens may be sent, with the hosts that a tenant says in place."""
    known = (host for host in api.hosts if not host.startswith("{") or host[1:-1] in values)
    hosts = tuple(values[host[1:-1]] if host.startswith("{") else host for host in known)
    return api.model_copy(update={"hosts": hosts})
