"""``/api/v1/oauth/events/…``: where providers send their signed events."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from limen.access.permissions import PROVIDERS_WRITE
from limen.access.require import public, require
from limen.db.work import Work
from limen.kernel.errors import MalformedRequest, TooLarge
from limen.kernel.secret import Secret
from limen.observe import logger
from limen.vault.parts import Parts
from limen.vault.push.intake import Sent, take_event
from limen.vault.push.secrets import events_url, retire_push_secret, set_push_secret
from limen.web.deps import CurrentWork
from limen.web.exchange import route

_log = logger("limen.vault")
_PATH = "/api/v1/oauth/events/{provider}/{tenant_key}"
_MAX_BYTES = 64 * 1024
_SIGNED = public("what a provider signs is judged by its signature, with no session of anybody")


def event_routes(parts: Parts) -> list[BaseRoute]:
    """Return the one route that providers call."""

    async def take(request: Request, work: Work) -> Response:
        body = await request.body()
        if len(body) > _MAX_BYTES:
            raise TooLarge(public=f"The body may have {_MAX_BYTES} bytes at most.")
        try:
            challenge = await take_event(
                work,
                parts,
                provider=request.path_params["provider"],
                tenant_key=request.path_params["tenant_key"],
                sent=Sent(headers=dict(request.headers), body=body),
            )
        except MalformedRequest as refused:
            return _said(refused)  # nothing was written: it is refused before anything is
        if challenge:
            return JSONResponse({"challenge": challenge})
        return Response(status_code=202)

    return [
        route(_PATH, take, guard=_SIGNED, face="json", methods=["POST"], cross_site=True),
    ]


def _said(refused: MalformedRequest) -> JSONResponse:
    """Answer as RFC 8935 section 2.3 has it; which check failed is nobody's business."""
    _log.info("refused", refusal=refused.code, detail=refused.detail)
    told = {"err": "invalid_request", "description": refused.public}
    return JSONResponse(told, 400, headers={"Content-Language": "en"})


class PushSecretBody(BaseModel):
    """What the provider signs its events with."""

    model_config = ConfigDict(extra="forbid")

    secret: SecretStr = Field(max_length=256)


class PushAddress(BaseModel):
    """Where the provider is to send its events."""

    url: str


def add_push_secrets(router: APIRouter, parts: Parts) -> None:
    """Add the routes."""

    @router.put("/providers/{provider}/push-secret", dependencies=[require(PROVIDERS_WRITE)])
    async def put(provider: str, body: PushSecretBody, work: CurrentWork) -> PushAddress:
        """Keep the secret that GitHub or Slack sign their events with; replaces the one before.

        The answer names the address to give to the provider; it carries the tenant's short key.
        """
        raw = Secret(body.secret.get_secret_value())
        await set_push_secret(work, parts, provider=provider, raw_secret=raw)
        return PushAddress(url=events_url(work, provider=provider))

    @router.delete(
        "/providers/{provider}/push-secret",
        dependencies=[require(PROVIDERS_WRITE)],
        status_code=204,
    )
    async def retire(provider: str, work: CurrentWork) -> None:
        """Forget the secret: no event of the provider's is believed any more."""
        await retire_push_secret(work, provider=provider)
