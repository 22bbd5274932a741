"""Mail about accounts elsewhere: the code that links one, and that one was linked."""

from __future__ import annotations

import datetime as dt
from typing import Final

from limen.accounts import store
from limen.accounts.links.mail_link import mail_notice
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.web.languages.words import marked

_EVERY: Final = dt.timedelta(minutes=1)
_MAX_SHOWN: Final = 100


async def mail_link_code(
    work: Work, *, envelope: Envelope, user: User, about: tuple[str, str], raw_code: Secret[str]
) -> bool:
    """Mail the code that lets an account elsewhere sign a person in; ``False`` if too soon.

    Args:
        work: The transaction.
        envelope: Seals the mail.
        user: Whose mailbox.
        about: What people call the provider, and the account there.
        raw_code: What to type.
    """
    # Strangers can cause this: any account with that address at any provider.
    if not await store.take_notice(work, user.id, kind="link_code", every=_EVERY):
        return False
    context = {
        **_about(about),
        "code": raw_code.reveal(),
        "valid_for": marked("15 minutes"),
        "link": f"{work.site.issuer}/account",
    }
    await mail_notice(work, envelope=envelope, user=user, template="link_code", context=context)
    return True


async def tell_of_link(
    work: Work, *, envelope: Envelope, user: User, about: tuple[str, str]
) -> None:
    """Tell a person that an account elsewhere signs them in from now on."""
    await mail_notice(
        work, envelope=envelope, user=user, template="identity_linked", context=_about(about)
    )


def _about(about: tuple[str, str]) -> dict[str, str]:
    provider, account = (
        "".join(character for character in text if character.isprintable())[:_MAX_SHOWN]
        for text in about
    )
    return {"provider": provider, "account": account}
