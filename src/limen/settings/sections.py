"""One frozen model per capability."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import override

from limen.kernel.secret import Secret
from limen.settings.kinds import (
    AllowList,
    Duration,
    Networks,
    Rate,
    RateText,
    SecretText,
    check_base_url,
)

Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """Frozen; unknown members are errors, and errors never show what was given."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
    )


def split_secret_url(url: Secret[str]) -> SplitResult:
    """Take a URL with credentials apart; the error of a bad one does not quote it (N242)."""
    try:
        parts = urlsplit(url.reveal())
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL that can be read") from None
    return parts


def _database(url: Secret[str]) -> Secret[str]:
    parts = split_secret_url(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return url
    if parts.scheme == "postgresql" and parts.path.strip("/"):
        return url
    raise ValueError("write sqlite:///path/to/file or postgresql://user:password@host/database")


def _redis(url: Secret[str]) -> Secret[str]:
    parts = split_secret_url(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("write redis://host:6379/0, or rediss:// with TLS")
    return url


def _smtp(url: Secret[str]) -> Secret[str]:
    parts = split_secret_url(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("write smtp://user:password@host:587, or smtps:// with implicit TLS")
    if query not in ({}, {"starttls": "off"}):
        raise ValueError("the only option an SMTP URL takes is ?starttls=off")
    return url


class DatabaseSettings(Section):
    """Where the truth is kept.

    Attributes:
        url: ``sqlite:///relative``, ``sqlite:////absolute`` or ``postgresql://…``.
        pool: Connections a process holds at most.
    """

    url: Annotated[SecretText, AfterValidator(_database)] = Secret("sqlite:///var/limen.db")
    pool: int = Field(default=10, ge=1, le=500)

    @property
    def sqlite_path(self) -> Path | None:
        """The file of an SQLite URL; ``None`` for PostgreSQL."""
        parts = split_secret_url(self.url)
        return Path(parts.path[1:]) if parts.scheme == "sqlite" else None


class RedisSettings(Section):
    """Valkey or Redis, for what may be lost."""

    url: Annotated[SecretText, AfterValidator(_redis)] | None = None


class KeySettings(Section):
    """The key-encryption key that wraps all sealing keys.

    Attributes:
        master_key: 32 bytes in base64, base64url or hex.
        master_key_file: A file that holds the same; by default ``master.key`` in the data
            directory.
    """

    master_key: SecretText | None = None
    master_key_file: Path = Path("var/master.key")


class SessionSettings(Section):
    """Browser and first-party sessions.

    Attributes:
        fresh_ttl: How long after an authentication sensitive changes need no new one.
    """

    idle_ttl: Duration = dt.timedelta(days=30)
    absolute_ttl: Duration = dt.timedelta(days=90)
    fresh_ttl: Duration = dt.timedelta(minutes=15)

    @model_validator(mode="after")
    def _in_order(self) -> SessionSettings:
        if not dt.timedelta() < self.idle_ttl <= self.absolute_ttl <= dt.timedelta(days=400):
            raise ValueError("idle_ttl and absolute_ttl: above zero, in this order, to 400 days")
        return self


class PasswordSettings(Section):
    """Password rules (NIST SP 800-63B-4) and the cost of Argon2id (OWASP minimum).

    Attributes:
        threads: Hashing threads of a process; ``None`` is cores divided by workers.
        queue: Waiting hashes beyond which the pool sheds load.
    """

    min_length: int = Field(default=15, ge=1, le=64)
    min_length_with_mfa: int = Field(default=8, ge=1, le=64)
    max_length: int = Field(default=256, ge=64, le=4096)
    memory_kib: int = Field(default=19_456, ge=8, le=4_194_304)
    time_cost: int = Field(default=2, ge=1, le=64)
    parallelism: int = Field(default=1, ge=1, le=16)
    threads: int | None = Field(default=None, ge=1, le=64)
    queue: int = Field(default=64, ge=1, le=10_000)


class TokenSettings(Section):
    """Lifetimes of what we issue.

    Attributes:
        dpop_nonce: Who must put a nonce of ours into DPoP proofs: nobody (``accepted``),
            clients under FAPI 2.0 (``fapi``), everybody (``always``); a tenant may say
            otherwise.
    """

    code_ttl: Duration = dt.timedelta(seconds=60)
    interaction_ttl: Duration = dt.timedelta(minutes=30)
    access_ttl: Duration = dt.timedelta(minutes=15)
    id_token_ttl: Duration = dt.timedelta(hours=1)
    refresh_idle_ttl: Duration = dt.timedelta(days=30)
    refresh_absolute_ttl: Duration = dt.timedelta(days=180)
    rotation_grace: Duration = dt.timedelta(seconds=10)
    first_party_access_ttl: Duration = dt.timedelta(minutes=15)
    first_party_refresh_ttl: Duration = dt.timedelta(days=30)
    dpop_nonce: Literal["accepted", "fapi", "always"] = "accepted"

    @model_validator(mode="after")
    def _bounded(self) -> TokenSettings:
        lifetimes = [value for _, value in self if isinstance(value, dt.timedelta)]
        if any(ttl <= dt.timedelta() for ttl in lifetimes):
            raise ValueError("every lifetime is above zero")
        if max(self.access_ttl, self.first_party_access_ttl) > dt.timedelta(hours=1):
            raise ValueError("access tokens live an hour at most: revocation waits for expiry")
        if self.code_ttl > dt.timedelta(minutes=10):
            raise ValueError("codes live ten minutes at most (RFC 6749 section 4.1.2)")
        return self


class LimitSettings(Section):
    """Request rates per address block; security counters live in SQL and are not these."""

    enabled: bool = True
    default: RateText = Rate(600, 60)
    page: RateText = Rate(300, 60)
    login: RateText = Rate(30, 60)
    sign_up: RateText = Rate(20, 60)
    recover: RateText = Rate(10, 60)
    verify: RateText = Rate(30, 60)
    authorize: RateText = Rate(300, 60)
    interaction: RateText = Rate(120, 60)
    token: RateText = Rate(1200, 60)
    introspect: RateText = Rate(6000, 60)
    registration: RateText = Rate(60, 60)
    connect: RateText = Rate(60, 60)
    admin: RateText = Rate(600, 60)

    def rate(self, name: str) -> Rate:
        """Return the rate of that name, the default one where it has none of its own."""
        found = getattr(self, name, None)
        return found if isinstance(found, Rate) else self.default


GENEROUS: Final = "100000/minute"
"""What every rate is in development unless given: suites sign in hundreds of times."""


class MailSettings(Section):
    """Mail out.

    Attributes:
        smtp_url: ``smtp://`` demands STARTTLS (``?starttls=off`` lifts it), ``smtps://`` is TLS
            from the start. Without one, mail waits; in development the mailbox shows it.
        sender: The ``From`` of every mail.
    """

    smtp_url: Annotated[SecretText, AfterValidator(_smtp)] | None = None
    sender: str = Field(default="Limen <no-reply@localhost>", pattern=r"^[^\r\n]+@[^\r\n]+$")
    deadline_seconds: float = Field(default=15.0, gt=0, le=120)


class NetSettings(Section):
    """The one outbound client.

    Attributes:
        allow: What may be reached beside the public internet over https.
        ca_bundle: A PEM file trusted in addition to the system's authorities.
    """

    allow: AllowList = ()
    ca_bundle: Path | None = None
    connect_seconds: float = Field(default=3.0, gt=0, le=60)
    deadline_seconds: float = Field(default=10.0, gt=0, le=120)
    max_bytes: int = Field(default=1_000_000, ge=1024, le=50_000_000)


class WebSettings(Section):
    """The HTTP edge.

    Attributes:
        pages: Whether the HTML pages are served; off leaves the headless interface.
        trusted_proxies: Peers whose forwarding header is believed; nobody by default.
        proxy_header: The one header they set.
        short_oauth2_paths: Whether ``/auth/oauth2`` and ``/admin/oauth2`` answer without
            ``/api/v1`` too, as older applications call them.
        max_picture_bytes: Of a picture that somebody uploads.
        header_seconds: How long the head of a request may take to arrive.
        request_seconds: How long all of it may take, and how long its answer may wait to be read.
        idle_seconds: How long a connection is kept for another request; longer than a proxy's.
        connections_per_peer: How many an address may have, or an IPv6 network of 64 bits, with
            each process; trusted proxies have as many as they like.
    """

    pages: bool = True
    header_seconds: float = Field(default=10.0, ge=1.0, le=300.0)
    request_seconds: float = Field(default=60.0, ge=1.0, le=3600.0)
    idle_seconds: int = Field(default=75, ge=1, le=3600)
    connections_per_peer: int = Field(default=256, ge=1, le=100_000)
    short_oauth2_paths: bool = False
    max_picture_bytes: int = Field(default=2_097_152, ge=1024, le=2_097_152)
    trusted_proxies: Networks = ()
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    max_form_bytes: int = Field(default=65_536, ge=1024, le=10_000_000)
    max_json_bytes: int = Field(default=262_144, ge=1024, le=10_000_000)


class MtlsSettings(Section):
    """Clients that authenticate with a TLS certificate (RFC 8705).

    A proxy in front ends TLS and passes the certificate on in a header, which is believed from
    ``web.trusted_proxies`` alone.

    Attributes:
        certificate_format: How the proxy writes it: RFC 9440, nginx's escaped PEM, Envoy's
            ``x-forwarded-client-cert``; ``off`` looks at no certificate.
        certificate_header: The header's name; empty for the usual one of the format.
        ca_bundle: A PEM file of the authorities whose certificates ``tls_client_auth``
            believes; without one that method is off.
        base_url: Where the proxy asks for certificates, if not at ``base_url``; announced as
            ``mtls_endpoint_aliases``.
    """

    certificate_format: Literal["off", "rfc9440", "escaped-pem", "xfcc"] = "off"
    certificate_header: str = Field(default="", pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$")
    ca_bundle: Path | None = None
    base_url: Annotated[str, AfterValidator(check_base_url)] | None = None

    @model_validator(mode="after")
    def _needs_format(self) -> MtlsSettings:
        if self.certificate_format == "off" and (self.ca_bundle or self.base_url):
            raise ValueError("say in certificate_format how the proxy passes certificates on")
        return self


class LogSettings(Section):
    """Logs to standard output, one line an event."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"
    access: bool = True


class MetricsSettings(Section):
    """Prometheus metrics: on a port of their own, under ``/metrics``, or not at all."""

    where: Literal["port", "path", "off"] = "port"
    host: str = "127.0.0.1"
    port: Port = 9464


class BackgroundSettings(Section):
    """The loops: mail, upstream refresh, upstream revocation, sweeping.

    Attributes:
        enabled: Whether ``limen serve`` runs them itself.
        poll_seconds: How often an idle loop looks; a commit wakes it sooner.
    """

    enabled: bool = True
    poll_seconds: float = Field(default=2.0, gt=0, le=300)


class VaultSettings(Section):
    """Refreshing other people's tokens.

    Attributes:
        deadline_seconds: For a provider's answer.
        lease_seconds: How long a refresher keeps others away; longer than the deadline.
        wait_seconds: How long a reader waits for somebody else's refresh.
        batch: Grants the loop leases at once.
        together: How many of one tenant at one provider are refreshed at the same time while no
            others are due; half as many again are kept for others.
    """

    deadline_seconds: float = Field(default=8.0, gt=0, le=60)
    lease_seconds: float = Field(default=15.0, gt=0, le=300)
    wait_seconds: float = Field(default=12.0, gt=0, le=60)
    batch: int = Field(default=100, ge=1, le=1000)
    together: int = Field(default=200, ge=1, le=1000)

    @model_validator(mode="after")
    def _lease_outlasts(self) -> VaultSettings:
        if self.lease_seconds <= self.deadline_seconds:
            raise ValueError("lease_seconds must exceed deadline_seconds, or two may refresh")
        return self


class DevelopmentSettings(Section):
    """What only development has; each is refused in production.

    Attributes:
        approvals: Whether ``/dev/ciba`` answers for people (CIBA), for a suite.
        failpoints: Names of points where the process kills itself, for fault tests.
    """

    mailbox: bool = False
    clock: bool = False
    simulators: bool = False
    approvals: bool = False
    failpoints: str = ""


class ProviderClient(Section):
    """What a provider registered us as."""

    client_id: str = Field(min_length=1, max_length=512)
    client_secret: SecretText

    @property
    def values(self) -> dict[str, str]:
        """What completes the provider's addresses, beside their defaults."""
        return {}


class MicrosoftClient(ProviderClient):
    """As ``ProviderClient``; ``tenant``: ``common``, ``organizations``, ``consumers`` or an id."""

    tenant: str = Field(
        default="common",
        pattern=r"^(common|organizations|consumers|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
    )

    @property
    @override
    def values(self) -> dict[str, str]:
        return {} if self.tenant == "common" else {"tenant": self.tenant}


class ProviderSettings(Section):
    """Our clients at the providers, for the default tenant; YouTube falls back on Google's."""

    google: ProviderClient | None = None
    microsoft: MicrosoftClient | None = None
    notion: ProviderClient | None = None
    github: ProviderClient | None = None
    youtube: ProviderClient | None = None

    @property
    def configured(self) -> dict[str, ProviderClient]:
        """Every provider that has a client, by id."""
        clients = {name: client for name, client in self if client is not None}
        if self.google is not None:
            clients.setdefault("youtube", self.google)
        return clients
