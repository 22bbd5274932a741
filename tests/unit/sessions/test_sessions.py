from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from limen.audit.search import AuditFilters, search
from limen.db.work import Work
from limen.kernel.actor import SYSTEM
from limen.kernel.errors import NotAuthenticated, NotFound
from limen.kernel.secret import Secret
from limen.sessions.elevate import elevate
from limen.sessions.end_everything import end_everything
from limen.sessions.host_session import end_host_session, host_session
from limen.sessions.listing import find_session, list_sessions
from limen.sessions.resume import keep_alive, resume
from limen.sessions.revoke import revoke, revoke_all
from limen.sessions.session import Session, Started
from limen.sessions.start import start
from limen.sessions.sweep import sweep
from limen.sessions.tables import sessions
from limen.tenants.policy import DEFAULT_POLICY
from limen.tokens.find_grant import find_grant
from limen.tokens.grant import NewGrant
from limen.tokens.lifetimes import TokenLifetimes
from limen.tokens.principals import put
from limen.tokens.start_grant import start_grant
from tests.house import House

pytestmark = pytest.mark.anyio

IDLE = dt.timedelta(seconds=DEFAULT_POLICY.session_idle_seconds)
ABSOLUTE = dt.timedelta(seconds=DEFAULT_POLICY.session_absolute_seconds)


async def begin(house: House, user_id: str, *, replaces: str | None = None) -> Started:
    return await house.run(
        lambda work: start(
            work, user_id=user_id, amr=("pwd",), user_agent="Browser\n/1", replaces=replaces
        )
    )


async def go_on(house: House, raw: Secret[str] | None) -> Session | None:
    assert raw is not None
    return await house.run(lambda work: resume(work, raw=raw))


async def begin_grant(house: House, user_id: str, session_id: str | None) -> str:
    async def body(work: Work) -> str:
        await put(work, kind="client", principal_id="app")
        new = NewGrant(
            client_id="app",
            user_id=user_id,
            subject=user_id,
            scope=("openid",),
            resources=("https://api.example.com",),
            authenticated_at=work.now,
            session_id=session_id,
            expires_at=work.now + ABSOLUTE if session_id else None,
            refreshable=True,
        )
        lifetimes = TokenLifetimes()
        started = await start_grant(work, envelope=house.envelope, lifetimes=lifetimes, new=new)
        return started.grant.id

    return await house.run(body, actor=SYSTEM)


async def has_ended(house: House, grant_id: str) -> bool:
    grant = await house.run(lambda work: find_grant(work, grant_id=grant_id))
    return grant is None or grant.ended_at is not None


async def test_a_session_goes_on_and_is_kept_as_a_hash(house: House) -> None:
    ada = await house.user()
    begun = await begin(house, ada.id)
    found = await go_on(house, begun.raw)
    assert found == begun.session
    assert found.user_agent == "Browser/1"
    assert begun.raw is not None
    rows = await house.run(
        lambda work: work.execute(
            sa.select(sessions).where(sessions.c.tenant_id == sa.bindparam("tenant_id"))
        )
    )
    assert begun.raw.reveal()[-43:] not in repr(rows.all())


async def test_n179_an_unused_session_is_over_and_use_keeps_it_until_its_absolute_end(
    house: House,
) -> None:
    ada = await house.user()
    unused, used = await begin(house, ada.id), await begin(house, ada.id)
    step = IDLE - dt.timedelta(hours=1)
    elapsed = dt.timedelta()
    while elapsed + step < ABSOLUTE:
        house.clock.advance(step)
        elapsed += step
        assert await go_on(house, used.raw) is not None
    assert await go_on(house, unused.raw) is None
    house.clock.move_to(used.session.expires_at)
    assert await go_on(house, used.raw) is None
    assert not await house.run(lambda work: keep_alive(work, session_id=used.session.id))


async def test_use_is_written_at_most_once_a_minute(house: House) -> None:
    begun = await begin(house, (await house.user()).id)

    async def last_seen() -> dt.datetime:
        found = await house.run(lambda work: find_session(work, begun.session.id))
        assert found is not None
        return found.last_seen_at

    house.clock.advance(dt.timedelta(seconds=50))
    await go_on(house, begun.raw)
    assert await last_seen() == begun.session.last_seen_at
    house.clock.advance(dt.timedelta(seconds=15))
    await go_on(house, begun.raw)
    touched = await last_seen()
    assert touched > begun.session.last_seen_at
    house.clock.advance(dt.timedelta(seconds=61))
    assert await house.run(lambda work: keep_alive(work, session_id=begun.session.id))
    assert await last_seen() > touched


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: "",
        lambda raw: raw[:-1],
        lambda raw: raw + "x",
        lambda raw: raw.replace("lms_", "lmv_"),
        lambda raw: raw.replace("testtenant", "othertenan"),
        lambda raw: raw[:-4] + "AAAA",
        lambda raw: "ä" * 60,
    ],
)
async def test_n185_any_other_cookie_is_nobody(house: House, change: object) -> None:
    begun = await begin(house, (await house.user()).id)
    assert begun.raw is not None
    bad = change(begun.raw.reveal())  # type: ignore[operator]  # a lambda of the table
    assert await go_on(house, Secret(bad)) is None


@pytest.mark.parametrize(
    "raw", ["", "x", "lmv_testtenant_" + "A" * 43, "lms_othertenan_" + "A" * 43]
)
async def test_a_cookie_that_can_not_be_ours_costs_no_query(house: House, raw: str) -> None:
    async def body(work: Work) -> bool:
        assert await resume(work, raw=Secret(raw)) is None
        return work._connection is None

    assert await house.run(body)


async def test_a_session_is_valid_in_its_tenant_alone(house: House) -> None:
    begun = await begin(house, (await house.user()).id)
    other = type(house.site)("othertenan", "other", "http://localhost:8000/t/other", "/t/other")
    assert begun.raw is not None
    assert await house.works.run(other, lambda work: resume(work, raw=begun.raw)) is None  # type: ignore[arg-type]  # asserted above


async def test_a_sign_in_replaces_the_browsers_former_session(house: House) -> None:
    ada = await house.user()
    former = await begin(house, ada.id)
    now = await begin(house, ada.id, replaces=former.session.id)
    assert now.raw != former.raw
    assert await go_on(house, former.raw) is None
    assert await go_on(house, now.raw) is not None
    # One that is over already is no reason to refuse a sign-in.
    for over in (former.session.id, "unknown"):
        assert (await begin(house, ada.id, replaces=over)).raw is not None


async def test_a_session_of_tokens_has_no_cookie(house: House) -> None:
    ada = await house.user()
    begun = await house.run(lambda work: start(work, user_id=ada.id, amr=("pwd",), kind="tokens"))
    assert begun.raw is None
    assert await house.run(lambda work: keep_alive(work, session_id=begun.session.id))
    await house.run(lambda work: revoke(work, session_id=begun.session.id))
    assert not await house.run(lambda work: keep_alive(work, session_id=begun.session.id))


async def test_elevation_renews_cookie_and_proof_and_not_the_absolute_end(house: House) -> None:
    ada = await house.user()
    begun = await begin(house, ada.id)
    house.clock.advance(dt.timedelta(hours=5))
    higher = await house.run(
        lambda work: elevate(work, session_id=begun.session.id, amr=("pwd", "otp"), again=True)
    )
    assert higher.session.id == begun.session.id
    assert higher.session.amr == ("pwd", "otp")
    assert higher.session.authenticated_at == house.clock.now()
    assert higher.session.expires_at == begun.session.expires_at
    assert await go_on(house, begun.raw) is None
    assert await go_on(house, higher.raw) == higher.session
    await house.run(lambda work: revoke(work, session_id=begun.session.id))
    with pytest.raises(NotAuthenticated):
        await house.run(
            lambda work: elevate(work, session_id=begun.session.id, amr=("otp",), again=True)
        )


async def test_a_code_alone_is_no_sign_in(house: House) -> None:
    ada = await house.user()
    begun = await begin(house, ada.id)
    house.clock.advance(dt.timedelta(minutes=20))
    higher = await house.run(
        lambda work: elevate(work, session_id=begun.session.id, amr=("otp", "mfa"), again=False)
    )
    assert higher.session.amr == ("pwd", "otp", "mfa")
    assert higher.session.authenticated_at == begun.session.authenticated_at
    assert await go_on(house, begun.raw) is None
    assert await go_on(house, higher.raw) == higher.session


async def test_a_new_sign_in_makes_no_old_code_new(house: House) -> None:
    ada = await house.user()
    begun = await begin(house, ada.id)

    async def prove(amr: tuple[str, ...], *, again: bool) -> tuple[str, ...]:
        started = await house.run(
            lambda work: elevate(work, session_id=begun.session.id, amr=amr, again=again)
        )
        return started.session.amr

    assert "mfa" in await prove(("otp", "mfa"), again=False)
    house.clock.advance(dt.timedelta(hours=2))
    assert await prove(("pwd",), again=True) == ("pwd",)


async def test_n269_to_sign_out_of_a_hosts_session_is_no_new_sign_in(house: House) -> None:
    ada = await house.user()
    host: dict[str, Any] = {"envelope": house.envelope, "user_id": ada.id, "key": "its own"}

    async def seen() -> Session:
        return await house.run(lambda work: host_session(work, **host, amr=("pwd",)))

    first = await seen()
    house.clock.advance(dt.timedelta(hours=5))
    assert await seen() == first
    await house.run(lambda work: revoke(work, session_id=first.id, reason="signed_out"))
    second = await seen()
    assert second.id != first.id
    assert second.authenticated_at == first.authenticated_at
    await house.run(lambda work: end_everything(work, user_id=ada.id, reason="revoked"))
    everywhere = house.clock.now()
    house.clock.advance(dt.timedelta(hours=5))
    assert (await seen()).authenticated_at == everywhere  # tokens are given, and nothing is fresh
    await house.run(lambda work: end_host_session(work, **host))
    assert (await seen()).authenticated_at == house.clock.now()


async def test_n200_anothers_session_is_not_found(house: House) -> None:
    ada, eve = await house.user(), await house.user()
    begun = await begin(house, ada.id)
    for session_id in (begun.session.id, "unknown"):
        with pytest.raises(NotFound, match="session_not_found"):
            await house.run(
                lambda work, s=session_id: revoke(work, session_id=s, user_id=eve.id)  # type: ignore[misc]  # bound at once
            )
    assert await go_on(house, begun.raw) is not None
    assert await house.run(lambda work: list_sessions(work, user_id=eve.id)) == []
    listed = await house.run(lambda work: list_sessions(work, user_id=ada.id))
    assert [session.id for session in listed] == [begun.session.id]
    await house.run(lambda work: revoke(work, session_id=begun.session.id, user_id=ada.id))
    assert await go_on(house, begun.raw) is None


async def test_ending_a_session_ends_its_tokens_and_no_others(house: House) -> None:
    ada = await house.user()
    one, two = await begin(house, ada.id), await begin(house, ada.id)
    of_one = await begin_grant(house, ada.id, one.session.id)
    of_two = await begin_grant(house, ada.id, two.session.id)
    offline = await begin_grant(house, ada.id, None)
    await house.run(lambda work: revoke(work, session_id=one.session.id))
    ended = [await has_ended(house, grant) for grant in (of_one, of_two, offline)]
    assert ended == [True, False, False]
    await house.run(lambda work: end_everything(work, user_id=ada.id, reason="test"))
    ended = [await has_ended(house, grant) for grant in (of_one, of_two, offline)]
    assert ended == [True, True, True]
    assert await go_on(house, two.raw) is None


async def test_all_sessions_but_one_end_and_each_is_told_once(house: House) -> None:
    ada, eve = await house.user(), await house.user()
    begun = [await begin(house, ada.id) for _ in range(3)]
    of_eve = await begin(house, eve.id)
    kept = begun[1].session.id
    assert await house.run(lambda work: revoke_all(work, user_id=ada.id, except_id=kept)) == 2
    alive = [await go_on(house, each.raw) is not None for each in (*begun, of_eve)]
    assert alive == [False, True, False, True]
    assert await house.run(lambda work: revoke_all(work, user_id=ada.id, except_id=kept)) == 0

    async def told(work: Work) -> int:
        filters = AuditFilters(name="account:session:ended", user_id=ada.id)
        return len((await search(work, filters=filters, key=Secret(bytes(32)))).events)

    assert await house.run(told) == 2


async def test_the_sweep_takes_only_what_is_long_over(house: House) -> None:
    begun = await begin(house, (await house.user()).id)
    house.clock.move_to(begun.session.expires_at + dt.timedelta(days=29))
    assert await house.run(sweep) == 0
    house.clock.advance(dt.timedelta(days=2))
    assert await house.run(sweep) == 1
