"""Write a mail: subject, plain text and HTML from its template."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Final

from limen.kernel.errors import InvalidInput
from limen.mail.message import Message, OutgoingMail

if TYPE_CHECKING:
    from jinja2 import Environment

_SUBJECT: Final = "Subject: "


def render(message: Message, *, mail_id: str, written_at: dt.datetime) -> OutgoingMail:
    """Return the mail as its recipient reads it.

    The text template's first line is the subject. Values are escaped in the HTML.

    Raises:
        InvalidInput: ``mail_invalid``: the subject is not one line (N231).
    """
    from limen.web.pages.speak import (  # noqa: PLC0415 -- only a process that mails pays for it
        plain_texts_in,
        texts_in,
    )

    environment = _environment()
    context = {**message.context, "language": message.language}
    plain = {**context, "_": plain_texts_in(message.language)}
    told = environment.get_template(f"{message.template}.txt").render(plain)
    first, _, text = told.partition("\n")
    subject = first.removeprefix(_SUBJECT).strip()
    if not first.startswith(_SUBJECT) or not subject.isprintable():
        raise InvalidInput("mail_invalid", detail=f"{message.template}: subject")
    html = environment.get_template(f"{message.template}.html").render(
        {**context, "subject": subject, "_": texts_in(message.language)}
    )
    return OutgoingMail(
        id=mail_id,
        to=message.to,
        subject=subject,
        text=text.strip() + "\n",
        html=html,
        written_at=written_at,
    )


@cache
def _environment() -> Environment:
    from jinja2 import (  # noqa: PLC0415 -- only a process that mails pays for it
        Environment,
        PackageLoader,
        StrictUndefined,
        select_autoescape,
    )

    from limen.web.pages.speak import install  # noqa: PLC0415 -- as above

    environment = Environment(
        loader=PackageLoader("limen.mail", "messages"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    install(environment)
    return environment
