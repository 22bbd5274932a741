"""Which providers there are: shipped, plugged in, a tenant's own, and known by their issuer."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from typing_extensions import override

from limen.federation.catalogue.behaviour import CatalogueProvider
from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.key_entry import KeyEntry
from limen.federation.catalogue.key_provider import KeyProvider
from limen.federation.catalogue.load import load_entries
from limen.federation.catalogue.override import Override
from limen.federation.openid import OpenIdProvider
from limen.federation.provider import ExternalIdentity, Provider, Told
from limen.federation.providers.apple import Apple
from limen.federation.providers.microsoft import Microsoft
from limen.kernel.errors import ConfigurationError, InvalidInput, NotFound, NotPermitted

_MAX_MADE: Final = 1000
_MAX_PATTERN_CHARS: Final = 200
_MAX_REPEATS: Final = 3
_PLAIN_PATTERN: Final = re.compile(
    r"(?:[A-Za-z0-9_|.-]|\\[.d-]|\[[A-Za-z0-9._-]{1,64}\]|[+*?]|\{\d{1,3}(?:,\d{0,3})?\})*",
    re.ASCII,
)
_REPEATS: Final = re.compile(r"[+*?]|\{\d+,", re.ASCII)


class OwnProvider(CatalogueProvider):
    """An entry that a tenant wrote.

    Its identities are kept under a name made of where it asks: whoever changes an entry to ask
    a server of theirs gets other identities, and never those of a shipped provider, whatever
    issuer the entry claims.
    """

    def __init__(self, entry: Entry, *, values: Mapping[str, str] | None = None) -> None:
        super().__init__(entry, values=values)
        where = json.dumps([sorted(entry.urls()), sorted(self.values.items())])
        self._kept_under = f"urn:limen:provider:{entry.id}:{_digest(where)[:16]}"
        self._facts = dataclasses.replace(self._facts, is_tenants=True)
        self.ways = self.ways.pinned_to(self.facts.api.hosts)

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self._kept_under

    @override
    def keeps_accounts_of(self, issuer: str) -> bool:
        return issuer == self._kept_under

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        """Believe an address only of the domains the entry names.

        Whoever runs a provider may claim any address; which ones it may speak for is for the
        entry to say, and a claim of the provider's own (``hd``) does not widen it.
        """
        found = super().identify(told)
        domain = (found.email or "").rpartition("@")[2].lower()
        proves = found.email_verified and domain in self.entry.identity.email_domains
        return dataclasses.replace(found, email_verified=proves)


class Providers:
    """Finds the provider of an id and our client's configuration there.

    Args:
        entries: The shipped ones.
        plugins: Python providers of the host application and of installed packages.
        simulators: In development, where the simulated providers stand, without trailing
            slash; empty means the real ones.

    Raises:
        ConfigurationError: Two of them have one name.
    """

    def __init__(
        self,
        *,
        entries: Mapping[str, Entry] | None = None,
        plugins: Iterable[Provider] = (),
        simulators: str = "",
    ) -> None:
        self.entries = load_entries() if entries is None else entries
        self._simulators = simulators
        self._plugins: dict[str, Provider] = {}
        for plugin in plugins:
            if plugin.id in self.entries or plugin.id in self._plugins:
                raise ConfigurationError(f"provider {plugin.id}: there is another of this name")
            self._plugins[plugin.id] = plugin
        self._made: dict[tuple[str, str], Provider] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of all that need no entry of a tenant."""
        return (*self.entries, *self._plugins)

    def find(self, provider: str, config: Mapping[str, Any]) -> Provider | None:
        """Return a provider.

        A configured issuer or an entry of the tenant's own makes a provider of its own: it
        never borrows the shipped one of the same name, so that no configuration sends one
        provider's client secret to another.

        Args:
            provider: Its id.
            config: Of our client there: ``entry`` for a tenant's own; ``issuer``, ``title``,
                ``scopes``, ``connect_scopes`` for any OpenID provider; ``values``,
                ``override`` and ``allowed_tenants`` for a shipped one.

        Raises:
            InvalidInput: ``provider_address``, ``provider_entry``: the configuration is not one.
        """
        if not config and provider in self._plugins:
            return self._plugins[provider]
        told = _digest(json.dumps(config, sort_keys=True, default=str)) if config else ""
        key = (provider, told)
        found = self._made.get(key)
        if found is None:
            found = self._make(provider, config)
            if found is None:
                return self._plugins.get(provider)
            if len(self._made) >= _MAX_MADE:
                self._made.clear()
            self._made[key] = found
        return found

    def find_complete(self, provider: str, config: Mapping[str, Any]) -> Provider | None:
        """Return a provider; ``None`` also of one whose configuration is one no more.

        An entry may be changed, by a tenant or with a release of ours, to want what the clients
        that are set do not say. It is for ``describe_provider`` to say so; who reads what there
        is of all providers is not kept from the others.
        """
        try:
            return self.find(provider, config)
        except InvalidInput:
            return None

    def lacks(self, provider: str, config: Mapping[str, Any]) -> str:
        """Return what is wrong with a configuration, in words; empty for one that is complete."""
        try:
            self.find(provider, config)
        except InvalidInput as refused:
            return refused.public
        return ""

    def _make(self, provider: str, config: Mapping[str, Any]) -> Provider | None:
        if config.get("entry"):
            return _own(config["entry"], config.get("values") or {})
        if config.get("issuer"):
            return _by_issuer(provider, config)
        entry = self.entries.get(provider)
        if entry is None:
            return None
        if config.get("override"):
            entry = read_override(config["override"], entry)
        base_url = f"{self._simulators}/{provider}" if self._simulators else ""
        make = _BEHAVIOURS.get(provider, _plain)
        return make(entry, config, base_url)


class Registry:
    """The providers that people can sign in with.

    Args:
        providers: All there are.
    """

    def __init__(self, providers: Providers) -> None:
        self.providers = providers

    def find(self, provider: str, config: Mapping[str, Any]) -> Provider | None:
        """Return a provider that people can sign in with; ``None`` also while it is incomplete."""
        found = self.providers.find_complete(provider, config)
        return found if found is not None and found.signs_in else None


class Catalogue:
    """The providers that accounts can be connected at.

    Args:
        providers: All there are.
    """

    def __init__(self, providers: Providers) -> None:
        self.providers = providers

    def find(self, provider: str, config: Mapping[str, Any]) -> Provider | None:
        """Return a provider that accounts can be connected at; ``None`` while it is incomplete."""
        found = self.providers.find_complete(provider, config)
        return found if found is not None and found.facts.features else None

    def get(self, provider: str, config: Mapping[str, Any]) -> Provider:
        """Return a provider.

        Raises:
            NotFound: ``provider_unknown``: nothing can be connected there.
            NotPermitted: ``provider_incomplete``: what the tenant says of it was enough once.
        """
        try:
            found = self.providers.find(provider, config)
        except InvalidInput as lacks:
            raise incomplete(lacks) from None
        if found is None or not found.facts.features:
            raise NotFound("provider_unknown", "Accounts can't be connected at this provider.")
        return found


def incomplete(lacks: InvalidInput) -> NotPermitted:
    """Return the refusal of whoever needs a provider that is incomplete; the log has the reason."""
    return NotPermitted(
        "provider_incomplete",
        "This provider was changed: an operator has to complete its settings.",
        detail=lacks.public,
    )


def read_entry(document: Mapping[str, Any]) -> Entry:
    """Read a tenant's own entry.

    Raises:
        InvalidInput: ``provider_entry``: it is none; names the first member at fault.
    """
    _check_patterns(document)
    try:
        return Entry.model_validate(document)
    except ValidationError as error:
        raise _no_entry(error) from None


def _check_patterns(document: Mapping[str, Any]) -> None:
    """Refuse patterns that a value could keep busy for hours, before any is tried.

    A tenant's pattern runs where everybody's requests do: no groups, few repetitions.
    """
    values = document.get("values")
    for name, value in (values if isinstance(values, Mapping) else {}).items():
        raw = value.get("pattern") if isinstance(value, Mapping) else None
        if not isinstance(raw, str) or len(raw) > _MAX_PATTERN_CHARS:
            continue  # the schema has its own words for these
        if not _PLAIN_PATTERN.fullmatch(raw) or len(_REPEATS.findall(raw)) > _MAX_REPEATS:
            where = f"values/{str(name)[:40]}/pattern"
            text = "letters, digits, dots, classes, alternatives, and three repetitions"
            raise InvalidInput("provider_entry", f"{where}: only {text}.", field=f"entry/{where}")


def read_own_entry(document: Mapping[str, Any]) -> Entry | KeyEntry:
    """Read a tenant's own entry, or one of a provider that takes credentials alone.

    Raises:
        InvalidInput: As ``read_entry``.
    """
    if "operations" in document or "credentials" not in document:
        return read_entry(document)
    _check_patterns(document)
    try:
        return KeyEntry.model_validate(document)
    except ValidationError as error:
        raise _no_entry(error) from None


def read_override(document: Mapping[str, Any], entry: Entry) -> Entry:
    """Read a tenant's override and put it on a shipped entry.

    Raises:
        InvalidInput: ``provider_entry``: it is none, or the two don't go together.
    """
    try:
        return Override.model_validate(document).on(entry)
    except ValidationError as error:
        raise _no_entry(error) from None


def hosts_of(document: Mapping[str, Any], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the hosts that a client of a tenant's own entry sends its secret to.

    Raises:
        InvalidInput: ``provider_entry``, ``provider_address``.
    """
    return _hosts_of(json.dumps([document, dict(values)], sort_keys=True))


@lru_cache(maxsize=_MAX_MADE)
def _hosts_of(told: str) -> tuple[str, ...]:
    document, values = json.loads(told)
    return tuple(sorted(_own(document, values).credential_hosts))


def _own(document: Mapping[str, Any], values: Mapping[str, str]) -> OwnProvider | KeyProvider:
    entry = read_own_entry(document)
    if isinstance(entry, KeyEntry):
        return KeyProvider(entry, values=values)
    return OwnProvider(entry, values=values)


def _no_entry(error: ValidationError) -> InvalidInput:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = "/".join(str(step) for step in first["loc"])
    return InvalidInput("provider_entry", f"{where}: {first['msg']}", field=f"entry/{where}")


def _by_issuer(provider: str, config: Mapping[str, Any]) -> Provider:
    return OpenIdProvider(
        provider,
        title=str(config.get("title") or provider.capitalize()),
        issuer=str(config["issuer"]),
        scopes=tuple(config.get("scopes") or ("openid", "email", "profile")),
        connect_scopes=tuple(str(scope) for scope in config.get("connect_scopes") or ()),
    )


_Make = Callable[[Entry, Mapping[str, Any], str], Provider]


def _plain(entry: Entry, config: Mapping[str, Any], base_url: str) -> Provider:
    return CatalogueProvider(entry, values=config.get("values"), base_url=base_url)


def _apple(entry: Entry, config: Mapping[str, Any], base_url: str) -> Provider:
    return Apple(entry, values=config.get("values"), base_url=base_url)


def _microsoft(entry: Entry, config: Mapping[str, Any], base_url: str) -> Provider:
    allowed = tuple(str(each) for each in config.get("allowed_tenants") or ())
    return Microsoft(entry, values=config.get("values"), base_url=base_url, allowed_tenants=allowed)


_BEHAVIOURS: Final[Mapping[str, _Make]] = {"apple": _apple, "microsoft": _microsoft}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
