"""Take the tour: the steps in one list."""

from __future__ import annotations

from typing import Any, Final

from limen.cli.say import progress
from limen.cli.tour import connections, people, tokens
from limen.cli.tour.place import place
from limen.cli.tour.tourist import TourError, Tourist
from limen.kernel.errors import Refusal
from limen.testing.visitor import Visitor

_STEPS: Final = (
    people.sign_up,
    people.sign_in,
    tokens.register,
    tokens.obtain,
    tokens.refresh,
    tokens.introspect,
    tokens.as_machine,
    connections.connect,
    connections.fetch_token,
    connections.let_expire,
    connections.disconnect,
)


async def take(*, own: bool, quiet: bool) -> list[dict[str, Any]]:
    """Go through all steps on a server; return what each got.

    Args:
        own: On a server of the tour's own, even if one runs.
        quiet: Print nothing but progress.

    Raises:
        Refusal: ``tour_failed``, naming the step that did not give what it should.
    """
    tokens.foreign_client()
    async with place(own=own) as (settings, started), Visitor(settings.base_url) as browser:
        progress(f"{'started' if started else 'found'} a server at {settings.base_url}")
        tourist = Tourist(settings=settings, browser=browser, quiet=quiet)
        try:
            for step in _STEPS:
                await step(tourist)
        except (TourError, LookupError) as error:
            raise Refusal("tour_failed", f"Step {len(tourist.told)}: {error}") from None
        finally:
            await connections.put_clock_back(tourist)
    return tourist.told
