"""Where a browser goes from a provider's callback."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.federation.parts import Parts as FederationParts
from limen.signin.continue_url import sign_continue
from limen.signin.endpoints.lead_on import lead_on
from limen.signin.provider.prove_mailbox import TTL, ProofNeeded
from limen.signin.with_provider import Arrived, Linked, SentOn
from limen.web import cookies
from limen.web.redirects import page_url, see_other

COOKIE: Final = "prove"
"""Names a sign-in that has to prove a mailbox; it opens nothing."""
PROVE_PATH: Final = "/sign-in/prove"


async def answer_arrival(
    request: Request, work: Work, *, arrived: Arrived, parts: FederationParts
) -> Response:
    """Send the browser on: in, to a step, to the proof of a mailbox, or back to a front end."""
    match arrived.outcome:
        case ProofNeeded() as needed:
            url = await prove_url(request, work, parts.envelope, path=arrived.continue_path)
            response = see_other(url)
            value = needed.raw_token.reveal()
            cookies.write(response, request, COOKIE, value=value, max_age=TTL)
            return response
        case Linked():
            return see_other(page_url(request, "/account", done="identity-linked"))
        case SentOn(url=url):
            return see_other(url)
        case outcome:
            return await lead_on(
                request, work, outcome=outcome, path=arrived.continue_path, parts=parts
            )


async def prove_url(request: Request, work: Work, envelope: Envelope, *, path: str) -> str:
    """Return the page that proves a mailbox; the way on stands in it too, to sign in otherwise."""
    signed = await sign_continue(work, envelope=envelope, path=path)
    return page_url(request, PROVE_PATH, **{"continue": signed})
