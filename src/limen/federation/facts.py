"""How a provider treats what it gave: the facts the vault and the pages go by. Pure data.

A fact never beats what a token response says: an ``expires_in`` there wins over a default here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
HostPattern = Annotated[
    str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+$")
]
"""A host, or ``*.`` and a suffix: any host below it, and never the suffix itself."""
ApiHost = Annotated[
    str,
    StringConstraints(
        pattern=r"^(\{[a-z_]+\}|(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9-]+)+)$"
    ),
]
"""As ``HostPattern``, or the name in braces of a tenant's value that is a host."""

_FRAMING: Final = frozenset(
    {
        "connection",
        "content-length",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-host",
    }
)


def _is_no_framing(name: str) -> str:
    if name.lower() in _FRAMING:
        raise ValueError("this header would change what is sent, or to whom")
    return name


HeaderName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$"),
    AfterValidator(_is_no_framing),
]
Headers = dict[HeaderName, Annotated[str, StringConstraints(pattern=r"^[ -~]{1,1000}$")]]
"""Sent besides; never one that leads a request, and with it a token, to another host's server."""

SAY_WHO: Final = frozenset({"openid", "profile", "email", "offline_access"})

MOST_SECONDS: Final = 10 * 366 * 24 * 3600
"""Of a lifetime: so long after any moment there still is a calendar."""

Rotation = Literal["static", "replace_keep_old", "single_use", "optional", "may_omit"]
BlastRadius = Literal["token", "grant", "project"]


class Part(BaseModel):
    """Frozen, and strict about members nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(Part):
    """What a scope means, in a person's words.

    Attributes:
        kind: ``sensitive`` and ``restricted`` need the provider's review of the application;
            ``admin_consent`` can be agreed to by an administrator of the account alone.
    """

    title: Title
    kind: Literal["normal", "sensitive", "restricted", "admin_consent"] = Field(
        "normal", alias="class"
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Feature(Part):
    """Something an app can switch on, in a person's words.

    Attributes:
        scopes: All of them are needed; none where the provider lets people choose itself.
    """

    title: Title
    scopes: tuple[str, ...] = ()


class RefreshTtl(Part):
    """How long a refresh token lives.

    Attributes:
        kind: ``none``: until revoked; ``idle``: so long after its last use;
            ``absolute_from_grant``: so long after the person agreed, whatever is refreshed;
            ``policy``: somebody else's policy decides; ``unknown``: nobody told.
        seconds: For the second and third.
    """

    kind: Literal["none", "idle", "absolute_from_grant", "policy", "unknown"] = "unknown"
    seconds: int | None = Field(None, ge=1, le=MOST_SECONDS)

    @model_validator(mode="after")
    def _seconds_where_counted(self) -> RefreshTtl:
        if (self.kind in {"idle", "absolute_from_grant"}) != (self.seconds is not None):
            raise ValueError("seconds belong to idle and absolute_from_grant, and to no other")
        return self


class TokenCap(Part):
    """How many live tokens a provider keeps for one account at one client.

    Attributes:
        most: Beyond so many the oldest dies without a word.
        of: What is counted: refresh tokens, access tokens or approvals.
    """

    most: int = Field(ge=1)
    of: Literal["refresh_tokens", "access_tokens", "approvals"] = "refresh_tokens"


class Lifetime(Part):
    """How long what the provider gives lasts, and what a refresh does to it.

    Attributes:
        access_default_seconds: When a response does not say; ``None`` is *unknown*, which is
            a value of its own: not refreshed by time.
        rotation: What a refresh does to the refresh token. ``static``: it stays;
            ``replace_keep_old``: a new one comes, the old one works on; ``single_use``: each use
            replaces it; ``optional``: as the account's administrator chose; ``may_omit``: a new
            one may come, else the old one stays.
        grace_seconds: How long after a use the provider accepts the same one again.
        kills_access_token: A refresh ends the access token before it at once.
        min_refresh_interval_seconds: Never more often than that.
        margin_seconds: Tokens with less left are not handed out; a fifth of the lifetime at most.
    """

    access_default_seconds: int | None = Field(None, ge=1, le=MOST_SECONDS)
    rotation: Rotation
    grace_seconds: int = Field(0, ge=0, le=86_400)
    refresh_ttl: RefreshTtl = RefreshTtl()
    kills_access_token: bool = False
    token_cap: TokenCap | None = None
    min_refresh_interval_seconds: int = Field(30, ge=1, le=86_400)
    margin_seconds: int = Field(120, ge=0, le=3600)

    @property
    def refresh_idle_seconds(self) -> int | None:
        """An unused refresh token dies after so long; ``None`` where it does not."""
        return self.refresh_ttl.seconds if self.refresh_ttl.kind == "idle" else None


class Api(Part):
    """Where an access token may be sent, and how.

    Attributes:
        hosts: Of the provider's APIs; a token goes nowhere else.
        base_pointer: Where the token response names the account's own API base URL, which the
            entry's ``response.lift`` keeps. Its host must be one of ``hosts``, by https on its own
            port, and is then the only one.
        header: The request header the token travels in.
        prefix: What stands before the token in it.
        query: The query parameter it travels in instead; empty for the header.
        headers: Sent besides, unless the caller sends its own.
    """

    hosts: tuple[ApiHost, ...] = ()
    base_pointer: str = ""
    header: HeaderName = "Authorization"
    prefix: Annotated[str, StringConstraints(pattern=r"^[ -~]{0,40}$")] = "Bearer "
    query: str = ""
    headers: Headers = Field(default_factory=dict)


class Resource(Part):
    """One of several APIs that access tokens are given for, each by itself.

    Attributes:
        title: For people.
        identifier: What its scopes begin with and its tokens are for (their audience); values of
            the entry may stand in it, in braces. Without a slash at the end.
        scopes: Asked for when its token is fetched; ``{identifier}`` stands for the identifier.
        hosts: Where its token may be sent: the identifier's own host, or hosts below it. That
            host alone if empty.
        is_default: The one that refreshes of the grant are for; ``Api.hosts`` are its hosts.
    """

    title: Title
    identifier: Annotated[
        str, StringConstraints(pattern=r"^https://(\{[a-z_]+\}|[a-z0-9.-]+)(/[A-Za-z0-9._-]+)*$")
    ]
    scopes: tuple[str, ...] = ("{identifier}/.default",)
    hosts: tuple[ApiHost, ...] = ()
    is_default: bool = Field(default=False, alias="default")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def host(self) -> str:
        """The identifier's own host, or the value that is."""
        return self.identifier.split("/")[2]

    @model_validator(mode="after")
    def _stays_at_home(self) -> Resource:
        for host in self.hosts:
            if host != self.host and not host.endswith(f".{self.host}"):
                raise ValueError(f"{host} is not the resource's own, nor below it")
        if self.is_default and self.hosts:
            raise ValueError("the default resource's hosts are the API's")
        mine = ("{identifier}/", f"{self.identifier}/")
        if not self.scopes or not all(each.startswith(mine) for each in self.scopes):
            raise ValueError("scopes: what is asked for is the resource's own")
        return self

    def names(self, scope: str) -> bool:
        """Say whether a scope is one of this resource's."""
        return scope.startswith(f"{self.identifier}/")


class QuotaRule(Part):
    """What one kind of request costs.

    Attributes:
        path: A prefix of the path; of several the longest counts.
        bucket: Which of the quota's buckets it is taken from; empty for all the others.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    units: int = Field(ge=0)
    bucket: Name | Literal[""] = ""


class Cost(NamedTuple):
    """What a request costs, and what it is taken from."""

    bucket: str
    units: int


class Quota(Part):
    """Units that requests cost, where a provider counts them.

    Attributes:
        daily_units: What a client has a day, unless the provider gave it more.
        buckets: What is counted apart from these, and how much of each there is a day.
        resets_in: The time zone in which the provider's day begins.
        default_units: For requests no rule names.
        enforced: A call of the proxy that would go beyond these figures is not sent. Off as
            shipped: what a client was given is known to its operator alone.
    """

    daily_units: int = Field(ge=1)
    buckets: dict[Name, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    resets_in: str = Field("UTC", max_length=60)
    default_units: int = Field(1, ge=0)
    rules: tuple[QuotaRule, ...] = ()
    enforced: bool = False

    @model_validator(mode="after")
    def _holds_together(self) -> Quota:
        for rule in self.rules:
            if rule.bucket and rule.bucket not in self.buckets:
                raise ValueError(f"nothing says how much there is of {rule.bucket}")
        if find_zone(self.resets_in) is None and find_zone("America/Los_Angeles") is not None:
            raise ValueError(f"{self.resets_in} is no time zone")
        return self

    def cost_of(self, method: str, path: str) -> Cost:
        """Return what a request costs; its path as it is sent, percent-encoded or not."""
        plain = unquote(path)
        matching = [
            rule for rule in self.rules if rule.method == method and plain.startswith(rule.path)
        ]
        if not matching:
            return Cost("", self.default_units)
        rule = max(matching, key=lambda each: len(each.path))
        return Cost(rule.bucket, rule.units)

    def units_a_day(self, bucket: str) -> int | None:
        """Return how much there is of a bucket a day; ``None`` if there is no such bucket."""
        return self.buckets.get(bucket) if bucket else self.daily_units


class QuotaChange(Part):
    """What a tenant says differently of a quota; what it leaves out stays as shipped."""

    daily_units: int | None = Field(None, ge=1)
    buckets: dict[Name, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    resets_in: str | None = Field(None, max_length=60)
    default_units: int | None = Field(None, ge=0)
    rules: tuple[QuotaRule, ...] | None = None
    enforced: bool | None = None

    def on(self, quota: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return a quota's members as this tenant has them."""
        told = dict(quota or {})
        mine = self.model_dump(exclude_none=True)
        buckets = {**told.get("buckets", {}), **mine.pop("buckets")}
        return {**told, **mine, "buckets": buckets}


def find_zone(name: str) -> ZoneInfo | None:
    """Return a time zone, if the machine knows it: some have no database of them."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How a provider treats what it gave.

    Args:
        features: What apps may switch on, by name; empty where nothing can be connected.
        scopes: What each scope means.
        identity_scopes: Always asked when connecting, to learn whose account it is.
        incremental: ``union_by_flag``: a parameter joins the new grant to earlier ones (it is
            sent); ``implicit_union``: the provider joins them by itself; ``replace``: the new
            consent replaces the old one, so that the union must be asked for; ``none``: scopes
            are not asked for in the request.
        manage_url: Where a person removes our access by hand; empty if nobody knows.
        sends_first: Which token the revocation endpoint takes first.
        blast_radius: What dies with a token that is revoked.
        sends_each: Access and refresh token are each revoked; else the first one ends both.
        already_gone: Its errors that mean there is nothing left to revoke.
        gone_statuses: HTTP statuses that mean the same by themselves.
        unechoed_scopes: Granted without being named in the answer: their absence is no refusal.
        push: Which signed events tell us that a grant ended.
        account_parts: So many parts of a subject name the account; what follows tells several of
            one account apart (YouTube's channels). 0: all of it is the account.
        resources: What else access tokens are given for, by name; empty where there is one API.
        is_tenants: A tenant described it, who may call anything an identity scope.
    """

    lifetime: Lifetime
    features: Mapping[str, Feature] = field(default_factory=dict)
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    identity_scopes: tuple[str, ...] = ()
    incremental: Literal["union_by_flag", "implicit_union", "replace", "none"] = "replace"
    manage_url: str = ""
    sends_first: Literal["refresh", "access"] = "refresh"
    sends_as: str = "token"
    blast_radius: BlastRadius = "token"
    sends_each: bool = True
    already_gone: tuple[str, ...] = ()
    gone_statuses: tuple[int, ...] = ()
    unechoed_scopes: tuple[str, ...] = ()
    api: Api = field(default_factory=Api)
    quota: Quota | None = None
    push: Literal["", "google_risc", "github", "slack"] = ""
    account_parts: int = 0
    resources: Mapping[str, Resource] = field(default_factory=dict)
    is_tenants: bool = False

    @property
    def free_scopes(self) -> tuple[str, ...]:
        """What leaves with a token though its owner agreed to no feature that has it.

        It tells who the person is. Of an entry of a tenant's own only what OpenID Connect means
        by it: whoever writes entries would otherwise agree in the owners' place.
        """
        asked = (*self.identity_scopes, *self.unechoed_scopes)
        return tuple(each for each in asked if not self.is_tenants or each in SAY_WHO)

    def account_of(self, subject: str) -> str:
        """Return the account that a subject is of."""
        return ":".join(subject.split(":")[: self.account_parts or None])

    @property
    def is_single_use(self) -> bool:
        """Whether using a refresh token consumes it, or may: then nobody tries it twice."""
        return self.lifetime.rotation in {"single_use", "optional"}
