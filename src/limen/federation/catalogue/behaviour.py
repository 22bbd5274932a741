"""A catalogue entry as the provider that federation and the vault speak to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from limen.federation.catalogue.addresses import host_of, is_allowed
from limen.federation.catalogue.credential_ways import ways_of
from limen.federation.catalogue.entry import (
    DocumentEntry,
    Entry,
    ErrorRule,
    RevokeEntry,
)
from limen.federation.catalogue.identity_rule import at, is_other_subject, read_identity
from limen.federation.catalogue.operation_entry import OperationEntry
from limen.federation.catalogue.resources import (
    defaults_of,
    filled_features,
    filled_resources,
    filled_scopes,
)
from limen.federation.catalogue.values import fill_in, filled_api, read_values
from limen.federation.facts import Api, Facts, Resource
from limen.federation.provider import (
    OK,
    THROTTLED,
    AnswerClass,
    Ask,
    Endpoints,
    Exchange,
    ExternalIdentity,
    Operation,
    Provider,
    ProviderAnswer,
    Purpose,
    TokenAnswer,
    Told,
    is_token,
    unidentified,
)
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Net


class CatalogueProvider(Provider):
    """What an entry says, as behaviour.

    Args:
        entry: Validated.
        values: What the tenant says to complete the entry's URLs; its defaults otherwise.
        base_url: Another place that behaves like the vendor (the simulator), without trailing
            slash: every URL keeps its path and moves there. Empty for the vendor itself.

    Raises:
        InvalidInput: ``provider_address``: a value is missing or would lead elsewhere.
    """

    def __init__(
        self, entry: Entry, *, values: Mapping[str, str] | None = None, base_url: str = ""
    ) -> None:
        self.entry = entry
        self.id = entry.id
        self.title = entry.title
        self.signs_in = entry.sign_in_scopes is not None
        self.sign_in_scopes = entry.sign_in_scopes or ()
        self.uses_pkce = entry.operations.authorize.pkce
        self.posts_callback = entry.operations.authorize.response_mode == "form_post"
        self.token_types = frozenset(entry.response.token_types)
        self.values = read_values(entry.values, values or {})
        self._base_url = base_url
        self._issuer = base_url or self._filled(entry.identity.issuer)
        named = entry.issuers or (entry.identity.issuer,)
        self._issuers = (base_url,) if base_url else tuple(self._filled(each) for each in named)
        self._endpoints = self._read_endpoints()
        self._facts = _facts(entry, self.values)
        ways = ways_of(entry.credentials, provider=entry.id, api=self._facts.api, move=self._moved)
        self.ways = ways.pinned_to(self.values.values()) if self.values else ways

    @property
    def answers_name_accounts(self) -> bool:
        """Whether the token endpoint's own answer says whose tokens it gives."""
        return self.entry.identity.source == "token_response"

    @property
    def about_tokens(self) -> tuple[str, ...]:
        """The vendor's addresses that make tokens, tell of them and end them."""
        named = self.entry.operations
        found = (named.exchange, named.refresh, named.revoke, named.introspect)
        return tuple(self._filled(each.url) for each in found if each is not None)

    @property
    def credential_hosts(self) -> frozenset[str]:
        """Whom our client's secret, people's codes and their tokens are sent to, by the entry.

        However it says who we are: a refresh token goes to the endpoint of a public client too,
        and an access token to every document and API.
        """
        documents = (self._filled(each.url) for each in self.entry.documents.values() if each.url)
        called = {urlsplit(url).netloc for url in (*self.about_tokens, *documents)}
        named = {host for document in self.entry.documents.values() for host in document.hosts}
        apis = {host for each in self._facts.resources.values() for host in each.hosts}
        return frozenset(called | named | apis | set(self._facts.api.hosts))

    @override
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        return self._endpoints

    @property
    @override
    def facts(self) -> Facts:
        return self._facts

    @override
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        authorize = self.entry.operations.authorize
        scopes = list(ask.scopes)
        params = dict(authorize.sign_in_params) if ask.purpose == "sign_in" else {}
        if ask.purpose == "connect" or ask.needs_refresh_token:
            params |= authorize.connect_params
            scopes += [each for each in authorize.connect_scopes if each not in scopes]
        if ask.needs_refresh_token:
            params |= authorize.refresh_token_params
        if ask.account_hint and authorize.hint_param:
            params[authorize.hint_param] = ask.account_hint
        if authorize.scope_separator:
            params[authorize.scope_param] = authorize.scope_separator.join(scopes)
        if self.posts_callback:
            params["response_mode"] = "form_post"
        return params

    @override
    def exchange_params(self, exchange: Exchange) -> dict[str, str]:
        params = super().exchange_params(exchange)
        if self.entry.operations.exchange.redirect_uri == "never":
            del params["redirect_uri"]
        mine = defaults_of(exchange.scopes, self._facts.resources)
        if len(mine) < len(exchange.scopes):
            # People agree to several at once, and a token is for one of them: the default one.
            params |= self._naming(mine)
        return params

    @override
    def refresh_params(self, raw_refresh: Secret[str], *, scopes: Sequence[str]) -> dict[str, str]:
        params = super().refresh_params(raw_refresh, scopes=scopes)
        if self.entry.operations.refresh.send_scope and scopes:
            params |= self._naming(scopes)
        return params

    def resource_params(self, raw_refresh: Secret[str], resource: Resource) -> dict[str, str]:
        """Return what is sent to have a refresh token give another resource's access token."""
        params = super().refresh_params(raw_refresh, scopes=())
        return params | self._naming(resource.scopes)

    def _naming(self, scopes: Sequence[str]) -> dict[str, str]:
        authorize = self.entry.operations.authorize
        wanted = dict.fromkeys([*scopes, *authorize.connect_scopes])
        return {authorize.scope_param: authorize.scope_separator.join(wanted)}

    @override
    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        return issuer in self._issuers

    @property
    @override
    def issuer_of_identities(self) -> str:
        return self._issuer

    @override
    def is_own_issuer(self, issuer: str) -> bool:
        return issuer in self._issuers

    @override
    def names_other_account(self, claims: Mapping[str, Any], *, issuer: str, subject: str) -> bool:
        told = claims.get("iss")
        same_issuer = isinstance(told, str) and self.is_own_issuer(told)
        return not same_issuer or is_other_subject(self.entry.identity, claims, subject)

    @override
    def documents_for(
        self, endpoints: Endpoints, *, purpose: Purpose, has_claims: bool, answer: TokenAnswer
    ) -> Mapping[str, Operation]:
        needs_all = purpose == "sign_in" or not has_claims
        return {
            name: self._document(name, document, answer)
            for name, document in self.entry.documents.items()
            if document.when in {"always", purpose} and (needs_all or document.even_with_id_token)
        }

    @override
    def identify(self, told: Told) -> ExternalIdentity:
        rule = self.entry.identity
        found = read_identity(rule, told, issuer=self.issuer_of_identities)
        if found is None:
            raise unidentified(self.id, f"no {', '.join(rule.subject)} in {rule.source}")
        return found

    @override
    def classify(self, answer: ProviderAnswer) -> AnswerClass:
        if answer.status == THROTTLED:
            return "throttled"
        for rule in self.entry.errors:
            if _applies(rule, answer):
                return rule.means
        if answer.status == OK and not answer.members.get("error"):
            where = self.entry.response
            raw = (_first(answer, where.access), _first(answer, where.refresh) or "-")
            return "ok" if all(map(is_token, raw)) and self.may_send(answer) else "malformed"
        return super().classify(answer)

    @override
    def read_tokens(self, answer: ProviderAnswer) -> TokenAnswer:
        where = self.entry.response
        raw_refresh = self._found(answer, where.refresh)
        raw_id_token = answer.members.get("id_token")
        return TokenAnswer(
            raw_access=Secret(self._found(answer, where.access)),
            raw_refresh=Secret(raw_refresh) if raw_refresh else None,
            expires_in=_first(answer, where.expires_in),
            scope=self.read_scope(_first(answer, where.scope)),
            raw_id_token=raw_id_token if isinstance(raw_id_token, str) and raw_id_token else None,
            members=answer.members,
            lifted={
                name: value
                for name, pointer in where.lift.items()
                if isinstance(value := at(answer.members, pointer), str)
                and self._may_lift(pointer, value)
            },
        )

    @override
    def read_scope(self, raw: object) -> tuple[str, ...] | None:
        separator = self.entry.response.scope_separator
        if not isinstance(raw, str) or not separator:
            return None
        return self.normalise(part.strip() for part in raw.split(separator))

    @override
    def normalise(self, scopes: Iterable[str]) -> tuple[str, ...]:
        aliases = self.entry.scope_aliases
        return tuple(dict.fromkeys(aliases.get(scope, scope) for scope in scopes if scope))

    def _read_endpoints(self) -> Endpoints:
        operations = self.entry.operations
        authorize = operations.authorize
        # A simulator always sends ``iss`` where the vendor does at times: the check is used.
        promises = {"always"} | ({"sometimes"} if self._base_url else set())
        return Endpoints(
            authorize=Operation(
                url=self._moved(authorize.url), method="GET", params=authorize.params
            ),
            exchange=self._operation(operations.exchange),
            refresh=self._operation(operations.refresh),
            revoke=self._operation(operations.revoke) if operations.revoke else None,
            introspect=self._operation(operations.introspect) if operations.introspect else None,
            documents={
                name: self._operation(document)
                for name, document in self.entry.documents.items()
                if document.url
            },
            issuer=self._issuers[0],
            sends_iss=authorize.sends_iss in promises,
            jwks_uri=self._moved(self.entry.jwks_uri) if self.entry.jwks_uri else "",
            id_token_algorithms=frozenset(self.entry.id_token_algorithms),
        )

    def _operation(self, entry: OperationEntry, *, url: str = "") -> Operation:
        return Operation(
            url=self._moved(url or entry.url),
            method=entry.method,
            client_auth=entry.client_auth,
            body=entry.body,
            params=entry.params,
            headers=entry.headers,
            token_param=entry.token_param,
        )

    def _document(self, name: str, entry: DocumentEntry, answer: TokenAnswer) -> Operation:
        if entry.url_pointer is None:
            return self._endpoints.documents[name]
        url = at(answer.members, entry.url_pointer)
        # The access token goes there: a response may choose among the provider's own hosts.
        is_moved = bool(self._base_url) and str(url).startswith(f"{self._base_url}/")
        if not isinstance(url, str) or not (is_moved or is_allowed(url, entry.hosts)):
            raise ProviderUnavailable(detail=f"{self.id}: {name} is not at the provider")
        return Operation(url=url, method=entry.method, client_auth="bearer", headers=entry.headers)

    def _may_lift(self, pointer: str, value: str) -> bool:
        """An API's base URL is believed only where the provider's own hosts are."""
        api = self._facts.api
        if pointer != api.base_pointer:
            return True
        is_moved = bool(self._base_url) and value.startswith(f"{self._base_url}/")
        return is_moved or is_allowed(value, api.hosts)

    @override
    def api_of(self, lifted: Mapping[str, str], /) -> Api:
        """Narrow the API's hosts to the one that the account's own answer named.

        Others of the provider's hosts may be other customers', who read what they are sent. An
        answer that named none leaves no host.
        """
        api = self._facts.api
        if not api.base_pointer:
            return api
        base = next(
            (
                lifted.get(name, "")
                for name, pointer in self.entry.response.lift.items()
                if pointer == api.base_pointer
            ),
            "",
        )
        hosts = (host_of(base),) if is_allowed(base, api.hosts) else ()
        return api.model_copy(update={"hosts": hosts})

    def _found(self, answer: ProviderAnswer, pointers: Sequence[str]) -> str:
        value = _first(answer, pointers)
        return value if isinstance(value, str) else ""

    def _filled(self, template: str) -> str:
        return fill_in(template, wanted=self.entry.values, values=self.values)

    @override
    def api_url(self, host: str, path: str) -> str:
        return f"{self._base_url}{path}" if self._base_url else super().api_url(host, path)

    def _moved(self, url: str) -> str:
        filled = self._filled(url)
        if not self._base_url:
            return filled
        parts = urlsplit(filled)
        return f"{self._base_url}{parts.path}" + (f"?{parts.query}" if parts.query else "")


def _facts(entry: Entry, values: Mapping[str, str]) -> Facts:
    revoke = entry.operations.revoke
    return Facts(
        lifetime=entry.lifetime,
        features=filled_features(entry, values),
        scopes=filled_scopes(entry, values),
        identity_scopes=entry.identity_scopes,
        incremental=entry.incremental,
        manage_url=entry.manage_url,
        sends_first=revoke.sends if revoke else "refresh",
        sends_as=revoke.token_param if revoke else "token",
        blast_radius=revoke.blast_radius if revoke else "token",
        sends_each=revoke is not None
        and revoke.blast_radius == "token"
        and bool(revoke.token_param),
        already_gone=revoke.already_gone if revoke else (),
        gone_statuses=_gone_statuses(revoke) if revoke else (),
        unechoed_scopes=entry.unechoed_scopes,
        api=filled_api(entry.api, values),
        quota=entry.quota,
        push=entry.push,
        account_parts=_account_parts(entry.identity.subject),
        resources=filled_resources(entry, values),
    )


def _account_parts(subject: Sequence[str]) -> int:
    """Return how many parts of a subject are always there, where others are not; else 0."""
    always = [place.endswith("?") for place in subject].count(False)
    return always if always < len(subject) else 0


def _gone_statuses(revoke: RevokeEntry) -> tuple[int, ...]:
    return (*revoke.gone_statuses, *((401,) if revoke.client_auth == "bearer" else ()))


def _applies(rule: ErrorRule, answer: ProviderAnswer) -> bool:
    if rule.status is not None and rule.status != answer.status:
        return False
    return all(_holds(at(answer.members, pointer), wanted) for pointer, wanted in rule.body.items())


def _holds(found: object, wanted: object) -> bool:
    if isinstance(found, list):
        return any(_holds(each, wanted) for each in found)
    return type(found) is type(wanted) and found == wanted


def _first(answer: ProviderAnswer, pointers: Sequence[str]) -> Any:
    values = (at(answer.members, pointer) for pointer in pointers)
    return next((value for value in values if value is not None), None)
