"""What a production server refuses to start with (case N262)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from limen.kernel.secret import Secret
from limen.settings.kinds import Allowed, Network, is_loopback_host, is_within
from limen.settings.model import Settings
from limen.settings.names import name_of
from limen.settings.sections import PasswordSettings, split_secret_url

_EXAMPLES: Final = frozenset(
    {
        *("changeme", "change-me", "change_me", "replace-me", "placeholder", "example", "dummy"),
        *("secret", "password", "postgres", "admin", "limen", "test", "todo"),
        *("your-client-secret", "your_client_secret", "client-secret", "client_secret"),
    }
)
_METADATA: Final = (
    ip_network("169.254.0.0/16"),
    ip_network("fe80::/10"),
    ip_network("fd00:ec2::254/128"),
    ip_network("100.100.100.200/32"),
)
_OWASP: Final = PasswordSettings()


def find_unsafe(settings: Settings) -> list[str]:
    """Return what is unsafe to run in production, one sentence each; empty in development."""
    if settings.is_development:
        return []
    found = (
        *_issuer(settings),
        *_development(settings),
        *_secrets(settings),
        *_doors(settings),
        *_transport(settings),
        *_passwords(settings),
    )
    return list(found)


def _issuer(settings: Settings) -> Iterator[str]:
    name = name_of(("base_url",))
    parts = urlsplit(settings.base_url)
    if parts.scheme == "https":
        return
    if not is_loopback_host(parts.hostname or ""):
        yield f"{name}: an issuer that others reach is https, not http."
    elif not is_loopback_host(settings.host):
        yield (
            f"{name}: the server listens on {settings.host}, beyond this machine, and has no "
            "https address; set the one that people use."
        )


def _development(settings: Settings) -> Iterator[str]:
    for switch in ("mailbox", "clock", "simulators", "approvals", "failpoints"):
        if getattr(settings.development, switch):
            yield f"{name_of(('development', switch))}: exists in development only."
    if settings.log.level == "debug":
        yield f"{name_of(('log', 'level'))}: debug logs show what libraries handle; use info."


def _is_example(secret: Secret[str] | str) -> bool:
    """Say whether a secret is one of those that documentation shows, or hardly one at all."""
    text = secret if isinstance(secret, str) else secret.reveal()
    return text.strip().lower() in _EXAMPLES or len(set(text)) < 6


def _secrets(settings: Settings) -> Iterator[str]:
    key = settings.keys.master_key
    if key is not None and (_is_example(key) or len(set(key.reveal())) < 10):
        yield f"{name_of(('keys', 'master_key'))}: is not random: take 32 random bytes."
    for provider, client in settings.providers:
        if client is not None and _is_example(client.client_secret):
            yield (
                f"{name_of(('providers', provider, 'client_secret'))}: is an example, not a secret."
            )
    url = split_secret_url(settings.database.url)
    if url.password and not is_loopback_host(url.hostname or ""):
        password = unquote(url.password)
        if _is_example(password) or password == url.username:
            yield f"{name_of(('database', 'url'))}: the password is one that anybody tries first."


def _doors(settings: Settings) -> Iterator[str]:
    for entry in settings.net.allow:
        if _opens_too_far(entry):
            yield (
                f"{name_of(('net', 'allow'))}: {_shown(entry)} opens the way to whole networks "
                "or to instance metadata; name what is needed."
            )
    for network in settings.web.trusted_proxies:
        if _is_wide(network):
            yield (
                f"{name_of(('web', 'trusted_proxies'))}: {network} lets strangers choose the "
                "address that limits and audit see."
            )


def _is_wide(network: Network) -> bool:
    return network.prefixlen < (8 if network.version == 4 else 16)


def _opens_too_far(entry: Allowed) -> bool:
    if entry.network is None:
        return False
    metadata = any(is_within(entry.network, known) for known in _METADATA)
    return _is_wide(entry.network) or metadata


def _shown(entry: Allowed) -> str:
    return str(entry.network) if entry.network is not None else entry.host


def _transport(settings: Settings) -> Iterator[str]:
    if settings.mtls.base_url is not None and not settings.mtls.base_url.startswith("https://"):
        yield f"{name_of(('mtls', 'base_url'))}: certificates are shown over https alone."
    if settings.mail.smtp_url is not None:
        url = split_secret_url(settings.mail.smtp_url)
        plain = dict(parse_qsl(url.query)).get("starttls") == "off" and url.scheme == "smtp"
        if plain and not is_loopback_host(url.hostname or ""):
            yield f"{name_of(('mail', 'smtp_url'))}: mail with its links would travel in clear."
    if settings.redis.url is not None:
        url = split_secret_url(settings.redis.url)
        if url.password and _is_example(unquote(url.password)):
            yield f"{name_of(('redis', 'url'))}: the password is one that anybody tries first."


def _passwords(settings: Settings) -> Iterator[str]:
    passwords = settings.passwords
    for rule, least in (("min_length_with_mfa", 8), ("min_length", 8)):
        if getattr(passwords, rule) < least:
            yield f"{name_of(('passwords', rule))}: {least} at least (NIST SP 800-63B-4)."
    if passwords.memory_kib * passwords.time_cost < _OWASP.memory_kib * _OWASP.time_cost:
        yield (
            f"{name_of(('passwords', 'memory_kib'))}: below 19456 KiB with two passes, the "
            "least that OWASP names for Argon2id."
        )
