"""Front ends that lead people through sign-in and consent themselves, over JSON.

Three kinds may: our own applications, a client that authenticates, and scripts of an origin
that the client registered. Whoever opens an interaction is who may go on with it.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from limen.db.work import Work
from limen.kernel.errors import InvalidClient, NotPermitted, OAuthRefusal
from limen.oauth.authorization.answer import issue_code, tell_refusal
from limen.oauth.authorization.asked import AskConsent, Issue, Refuse, ShowSignIn, SignedIn, StepUp
from limen.oauth.authorization.decide import authorize
from limen.oauth.authorization.interaction import open_interaction
from limen.oauth.endpoints.calling import authenticated
from limen.oauth.endpoints.interactive.browser import signed_in
from limen.oauth.endpoints.interactive.schemas import Complete, complete, waiting, with_providers
from limen.oauth.model import Binding, Client
from limen.oauth.parts import Parts
from limen.protocol.params import Params
from limen.protocol.responses import AuthorizationResponse, error_body
from limen.web.deps import authenticate

_NO_PARAMS = Params(())


async def identify_front_end(
    request: Request, work: Work, *, client: Client, parts: Parts
) -> Binding:
    """Say as what the caller may drive the client's interactions.

    Raises:
        InvalidClient: The ``Authorization`` header is not good.
        NotPermitted: ``front_end_unknown``: none of the three kinds.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None:
        caller = await authenticated(request, work, parts=parts, params=_NO_PARAMS)
        if caller.client_id != client.client_id and not caller.first_party:
            raise InvalidClient(public="Client authentication failed.")
        return Binding("client", caller.client_id)
    if client.first_party:
        return Binding("first_party", "")
    origin = request.headers.get("origin")
    if origin is not None and origin in client.origins:
        return Binding("origin", origin)
    raise NotPermitted(
        "front_end_unknown",
        "Authenticate as the client, or call from one of its registered origins.",
    )


async def session_of(request: Request, work: Work) -> SignedIn | None:
    """Return who is there by a cookie; a caller with an ``Authorization`` header has none."""
    if "authorization" in request.headers:
        return None
    return signed_in(await authenticate(request, work))


async def open_by_json(
    request: Request, work: Work, *, params: Params, parts: Parts
) -> tuple[int, dict[str, Any]]:
    """Check a request and open its interaction; or end it, if nobody must be asked.

    Returns:
        The HTTP status and the JSON that answers.

    Raises:
        OAuthRefusal: Client or redirect URI are not what they should be.
        NotPermitted: ``front_end_unknown``.
    """
    who = await session_of(request, work)
    outcome = await authorize(work, params=params, desk=parts.desk, who=who)
    client = outcome.to.client if isinstance(outcome, Refuse) else outcome.asked.client
    binding = await identify_front_end(request, work, client=client, parts=parts)
    match outcome:
        case Refuse(to=to, refusal=refusal):
            return 400, _refused(
                await tell_refusal(work, desk=parts.desk, to=to, refusal=refusal), refusal
            )
        case Issue(asked=asked, who=someone):
            answer = await issue_code(work, desk=parts.desk, asked=asked, who=someone)
            return 200, complete(answer).model_dump(exclude_none=True)
        case ShowSignIn() | StepUp() | AskConsent() as missing:
            opened = await open_interaction(
                work, missing=missing, binding=binding, ttl=parts.interaction_ttl
            )
            view = waiting(
                opened.raw_handle,
                site=work.site,
                missing=missing,
                until=opened.interaction.expires_at,
            )
            view = await with_providers(work, view, federation=parts.federation)
            return 200, view.model_dump(mode="json", exclude_none=True)


def _refused(answer: AuthorizationResponse, refusal: OAuthRefusal) -> dict[str, Any]:
    """Say what was wrong, and where the client expects to hear it."""
    return {**error_body(refusal), **_where(complete(answer))}


def _where(done: Complete) -> dict[str, Any]:
    return done.model_dump(exclude={"status"}, exclude_none=True)
