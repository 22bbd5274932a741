"""A mail server for tests that keeps what it is sent; it runs on the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailTrap:
    """What arrived, in order of arrival.

    Attributes:
        port: Where it listens, on loopback.
        messages: Every message it took.
        refusal: A reply such as ``451 try later`` to refuse with; empty to accept.
    """

    def __init__(self) -> None:
        self.port = 0
        self.messages: list[EmailMessage] = []
        self.refusal = ""
        self._arrived = asyncio.Event()

    @property
    def url(self) -> str:
        """What ``LIMEN_SMTP_URL`` takes."""
        return f"smtp://127.0.0.1:{self.port}"

    def sent_to(self, address: str) -> list[EmailMessage]:
        """Return the messages to one address."""
        return [message for message in self.messages if address in str(message["to"])]

    async def wait_for(self, address: str, *, within_seconds: float = 10) -> EmailMessage:
        """Return the latest message to an address, waiting for the first.

        Raises:
            TimeoutError: If none arrives in time.
        """
        async with asyncio.timeout(within_seconds):
            while not (found := self.sent_to(address)):
                self._arrived.clear()
                await self._arrived.wait()
        return found[-1]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's hook
        """Take a message, or refuse it."""
        if self.refusal:
            return self.refusal
        raw = (envelope.original_content or b"").replace(b"\r\n", b"\n")
        message: Any = email.message_from_bytes(raw, policy=email.policy.default)
        self.messages.append(message)
        self._arrived.set()
        return "250 kept"


@contextlib.asynccontextmanager
async def smtp_server() -> AsyncIterator[MailTrap]:
    """Run a trap for the length of a block."""
    loop = asyncio.get_running_loop()
    trap = MailTrap()
    server = await loop.create_server(
        lambda: SMTP(trap, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    trap.port = server.sockets[0].getsockname()[1]
    try:
        yield trap
    finally:
        server.close()
        await server.wait_closed()
