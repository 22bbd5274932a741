from __future__ import annotations

import datetime as dt
import re
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from limen.db.tables import outbox
from limen.db.work import Work
from limen.kernel.clock import UTC
from limen.kernel.errors import ConfigurationError, Conflict, InvalidInput
from limen.kernel.secret import Secret
from limen.mail.enqueue import enqueue
from limen.mail.message import TEMPLATES, Message, OutgoingMail
from limen.mail.render import render
from limen.mail.routes import links_in
from limen.mail.transports import MailboxTransport, SmtpTransport, as_email
from tests.house import House

MOMENT = dt.datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)
CONTEXT = {
    "site_name": "Acme <b>&",
    "site_url": "https://id.example.com",
    "link": "https://id.example.com/x?token=t&a=b",
    "sign_in_link": "https://id.example.com/sign-in",
    "code": "01234567",
    "valid_for": "one hour",
    "when": "6 May 2030 at 07:08 UTC",
    "client_name": "App",
    "what": "A code from your phone is needed from now on.",
    "provider": "Google",
    "account": "ada@example.org",
    "until": "6 May 2030 at 07:18 UTC",
}
SENDER = "Limen <no-reply@id.example.com>"


def message(to: str = "ada@example.com", **context: str) -> Message:
    return Message(to=to, template="verify_email", context={**CONTEXT, **context})


def written(mail: Message) -> OutgoingMail:
    return render(mail, mail_id="m1", written_at=MOMENT)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_renders_as_text_and_html(template: str) -> None:
    mail = written(Message(to="ada@example.com", template=template, context=CONTEXT))  # type: ignore[arg-type]  # one of them
    assert "Acme <b>&" in mail.subject or "Acme <b>&" in mail.text
    assert "Acme &lt;b&gt;&amp;" in mail.html
    assert "<b>" not in mail.html
    assert CONTEXT["link"] in links_in(mail.text)
    assert 'href="https://id.example.com/x?token=t&amp;a=b"' in mail.html
    assert "{{" not in mail.text + mail.html


def test_a_mail_has_both_parts_and_one_recipient() -> None:
    email = as_email(written(message()), sender=SENDER)
    assert isinstance(email, EmailMessage)
    assert email["To"] == "ada@example.com"
    assert email["From"] == SENDER
    assert email["Message-ID"] == "<m1@id.example.com>"
    assert [part.get_content_type() for part in email.iter_parts()] == ["text/plain", "text/html"]
    wide = as_email(written(message("jos\u00e9@example.com")), sender=SENDER)
    assert "jos\u00e9@example.com" in wide.as_string()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("to", "context", "code"),
    [
        ("ada@example.com\r\nBcc: eve@example.com", {}, "email_invalid"),
        ("ada@example.com\nBcc: eve@example.com", {}, "email_invalid"),
        ("ada@example.com,eve@example.com", {}, "email_invalid"),
        ("Ada <ada@example.com>", {}, "email_invalid"),
        ("ada@example.com\x00", {}, "email_invalid"),
        ("", {}, "email_invalid"),
        ("a" * 250 + "@example.com", {}, "email_invalid"),
        ("ada@example.com", {"site_name": "Acme\r\nBcc: eve@example.com"}, "mail_invalid"),
        ("ada@example.com", {"site_name": "Acme\u2028Bcc: x"}, "mail_invalid"),
        ("ada@example.com", {"client_name": "App\nhttps://evil.example"}, "mail_invalid"),
    ],
)
async def test_n231_what_would_add_a_header_or_a_recipient_is_refused(
    house: House, to: str, context: dict[str, str], code: str
) -> None:
    with pytest.raises(InvalidInput, match=code):
        await house.run(
            lambda work: enqueue(work, envelope=house.envelope, message=message(to, **context))
        )
    assert await house.mails() == []


@pytest.mark.anyio
async def test_mail_is_sealed_until_it_is_sent(house: House) -> None:
    await house.run(lambda work: enqueue(work, envelope=house.envelope, message=message()))

    async def waiting(work: Work) -> list[bytes]:
        rows = await work.execute(
            sa.select(outbox.c.payload).where(outbox.c.tenant_id == sa.bindparam("tenant_id"))
        )
        return [bytes(row.payload) for row in rows.all()]

    (payload,) = await house.run(waiting)
    for secret in (b"ada@example.com", b"01234567", b"token=t"):
        assert secret not in payload
    (mail,) = await house.mails("ada@example.com")
    assert re.search(r"^01234567$", mail.text, re.MULTILINE)
    assert await house.run(waiting) == []


@pytest.mark.anyio
async def test_a_refused_work_mails_nothing(house: House) -> None:
    async def body(work: Work) -> None:
        await enqueue(work, envelope=house.envelope, message=message())
        raise Conflict

    with pytest.raises(Conflict):
        await house.run(body)
    assert await house.mails() == []


@pytest.mark.anyio
async def test_a_mail_delivered_twice_lies_in_the_mailbox_once(house: House) -> None:
    transport = MailboxTransport(house.works)
    for _ in range(2):
        await transport.send(house.site, written(message()))
    assert len(await house.mails()) == 1


@pytest.mark.parametrize("url", ["", "http://mail.example.com", "smtp://", "mail.example.com:25"])
def test_an_address_that_is_no_smtp_server_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigurationError):
        SmtpTransport(Secret(url), sender=SENDER)
