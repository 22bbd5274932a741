"""Where a browser goes after a proof: in, or to the page of the next step."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.site import Site
from limen.signin.continue_url import sign_continue
from limen.signin.endpoints import browser
from limen.signin.journey import Step
from limen.signin.steps.underway import Entered, Waiting
from limen.web.redirects import see_other

PATH = "/sign-in/step"


class _HasEnvelope(Protocol):
    @property
    def envelope(self) -> Envelope: ...


async def lead_on(
    request: Request, work: Work, *, outcome: Entered | Waiting, path: str, parts: _HasEnvelope
) -> Response:
    """Send the browser on.

    Args:
        request: The browser's.
        work: The transaction of the proof.
        outcome: Of the proof.
        path: Where it was going; on this site, checked before.
        parts: Signs where it was going, for the page of the step.
    """
    if isinstance(outcome, Waiting):
        response = see_other(await step_url(work, envelope=parts.envelope, path=path))
        browser.let_wait(response, request, waiting=outcome)
        return response
    response = see_other(path)
    await browser.let_in(response, request, entered=outcome, work=work, envelope=parts.envelope)
    return response


async def step_url(work: Work, *, envelope: Envelope, path: str, step: Step | None = None) -> str:
    """Return the page of whatever step comes next, which ends at a path.

    Args:
        work: The tenant.
        envelope: Signs the path.
        path: Where it ends.
        step: What a client needs besides what the tenant demands; asking for it opens nothing.
    """
    query = {"continue": await sign_continue(work, envelope=envelope, path=path)}
    if step is not None:
        query["step"] = step
    return step_path(work.site, query)


def step_path(site: Site, query: dict[str, str]) -> str:
    """Return the page with a query."""
    return f"{site.path}{PATH}?{urlencode(query)}"
