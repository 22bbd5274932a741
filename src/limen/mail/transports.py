"""Where a written mail goes: an SMTP server, or the development mailbox."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from typing_extensions import override

from limen.db.work import Work, Works
from limen.kernel import slow_step
from limen.kernel.errors import ConfigurationError, ProviderUnavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.mail import store
from limen.mail.message import OutgoingMail

_PORTS: Final = {"smtp": 587, "smtps": 465}


class Transport(Protocol):
    """Send one mail, or raise; the outbox tries again."""

    async def send(self, site: Site, mail: OutgoingMail) -> None:
        """Send it; the same id may come again after a crash."""
        ...


class SmtpTransport(Transport):
    """Hand mail to an SMTP server.

    Args:
        url: ``smtp://user:password@host:port`` (STARTTLS is demanded; ``?starttls=off`` lifts
            that for a relay on loopback) or ``smtps://`` (TLS from the start).
        sender: The ``From``, with or without a name before the address.
        deadline_seconds: For the whole conversation.
    """

    def __init__(self, url: Secret[str], *, sender: str, deadline_seconds: float = 15.0) -> None:
        parts = urlsplit(url.reveal())
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigurationError("LIMEN_SMTP_URL is neither smtp://HOST nor smtps://HOST.")
        self._host = parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._user = unquote(parts.username) if parts.username else None
        self._password = Secret(unquote(parts.password)) if parts.password else None
        self._tls = parts.scheme == "smtps"
        self._starttls = not self._tls and parse_qs(parts.query).get("starttls") != ["off"]
        self._sender = sender
        self._deadline_seconds = deadline_seconds

    @override
    async def send(self, site: Site, mail: OutgoingMail) -> None:
        """Send it.

        Raises:
            ProviderUnavailable: If the server did not take it.
        """
        import aiosmtplib  # noqa: PLC0415 -- only a process that mails pays for it

        slow_step.entering("mail")
        password = self._password.reveal() if self._password else None
        try:
            await aiosmtplib.send(
                as_email(mail, sender=self._sender),
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=password,
                use_tls=self._tls,
                start_tls=True if self._starttls else False,  # noqa: SIM210 -- None would mean: if it can
                timeout=self._deadline_seconds,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ProviderUnavailable("mail_not_taken", detail=type(error).__name__) from error


class MailboxTransport(Transport):
    """Keep mail in a table that ``/dev/mail`` shows; development only.

    Args:
        works: To write the table.
    """

    def __init__(self, works: Works) -> None:
        self._works = works

    @override
    async def send(self, site: Site, mail: OutgoingMail) -> None:
        """Keep it."""

        async def body(work: Work) -> None:
            await store.add_mail(work, mail)

        await self._works.run(site, body)


def as_email(mail: OutgoingMail, *, sender: str) -> EmailMessage:
    """Return the mail as a message with both parts; headers take single lines only (N231)."""
    local, _, domain = mail.to.rpartition("@")
    message = EmailMessage(policy=SMTP if mail.to.isascii() else SMTPUTF8)
    name, address = parseaddr(sender)
    message["From"] = Address(display_name=name, addr_spec=address)
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = mail.subject
    message["Date"] = mail.written_at
    message["Message-ID"] = f"<{mail.id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
