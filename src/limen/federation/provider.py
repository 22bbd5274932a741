"""The one typed interface of a provider, and the words for what it answers."""

from __future__ import annotations

import abc
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from limen.federation.facts import Api, Facts, Lifetime
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.net import Net

Purpose = Literal["sign_in", "connect"]
ClientAuth = Literal["basic", "post", "none", "bearer"]
BodyFormat = Literal["form", "json"]

AnswerClass = Literal[
    "ok",
    "grant_dead",
    "interaction_required",
    "scope_insufficient",
    "client_broken",
    "throttled",
    "transient",
    "malformed",
]
"""What an answer means; only ``grant_dead`` and ``interaction_required`` may end a grant."""


Receipt = Literal["revoked", "already_gone", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How one thing is asked of a provider. Authentication and format belong to each, not to all.

    Args:
        url: Absolute; ``{client_id}`` and ``{token}`` in its path are filled in at the call.
        method: HTTP verb; with GET the parameters travel in the query.
        client_auth: How we prove who we are; ``bearer``: the token itself proves enough.
        body: How parameters travel.
        params: Sent every time, beside what the call itself needs.
        headers: As ``params``.
        token_param: For operations about a token: its parameter; empty if it travels otherwise.
    """

    url: str
    method: str = "POST"
    client_auth: ClientAuth = "post"
    body: BodyFormat = "form"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    token_param: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where a provider is asked for what.

    Args:
        documents: What is asked, by name, to learn whose tokens these are (``userinfo``).
        issuer: What ``iss`` must say, in callbacks and ID tokens; empty for providers without.
        sends_iss: It promises ``iss`` in every callback, so that one without is refused.
        jwks_uri: Its signing keys; empty if it signs nothing.
        id_token_algorithms: What it may sign with.
    """

    authorize: Operation
    exchange: Operation
    refresh: Operation
    revoke: Operation | None = None
    introspect: Operation | None = None
    documents: Mapping[str, Operation] = field(default_factory=dict)
    issuer: str = ""
    sends_iss: bool = False
    jwks_uri: str = ""
    id_token_algorithms: frozenset[str] = frozenset({"RS256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """A provider's HTTP answer, read as the JSON object it must be.

    Args:
        status: HTTP status.
        members: The object; empty when the body was none.
        is_object: Whether the body was a JSON object.
        items: The array that the body was instead, if it was one.
        retry_after_seconds: Of ``Retry-After``, if it named seconds.
    """

    status: int
    members: Mapping[str, Any]
    is_object: bool
    retry_after_seconds: int | None = None
    items: Sequence[Any] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What a token endpoint gave.

    Args:
        raw_refresh: ``None`` when it gave none, which never erases one we hold.
        expires_in: As sent: absent, a number, text. ``limen.vault.refresh.expiry`` reads it.
        scope: ``None`` when it said nothing, which means as asked (RFC 6749 section 5.1).
        raw_id_token: Not yet verified.
        members: Everything, tokens included: never stored or logged in clear.
        lifted: What the connection needs to know later and is no secret: an API's base URL.
    """

    raw_access: Secret[str]
    raw_refresh: Secret[str] | None
    expires_in: Any
    scope: tuple[str, ...] | None
    raw_id_token: str | None
    members: Mapping[str, Any] = field(repr=False)
    lifted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything a provider said of whose tokens these are.

    Args:
        answer: The token endpoint's.
        claims: Of the verified ID token; empty if there is none.
        documents: By name, each an object or an array; those that were asked.
        callback: Parameters of the callback that are not the protocol's: unsigned, whoever
            held the browser may have written them.
    """

    answer: TokenAnswer
    claims: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, Any] = field(default_factory=dict)
    callback: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """An account at a provider; (issuer, subject) is its only key.

    Args:
        label: What a person recognises it by; shown, never compared.
        email: Mutable and maybe somebody else's: never a key.
        email_verified: True only where the provider's rule makes it proof of the mailbox.
        picture: Where the provider serves it; fetched by us, never shown from there.
        profile: What the provider said of the person, in its own members and without tokens:
            ``hd`` and ``tid`` stand here, and whatever roles are mapped from.
    """

    issuer: str
    subject: str
    label: str = ""
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    picture: str | None = None
    locale: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the person is sent to the provider for.

    Args:
        purpose: Plain sign-in is kept free of consent screens; connecting asks for them.
        scopes: In the provider's own names.
        needs_refresh_token: We hold none for this account yet.
        account_hint: The account expected, by subject or address.
    """

    purpose: Purpose
    scopes: Sequence[str]
    needs_refresh_token: bool = False
    account_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A code to be exchanged.

    Args:
        redirect_uri: As it was authorized.
        scopes: What the person was asked for.
    """

    raw_code: Secret[str]
    raw_verifier: Secret[str]
    redirect_uri: str
    scopes: Sequence[str] = ()


class Provider(abc.ABC):
    """What federation and the vault need to know of a provider.

    A conforming provider answers every method from its arguments and its own constants;
    nothing here writes to the database or decides about accounts. ``limen.testing`` has the
    suite that a plug-in has to pass.

    Attributes:
        signs_in: People can sign in with it.
        sign_in_scopes: Asked when they do.
        posts_callback: The browser comes back by a POST from the provider's site, without
            our cookies.
        token_types: What ``token_type`` may say, in lower case, of a token sent as a bearer.
    """

    id: str
    title: str
    uses_pkce: bool = True
    signs_in: bool = True
    sign_in_scopes: tuple[str, ...] = ()
    posts_callback: bool = False
    token_types: frozenset[str] = frozenset({"bearer"})

    @abc.abstractmethod
    async def endpoints(self, net: Net, *, now: dt.datetime) -> Endpoints:
        """Return its endpoints, asking for them where they are discovered."""

    @abc.abstractmethod
    def authorize_params(self, ask: Ask) -> dict[str, str]:
        """Return the parameters of the authorization request that are this provider's own."""

    @abc.abstractmethod
    def identify(self, told: Told) -> ExternalIdentity:
        """Return whose tokens these are.

        Raises:
            ProviderUnavailable: ``provider_identity``: nothing stable names the account.
        """

    @property
    @abc.abstractmethod
    def issuer_of_identities(self) -> str:
        """The issuer that its accounts are kept under, unless an identity names another."""

    @property
    def facts(self) -> Facts:
        """How it treats what it gave; without features nothing can be connected."""
        return STRICTEST

    def accepts_issuer(self, issuer: str, endpoints: Endpoints) -> bool:
        """Say whether ``iss`` of an ID token or a callback is this provider's."""
        return bool(issuer) and issuer == endpoints.issuer

    def is_own_issuer(self, issuer: str) -> bool:
        """Say whether ``iss`` of an ID token is this provider's, under any of its names."""
        return issuer == self.issuer_of_identities

    def keeps_accounts_of(self, issuer: str) -> bool:
        """Say whether an account is kept here: what it gave is sent to no other place."""
        return issuer == self.issuer_of_identities or self.is_own_issuer(issuer)

    def check_claims(self, claims: Mapping[str, Any]) -> None:
        """Refuse claims of a verified ID token that are not for this provider's configuration.

        Raises:
            MalformedRequest: ``provider_id_token``.
            NotPermitted: ``provider_tenant``: another organization's account.
        """
        _ = claims

    def names_other_account(self, claims: Mapping[str, Any], *, issuer: str, subject: str) -> bool:
        """Say whether an ID token that a refresh brought is not the connected account's (N121)."""
        told = claims.get("iss")
        if not isinstance(told, str) or str(claims.get("sub")) != subject:
            return True
        return told != issuer and not self.is_own_issuer(told)

    def documents_for(
        self, endpoints: Endpoints, *, purpose: Purpose, has_claims: bool, answer: TokenAnswer
    ) -> Mapping[str, Operation]:
        """Return what else is asked before ``identify``; nothing to connect with an ID token."""
        _ = answer
        return {} if has_claims and purpose == "connect" else endpoints.documents

    def exchange_params(self, exchange: Exchange) -> dict[str, str]:
        """Return what the token endpoint is sent for a code."""
        params = {
            "grant_type": "authorization_code",
            "code": exchange.raw_code.reveal(),
            "redirect_uri": exchange.redirect_uri,
        }
        if self.uses_pkce:
            params["code_verifier"] = exchange.raw_verifier.reveal()
        return params

    def refresh_params(self, raw_refresh: Secret[str], *, scopes: Sequence[str]) -> dict[str, str]:
        """Return what is sent for a refresh token; ``scopes`` only where the provider asks."""
        _ = scopes
        return {"grant_type": "refresh_token", "refresh_token": raw_refresh.reveal()}

    def api_url(self, host: str, path: str) -> str:
        """Return where an API call goes; ``host`` is one of ``facts.api.hosts`` already."""
        return f"https://{host}{path}"

    def api_of(self, _lifted: Mapping[str, str], /) -> Api:
        """Return where one account's token may be sent, by what its own answer said."""
        return self.facts.api

    def normalise(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Return scopes under the names that answers use, each once (F33)."""
        return tuple(dict.fromkeys(scope for scope in scopes if scope))

    def classify(self, answer: ProviderAnswer) -> AnswerClass:
        """Say what a token endpoint's answer means, by RFC 6749; unknown errors are transient.

        A body with ``error`` is one whatever the status (F23); none without ends a grant (F19).
        """
        if answer.status == THROTTLED:
            return "throttled"
        error = answer.members.get("error")
        if isinstance(error, str) and error:
            return ERROR_CLASSES.get(error, "transient")
        if answer.status != OK:
            return "transient"
        raw = (answer.members.get("access_token"), answer.members.get("refresh_token") or "-")
        return "ok" if all(map(is_token, raw)) and self.may_send(answer) else "malformed"

    def may_send(self, answer: ProviderAnswer) -> bool:
        """Say whether we know how the access token of an answer is sent (RFC 6749 section 7.1).

        An answer that names no type is forgiven; one of another type would be sent in vain, or
        in clear where it was meant to be proven.
        """
        named = answer.members.get("token_type")
        return named is None or (isinstance(named, str) and named.lower() in self.token_types)

    def read_receipt(self, answer: ProviderAnswer) -> Receipt:
        """Say what became of a token that was to be revoked.

        A body that says ``error``, or ``ok: false``, is no confirmation, whatever the status.
        """
        error = answer.members.get("error")
        if error in self.facts.already_gone and error is not None:
            return "already_gone"
        if answer.status in self.facts.gone_statuses:
            return "already_gone"
        denied = bool(error) or answer.members.get("ok") is False
        return "failed" if denied or answer.status not in range(OK, 300) else "revoked"

    def read_scope(self, raw: object) -> tuple[str, ...] | None:
        """Read the granted scopes of an answer; ``None`` when it does not say."""
        if not isinstance(raw, str):
            return None
        return tuple(dict.fromkeys(raw.split()))

    def read_tokens(self, answer: ProviderAnswer) -> TokenAnswer:
        """Read a successful answer of the token endpoint."""
        told = answer.members.get("refresh_token")
        raw_refresh = told if isinstance(told, str) else ""
        raw_id_token = answer.members.get("id_token")
        return TokenAnswer(
            raw_access=Secret(str(answer.members["access_token"])),
            raw_refresh=Secret(raw_refresh) if raw_refresh else None,
            expires_in=answer.members.get("expires_in"),
            scope=self.read_scope(answer.members.get("scope")),
            raw_id_token=raw_id_token if isinstance(raw_id_token, str) and raw_id_token else None,
            members=answer.members,
        )


def is_token(value: object) -> bool:
    """Say whether a value can be a token: it goes into a header line (RFC 6749 appendix A.12)."""
    return isinstance(value, str) and bool(value) and value.isascii() and value.isprintable()


STRICTEST: Final = Facts(lifetime=Lifetime(rotation="single_use"))
"""What is assumed of a provider nobody knows: a refresh token counts as spent by its use."""

OK: Final = 200
THROTTLED: Final = 429

ERROR_CLASSES: Final[Mapping[str, AnswerClass]] = {
    "invalid_grant": "grant_dead",
    "interaction_required": "interaction_required",
    "login_required": "interaction_required",
    "consent_required": "interaction_required",
    "invalid_scope": "scope_insufficient",
    "insufficient_scope": "scope_insufficient",
    "invalid_client": "client_broken",
    "unauthorized_client": "client_broken",
    "temporarily_unavailable": "transient",
    "server_error": "transient",
}
"""The whitelist: an error that is not here changes nothing but the time of the next attempt."""


def unidentified(provider: str, detail: str) -> ProviderUnavailable:
    """Refuse an answer that does not say whose it is."""
    return ProviderUnavailable(
        "provider_identity",
        "The provider did not say whose account this is.",
        detail=f"{provider}: {detail}",
    )
