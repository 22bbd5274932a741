"""Open the installation and run one use case in it, as the operator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from limen.kernel.actor import OPERATOR
from limen.kernel.errors import NotFound

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.settings import Settings
    from limen.tenants.tenant import Tenant

T = TypeVar("T")

Body = Callable[["Runtime", "Work"], Awaitable[T]]


def read_settings() -> Settings:
    """Load the settings, and send the log to standard error: standard output is the result's."""
    from limen.observe import configure  # noqa: PLC0415 -- loaded by the commands that need it
    from limen.settings import load  # noqa: PLC0415 -- as above

    settings = load()
    quiet = settings.log.model_copy(update={"level": "warning"})
    configure(quiet, stream=sys.stderr, libraries=True)
    return settings


@asynccontextmanager
async def opened(settings: Settings, *, mending: bool = False) -> AsyncIterator[Runtime]:
    """Open the whole installation for a command, loops apart, and close it.

    The whole, because what a use case records has its audit row and its reactions also when an
    operator asks for it.

    Args:
        settings: As read.
        mending: As ``open_runtime``.

    Raises:
        ConfigurationError: If the installation is not in order.
    """
    from limen.app.compose import compose  # noqa: PLC0415 -- the heavy part
    from limen.app.start import open_runtime  # noqa: PLC0415 -- as above

    application = compose(settings)
    await open_runtime(application.runtime, mending=mending)
    try:
        yield application.runtime
    finally:
        await application.stop()


async def find_tenant(runtime: Runtime, slug: str) -> Tenant:
    """Return the tenant of that name.

    Raises:
        NotFound: ``tenant_not_found``.
    """
    tenant = await runtime.directory.by_slug(slug)
    if tenant is None:
        raise no_tenant(slug)
    return tenant


def no_tenant(slug: str) -> NotFound:
    """Return the refusal of a name that no tenant has."""
    return NotFound("tenant_not_found", f"There is no tenant {slug!r}.")


def run_in_tenant(slug: str, body: Body[T]) -> T:
    """Run one Work in one tenant, as the operator, and return what it returns."""

    async def run() -> T:
        async with opened(read_settings()) as runtime:
            tenant = await find_tenant(runtime, slug)
            return await runtime.works.run(tenant, lambda work: body(runtime, work), actor=OPERATOR)

    return asyncio.run(run())
