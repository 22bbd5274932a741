"""With what a provider is asked again about somebody who is away."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from limen.federation.profile import synchronise
from limen.federation.profile.ask import Access
from limen.federation.profile.store import Record
from limen.federation.profile.synchronise import Synchroniser
from limen.federation.profile.words import Words
from limen.federation.provider import ExternalIdentity, TokenAnswer, unidentified
from limen.kernel.errors import ProviderUnavailable
from limen.kernel.secret import Secret
from limen.kernel.site import Site

pytestmark = pytest.mark.anyio
FOUND = ExternalIdentity(issuer="https://op.example", subject="7")


def access(raw: str) -> Access:
    answer = TokenAnswer(
        raw_access=Secret(raw),
        raw_refresh=None,
        expires_in=None,
        scope=None,
        raw_id_token=None,
        members={},
    )
    return Access(answer=answer)


class Asked:
    """A synchroniser with a connection's token and what a sign-in left; notes which it shows."""

    def __init__(self, patch: pytest.MonkeyPatch, *, refuses: dict[str, Exception]) -> None:
        self.shown: list[str] = []

        async def token_of(*_: Any) -> Secret[str]:
            return Secret("connection")

        async def left(*_: Any) -> Access:
            return access("sign-in")

        async def ask(*_: Any, access: Access, **__: Any) -> ExternalIdentity:
            raw = access.answer.raw_access.reveal()
            self.shown.append(raw)
            if raw in refuses:
                raise refuses[raw]
            return FOUND

        self.synchroniser = Synchroniser(None, token_of=token_of)  # type: ignore[arg-type]  # unused
        patch.setattr(self.synchroniser, "_by_sign_in", left, raising=True)
        patch.setattr(synchronise, "ask_profile", ask)

    async def go(self, site: Site) -> ExternalIdentity | None:
        now = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
        members: dict[str, Any] = dict.fromkeys(Record.__dataclass_fields__)
        record = Record(**{**members, "issuer": FOUND.issuer, "subject": "7", "last_sync_at": now})
        return await self.synchroniser._identity_of(
            site,
            record,
            None,  # type: ignore[arg-type]  # nobody is called
            before=Words(),
        )


async def test_a_token_that_does_not_say_whose_it_is_is_not_the_last_word(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    """At Microsoft an ID token alone says it, and comes with what a sign-in left."""
    asked = Asked(monkeypatch, refuses={"connection": unidentified("microsoft", "no tid")})
    assert await asked.go(site) == FOUND
    assert asked.shown == ["connection", "sign-in"]


async def test_one_that_does_is_enough(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    asked = Asked(monkeypatch, refuses={})
    assert await asked.go(site) == FOUND
    assert asked.shown == ["connection"]


async def test_without_any_nobody_is_asked_until_they_sign_in(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    silent = unidentified("microsoft", "no tid")
    asked = Asked(monkeypatch, refuses={"connection": silent, "sign-in": silent})
    assert await asked.go(site) is None


async def test_a_provider_that_is_away_is_asked_later(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    asked = Asked(monkeypatch, refuses={"connection": ProviderUnavailable()})
    with pytest.raises(ProviderUnavailable):
        await asked.go(site)
    assert asked.shown == ["connection"]
