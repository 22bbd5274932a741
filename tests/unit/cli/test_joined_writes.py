from __future__ import annotations

import asyncio

import pytest
from typing_extensions import override

from limen.cli.serving.joined_writes import JoinedWrites, Turn

pytestmark = pytest.mark.anyio
LARGE = b"x" * (64 * 1024 + 1)


class Kernel(asyncio.Transport):
    """Notes each system call there would be."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bytes] = []
        self.is_over = ""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.calls.append(bytes(data))

    @override
    def close(self) -> None:
        self.is_over = "closed"

    @override
    def abort(self) -> None:
        self.is_over = "aborted"

    @override
    def is_closing(self) -> bool:
        return bool(self.is_over)


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def joined(kernel: Kernel) -> JoinedWrites:
    return JoinedWrites(kernel, Turn())


async def test_head_and_body_are_one_call(kernel: Kernel, joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.write(b"body")
    assert kernel.calls == []
    await asyncio.sleep(0)
    assert kernel.calls == [b"headbody"]


async def test_a_head_alone_leaves_at_the_next_turn(kernel: Kernel, joined: JoinedWrites) -> None:
    joined.write(b"head")
    assert kernel.calls == []
    await asyncio.sleep(0)
    assert kernel.calls == [b"head"]
    joined.write(b"body")
    joined.write(b"")
    await asyncio.sleep(0)
    assert kernel.calls == [b"head", b"body"]


async def test_nothing_is_a_call_of_its_own(kernel: Kernel, joined: JoinedWrites) -> None:
    joined.write(b"")
    await asyncio.sleep(0)
    assert kernel.calls == []


async def test_answers_of_one_turn_leave_together(kernel: Kernel) -> None:
    turn = Turn()
    first, second = JoinedWrites(kernel, turn), JoinedWrites(kernel, turn)
    first.write(b"first")
    second.write(b"second")
    first.write(b", whole")
    assert kernel.calls == []
    await asyncio.sleep(0)
    assert kernel.calls == [b"first, whole", b"second"]
    second.write(b"next")
    await asyncio.sleep(0)
    assert kernel.calls[2:] == [b"next"]


async def test_nobody_waits_long_for_the_others_of_a_turn(kernel: Kernel) -> None:
    turn = Turn(most_seconds=-1.0)
    first, second = JoinedWrites(kernel, turn), JoinedWrites(kernel, turn)
    first.write(b"first")
    second.write(b"second")
    assert kernel.calls == [b"first"]
    await asyncio.sleep(0)
    assert kernel.calls == [b"first", b"second"]


class Broken(Kernel):
    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        raise RuntimeError("the handler is closed")


async def test_one_that_cannot_be_sent_keeps_back_nobody_elses(kernel: Kernel) -> None:
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    turn, broken = Turn(), Broken()
    JoinedWrites(broken, turn).write(b"lost")
    JoinedWrites(kernel, turn).write(b"whole")
    await asyncio.sleep(0)
    loop.set_exception_handler(None)
    assert (kernel.calls, broken.is_over) == ([b"whole"], "aborted")
    assert told == ["an answer was not sent"]


async def test_what_is_large_is_not_copied(kernel: Kernel, joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.write(LARGE)
    joined.write(b"tail")
    joined.close()
    assert kernel.calls == [b"head", LARGE, b"tail"]


async def test_many_small_pieces_do_not_pile_up(kernel: Kernel, joined: JoinedWrites) -> None:
    for _ in range(3):
        joined.write(LARGE[:-2])
    assert kernel.calls == [LARGE[:-2] * 2]
    await asyncio.sleep(0)
    assert kernel.calls == [LARGE[:-2] * 2, LARGE[:-2]]


async def test_all_is_sent_before_the_end(kernel: Kernel, joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.close()
    assert (kernel.calls, kernel.is_over) == ([b"head"], "closed")
    assert joined.is_closing()


async def test_nothing_is_sent_after_the_end(kernel: Kernel, joined: JoinedWrites) -> None:
    joined.write(b"head")
    joined.abort()
    joined.write(b"body")
    await asyncio.sleep(0)
    assert (kernel.calls, kernel.is_over) == ([], "aborted")
