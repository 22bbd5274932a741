"""How a provider's rules for credentials are carried out: with their addresses filled in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from limen.federation.catalogue.credential_rule import (
    KINDS,
    BasicRule,
    ClientCredentialsRule,
    CredentialKind,
    Credentials,
    KeyRule,
    Proof,
    ServiceAccountRule,
)
from limen.federation.catalogue.operation_entry import OperationEntry
from limen.federation.facts import Api
from limen.federation.provider import Operation

Rule = KeyRule | BasicRule | ClientCredentialsRule | ServiceAccountRule
_PREFIX: Final = "urn:limen:credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One kind of credential at one provider.

    Args:
        rule: The entry's.
        api: Where what is made of the credential may be sent, and how it travels.
        verify: The call that proves it; its address filled in.
        token: Where tokens are given for it.
    """

    kind: CredentialKind
    rule: Rule
    api: Api
    verify: Proof | None
    token: Operation | None = None

    @property
    def is_fetching(self) -> bool:
        """Whether calls are made with a token that is given for it, and not with itself."""
        return self.token is not None

    @property
    def is_whole(self) -> bool:
        """Whether nobody can say what a part of it is good for: it is shared whole, or not."""
        rule = self.rule
        return isinstance(rule, KeyRule | BasicRule) or not rule.scope_param

    @property
    def may_leave(self) -> bool:
        """Whether what calls are made with may be handed out at all."""
        rule = self.rule
        return rule.release == "raw" if isinstance(rule, KeyRule | BasicRule) else True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """All kinds of credentials that a provider takes.

    Args:
        kept_under: Names where they are sent. A credential is given for these hosts: one that
            was kept under another name is used no more.
        manage_url: Where a person makes and revokes them by hand.
    """

    kept_under: str = ""
    by_kind: Mapping[CredentialKind, Way] = field(default_factory=dict)
    manage_url: str = ""

    def pinned_to(self, hosts: Iterable[str]) -> Ways:
        """Return the same, bound to these hosts besides."""
        if not self.by_kind:
            return self
        return replace(self, kept_under=f"{self.kept_under}:{_digest(hosts)}")

    @property
    def hosts(self) -> frozenset[str]:
        """Whom credentials, and what is given for them, are sent to."""
        called = {
            urlsplit(each.url).netloc
            for way in self.by_kind.values()
            for each in (way.verify, way.token)
            if each is not None
        }
        return frozenset(called | {host for way in self.by_kind.values() for host in way.api.hosts})


def ways_of(
    rules: Credentials | None, *, provider: str, api: Api, move: Callable[[str], str]
) -> Ways:
    """Return how a provider's rules are carried out.

    Args:
        rules: The entry's; ``None`` where it takes no credentials.
        provider: Its id.
        api: As tokens of people's consent travel.
        move: Fills an address in, and moves it to the simulator where that stands in.
    """
    if rules is None:
        return Ways()
    found = {
        kind: _way(kind, rule, api=api, move=move)
        for kind in KINDS
        if (rule := getattr(rules, kind)) is not None
    }
    asked = {each.url for way in found.values() for each in (way.verify, way.token) if each}
    where = {urlsplit(url).netloc for url in asked}
    return Ways(
        kept_under=f"{_PREFIX}:{provider}:{_digest(where)}",
        by_kind=found,
        manage_url=rules.manage_url,
    )


def _way(kind: CredentialKind, rule: Rule, *, api: Api, move: Callable[[str], str]) -> Way:
    proof = rule.verify
    if proof is not None:
        proof = proof.model_copy(update={"url": move(proof.url)})
    if isinstance(rule, KeyRule):
        changed = {"header": rule.header, "prefix": rule.prefix, "query": rule.query}
        return Way(kind=kind, rule=rule, api=api.model_copy(update=changed), verify=proof)
    if isinstance(rule, BasicRule):
        changed = {"header": "Authorization", "prefix": "Basic ", "query": ""}
        return Way(kind=kind, rule=rule, api=api.model_copy(update=changed), verify=proof)
    token = _operation(rule.token, url=move(rule.token.url))
    return Way(kind=kind, rule=rule, api=api, verify=proof, token=token)


def _operation(entry: OperationEntry, *, url: str) -> Operation:
    return Operation(
        url=url,
        method=entry.method,
        client_auth=entry.client_auth,
        body=entry.body,
        params=entry.params,
        headers=entry.headers,
    )


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(sorted(set(parts))).encode()).hexdigest()[:16]
