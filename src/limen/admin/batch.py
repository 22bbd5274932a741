"""Many operations in one request: each in a transaction of its own, each with its result.

One that is refused undoes no other. With an ``Idempotency-Key`` an operation that was done is
not done again, also when the request broke off in the middle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request

from limen.admin.idempotency import key_of, once_each
from limen.admin.parts import Parts
from limen.db.work import Work
from limen.kernel.errors import InvalidInput, Refusal
from limen.observe import logger
from limen.web.errors import ServerFault, status_of

_log: Final = logger("limen.admin")

MOST: Final = 500
"""Operations of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an operation came to.

    Args:
        status: As the same request alone would have been answered.
        body: Its JSON; empty for none.
    """

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)


Operation = Callable[[Work], Awaitable[Done]]


class OperationProblem(BaseModel):
    """Why an operation was refused."""

    code: str
    detail: str
    field: str = ""


class Result(BaseModel):
    """What became of one operation; ``index`` counts from zero, ``ref`` is the caller's own."""

    index: int
    ref: str = ""
    status: int
    body: dict[str, Any] | None = None
    error: OperationProblem | None = None


class Results(BaseModel):
    """What became of each, in the order they were sent."""

    results: list[Result]
    done: int
    refused: int


async def run_batch(
    request: Request,
    work: Work,
    parts: Parts,
    *,
    operations: Sequence[tuple[str, Operation | InvalidInput]],
) -> Results:
    """Run operations one after the other.

    Args:
        request: Its ``Idempotency-Key`` is heeded.
        work: Of the request, clean; each operation has its own, with the same actor.
        parts: What the operations share.
        operations: Each with the caller's reference; one that could not be read is a refusal.
    """
    key = await key_of(request, work)
    await work.let_go()
    results = []
    for index, (ref, operation) in enumerate(operations):
        result = await _run(work, parts, operation=operation, key=_key_at(key, index))
        results.append(result.model_copy(update={"index": index, "ref": ref}))
    done = sum(result.error is None for result in results)
    return Results(results=results, done=done, refused=len(results) - done)


def read_operation(adapter: TypeAdapter[Any], raw: object) -> Any:
    """Read one operation.

    Raises:
        InvalidInput: ``invalid_input``, naming the first member at fault.
    """
    try:
        return adapter.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("invalid_input", f"{first['msg']}.", field=where) from None


async def _run(
    work: Work, parts: Parts, *, operation: Operation | InvalidInput, key: bytes | None
) -> Result:
    if isinstance(operation, InvalidInput):
        return _refused(operation)

    async def answer(each: Work) -> bytes:
        done = await operation(each)
        return json.dumps({"status": done.status, "body": dict(done.body) or None}).encode()

    async def body(each: Work) -> bytes:
        if key is None:
            return await answer(each)
        return await once_each(each, answer, envelope=parts.envelope, key=key)

    try:
        told = json.loads(await parts.works.run(work.site, body, actor=work.actor))
    except Refusal as refusal:
        return _refused(refusal)
    except Exception as fault:  # noqa: BLE001 -- one that we fail at undoes no other either
        _log.error("operation of a batch failed", kind=type(fault).__name__)
        return _refused(ServerFault())
    return Result(index=0, **told)


def _refused(refusal: Refusal) -> Result:
    problem = OperationProblem(code=refusal.code, detail=refusal.public, field=refusal.field)
    return Result(index=0, status=status_of(refusal), error=problem)


def _key_at(key: bytes | None, index: int) -> bytes | None:
    return None if key is None else hashlib.sha256(key + index.to_bytes(4, "big")).digest()
