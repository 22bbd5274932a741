"""Whether somebody proved who they are a short while ago."""

from __future__ import annotations

import datetime as dt

from limen.db.work import Work
from limen.kernel.errors import NotAuthenticated, ReauthenticationRequired
from limen.tenants import policy_of


def check_recent(work: Work, *, public: str) -> None:
    """Refuse what would take an account over unless its person signed in lately.

    Args:
        work: The transaction; its actor is asked about.
        public: What to do, in words.

    Raises:
        NotAuthenticated: Nobody is signed in.
        ReauthenticationRequired: The sign-in is not recent.
    """
    actor = work.actor
    if actor.kind != "user":
        raise NotAuthenticated
    recent = dt.timedelta(minutes=policy_of(work).fresh_minutes)
    if actor.authenticated_at is None or work.now - actor.authenticated_at > recent:
        raise ReauthenticationRequired(public=public)
