"""The schema of a catalogue entry. A fact here never beats what a token response says."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from limen.federation.catalogue.addresses import HOST, placeholders
from limen.federation.catalogue.credential_rule import Credentials
from limen.federation.catalogue.identity_rule import Identity, Pointer
from limen.federation.catalogue.operation_entry import HttpsUrl, OperationEntry, Url
from limen.federation.facts import (
    Api,
    BlastRadius,
    Feature,
    HostPattern,
    Lifetime,
    Name,
    Part,
    Quota,
    Resource,
    Scope,
    Title,
)
from limen.federation.provider import AnswerClass, ClientAuth

_AT_CALL: Final = frozenset({"client_id", "token"})


class Value(Part):
    """Something a tenant says of its account at the provider, to complete URLs.

    Attributes:
        kind: ``host``: the whole host of a URL; ``segment``: one segment of a path.
        pattern: All of the value must match it.
        default: ``None``: the tenant has to say it.
        is_optional: Who does not say it has what is without it.
        hosts: For ``host``: what it must be, or be below. Without any the client's secret
            would go wherever a tenant says: such an entry serves own clients alone.
    """

    title: Title
    kind: Literal["host", "segment"]
    pattern: str = Field(min_length=1, max_length=200)
    default: str | None = None
    is_optional: bool = Field(default=False, alias="optional")
    hosts: tuple[HostPattern, ...] = ()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        re.compile(pattern)
        return pattern

    @model_validator(mode="after")
    def _default_matches(self) -> Value:
        if self.default is not None and not self.accepts(self.default):
            raise ValueError("the default does not match its own pattern")
        return self

    def accepts(self, raw: str) -> bool:
        """Say whether a value may stand in a URL."""
        plain = HOST if self.kind == "host" else _SEGMENT
        return bool(plain.fullmatch(raw) and re.fullmatch(self.pattern, raw))


_SEGMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


class ExchangeEntry(OperationEntry):
    """The token endpoint, for a code.

    Attributes:
        redirect_uri: Send it as it was authorized, or not at all.
    """

    redirect_uri: Literal["as_authorized", "never"] = "as_authorized"


class RefreshEntry(OperationEntry):
    """The token endpoint, for a refresh token.

    Attributes:
        send_scope: Whether the scopes wanted have to be named again.
    """

    send_scope: bool = False


class RevokeEntry(OperationEntry):
    """How to end a grant at the provider, and what else dies with it.

    Attributes:
        sends: Which token, when both are held.
        blast_radius: ``token``: that one; ``grant``: this account's grant to this client;
            ``project``: the grants of every client of the same project too.
        already_gone: Error codes that mean there is nothing left to revoke.
        gone_statuses: HTTP statuses that mean so by themselves; where the token is the bearer,
            401 always does.
    """

    token_param: str = "token"  # noqa: S105 -- RFC 7009's name of the parameter
    sends: Literal["refresh", "access"] = "refresh"
    blast_radius: BlastRadius = "grant"
    already_gone: tuple[str, ...] = ()
    gone_statuses: tuple[int, ...] = ()


class DocumentEntry(OperationEntry):
    """Something asked with the access token, to learn whose it is.

    Attributes:
        url: Empty where the token response names it (``url_pointer``).
        url_pointer: Where the token response names it; its host must be one of ``hosts``.
        when: At sign-in, when connecting, or both.
        even_with_id_token: Asked when connecting although an ID token names the account.
    """

    url: Url | Literal[""] = ""
    method: Literal["GET", "POST", "DELETE"] = "GET"
    client_auth: ClientAuth = "bearer"
    url_pointer: Pointer | None = None
    hosts: tuple[HostPattern, ...] = ()
    when: Literal["always", "sign_in", "connect"] = "always"
    even_with_id_token: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> DocumentEntry:
        if bool(self.url) == bool(self.url_pointer) or bool(self.url_pointer) != bool(self.hosts):
            raise ValueError("either a url, or a url_pointer with hosts")
        return self


class AuthorizeEntry(Part):
    """The authorization endpoint.

    Attributes:
        sign_in_params: Sent whenever somebody signs in.
        connect_params: Sent whenever an account is connected.
        refresh_token_params: Sent too when we hold no refresh token for the account yet.
        connect_scopes: Asked beside those of the features whenever an account is connected.
        scope_separator: Empty where scopes are not asked for in the request.
        response_mode: ``form_post``: the answer comes as a POST from the provider's site.
        sends_iss: Whether callbacks carry ``iss`` (RFC 9207); with ``always`` one without is
            refused, with ``sometimes`` one that is there must be right.
    """

    url: Url
    params: dict[str, str] = Field(default_factory=dict)
    sign_in_params: dict[str, str] = Field(default_factory=dict)
    connect_params: dict[str, str] = Field(default_factory=dict)
    refresh_token_params: dict[str, str] = Field(default_factory=dict)
    connect_scopes: tuple[str, ...] = ()
    pkce: bool = True
    scope_param: str = "scope"
    scope_separator: Literal[" ", ",", ""] = " "
    hint_param: str = ""
    response_mode: Literal["query", "form_post"] = "query"
    sends_iss: Literal["never", "sometimes", "always"] = "never"


class Operations(Part):
    """Every operation the provider has."""

    authorize: AuthorizeEntry
    exchange: ExchangeEntry
    refresh: RefreshEntry
    revoke: RevokeEntry | None = None
    introspect: OperationEntry | None = None


class Response(Part):
    """Where a token response holds what; of several places the first that is there counts.

    Attributes:
        scope_separator: Between the scopes of an answer; it may differ from the request's.
        lift: What the connection keeps of it, by name: no secrets.
        token_types: What ``token_type`` may say of a token that is sent as a bearer.
    """

    access: tuple[Pointer, ...] = ("/access_token",)
    refresh: tuple[Pointer, ...] = ("/refresh_token",)
    expires_in: tuple[Pointer, ...] = ("/expires_in",)
    scope: tuple[Pointer, ...] = ("/scope",)
    scope_separator: Literal[" ", ",", ""] = " "
    lift: dict[Name, Pointer] = Field(default_factory=dict)
    token_types: tuple[str, ...] = ("bearer",)


class ErrorRule(Part):
    """An answer of the token endpoint that means something else than RFC 6749 says.

    Attributes:
        status: HTTP status, if it matters.
        body: Pointers into the body and what each must hold: a text, or a number or text
            that a list there must contain.
    """

    status: int | None = None
    body: dict[Pointer, str | int | bool] = Field(min_length=1)
    means: AnswerClass

    @field_validator("means")
    @classmethod
    def _is_an_error(cls, means: AnswerClass) -> AnswerClass:
        if means == "ok":
            raise ValueError("a success is a token, and nothing else")
        return means


class Evidence(Part):
    """Where a fact comes from, and when it was last looked at.

    Attributes:
        verified_at: The day it was read there, at first or second hand; not that anybody tried
            it against the provider.
        unverified: What could not be confirmed there and is to be checked against the
            provider's own answers; empty if nothing.
    """

    url: HttpsUrl
    verified_at: dt.date
    about: str
    unverified: str = ""


class Entry(Part):
    """One provider, to sign in with and to connect accounts at."""

    id: Name
    title: Title
    values: dict[Name, Value] = Field(default_factory=dict)
    client_keys: tuple[Literal["secret", "assertion", "signed_secret"], ...] = ("secret",)
    jwks_uri: Url | None = None
    id_token_algorithms: tuple[str, ...] = ("RS256",)
    issuers: tuple[str, ...] = ()
    sign_in_scopes: tuple[str, ...] | None = None
    identity_scopes: tuple[str, ...] = ()
    unechoed_scopes: tuple[str, ...] = ()
    scope_aliases: dict[str, str] = Field(default_factory=dict)
    incremental: Literal["union_by_flag", "implicit_union", "replace", "none"] = "replace"
    operations: Operations
    response: Response = Response()
    documents: dict[Name, DocumentEntry] = Field(default_factory=dict)
    identity: Identity
    lifetime: Lifetime
    api: Api = Api()
    quota: Quota | None = None
    resources: dict[Name, Resource] = Field(default_factory=dict)
    push: Literal["", "google_risc", "github", "slack"] = ""
    errors: tuple[ErrorRule, ...] = ()
    scopes: dict[str, Scope] = Field(default_factory=dict)
    features: dict[Name, Feature] = Field(default_factory=dict)
    credentials: Credentials | None = None
    manage_url: HttpsUrl | Literal[""] = ""
    docs_url: HttpsUrl | Literal[""] = ""
    evidence: tuple[Evidence, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Entry:
        for problem in _problems(self):
            raise ValueError(problem)
        return self

    def urls(self) -> Iterator[str]:
        """Every URL template the entry calls or sends browsers to."""
        operations = self.operations
        yield operations.authorize.url
        for operation in (
            operations.exchange,
            operations.refresh,
            operations.revoke,
            operations.introspect,
        ):
            if operation is not None:
                yield operation.url
        yield from (document.url for document in self.documents.values() if document.url)
        if self.jwks_uri:
            yield self.jwks_uri


def _problems(entry: Entry) -> Iterator[str]:
    """What each part can't see by itself."""
    yield from _unnamed_values(entry)
    yield from _bad_resources(entry)
    yield from _bad_values(entry)
    for name, feature in entry.features.items():
        for scope in feature.scopes:
            if scope not in entry.scopes:
                yield f"feature {name}: nothing says what {scope} means"
    if not entry.features and entry.sign_in_scopes is None:
        yield "nobody can sign in with it and nothing can be connected"
    if entry.identity.source == "id_token" and entry.jwks_uri is None:
        yield "its identity is an ID token, and there are no keys to verify one with"
    if entry.identity.source not in {"id_token", "token_response", *entry.documents}:
        yield f"identity: there is no document {entry.identity.source}"


def _unnamed_values(entry: Entry) -> Iterator[str]:
    theirs = entry.credentials.urls() if entry.credentials else ()
    for url in (*entry.urls(), *theirs):
        for name in placeholders(url):
            if name not in entry.values and name not in _AT_CALL:
                yield f"{url}: nothing says what {{{name}}} is"
    base = entry.api.base_pointer
    if base and base not in entry.response.lift.values():
        yield f"api: no answer keeps {base}"
    if entry.api.query:
        yield "api: a token does not travel in a URL"
    for host in entry.api.hosts:
        if host.startswith("{") and host[1:-1] not in entry.values:
            yield f"api: nothing says what {host} is"


def _bad_resources(entry: Entry) -> Iterator[str]:
    """Which resources could be taken for one another, or are nobody's."""
    found = list(entry.resources.values())
    if found and [each.is_default for each in found].count(True) != 1:
        yield "resources: one of them is the default"
    operations = entry.operations
    if found and not (operations.refresh.send_scope and operations.authorize.scope_separator):
        yield "resources: scopes are named when a token is fetched, and this provider takes none"
    for one, other in itertools.permutations(found, 2):
        if f"{one.identifier}/".startswith(f"{other.identifier}/"):
            yield f"resources: {one.identifier} is within {other.identifier}"
    for each in found:
        for name in placeholders(each.identifier):
            if name not in entry.values or entry.values[name].kind != "host":
                yield f"resources: nothing says what {{{name}}} is"


def _bad_values(entry: Entry) -> Iterator[str]:
    """Which values are left out where something can't be made without them."""
    optional = {name for name, value in entry.values.items() if value.is_optional}
    for name in optional:
        if entry.values[name].kind != "host" or entry.values[name].default is not None:
            yield f"values: {name}: only a host without a default can be left out"
    for url in entry.urls():
        if optional & set(placeholders(url)):
            yield f"{url}: what it is made of can't be left out"
