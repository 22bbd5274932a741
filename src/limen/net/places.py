"""Places that calls wait for: whoever has most leaves some to the others, in turns."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from limen.kernel.shares import Holder, Shares

PLACES: Final = 512
"""Calls at once: one host has half of them at most, which is more than refreshes in the background
take, so that whoever waits finds one; and one tenant two thirds, however many hosts it names."""

_Holders = tuple[Holder, ...]


class Places:
    """Lets so many in at once, each as its share allows; the others wait.

    Args:
        count: How many places there are.
    """

    def __init__(self, count: int) -> None:
        self._shares = Shares(count)
        self._waiting: dict[_Holders, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def place(self, *holders: Holder) -> AsyncIterator[None]:
        """Wait for a place that counts for each of these, and hold it until the block ends."""
        await self._take(holders)
        try:
            yield
        finally:
            self._leave(holders)

    async def _take(self, holders: _Holders) -> None:
        if holders not in self._waiting and self._shares.room_for(*holders):
            self._shares.take(holders)
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(holders, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(holders)  # given in the same moment
            else:
                self._forget(holders, turn)
            raise

    def _leave(self, holders: _Holders) -> None:
        self._shares.leave(holders)
        while self._let_one_in():
            continue

    def _let_one_in(self) -> bool:
        for holders, turns in self._waiting.items():
            if self._shares.room_for(*holders):
                turn = turns.popleft()
                # Whoever was let in goes to the end: those who wait take turns.
                del self._waiting[holders]
                if turns:
                    self._waiting[holders] = turns
                if not turn.done():
                    self._shares.take(holders)
                    turn.set_result(None)
                return True
        return False

    def _forget(self, holders: _Holders, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(holders)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[holders]
