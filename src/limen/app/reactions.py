"""What an event below means above: awaited, in the same transaction."""

from __future__ import annotations

from typing import Any

from limen.access.keep_an_owner import keep_an_owner
from limen.access.nobody_above import nobody_above
from limen.accounts.events import (
    AccountClosed,
    AccountReclaimed,
    PasswordChanged,
    PasswordChangeRequired,
    UserDisabled,
    UserEnabled,
)
from limen.accounts.links.tell_of_reuse import tell_of_reuse
from limen.accounts.profile.sources import forget_profile
from limen.app.profile_means import ask_anew
from limen.crypto.envelope import Envelope
from limen.db.work import Reactions, Work
from limen.federation.identities import forget_identities
from limen.hooks.ask import Hooks
from limen.mfa.manage import forget_factors
from limen.oauth.authorization.undo_sign_in import undo_sign_in
from limen.oauth.clients import Clients
from limen.oauth.events import ClientDisabled, ConsentWithdrawn
from limen.oauth.logout.back_channel import notify_clients
from limen.oauth.pending.take_back import take_back_approvals
from limen.oauth.registry.register_client import register_built_in_client
from limen.oauth.trust.link_subject import forget_linked_subjects
from limen.sessions.events import SessionEnded, SessionStarted
from limen.signin.ask_after_sign_in import ask_after_sign_in
from limen.signin.steps.forget import forget_underway
from limen.tenants.events import TenantCreated
from limen.tokens.events import RefreshReused
from limen.vault.erasing.erase import on_account_closed, on_account_reclaimed
from limen.vault.events import Connected
from limen.vault.parts import Parts as VaultParts


def reactions(
    *, envelope: Envelope, clients: Clients, hooks: Hooks, vault: VaultParts
) -> Reactions:
    """Return who reacts to what."""

    async def name_of(work: Work, client_id: str) -> str:
        client = await clients.find(work, client_id)
        return "" if client is None else client.name

    return {
        TenantCreated: (_built_in_client,),
        UserDisabled: (nobody_above, keep_an_owner, forget_underway),
        UserEnabled: (nobody_above,),
        PasswordChangeRequired: (nobody_above,),
        AccountClosed: (
            nobody_above,
            keep_an_owner,
            forget_identities,
            forget_profile,
            forget_linked_subjects,
            forget_factors,
            forget_underway,
            on_account_closed(vault),
        ),
        AccountReclaimed: (
            forget_identities,
            forget_profile,
            forget_linked_subjects,
            forget_factors,
            forget_underway,
            on_account_reclaimed(vault),
        ),
        PasswordChanged: (forget_underway, take_back_approvals),
        ConsentWithdrawn: (take_back_approvals,),
        ClientDisabled: (take_back_approvals,),
        SessionStarted: (ask_after_sign_in(vault.works, hooks),),
        SessionEnded: (undo_sign_in, notify_clients(clients)),
        Connected: (ask_anew,),
        RefreshReused: (tell_of_reuse(envelope, name_of=name_of),),
    }


async def _built_in_client(work: Work, _event: Any) -> None:
    await register_built_in_client(work)
