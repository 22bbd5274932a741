from __future__ import annotations

import datetime as dt

import pytest

from limen.kernel import slow_step
from limen.kernel.clock import UTC
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.mail.message import OutgoingMail
from limen.mail.transports import SmtpTransport
from limen.testing.smtp import MailTrap, smtp_server

pytestmark = pytest.mark.anyio


def written(to: str = "ada@example.com") -> OutgoingMail:
    return OutgoingMail(
        id="m1",
        to=to,
        subject="Grüße",
        text="Open the link.\n",
        html="<p>Open the link.</p>",
        written_at=dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def transport(trap: MailTrap, *, query: str = "?starttls=off") -> SmtpTransport:
    return SmtpTransport(Secret(trap.url + query), sender="Limen <no-reply@id.example.com>")


@pytest.mark.parametrize("to", ["ada@example.com", "jos\u00e9@example.com"])
async def test_a_mail_reaches_the_server(site: Site, to: str) -> None:
    async with smtp_server() as trap:
        await transport(trap).send(site, written(to))
        message = await trap.wait_for(to)
    assert message["subject"] == "Grüße"
    assert message["message-id"] == "<m1@id.example.com>"
    assert message["auto-submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


async def test_a_refusal_of_the_server_is_tried_again_later(site: Site) -> None:
    async with smtp_server() as trap:
        trap.refusal = "451 later"
        with pytest.raises(ProviderUnavailable, match="mail_not_taken"):
            await transport(trap).send(site, written())
    with pytest.raises(ProviderUnavailable, match="mail_not_taken"):
        await transport(trap).send(site, written())


async def test_mail_is_not_sent_in_clear_unless_that_was_asked_for(site: Site) -> None:
    async with smtp_server() as trap:
        with pytest.raises(ProviderUnavailable, match="mail_not_taken"):
            await transport(trap, query="").send(site, written())
        assert trap.messages == []


async def test_no_transaction_waits_for_a_mail_server(site: Site) -> None:
    mark = slow_step.forbid_while(lambda: True)
    async with smtp_server() as trap:
        with pytest.raises(RuntimeError, match="transaction"):
            await transport(trap).send(site, written())
    slow_step.allow(mark)
