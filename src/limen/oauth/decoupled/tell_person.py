"""Tell a person by mail that a server has them asked."""

from __future__ import annotations

from limen.accounts.links.mail_link import mail_notice
from limen.accounts.user import User
from limen.crypto.envelope import Envelope
from limen.db.work import Work
from limen.oauth.model import Client
from limen.oauth.pending.model import DecoupledRequest


async def tell_person(
    work: Work, *, request: DecoupledRequest, client: Client, user: User, envelope: Envelope
) -> None:
    """Mail it, with the way to the account page; nothing if they have no address.

    What the client wrote beside its registered name (``binding_message``) is not mailed: on
    our page alone it stands beside what we know.
    """
    shown = "".join(character for character in client.name if character.isprintable())
    context = {
        "client_name": shown or client.client_id,
        "link": f"{work.site.issuer}/account",
        "until": request.expires_at.strftime("%H:%M UTC"),
    }
    await mail_notice(
        work, envelope=envelope, user=user, template="approval_requested", context=context
    )
