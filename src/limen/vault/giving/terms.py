"""Under what terms a credential is held, or a token that was given for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from limen.federation.provider import Provider
from limen.kernel.secret import Secret
from limen.vault.credentials.prove import Proven
from limen.vault.model import Terms, Tokens
from limen.vault.refresh.terms import Before, terms_of


def terms_for(
    proven: Proven,
    *,
    provider: Provider,
    scopes: Sequence[str],
    jitter: float,
    raw_lasting: Secret[str] | None,
    now: dt.datetime,
) -> Terms:
    """Return the terms of what was proved.

    Args:
        proven: What the provider took.
        provider: As the credential meets it.
        scopes: What a token was asked for; its answer may name others.
        jitter: Of the grant: when in a token's life another is fetched.
        raw_lasting: What tokens are fetched with; ``None`` where calls are made with the
            credential itself, which nobody tells the end of.
        now: When it was asked for.
    """
    if proven.answer is None:
        return Terms(
            scopes=(),
            requested_at=now,
            expires_at=None,
            lifetime_seconds=None,
            next_refresh_at=None,
            consented_at=now,
            refresh_ends_at=None,
            reconnect_by=None,
            remind_at=None,
        )
    before = Before(
        raw_refresh=raw_lasting,
        scopes=tuple(scopes),
        lifetime_seconds=None,
        jitter=jitter,
        consented_at=now,
    )
    terms = terms_of(proven.answer, before, provider=provider, requested_at=now)
    # Nobody has to come back for it: what it ends by is not known.
    return replace(terms, refresh_ends_at=None, reconnect_by=None, remind_at=None)


def tokens_of(proven: Proven, *, raw_lasting: Secret[str] | None) -> Tokens:
    """Return what is sealed: what calls are made with, and what that is fetched with."""
    return Tokens(raw_access=proven.raw_access, raw_refresh=raw_lasting)
