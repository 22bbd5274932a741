"""How profiles are brought up to date while people are away: by connections they made."""

from __future__ import annotations

from typing import Final

from limen.db.work import Work
from limen.federation.profile.synchronise import Account, TokenOf
from limen.federation.profile.wake import wake
from limen.kernel.errors import Refusal
from limen.kernel.secret import Secret
from limen.kernel.site import Site
from limen.vault.events import Connected
from limen.vault.listing import find_connection_of_account
from limen.vault.parts import Parts
from limen.vault.token_for import Wanted, token_for

READER: Final = "system:profile"
"""Who a token is released to, in the audit log."""


def token_of_connection(vault: Parts) -> TokenOf:
    """Return what finds the token of a person's connection to the account they sign in with."""

    async def find(site: Site, account: Account) -> Secret[str] | None:
        async def body(work: Work) -> Secret[str] | None:
            connection_id = await find_connection_of_account(
                work, user_id=account.user_id, issuer=account.issuer, subject=account.subject
            )
            if connection_id is None:
                return None
            wanted = Wanted(connection_id=connection_id, user_id=account.user_id, reader=READER)
            return (await token_for(work, vault, wanted=wanted)).raw_access

        try:
            return await vault.federation.works.run(site, body)
        except Refusal:
            return None

    return find


async def ask_anew(work: Work, _: Connected) -> None:
    """Somebody connected an account: there may be means now to ask for their profile."""
    await wake(work, work.actor.id)
