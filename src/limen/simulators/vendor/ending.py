"""Revocation and introspection, each with its own way of naming the token."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from limen.federation.catalogue.operation_entry import OperationEntry
from limen.simulators.control import fingerprint, withdraw
from limen.simulators.misbehave import answer
from limen.simulators.state import State, Token
from limen.simulators.vendor.authentication import (
    Sent,
    client_of,
    problem_of,
    read,
    token_of,
)
from limen.simulators.vendor.errors import Errors
from limen.simulators.vendor.shape import Shape


class Ending:
    """End tokens, and tell whether they live."""

    def __init__(self, shape: Shape, errors: Errors) -> None:
        self._shape = shape
        self._entry, self._habits, self._stage = shape.entry, shape.habits, shape.stage
        self._errors = errors

    async def revoke(self, request: Request) -> Response:
        """End what the entry says ends with a token: it, its grant, its whole project."""
        operation = self._entry.operations.revoke
        assert operation is not None
        sent = await read(request, operation)

        def perform(state: State) -> Response:
            raw = token_of(sent, operation)
            problem = self._problem(state, sent, operation)
            if problem is not None:
                return problem
            token = state.refresh.get(raw) or state.access.get(raw)
            if token is None or not self._lives(state, token):
                return self._gone(sent)
            state.revocations.append(fingerprint(raw))
            self._end(state, raw, token)
            done = {"ok": True} if self._habits.error_status == 200 else {}
            return JSONResponse({**done, "request_id": secrets.token_hex(16)})

        return await answer(self._stage, "revoke", perform)

    async def introspect(self, request: Request) -> Response:
        """Tell whether a token lives."""
        operation = self._entry.operations.introspect
        assert operation is not None
        sent = await read(request, operation)

        def perform(state: State) -> Response:
            problem = self._problem(state, sent, operation)
            if problem is not None:
                return problem
            raw = token_of(sent, operation)
            token = state.access.get(raw) or state.refresh.get(raw)
            return JSONResponse({"active": token is not None and self._lives(state, token)})

        return await answer(self._stage, "introspect", perform)

    def _problem(self, state: State, sent: Sent, operation: OperationEntry) -> Response | None:
        problem = problem_of(sent, operation)
        if problem:
            return self._errors.refuse(sent.request, "bad_request", problem)
        if operation.client_auth == "bearer":
            return None
        client = client_of(state, sent, operation, shape=self._shape)
        # A vendor that wants no secret here may want no client either.
        if client is None and operation.client_auth != "none":
            return self._errors.refuse(sent.request, "client_broken", "Unknown client.")
        return None

    def _end(self, state: State, raw: str, token: Token) -> None:
        operation = self._entry.operations.revoke
        assert operation is not None
        if operation.blast_radius != "token":
            withdraw(state, token.sub, client_id=token.client_id)
            return
        state.access.pop(raw, None)
        if state.refresh.pop(raw, None) is not None:
            for name, held in list(state.access.items()):
                if held.family == token.family:
                    del state.access[name]

    def _gone(self, sent: Sent) -> Response:
        operation = self._entry.operations.revoke
        assert operation is not None
        if operation.gone_statuses:
            return self._errors.answer(sent.request, {}, operation.gone_statuses[0])
        if not operation.already_gone:
            # RFC 7009 section 2.2; who is known by the token alone is nobody without it.
            status = 401 if operation.client_auth == "bearer" else 200
            return self._errors.answer(sent.request, {}, status)
        code = operation.already_gone[0]
        status = 200 if self._habits.error_status == 200 else 400
        body = {"error": code, "error_description": "There is no such token."}
        if status == 200:
            body["ok"] = False  # type: ignore[assignment]  # what Slack says
        return self._errors.answer(sent.request, body, status)

    def _lives(self, state: State, token: Token) -> bool:
        return token.expires_at is None or token.expires_at > self._stage.now(state)
