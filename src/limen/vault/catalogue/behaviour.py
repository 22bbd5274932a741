"""A catalogue entry as the provider that federation and the vault speak to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from limen.federation.provider import (
    AnswerClass,
    Ask,
    Endpoints,
    ExternalIdentity,
    Operation,
    ProviderAnswer,
    TokenAnswer,
    unidentified,
)
from limen.net import Net
from limen.vault.catalogue.connectable import Connectable, Facts
from limen.vault.catalogue.entry import Entry, ErrorRule, OperationEntry, at_pointer


class CatalogueProvider(Connectable):
    """What an entry says, as behaviour.

    Args:
        entry: Validated.
        base_url: Another place that behaves like the vendor (the simulator), without trailing
            slash: every URL keeps its path and moves there. Empty for the vendor itself.
    """

    def __init__(self, entry: Entry, *, base_url: str = "") -> None:
        self.entry = entry
        self.id = entry.id
        self.title = entry.title
        self._base_url = base_url
        self.uses_pkce = entry.operations.authorize.pkce
        self.issuer = base_url or entry.identity.issuer
        self._issuers = (base_url,) if base_url else (entry.issuers or (entry.identity.issuer,))
        self._endpoints = self._read_endpoints()

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        return self._endpoints

    @property
    @override
    def facts(self) -> Facts:
        revoke = self.entry.operations.revoke
        return Facts(
            lifetime=self.entry.lifetime,
            features=self.entry.features,
            identity_scopes=self.entry.identity_scopes,
            manage_url=self.entry.manage_url,
            sends_first=revoke.sends if revoke else "refresh",
            sends_as=revoke.sends_as if revoke else "token",
            blast_radius=revoke.blast_radius if revoke else "token",
            already_gone=revoke.already_gone if revoke else (),
        )

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        authorize = self.entry.operations.authorize
        params = dict(authorize.connect_params)
        if ask.needs_refresh_token:
            params |= authorize.refresh_token_params
        if ask.account_hint and authorize.hint_param:
            params[authorize.hint_param] = ask.account_hint
        if authorize.scope_separator:
            params["scope"] = authorize.scope_separator.join(ask.scopes)
        return params

    @override
    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        return issuer in self._issuers

    @override
    def identify(
        self, *, claims: Mapping[str, Any], userinfo: Mapping[str, Any], answer: TokenAnswer
    ) -> ExternalIdentity:
        rule = self.entry.identity
        told: Mapping[str, Any] = {
            "id_token": claims,
            "userinfo": userinfo,
            "token_response": answer.members,
        }[rule.source]
        subject = _text(told, rule.subject)
        if not subject:
            raise unidentified(self.id, f"no {rule.subject} in {rule.source}")
        labels = (_text(told, pointer) for pointer in rule.label)
        return ExternalIdentity(
            issuer=self.issuer,
            subject=subject,
            label=next((label for label in labels if label), subject),
            email=_text(told, rule.email) or None if rule.email else None,
            email_verified=rule.email_verified == "claim" and told.get("email_verified") is True,
        )

    @override
    def classify(self, answer: ProviderAnswer) -> AnswerClass:
        for rule in self.entry.errors:
            if _applies(rule, answer):
                return rule.means
        return super().classify(answer)

    @override
    def read_scope(self, raw: object) -> tuple[str, ...] | None:
        separator = self.entry.operations.authorize.scope_separator
        if not isinstance(raw, str) or not separator:
            return None
        return self.normalise(part.strip() for part in raw.split(separator))

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self.issuer

    @override
    def is_own_issuer(self, issuer: str) -> bool:
        return issuer in self._issuers

    @override
    def normalise(self, scopes: Iterable[str]) -> tuple[str, ...]:
        aliases = self.entry.scope_aliases
        return tuple(dict.fromkeys(aliases.get(scope, scope) for scope in scopes if scope))

    def _read_endpoints(self) -> Endpoints:
        operations = self.entry.operations
        authorize = operations.authorize
        return Endpoints(
            authorize=Operation(
                url=self._moved(authorize.url), method="GET", params=authorize.params
            ),
            exchange=self._operation(operations.exchange),
            refresh=self._operation(operations.refresh),
            revoke=self._operation(operations.revoke) if operations.revoke else None,
            userinfo=self._operation(operations.userinfo) if operations.userinfo else None,
            issuer=self._issuers[0],
            sends_iss=authorize.sends_iss,
            jwks_uri=self._moved(self.entry.jwks_uri) if self.entry.jwks_uri else "",
            id_token_algorithms=frozenset(self.entry.id_token_algorithms),
        )

    def _operation(self, entry: OperationEntry) -> Operation:
        return Operation(
            url=self._moved(entry.url),
            method=entry.method,
            client_auth=entry.client_auth,
            body=entry.body,
            params=entry.params,
            headers=entry.headers,
        )

    def _moved(self, url: str) -> str:
        return f"{self._base_url}{urlsplit(url).path}" if self._base_url else url


def _applies(rule: ErrorRule, answer: ProviderAnswer) -> bool:
    if rule.status is not None and rule.status != answer.status:
        return False
    return bool(rule.body) and all(
        at_pointer(answer.members, pointer) == value for pointer, value in rule.body.items()
    )


def _text(told: Mapping[str, Any], pointer: str) -> str:
    value = at_pointer(told, pointer)
    return value if isinstance(value, str) else ""
