"""Signed events of providers: believed by their signature, once, of exactly whom they name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from limen.federation.upstream_clients import NewUpstreamClient, set_upstream_client
from limen.kernel.actor import OPERATOR
from limen.kernel.errors import InvalidInput, MalformedRequest, NotFound
from limen.kernel.secret import Secret
from limen.simulators.serve import CLIENT_ID, CLIENT_SECRET
from limen.vault.push.intake import Sent, take_event
from limen.vault.push.secrets import retire_push_secret, set_push_secret
from limen.vault.push.told import told_by_github, told_by_google, told_by_slack
from tests.simulated import ADA, GRACE
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
SECRET = "what the console of the provider shows"
GITHUB_ADA, GITHUB_GRACE = "1001", "1002"
SLACK = "slack"


async def configured(vault: Vault, provider: str) -> None:
    """Our client at a provider, and what it signs with."""

    async def body(work: Any) -> None:
        new = NewUpstreamClient(
            provider=provider, client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
        )
        await set_upstream_client(work, vault.house.envelope, new=new)
        await set_push_secret(work, vault.parts, provider=provider, raw_secret=Secret(SECRET))

    await vault.run(body, actor=OPERATOR)


async def written(vault: Vault, provider: str, **order: Any) -> Sent:
    """An event as the simulated provider signs it."""
    order = {"client_id": CLIENT_ID, "secret": SECRET, **order}
    [event] = (await vault.simulated.order(provider, events=[order]))["events"]
    return Sent(headers=event["headers"], body=event["body"].encode())


async def deliver(vault: Vault, provider: str, sent: Sent, *, key: str = "testtenant") -> str:
    return await vault.run(
        lambda work: take_event(work, vault.parts, provider=provider, tenant_key=key, sent=sent)
    )


async def standing(vault: Vault, actor: Any, connection_id: str) -> tuple[str, str]:
    shown = await vault.shown(actor, connection_id)
    return shown.state, shown.reason


async def accounts(vault: Vault, provider: str) -> list[str]:
    """Subjects of the people at a simulated provider."""
    return [each["sub"] for each in (await vault.simulated.seen(provider))["accounts"]]


async def test_google_ends_the_grant_of_whom_it_names_alone(vault: Vault) -> None:
    ada = await vault.person()
    one, two = await vault.connect(ada, account=ADA), await vault.connect(ada, account=GRACE)
    assert await deliver(vault, "google", await written(vault, "google", sub=ADA)) == ""
    assert await standing(vault, ada, one) == ("reauth_required", "revoked_at_provider")
    assert await standing(vault, ada, two) == ("active", "")
    [event] = vault.named("provider:event:taken")
    assert (event.provider, event.grants) == ("google", 1)
    again = await written(vault, "google", sub=GRACE, kind="account_disabled")
    await deliver(vault, "google", again)
    assert await standing(vault, ada, two) == ("reauth_required", "account_disabled")


async def test_a_reconnected_account_is_well_again(vault: Vault) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    await deliver(vault, "google", await written(vault, "google", sub=ADA))
    assert await vault.connect(ada, account=ADA, connection_id=connection_id) == connection_id
    assert await standing(vault, ada, connection_id) == ("active", "")


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": ["another client"]},
        {"iss": "https://evil.example/"},
        {"iat": 1},
        {"iat": 4102444800},
        {"jti": None},
        {"nonce": "of an ID token"},
        {"events": None},
    ],
    ids=["aud", "iss", "long ago", "not yet", "jti", "nonce", "events"],
)
async def test_an_event_token_that_is_not_googles_or_not_for_us_ends_nothing(
    vault: Vault, lie: dict[str, Any]
) -> None:
    ada = await vault.person()
    connection_id = await vault.connect(ada, account=ADA)
    sent = await written(vault, "google", sub=ADA, members=lie)
    with pytest.raises(MalformedRequest, match="event_refused"):
        await deliver(vault, "google", sent)
    assert await standing(vault, ada, connection_id) == ("active", "")


async def test_an_event_token_under_another_key_is_refused(vault: Vault) -> None:
    sent = await written(vault, "google", sub=ADA)
    head, claims, _ = sent.body.decode().split(".")
    forged = await written(vault, "google", sub=GRACE)
    tail = forged.body.decode().split(".")[2]
    for body in (f"{head}.{claims}.{tail}", "no token", "é"):
        with pytest.raises(MalformedRequest, match="event_refused"):
            await deliver(vault, "google", Sent(headers={}, body=body.encode()))


async def test_forged_events_make_us_ask_google_once(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await written(vault, "google", sub=ADA)
    head, claims, _ = sent.body.decode().split(".")
    asked: list[str] = []
    fetch = vault.parts.net.fetch

    async def counted(method: str, url: str, **how: Any) -> Any:
        asked.append(url)
        return await fetch(method, url, **how)

    monkeypatch.setattr(vault.parts.net, "fetch", counted)
    for _ in range(5):
        with pytest.raises(MalformedRequest, match="event_refused"):
            await deliver(vault, "google", Sent(headers={}, body=f"{head}.{claims}.AAAA".encode()))
    assert len(asked) == len(set(asked)) <= 2


async def test_an_event_of_nobody_here_is_answered_like_any_other(vault: Vault) -> None:
    assert await deliver(vault, "google", await written(vault, "google", sub="nobody")) == ""
    assert vault.named("connection:grant:reauth_required") == []


async def test_an_event_counts_once(vault: Vault) -> None:
    ada = await vault.person()
    await configured(vault, "github")
    for provider, account in (("google", ADA), ("github", GITHUB_ADA)):
        connection_id = await vault.connect(ada, provider, account=account)
        sent = await written(vault, provider, sub=account)
        await deliver(vault, provider, sent)
        await vault.connect(ada, provider, account=account, connection_id=connection_id)
        assert await deliver(vault, provider, sent) == ""  # heard, and of no effect
        assert await standing(vault, ada, connection_id) == ("active", "")


def under_another_id(sent: Sent) -> Sent:
    """The same bytes with the same signature, as if they were another event."""
    return Sent(headers={**sent.headers, "x-github-delivery": "another"}, body=sent.body)


async def test_an_event_sent_again_under_another_id_ends_nothing_by_itself(vault: Vault) -> None:
    ada = await vault.person()
    await configured(vault, "github")
    connection_id = await vault.connect(ada, "github", account=GITHUB_ADA)
    sent = await written(vault, "github", sub=GITHUB_ADA)
    await deliver(vault, "github", sent)
    await vault.connect(ada, "github", account=GITHUB_ADA, connection_id=connection_id)
    before = sum((await vault.simulated.seen("github"))["calls"].values())
    for _ in range(3):
        assert await deliver(vault, "github", under_another_id(sent)) == ""
    assert await standing(vault, ada, connection_id) == ("active", "")
    # GitHub was asked, and not by each of them.
    assert sum((await vault.simulated.seen("github"))["calls"].values()) == before + 1


async def test_and_it_is_gone_again_when_github_says_so(vault: Vault) -> None:
    ada = await vault.person()
    await configured(vault, "github")
    connection_id = await vault.connect(ada, "github", account=GITHUB_ADA)
    sent = await written(vault, "github", sub=GITHUB_ADA)
    await deliver(vault, "github", sent)
    await vault.connect(ada, "github", account=GITHUB_ADA, connection_id=connection_id)
    await vault.simulated.order("github", revoke_grants=[GITHUB_ADA])
    await deliver(vault, "github", under_another_id(sent))
    assert (await standing(vault, ada, connection_id))[0] == "reauth_required"


async def test_github_ends_the_grant_of_whom_it_names_alone(vault: Vault) -> None:
    ada = await vault.person()
    await configured(vault, "github")
    one = await vault.connect(ada, "github", account=GITHUB_ADA)
    two = await vault.connect(ada, "github", account=GITHUB_GRACE)
    await deliver(vault, "github", await written(vault, "github", sub=GITHUB_ADA))
    assert await standing(vault, ada, one) == ("reauth_required", "revoked_at_provider")
    other = await written(vault, "github", sub=GITHUB_GRACE, kind="other")
    assert await deliver(vault, "github", other) == ""
    assert await standing(vault, ada, two) == ("active", "")


async def test_a_signature_of_somebody_else_is_refused(vault: Vault) -> None:
    ada = await vault.person()
    await configured(vault, "github")
    connection_id = await vault.connect(ada, "github", account=GITHUB_ADA)
    wrong = await written(vault, "github", sub=GITHUB_ADA, secret="another secret")
    good = await written(vault, "github", sub=GITHUB_ADA)
    unsigned = {k: v for k, v in good.headers.items() if k != "x-hub-signature-256"}
    unnamed = {k: v for k, v in good.headers.items() if k != "x-github-delivery"}
    for sent in (
        wrong,
        Sent(headers=good.headers, body=good.body + b" "),
        Sent(headers=unsigned, body=good.body),
        Sent(headers=unnamed, body=good.body),
    ):
        with pytest.raises(MalformedRequest, match="event_refused"):
            await deliver(vault, "github", sent)
    assert await standing(vault, ada, connection_id) == ("active", "")


async def test_slack_names_a_person_or_a_whole_workspace(vault: Vault) -> None:
    ada = await vault.person()
    await configured(vault, SLACK)
    first, second, _ = await accounts(vault, SLACK)
    one = await vault.connect(ada, SLACK, account=first)
    two = await vault.connect(ada, SLACK, account=second)
    await deliver(vault, SLACK, await written(vault, SLACK, sub=first))
    assert await standing(vault, ada, one) == ("reauth_required", "revoked_at_provider")
    assert await standing(vault, ada, two) == ("active", "")
    team = second.partition(":")[0]
    near = await written(vault, SLACK, sub=team[:-1], kind="app_uninstalled")
    await deliver(vault, SLACK, near)
    assert await standing(vault, ada, two) == ("active", "")
    await deliver(vault, SLACK, await written(vault, SLACK, sub=team, kind="app_uninstalled"))
    assert await standing(vault, ada, two) == ("reauth_required", "app_uninstalled")


async def test_slack_is_answered_and_believed_for_five_minutes(vault: Vault) -> None:
    await configured(vault, SLACK)
    asked = await written(vault, SLACK, kind="challenge")
    assert await deliver(vault, SLACK, asked)
    late = await written(vault, SLACK, sub="T1:U1")
    vault.house.clock.advance(dt.timedelta(minutes=5, seconds=2))
    for sent in (asked, late):
        with pytest.raises(MalformedRequest, match="event_refused"):
            await deliver(vault, SLACK, sent)


@pytest.mark.parametrize("timestamp", ["999999999999", "253402300800", "0", "-1", "1e9", ""])
async def test_a_timestamp_that_is_no_moment_is_refused(vault: Vault, timestamp: str) -> None:
    await configured(vault, SLACK)
    sent = await written(vault, SLACK, sub="T1:U1")
    sent.headers["x-slack-request-timestamp"] = timestamp  # type: ignore[index]  # a dict here
    with pytest.raises(MalformedRequest, match="event_refused"):
        await deliver(vault, SLACK, sent)


async def test_without_a_secret_or_at_another_address_nothing_is_believed(vault: Vault) -> None:
    await configured(vault, "github")
    sent = await written(vault, "github", sub=GITHUB_ADA)
    for provider, key in (
        ("github", "othertenan"),
        ("notion", "testtenant"),
        ("slack", "testtenant"),
        ("nobody", "testtenant"),
    ):
        with pytest.raises(NotFound, match="not_found"):
            await deliver(vault, provider, sent, key=key)

    async def bare(work: Any) -> None:
        new = NewUpstreamClient(
            provider="github-app", client_id=CLIENT_ID, raw_secret=Secret(CLIENT_SECRET)
        )
        await set_upstream_client(work, vault.house.envelope, new=new)

    await vault.run(bare, actor=OPERATOR)
    signed_with_nothing = await written(vault, "github-app", sub=GITHUB_ADA, secret="")
    with pytest.raises(MalformedRequest, match="event_refused"):
        await deliver(vault, "github-app", signed_with_nothing)


async def test_only_a_real_secret_of_a_provider_that_signs_with_one_is_kept(vault: Vault) -> None:
    for provider, raw, code in (
        ("google", SECRET, "push_unsupported"),
        ("github", "short", "secret_invalid"),
    ):
        if provider == "github":
            await configured(vault, provider)
        with pytest.raises(InvalidInput, match=code):
            await vault.run(
                lambda work, provider=provider, raw=raw: set_push_secret(  # type: ignore[misc]  # mypy can't infer it
                    work, vault.parts, provider=provider, raw_secret=Secret(raw)
                ),
                actor=OPERATOR,
            )


async def test_a_retired_secret_signs_nothing_that_is_believed(vault: Vault) -> None:
    await configured(vault, "github-app")
    sent = await written(vault, "github-app", sub=GITHUB_ADA)
    await vault.run(lambda work: retire_push_secret(work, provider="github-app"), actor=OPERATOR)
    with pytest.raises(MalformedRequest, match="event_refused"):
        await deliver(vault, "github-app", sent)
    with pytest.raises(NotFound, match="push_secret_not_found"):
        await vault.run(
            lambda work: retire_push_secret(work, provider="github-app"), actor=OPERATOR
        )


def test_what_is_no_event_tells_nothing() -> None:
    told: list[dict[str, Any]] = [
        {},
        {"events": []},
        {"events": {"x": 1}},
        {"sender": {"id": True}},
    ]
    for strange in told:
        assert told_by_google(strange, issuer="x").subjects == ()
        assert told_by_github("github_app_authorization", {"action": "revoked", **strange}) == (
            told_by_github("", {})
        )
        assert told_by_slack({"type": "event_callback", "team_id": "T", **strange}).reason == ""
