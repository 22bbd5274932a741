"""Which credentials of people's own a provider takes, as data: how each is proved and injected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from limen.federation.catalogue.identity_rule import Pointer
from limen.federation.catalogue.operation_entry import HttpsUrl, OperationEntry, Url
from limen.federation.facts import HeaderName, Headers, Part, Title

CredentialKind = Literal["api_key", "basic", "client_credentials", "service_account"]
ParamName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9._~-]{0,63}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 =_-]{0,40}$")]
Status = Annotated[int, Field(ge=400, le=499)]
KINDS: Final[tuple[CredentialKind, ...]] = (
    "api_key",
    "basic",
    "client_credentials",
    "service_account",
)


class Proof(Part):
    """The call that shows whether a credential is good, before it is kept and whenever asked.

    Attributes:
        refused_statuses: What the provider answers a credential it does not take. Any other
            answer outside 2xx proves nothing, nor does one that is no JSON.
        subject: Where the answer says whose it is; an answer without it proves nothing.
        label: What a person recognises the account by; the first that is there.
    """

    url: Url
    method: Literal["GET", "POST"] = "GET"
    headers: Headers = Field(default_factory=dict)
    refused_statuses: tuple[Status, ...] = (401, 403)
    subject: Pointer | None = None
    label: tuple[Pointer, ...] = ()


class _LastingRule(Part):
    """A credential that is itself what calls are made with, for as long as it lives.

    Attributes:
        release: ``proxy``: it is used here and never leaves; ``raw``: it leaves as a token
            does, where policy and consent allow.
    """

    title: Title
    verify: Proof
    release: Literal["proxy", "raw"] = "proxy"


class KeyRule(_LastingRule):
    """An API key.

    Attributes:
        header: It travels in this one.
        prefix: What stands before it there.
        query: It travels in this query parameter instead.
    """

    header: HeaderName = "Authorization"
    prefix: Prefix = "Bearer "
    query: ParamName | Literal[""] = ""


class BasicRule(_LastingRule):
    """A user name and a password, sent as HTTP Basic (RFC 7617).

    Attributes:
        may_omit_password: Some providers take a key in the place of the name, and nothing else.
    """

    may_omit_password: bool = False


class _FetchingRule(Part):
    """A credential that a token endpoint gives short-lived tokens for.

    Attributes:
        token: Where it is asked.
        scope_param: What the scopes are asked in; empty where they are not.
        verify: Asked with a token, where its being given proves too little.
    """

    title: Title
    token: OperationEntry
    scope_param: str = "scope"
    verify: Proof | None = None


class ClientCredentialsRule(_FetchingRule):
    """A client's own id and secret (RFC 6749 section 4.4).

    Attributes:
        token: ``client_auth`` says how they are sent.
        grant_type: Where it has a name of its own.
    """

    grant_type: str = "client_credentials"

    @model_validator(mode="after")
    def _proves_itself(self) -> ClientCredentialsRule:
        if self.token.client_auth not in {"basic", "post"}:
            raise ValueError("the client is known by its secret: basic or post")
        return self


class ServiceAccountRule(_FetchingRule):
    """A key that signs an assertion for a token (RFC 7523 section 2.1).

    Attributes:
        audience: What the assertion says of its reader; empty for the token endpoint's address.
        subject: ``always``: it names the account also when nobody is impersonated;
            ``impersonated``: only then.
        has_jti: Each names itself, so that the reader can refuse to read it twice.
        scope_in: Where the scopes are asked: a claim of the assertion, or the request.
        may_impersonate: It may speak for somebody.
    """

    audience: str = Field("", max_length=2048)
    subject: Literal["always", "impersonated"] = "always"
    has_jti: bool = True
    scope_in: Literal["assertion", "request"] = "request"
    may_impersonate: bool = False


class Credentials(Part):
    """What a provider takes beside consent: each kind with its rule.

    Attributes:
        manage_url: Where a person makes and revokes them by hand.
    """

    api_key: KeyRule | None = None
    basic: BasicRule | None = None
    client_credentials: ClientCredentialsRule | None = None
    service_account: ServiceAccountRule | None = None
    manage_url: HttpsUrl | Literal[""] = ""

    @model_validator(mode="after")
    def _takes_something(self) -> Credentials:
        if not any(getattr(self, kind) for kind in KINDS):
            raise ValueError("a provider that takes credentials takes some kind of them")
        return self

    def urls(self) -> Iterator[str]:
        """Every URL template that a credential, or what is given for it, is sent to."""
        for lasting in (self.api_key, self.basic):
            if lasting is not None:
                yield lasting.verify.url
        for fetching in (self.client_credentials, self.service_account):
            if fetching is not None:
                yield fetching.token.url
                if fetching.verify is not None:
                    yield fetching.verify.url
