"""What is mailed: a template, its values, and whom to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from limen.kernel.errors import InvalidInput
from limen.web.languages.negotiate import DEFAULT

Template = Literal[
    "verify_email",
    "reset_password",
    "password_changed",
    "address_taken",
    "refresh_reuse",
    "two_step_changed",
    "two_step_guessed",
    "approval_requested",
    "link_code",
    "identity_linked",
    "invitation",
    "change_email",
    "email_change_asked",
    "email_changed",
]
TEMPLATES: Final[tuple[Template, ...]] = get_args(Template)

_MAX_ADDRESS_CHARACTERS: Final = 254
_NEVER_IN_AN_ADDRESS: Final = frozenset(' ,;<>()[]\\"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A mail to be written.

    Args:
        to: One mailbox, already checked by who took it in.
        template: Which text.
        context: Its values; links and codes among them, so it is sealed until it is sent.
        language: One of ours, that its reader reads.
    """

    to: str
    template: Template
    context: Mapping[str, str]
    language: str = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """A mail as written, ready for a transport.

    Args:
        id: The same at every attempt: becomes the ``Message-ID``.
        to: One mailbox.
        subject: One line.
        text: The plain part.
        html: The same in HTML.
        written_at: When what it tells happened.
    """

    id: str
    to: str
    subject: str
    text: str
    html: str
    written_at: dt.datetime


def check_message(message: Message) -> None:
    """Refuse what could smuggle a second recipient or a header of its own (N136, N231).

    Raises:
        InvalidInput: ``email_invalid``, ``mail_invalid``.
    """
    to = message.to
    single = to.count("@") == 1 and not _NEVER_IN_AN_ADDRESS & set(to)
    if not single or len(to) > _MAX_ADDRESS_CHARACTERS or not to.isprintable():
        raise InvalidInput("email_invalid", "This is not an e-mail address.", field="email")
    for name, value in message.context.items():
        if not value.isprintable():
            raise InvalidInput("mail_invalid", detail=f"{message.template}: {name}")
