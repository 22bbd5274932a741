"""The installation: database, keys, tenants, and the issuer as others see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from limen.cli.checkup.finding import Finding, ok, problem, warning
from limen.cli.inside import opened
from limen.kernel.errors import ConfigurationError, InvalidInput, ProviderUnavailable, Refusal
from limen.settings import Allowed

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.settings import Settings


_WITHOUT_KEY: Final = (
    "not looked into without a sealing key. If it is new, `limen migrate` makes both; if it is "
    "not, give the key it was sealed with."
)


async def look_at_installation(settings: Settings) -> list[Finding]:
    """Open everything as the server would, and say what does not open.

    Nothing is made: where there is no sealing key or no database file yet, nothing is opened.
    """
    file = settings.database.sqlite_path
    if file is not None and not file.exists():
        return [warning("database", "nothing there yet; `limen migrate` makes it.")]
    if settings.keys.master_key is None and not settings.keys.master_key_file.exists():
        return [warning("database", _WITHOUT_KEY)]
    try:
        async with opened(settings) as runtime:
            return await _look_inside(runtime)
    except ConfigurationError as error:
        return [problem("installation", text) for text in error.problems]
    except Refusal as refusal:
        return [problem("database", refusal.public)]
    except OSError as error:
        return [problem("database", f"can't be reached: {error.strerror or 'no answer'}.")]


async def _look_inside(runtime: Runtime) -> list[Finding]:
    found = [ok("database", "reached, at this version's schema"), ok("sealing key", "fits")]
    tenants = await runtime.directory.all()
    found.append(ok("tenants", f"{len(tenants)}: {', '.join(t.slug for t in tenants[:5])}"))
    found += [
        warning(
            f"tenant {tenant.slug}",
            "takes endpoint URLs as audience of client assertions, which lets one server replay "
            "them at another; set assertion_audience to issuer.",
        )
        for tenant in tenants
        if tenant.policy.assertion_audience == "endpoints"
    ]
    return found


async def look_from_outside(settings: Settings) -> list[Finding]:
    """Fetch the discovery document at the issuer's own address, as a client would."""
    from limen.net import Net  # noqa: PLC0415 -- loaded when it runs

    url = settings.base_url
    host = urlsplit(url).hostname or ""
    target = f"[{host}]" if ":" in host else host
    own_door = Allowed.parse(f"{urlsplit(url).scheme}://{target}")
    net = Net(settings.net.model_copy(update={"allow": (*settings.net.allow, own_door)}))
    try:
        answer = await net.fetch("GET", f"{url}/.well-known/openid-configuration")
        issuer = answer.json_object().get("issuer") if answer.status == 200 else None
    except (ProviderUnavailable, InvalidInput):
        return [warning("issuer", f"{url} does not answer from here; is the server running?")]
    except ConfigurationError:  # the bundle of authorities, told of already
        return []
    finally:
        await net.close()
    if issuer != url:
        return [problem("issuer", f"at {url} something answers that is not this issuer.")]
    return [ok("issuer", f"{url} answers with its own name")]
