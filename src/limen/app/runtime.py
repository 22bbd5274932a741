"""Everything one process shares, built from the settings; building opens nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from limen.accounts.profile.pictures import Encoder, new_encoder
from limen.app.clock_watch import ClockWatch
from limen.app.mtls import build_mtls
from limen.app.notices import with_notices
from limen.app.reactions import reactions
from limen.app.upstream import vault_parts
from limen.audit.record import record as record_audit
from limen.crypto.envelope import Envelope
from limen.crypto.keyring import Keyring
from limen.crypto.kms import WrappingKeys, load_wrapping_keys
from limen.crypto.passwords import Cost, PasswordHasher, threads_for
from limen.db.engines import Database, open_database
from limen.db.work import Recorder, Works
from limen.federation.provider import Provider
from limen.hooks.ask import Hooks
from limen.hooks.model import HostHooks
from limen.kernel.clock import SystemClock
from limen.kernel.ids import forget_names
from limen.net import Net
from limen.oauth.client_keys.published import ClientKeys
from limen.oauth.clients import Clients
from limen.oauth.mutual_tls.offer import Mtls
from limen.oauth.registration.documents import Documents
from limen.oauth.resources import Resources
from limen.oauth.trust.keys import TrustedKeys
from limen.settings import Rate, Settings
from limen.tenants.directory import Directory
from limen.tenants.policies.dpop import DpopPolicy
from limen.tenants.policy import TenantPolicy
from limen.tokens.lifetimes import TokenLifetimes
from limen.vault.parts import Parts as VaultParts
from limen.web.pages import Pages
from limen.web.rate_limit import RateLimiter
from limen.webhooks.publish import Webhooks

_PACKAGE: Final = Path(__file__).parents[1]

os.register_at_fork(after_in_child=forget_names)  # a host's server may fork after it built us


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the capabilities' parts are made of.

    Attributes:
        clock: Shifted in development alone.
        keys: The key-encryption keys, read once.
        defaults: What a tenant's policy says where the tenant chose nothing.
    """

    settings: Settings
    clock: SystemClock
    clock_watch: ClockWatch
    works: Works
    net: Net
    keys: WrappingKeys
    envelope: Envelope
    keyring: Keyring
    hasher: PasswordHasher
    directory: Directory
    defaults: TenantPolicy
    pages: Pages
    limiter: RateLimiter
    clients: Clients
    resources: Resources
    client_keys: ClientKeys
    hooks: Hooks
    trusted_keys: TrustedKeys
    mtls: Mtls | None
    vault: VaultParts
    pictures: Encoder
    lifetimes: TokenLifetimes


def build_runtime(
    settings: Settings,
    *,
    database: Database | None = None,
    clock: SystemClock | None = None,
    on_event: Sequence[Recorder] = (),
    hooks: HostHooks | None = None,
    providers: Sequence[Provider] = (),
) -> Runtime:
    """Build what one process shares.

    Args:
        settings: Checked already.
        database: A host application's, in place of the one the settings name.
        clock: In place of the machine's.
        on_event: Told every event, in its transaction, after the audit log.
        hooks: A host application's, asked before those of the tenants.
        providers: Python providers of a host application's.

    Raises:
        ConfigurationError: If the sealing key can't be read.
    """
    clock = clock or SystemClock()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    works = Works(database or _own_database(settings), clock)
    works.recorders = (record_audit, *on_event)
    keys = load_wrapping_keys(
        master_key=settings.keys.master_key, master_key_file=settings.keys.master_key_file
    )
    envelope = Envelope(keys)
    defaults = _default_policy(settings)
    net = Net(settings.net, own_hosts=_own_hosts(settings))
    pages = Pages(sorted(_PACKAGE.glob("*/templates")))
    clients = Clients(Documents(works, net))
    asked = Hooks(net=net, envelope=envelope, in_process=hooks)
    vault = vault_parts(
        settings,
        works,
        hooks=asked,
        envelope=envelope,
        net=net,
        pages=pages,
        clients=clients,
        plugins=providers,
    )
    works.reactions = with_notices(
        reactions(envelope=envelope, clients=clients, hooks=asked, vault=vault), Webhooks()
    )
    return Runtime(
        settings=settings,
        clock=clock,
        clock_watch=ClockWatch(works, clock),
        works=works,
        net=net,
        keys=keys,
        envelope=envelope,
        keyring=Keyring(envelope),
        hasher=_hasher(settings),
        directory=Directory(works, base_url=settings.base_url, defaults=defaults),
        defaults=defaults,
        pages=pages,
        limiter=RateLimiter(rate_of=lambda name: _rate(settings, name), clock=clock),
        clients=clients,
        resources=Resources(),
        client_keys=ClientKeys(net),
        hooks=asked,
        trusted_keys=TrustedKeys(net),
        mtls=build_mtls(settings),
        vault=vault,
        pictures=new_encoder(),
        lifetimes=_lifetimes(settings),
    )


def _own_database(settings: Settings) -> Database:
    return open_database(settings.database.url.reveal(), pool=settings.database.pool)


def _own_hosts(settings: Settings) -> tuple[str, ...]:
    """Our own name is never called, but in development, where the simulators answer to it."""
    if settings.is_development:
        return ()
    urls = (settings.base_url, settings.mtls.base_url or "")
    return tuple(host for url in urls if (host := urlsplit(url).hostname))


def _hasher(settings: Settings) -> PasswordHasher:
    chosen = settings.passwords
    cost = Cost(memory_kib=chosen.memory_kib, passes=chosen.time_cost, lanes=chosen.parallelism)
    threads = chosen.threads or threads_for(settings.workers)
    return PasswordHasher(threads=threads, max_waiting=chosen.queue, cost=cost)


def _default_policy(settings: Settings) -> TenantPolicy:
    """Return what a tenant's policy says where the tenant chose nothing."""
    return TenantPolicy(
        pages=settings.web.pages,
        access_token_seconds=int(settings.tokens.access_ttl.total_seconds()),
        refresh_idle_seconds=int(settings.tokens.refresh_idle_ttl.total_seconds()),
        refresh_absolute_seconds=int(settings.tokens.refresh_absolute_ttl.total_seconds()),
        session_idle_seconds=int(settings.sessions.idle_ttl.total_seconds()),
        session_absolute_seconds=int(settings.sessions.absolute_ttl.total_seconds()),
        password_min_length=settings.passwords.min_length,
        password_min_length_with_mfa=settings.passwords.min_length_with_mfa,
        fresh_minutes=int(settings.sessions.fresh_ttl.total_seconds() // 60),
        dpop=DpopPolicy(nonce=settings.tokens.dpop_nonce),
    )


def _rate(settings: Settings, name: str) -> Rate | None:
    return settings.limits.rate(name) if settings.limits.enabled else None


def _lifetimes(settings: Settings) -> TokenLifetimes:
    return TokenLifetimes(
        access_token=settings.tokens.access_ttl,
        id_token=settings.tokens.id_token_ttl,
        refresh_idle=settings.tokens.refresh_idle_ttl,
        refresh_absolute=settings.tokens.refresh_absolute_ttl,
        grace=settings.tokens.rotation_grace,
    )
