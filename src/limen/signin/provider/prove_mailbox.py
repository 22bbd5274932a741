"""An account with this address exists: prove its mailbox, then this account elsewhere opens it.

The proof is a code, typed in the browser that signs in, and no link: whoever opens a link in
their mail would let in the stranger who had it sent. It is bound to one external account and
one sign-in under way (N131), and says in the mail which account that is.
"""

from __future__ import annotations

import datetime as dt
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from limen.accounts import directory
from limen.accounts.links.mail_link import code_mac
from limen.accounts.links.take_over import prove_mailbox_of
from limen.accounts.links.tell_of_link import mail_link_code, tell_of_link
from limen.accounts.user import User
from limen.db.work import Work
from limen.federation.events import IdentityRefused
from limen.federation.identities import link_identity
from limen.federation.parts import Parts
from limen.kernel.errors import Conflict, InvalidInput, NotAuthenticated, Throttled
from limen.kernel.secret import Secret
from limen.kernel.tokens import mint, read, token_hash
from limen.mfa.factors import has_second_factor
from limen.signin.provider import store
from limen.signin.provider.proven import Proven, open_proven, seal_proven
from limen.signin.provider.rules import check_account
from limen.signin.provider.settle import AddressTaken, keep_what_it_says
from limen.signin.provider.store import Kept

KIND: Final = "lmq"
TTL: Final = dt.timedelta(minutes=15)
_WAIT_SECONDS: Final = 60
_CODE_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofNeeded:
    """Somebody has to prove a mailbox before they are in.

    Args:
        raw_token: Names this sign-in, in the browser or program that began it, and opens
            nothing.
        title: What people call the provider.
        label: The account there, as its person knows it.
    """

    raw_token: Secret[str]
    title: str
    label: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person is shown while they look for the mail.

    Args:
        address: The mailbox; the provider told it, so that who is here knows it already.
        was_sent: Whether a code is under way.
    """

    title: str
    label: str
    address: str
    was_sent: bool
    detail: Mapping[str, Any]


async def ask_for_proof(
    work: Work, parts: Parts, *, proven: Proven, taken: AddressTaken, detail: Mapping[str, Any]
) -> ProofNeeded:
    """Remember a sign-in that has to prove a mailbox first; no mail leaves until it is wanted.

    Args:
        work: The transaction; nothing of the account is touched in it.
        parts: Federation's.
        proven: The account elsewhere.
        taken: Whose address it has.
        detail: What is needed to go on afterwards; no secret.
    """
    raw = mint(KIND, work.tenant_id)
    hashed, expires_at = token_hash(raw), work.now + TTL
    await store.add(
        work,
        token_hash=hashed,
        kind="proof",
        binding_hash=b"",
        user_id=taken.user_id,
        address=taken.address,
        sealed_identity=await seal_proven(work, parts.envelope, proven=proven, token_hash=hashed),
        detail=dict(detail),
        expires_at=expires_at,
    )
    await work.record(
        IdentityRefused(user_id=taken.user_id, provider=proven.provider, reason="address_taken")
    )
    return ProofNeeded(
        raw_token=raw,
        title=proven.title,
        label=proven.identity.label,
        expires_at=expires_at,
    )


async def show_proof(work: Work, parts: Parts, *, raw_token: Secret[str]) -> Asked:
    """Return what a person is shown.

    Raises:
        NotAuthenticated: ``sign_in_over``.
    """
    kept = await _find(work, raw_token)
    proven = await _open(work, parts, kept)
    return Asked(
        title=proven.title,
        label=proven.identity.label,
        address=kept.address,
        was_sent=kept.code_mac is not None,
        detail=kept.detail,
    )


async def mail_proof(work: Work, parts: Parts, *, raw_token: Secret[str]) -> None:
    """Mail a code; the one before dies. Three for each sign-in, one a minute to each person.

    Raises:
        NotAuthenticated: ``sign_in_over``.
        Throttled: ``too_many_mails``.
    """
    kept = await _find(work, raw_token)
    proven = await _open(work, parts, kept)
    user = await directory.find_user(work, kept.user_id)
    if user is None or not user.is_active or user.email != kept.address:
        raise _over()
    code = Secret(str(secrets.randbelow(10**_CODE_DIGITS)).zfill(_CODE_DIGITS))
    mac = await code_mac(work, parts.envelope, token_id=kept.token_hash.hex(), raw_code=code)
    if not (
        await store.set_code(work, hashed=kept.token_hash, code_mac=mac)
        and await mail_link_code(
            work, envelope=parts.envelope, user=user, about=proven.about, raw_code=code
        )
    ):
        text = "We sent a mail a moment ago. Wait a minute, or begin again."
        raise Throttled("too_many_mails", text, retry_after_seconds=_WAIT_SECONDS)


async def take_proof(
    work: Work, parts: Parts, *, raw_token: Secret[str], raw_code: Secret[str]
) -> tuple[User, Mapping[str, Any]]:
    """Prove the mailbox by the code, and let the account elsewhere sign its person in.

    A guess is counted, durably, before it is compared. Atomic: of any number of concurrent
    callers one succeeds.

    Args:
        work: Nothing written in it yet.
        parts: Federation's.
        raw_token: Of the sign-in under way.
        raw_code: As typed.

    Returns:
        Whose account it is, and what was remembered to go on.

    Raises:
        NotAuthenticated: ``sign_in_over``.
        InvalidInput: ``code_invalid``.
        Conflict: ``identity_in_use``: the account elsewhere is somebody's meanwhile;
            ``sign_in_to_link``: the account has a second factor.
        NotPermitted: As ``check_account``.
    """
    hashed = (await _find(work, raw_token)).token_hash
    await work.let_go()

    async def count(counting: Work) -> Kept | None:
        return await store.spend_attempt(counting, hashed=hashed)

    counted = await parts.works.run(work.site, count, actor=work.actor)
    typed = Secret(raw_code.reveal().replace(" ", "").replace("-", ""))
    mac = await code_mac(work, parts.envelope, token_id=hashed.hex(), raw_code=typed)
    if counted is None or not hmac.compare_digest(mac, counted.code_mac or b""):
        raise _code_invalid()
    kept = await store.take_kept(work, kind="proof", hashed=hashed)
    if kept is None or kept.code_mac != counted.code_mac:
        raise _code_invalid()
    proven = await _open(work, parts, kept)
    check_account(work, identity=proven.identity, provider=proven.provider)
    user = await prove_mailbox_of(work, user_id=kept.user_id, address=kept.address)
    if user is None:
        raise _over()
    if await has_second_factor(work, user.id):
        # A mailbox alone adds no way in to an account that two factors guard (N148's relative).
        raise Conflict(
            "sign_in_to_link",
            f"Your account has two-step sign-in. Sign in the way you did before, and add "
            f"{proven.title} on your account page.",
        )
    await _link(work, parts, proven=proven, user=user)
    return user, kept.detail


async def _link(work: Work, parts: Parts, *, proven: Proven, user: User) -> None:
    if not await link_identity(
        work, identity=proven.identity, user_id=user.id, provider=proven.provider
    ):
        raise Conflict(
            "identity_in_use", "That account signs somebody in already. Please sign in again."
        )
    await keep_what_it_says(work, parts, proven=proven, user_id=user.id)
    await tell_of_link(work, envelope=parts.envelope, user=user, about=proven.about)


async def _find(work: Work, raw_token: Secret[str]) -> Kept:
    told = read(raw_token, kind=KIND)
    kept = None
    if told is not None and told.tenant_id == work.tenant_id:
        kept = await store.find(work, kind="proof", hashed=token_hash(raw_token))
    if kept is None:
        raise _over()
    return kept


async def _open(work: Work, parts: Parts, kept: Kept) -> Proven:
    return await open_proven(
        work, parts.envelope, sealed=kept.sealed_identity, token_hash=kept.token_hash
    )


def _over() -> NotAuthenticated:
    return NotAuthenticated("sign_in_over", "This sign-in took too long. Sign in again.")


def _code_invalid() -> InvalidInput:
    text = "This code is not right, was used, or is too old. After five tries ask for a new one."
    return InvalidInput("code_invalid", text, field="code")
