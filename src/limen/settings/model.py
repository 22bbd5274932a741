"""All settings together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from limen.settings.audit import AuditSettings
from limen.settings.kinds import check_base_url
from limen.settings.sections import (
    GENEROUS,
    BackgroundSettings,
    DatabaseSettings,
    DevelopmentSettings,
    KeySettings,
    LimitSettings,
    LogSettings,
    MailSettings,
    MetricsSettings,
    MtlsSettings,
    NetSettings,
    PasswordSettings,
    Port,
    ProviderSettings,
    RedisSettings,
    Section,
    SessionSettings,
    TokenSettings,
    VaultSettings,
    WebSettings,
)

_LOOPBACK_ONLY: Final = ("localhost", "127.0.0.0/8", "[::1]")


class Settings(Section):
    """Everything that can be set; building one reads neither environment nor files.

    ``limen.settings.load()`` reads both. Values given by name win over what the environment
    kind (``development``, ``production``) implies.

    Attributes:
        environment: ``production`` unless said otherwise. Development turns on the mailbox,
            the clock, the simulated providers, generous rates and outbound calls to loopback.
        base_url: The root issuer, without trailing slash; every URL is built from it.
        workers: Processes of ``limen serve``.
    """

    environment: Literal["development", "production"] = "production"
    data_dir: Path = Path("var")
    base_url: Annotated[str, AfterValidator(check_base_url)] = "http://localhost:8000"
    host: str = "127.0.0.1"
    port: Port = 8000
    workers: int = Field(default=1, ge=1, le=256)

    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    keys: KeySettings = KeySettings()
    sessions: SessionSettings = SessionSettings()
    passwords: PasswordSettings = PasswordSettings()
    tokens: TokenSettings = TokenSettings()
    limits: LimitSettings = LimitSettings()
    mail: MailSettings = MailSettings()
    net: NetSettings = NetSettings()
    web: WebSettings = WebSettings()
    mtls: MtlsSettings = MtlsSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    background: BackgroundSettings = BackgroundSettings()
    development: DevelopmentSettings = DevelopmentSettings()
    providers: ProviderSettings = ProviderSettings()
    vault: VaultSettings = VaultSettings()
    audit: AuditSettings = AuditSettings()

    @property
    def is_development(self) -> bool:
        """Say whether this is a developer's machine."""
        return self.environment == "development"

    @property
    def is_secure(self) -> bool:
        """Say whether browsers reach us over https; cookies and HSTS depend on it."""
        return self.base_url.startswith("https://")

    @model_validator(mode="before")
    @classmethod
    def _imply(cls, given: Any) -> Any:
        """Fill what other values imply, unless it was given."""
        if not isinstance(given, Mapping):
            return given
        values = {name: _as_dict(value) for name, value in given.items()}
        where = str(values.get("data_dir", "var"))
        _default(values, "database", url=f"sqlite:///{where}/limen.db")
        _default(values, "keys", master_key_file=f"{where}/master.key")
        if str(values.get("port", "")).isdecimal():
            values.setdefault("base_url", f"http://localhost:{values['port']}")
        if values.get("environment") == "development":
            rates = {name: GENEROUS for name in LimitSettings.model_fields if name != "enabled"}
            _default(values, "limits", **rates)
            _default(values, "net", allow=_LOOPBACK_ONLY)
            _default(
                values, "development", mailbox=True, clock=True, simulators=True, approvals=True
            )
            _default(values, "log", format="text")
        return values


def _as_dict(value: Any) -> Any:
    """Open a section that was given built, so that what is implied can join what is said."""
    if not isinstance(value, BaseModel):
        return value
    return {name: getattr(value, name) for name in value.model_fields_set}


def _default(values: dict[str, Any], section: str, **implied: object) -> None:
    said = values.setdefault(section, {})
    if isinstance(said, Mapping):
        values[section] = implied | dict(said)
