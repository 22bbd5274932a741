"""Say whom another issuer's ``sub`` stands for."""

from __future__ import annotations

from limen.accounts.directory import get_user
from limen.accounts.events import AccountClosed, AccountReclaimed
from limen.db.work import Work
from limen.kernel.errors import Conflict, InvalidInput, NotFound
from limen.oauth.trust import store
from limen.oauth.trust.events import SubjectLinked, SubjectUnlinked
from limen.oauth.trust.issuer import LinkedSubject
from limen.oauth.trust.trust_issuer import get_trusted_issuer

MAX_SUBJECT_CHARACTERS = 255


async def link_subject(work: Work, *, issuer_id: str, subject: str, user_id: str) -> None:
    """Let a subject stand for a user.

    Raises:
        NotFound: ``trusted_issuer_not_found`` or ``user_not_found``.
        InvalidInput: ``subject_invalid``.
        Conflict: ``subject_linked``: it stands for somebody; unlink it first.
    """
    if not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise InvalidInput("subject_invalid", "Not a subject.", field="subject")
    trusted = await get_trusted_issuer(work, issuer_id=issuer_id)
    await get_user(work, user_id)
    if not await store.link_subject(work, issuer_id=issuer_id, subject=subject, user_id=user_id):
        raise Conflict("subject_linked", "This subject stands for somebody already.")
    await work.record(SubjectLinked(issuer=trusted.issuer, user_id=user_id))


async def unlink_subject(work: Work, *, issuer_id: str, subject: str) -> None:
    """Let a subject stand for nobody.

    Raises:
        NotFound: ``trusted_issuer_not_found`` or ``subject_not_found``.
    """
    trusted = await get_trusted_issuer(work, issuer_id=issuer_id)
    user_id = await store.unlink_subject(work, issuer_id=issuer_id, subject=subject)
    if user_id is None:
        raise NotFound("subject_not_found", "This subject stands for nobody.")
    await work.record(SubjectUnlinked(issuer=trusted.issuer, user_id=user_id))


async def list_linked_subjects(
    work: Work, *, issuer_id: str, after: str, limit: int
) -> list[LinkedSubject]:
    """Return whom an issuer's subjects stand for.

    Raises:
        NotFound: ``trusted_issuer_not_found``.
    """
    await get_trusted_issuer(work, issuer_id=issuer_id)
    return await store.list_subjects(work, issuer_id, after=after, most=limit)


async def forget_linked_subjects(work: Work, event: AccountClosed | AccountReclaimed) -> None:
    """Unlink everything: the account is closed, or its mailbox's owner took it over (N130)."""
    await store.forget_user(work, event.user_id)
