"""Choose a new password by the mailed link: shorter for whoever has a second factor."""

from __future__ import annotations

from limen.accounts import recover
from limen.db.work import Work
from limen.kernel.secret import Secret
from limen.mfa.factors import has_second_factor
from limen.signin.door import Door


async def reset_password(
    work: Work, *, raw_token: Secret[str], raw_password: Secret[str], door: Door
) -> None:
    """Set the password. Signs nobody in, and takes no second factor away (N148).

    Raises:
        InvalidInput: As ``accounts.recover.reset_password``.
    """
    user = await recover.check_reset_link(work, raw_token=raw_token)
    await recover.reset_password(
        work,
        raw_token=raw_token,
        raw_password=raw_password,
        hasher=door.hasher,
        envelope=door.envelope,
        has_mfa=await has_second_factor(work, user.id),
    )
