"""The loops: what is done again and again, and where."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Awaitable, Callable, Mapping

from limen.access.invitations.invite import sweep as sweep_invitations
from limen.accounts.links.account_mail import KIND as ACCOUNT_MAIL
from limen.accounts.links.account_mail import account_mail_handler
from limen.accounts.links.sweep import sweep as sweep_links
from limen.admin.sweep import sweep as sweep_admin
from limen.app.background import Task, for_each
from limen.app.clock_watch import EVERY_SECONDS as WATCH_SECONDS
from limen.app.profile_means import token_of_connection
from limen.app.runtime import Runtime
from limen.audit.seals.sealer import SEAL_SECONDS, Sealer
from limen.crypto.rotate_keys import maintain_keys
from limen.db.outbox import OutboxLoop, listen
from limen.db.shared_clock import refresh_offset
from limen.db.work import Work
from limen.federation.profile.picture import KIND as PICTURE
from limen.federation.profile.picture import picture_handler
from limen.federation.profile.synchronise import Synchroniser
from limen.federation.sweep import sweep as sweep_federation
from limen.kernel.errors import NotFound
from limen.kernel.site import Site
from limen.mail.deliver import mail_handler
from limen.mail.transports import MailboxTransport, SmtpTransport, Transport
from limen.oauth.decoupled.ping import KIND as PING
from limen.oauth.decoupled.ping import ping_handler
from limen.oauth.logout.back_channel import KIND as LOGOUT
from limen.oauth.logout.back_channel import logout_handler
from limen.oauth.registry.logo import KIND as LOGO
from limen.oauth.registry.logo import logo_handler
from limen.oauth.service_accounts.last_used import note_account_uses
from limen.oauth.service_accounts.model import SERVICE_ACCOUNT_USE
from limen.oauth.sweep import sweep as sweep_oauth
from limen.observe import logger
from limen.sessions.sweep import sweep as sweep_sessions
from limen.signin.provider.sweep import sweep as sweep_proven
from limen.signin.sweep import sweep as sweep_throttle
from limen.tenants.tenant import Tenant
from limen.tokens.api_keys.find import USE as API_KEY_USE
from limen.tokens.api_keys.last_used import note_key_uses
from limen.tokens.sweep import sweep as sweep_tokens
from limen.vault.moving.unclaimed import KIND as UNCLAIMED
from limen.vault.moving.unclaimed import unclaimed_handler
from limen.vault.refresh.loop import RefreshLoop
from limen.vault.revoke_upstream import KIND as REVOKE
from limen.vault.revoke_upstream import revoke_handler
from limen.vault.sessions.hold import KIND as UNCONFIRMED
from limen.vault.sessions.hold import unconfirmed_handler
from limen.vault.sweep import sweeper as vault_sweeper
from limen.webhooks.deliver import webhook_handler
from limen.webhooks.publish import DELIVERY as WEBHOOK
from limen.webhooks.sweep import sweep as sweep_webhooks

_log = logger("limen.outbox")
_SWEEP_SECONDS = 60.0
_PROFILES_SECONDS = 60.0
_LAG_SECONDS = 2.0
_KEYS_SECONDS = 600.0
_LAST_USES_SECONDS = 10.0

Sweep = Callable[[Work], Awaitable[int]]


def loops(runtime: Runtime) -> list[Task]:
    """Return every loop of a process."""
    poll = runtime.settings.background.poll_seconds
    outbox = OutboxLoop(
        runtime.works,
        {
            "mail": mail_handler(
                works=runtime.works, envelope=runtime.envelope, transport=_transport(runtime)
            ),
            ACCOUNT_MAIL: account_mail_handler(works=runtime.works, envelope=runtime.envelope),
            REVOKE: revoke_handler(runtime.vault),
            UNCONFIRMED: unconfirmed_handler(runtime.vault),
            UNCLAIMED: unclaimed_handler(runtime.vault),
            PICTURE: picture_handler(
                works=runtime.works,
                envelope=runtime.envelope,
                net=runtime.net,
                encoder=runtime.pictures,
            ),
            LOGO: logo_handler(works=runtime.works, net=runtime.net, encoder=runtime.pictures),
            PING: ping_handler(
                works=runtime.works,
                envelope=runtime.envelope,
                clients=runtime.clients,
                net=runtime.net,
            ),
            LOGOUT: logout_handler(
                works=runtime.works,
                keyring=runtime.keyring,
                clients=runtime.clients,
                client_keys=runtime.client_keys,
                net=runtime.net,
            ),
            WEBHOOK: webhook_handler(
                works=runtime.works, envelope=runtime.envelope, net=runtime.net
            ),
        },
        site_of=lambda tenant_id: site_of(runtime, tenant_id),
        on_failure=_log_failure,
    )
    vault = RefreshLoop(runtime.vault, site_of=lambda tenant_id: site_of(runtime, tenant_id))
    synchroniser = Synchroniser(
        runtime.vault.federation, token_of=token_of_connection(runtime.vault)
    )
    sealer = Sealer(runtime.works, runtime.envelope, site_of=lambda of: site_of(runtime, of))
    tasks = [
        Task(
            name="outbox",
            every_seconds=poll,
            turn=outbox.turn,
            finish=outbox.finish,
            woken=listen(),
        ),
        Task(name="vault refresh", every_seconds=poll, turn=vault.turn, finish=vault.finish),
        Task(
            name="profiles",
            every_seconds=_PROFILES_SECONDS,
            turn=functools.partial(_profiles, runtime, synchroniser),
            finish=synchroniser.finish,
        ),
        Task(
            name="caches",
            every_seconds=_LAG_SECONDS,
            turn=lambda: _refresh_caches(runtime),
            everywhere=True,
        ),
        Task(
            name="clock watch",
            every_seconds=WATCH_SECONDS,
            turn=lambda: _without_backlog(runtime.clock_watch.look),
            everywhere=True,
        ),
        Task(
            name="sweep tokens",
            every_seconds=_SWEEP_SECONDS,
            turn=lambda: _without_backlog(lambda: sweep_tokens(runtime.works)),
        ),
        Task(
            name="keys",
            every_seconds=_KEYS_SECONDS,
            turn=functools.partial(_everywhere, runtime, functools.partial(_keys, runtime), "keys"),
        ),
        Task(
            name="last uses",
            every_seconds=_LAST_USES_SECONDS,
            turn=functools.partial(_note_uses, runtime),
            everywhere=True,
        ),
        *(
            Task(
                name=f"sweep {name}",
                every_seconds=_SWEEP_SECONDS,
                turn=functools.partial(_everywhere, runtime, sweep, f"sweep {name}"),
            )
            for name, sweep in _SWEEPS.items()
        ),
        Task(
            name="sweep connections",
            every_seconds=_SWEEP_SECONDS,
            turn=functools.partial(
                _each_without_backlog, runtime, vault_sweeper(runtime.vault), "sweep connections"
            ),
        ),
        Task(name="audit seals", every_seconds=SEAL_SECONDS, turn=sealer.run_once),
    ]
    return tasks + _optional(runtime)


_SWEEPS: dict[str, Sweep] = {
    "links": sweep_links,
    "invitations": sweep_invitations,
    "sessions": sweep_sessions,
    "attempts": sweep_throttle,
    "interactions": sweep_oauth,
    "journeys": sweep_federation,
    "proven accounts": sweep_proven,
    "idempotency": sweep_admin,
    "webhooks": sweep_webhooks,
}


_USES: dict[str, Callable[..., Awaitable[None]]] = {
    API_KEY_USE: note_key_uses,
    SERVICE_ACCOUNT_USE: note_account_uses,
}


async def site_of(runtime: Runtime, tenant_id: str) -> Site:
    """Return a tenant's place by its id."""
    found = await runtime.directory.by_id(tenant_id)
    if found is None:
        raise NotFound("unknown_tenant")
    return found


def _optional(runtime: Runtime) -> list[Task]:
    tasks = []
    if runtime.settings.audit.keep_days is not None:
        from limen.audit.seals.drop import RETENTION_SECONDS, Retention  # noqa: PLC0415 -- for few

        keep = dt.timedelta(days=runtime.settings.audit.keep_days)
        retention = Retention(runtime.works, runtime.envelope, keep=keep)
        tasks.append(
            Task(
                name="audit retention",
                every_seconds=RETENTION_SECONDS,
                turn=lambda: _each_without_backlog(runtime, retention.drop, "audit retention"),
            )
        )
    if runtime.settings.development.clock:
        tasks.append(
            Task(
                name="clock",
                every_seconds=1.0,
                turn=lambda: _refresh_clock(runtime),
                everywhere=True,
            )
        )
    if runtime.settings.redis.url is not None:
        # Valkey's client is some megabytes, for those who have a Valkey.
        from limen.web.rate_sync import INTERVAL_SECONDS, RateSync  # noqa: PLC0415 -- as above

        sync = RateSync(runtime.limiter, runtime.settings.redis.url)
        tasks.append(
            Task(
                name="rates",
                every_seconds=INTERVAL_SECONDS,
                turn=lambda: _without_backlog(sync.run_once),
                everywhere=True,
            )
        )
    return tasks


async def _refresh_caches(runtime: Runtime) -> int:
    await runtime.directory.refresh()
    await runtime.keyring.refresh(runtime.works)
    return 0


async def _refresh_clock(runtime: Runtime) -> int:
    await refresh_offset(runtime.works, runtime.clock)
    return 0


async def _keys(runtime: Runtime, work: Work) -> int:
    """Rotate what has signed for its period, withdraw what nobody needs any more."""
    await maintain_keys(work, keyring=runtime.keyring)
    return 0


async def _note_uses(runtime: Runtime) -> int:
    """Write down when things were last used in this process; what fails is lost."""
    used = {kind: runtime.works.last_uses.take(kind) for kind in _USES}
    if not any(used.values()):
        return 0
    whose = [each for each in await runtime.directory.all() if _has_used(each, used)]

    async def note(tenant: Tenant) -> int:
        for kind, uses in used.items():
            if tenant.tenant_id in uses:
                body = functools.partial(_USES[kind], uses=uses[tenant.tenant_id])
                await runtime.works.run(tenant, body)
        return 0

    return await for_each(whose, note, task="last uses")


def _has_used(tenant: Tenant, used: Mapping[str, Mapping[str, object]]) -> bool:
    return any(tenant.tenant_id in uses for uses in used.values())


async def _profiles(runtime: Runtime, synchroniser: Synchroniser) -> int:
    """Bring profiles up to date, as many of each tenant as it has room for."""
    begun = await for_each(await runtime.directory.all(), synchroniser.begin, task="profiles")
    await synchroniser.wait()
    return begun


async def _without_backlog(turn: Callable[[], Awaitable[int]]) -> int:
    """Take a turn that leaves nothing behind, however much it did."""
    await turn()
    return 0


async def _each_without_backlog(
    runtime: Runtime, do: Callable[[Tenant], Awaitable[int]], name: str
) -> int:
    await for_each(await runtime.directory.all(), do, task=name)
    return 0


async def _everywhere(runtime: Runtime, sweep: Sweep, name: str) -> int:
    return await _each_without_backlog(
        runtime, lambda tenant: runtime.works.run(tenant, sweep), name
    )


def _transport(runtime: Runtime) -> Transport:
    mail = runtime.settings.mail
    if mail.smtp_url is not None:
        return SmtpTransport(
            mail.smtp_url, sender=mail.sender, deadline_seconds=mail.deadline_seconds
        )
    return MailboxTransport(runtime.works)


def _log_failure(kind: str, error: str) -> None:
    _log.warning("delivery failed", kind=kind, error=error)
