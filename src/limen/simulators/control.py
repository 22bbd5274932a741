"""``GET …/_control`` tells what a simulated provider saw; ``POST`` makes it misbehave."""

from __future__ import annotations

import hashlib
import json

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from limen.simulators.misbehave import Stage
from limen.simulators.signed_events import EventOrder, signed_event
from limen.simulators.state import (
    Account,
    Client,
    Fault,
    Key,
    Lies,
    Redemptions,
    SigningAccount,
    State,
)


class Order(BaseModel, extra="forbid"):
    """What to change; absent members stay as they are.

    Attributes:
        reset: Forget everything first.
        faults: Failures to come, by operation.
        lies: Replaces all standing lies.
        clients: Register or replace.
        accounts: Register or replace.
        keys: Credentials of people's own, to be taken from now on.
        service_accounts: Register or replace, by name.
        revoke_keys: No longer taken; neither are clients and service accounts of that name.
        revoke_grants: Subjects whose consent is withdrawn at the provider, by hand as it were.
        events: Signed events to write, as the provider would send them; the answer holds them.
    """

    reset: bool = False
    faults: dict[str, list[Fault]] | None = None
    lies: Lies | None = None
    clients: list[Client] = []
    accounts: list[Account] = []
    keys: dict[str, Key] = {}
    service_accounts: dict[str, SigningAccount] = {}
    revoke_keys: list[str] = []
    revoke_grants: list[str] = []
    events: list[EventOrder] = []


def fingerprint(raw_token: str) -> str:
    """Name a token without telling it: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(raw_token.encode()).hexdigest()[:16]


def presented(state: State, raw_token: str, *, accepted: bool) -> None:
    """Count that a refresh token came to the token endpoint."""
    count = state.redemptions.setdefault(fingerprint(raw_token), Redemptions())
    count.presented += 1
    count.accepted += int(accepted)


def withdraw(state: State, sub: str, *, client_id: str | None = None) -> None:
    """End every token of a person, at one client or at all of them."""
    for tokens in (state.access, state.refresh):
        for raw, token in list(tokens.items()):
            if token.sub == sub and client_id in {None, token.client_id}:
                del tokens[raw]
    for key in list(state.consented):
        client, _, whose = key.partition(" ")
        if whose == sub and client_id in {None, client}:
            del state.consented[key]


def control(stage: Stage, *, push: str = "") -> list[Route]:
    """Return the control routes of one provider, which signs its events as ``push`` says."""

    async def tell(_: Request) -> Response:
        with stage.store.change() as state:
            return JSONResponse(_told(state))

    async def obey(request: Request) -> Response:
        try:
            order = Order.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse(json.loads(error.json(include_url=False)), 422)
        if order.reset:
            stage.store.reset()
        with stage.store.change() as state:
            _obey(state, order)
            events = [signed_event(stage, state, each, push=push) for each in order.events]
            return JSONResponse({**_told(state), "events": events})

    return [
        Route("/_control", tell, methods=["GET"]),
        Route("/_control", obey, methods=["POST"]),
    ]


def _obey(state: State, order: Order) -> None:
    if order.faults is not None:
        state.faults = order.faults
    if order.lies is not None:
        state.lies = order.lies
    state.clients.update({client.client_id: client for client in order.clients})
    state.accounts.update({account.sub: account for account in order.accounts})
    state.keys.update(order.keys)
    state.service_accounts.update(order.service_accounts)
    for name in order.revoke_keys:
        for known in (state.keys, state.service_accounts, state.clients):
            known.pop(name, None)
    for sub in order.revoke_grants:
        withdraw(state, sub)


def _told(state: State) -> dict[str, object]:
    return {
        "calls": state.calls,
        "redemptions": {name: count.model_dump() for name, count in state.redemptions.items()},
        "revocations": state.revocations,
        "live_refresh_tokens": [fingerprint(raw) for raw in state.refresh],
        "live_access_tokens": [fingerprint(raw) for raw in state.access],
        "accounts": [account.model_dump() for account in state.accounts.values()],
    }
