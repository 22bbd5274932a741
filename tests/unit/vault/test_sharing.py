"""Clients use what owners share with them, as far as an administrator lets them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

from limen.federation.describe_provider import Described, put_override
from limen.hooks.ask import Hooks
from limen.hooks.model import HookAnswer, InProcess, Question
from limen.kernel.actor import Actor
from limen.kernel.errors import (
    InvalidInput,
    NotFound,
    NotPermitted,
    OAuthRefusal,
)
from limen.kernel.secret import Secret
from limen.oauth.caller import Caller
from limen.oauth.exchange.case import Case
from limen.oauth.exchange.policy import ExchangePolicy
from limen.oauth.exchange.subject import Subject
from limen.oauth.granted import Handed
from limen.protocol.token_exchange import ACCESS_TOKEN, PresentedToken, TokenExchangeRequest
from limen.vault.endpoints.owner import Caller as ConnectionCaller
from limen.vault.endpoints.owner import caller_of
from limen.vault.model import TENANT_OWNER
from limen.vault.proxy.prepare import ProxiedCall, prepare
from limen.vault.release.exchange import ConnectionTarget
from limen.vault.sharing.consents import Wish, list_shared, share, switch_off, unshare
from limen.vault.sharing.policy import Mode, get_release_policy, set_release_policy
from limen.vault.token_for import Released
from tests.simulated import ADA, GRACE
from tests.vaults import Vault

pytestmark = pytest.mark.anyio
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"
DRIVE = "https://www.googleapis.com/auth/drive.readonly"


async def agree(vault: Vault, actor: Actor, id_: str, client: str, *features: str) -> None:
    wanted = features or ("calendar_read",)
    wish = Wish(connection_id=id_, client_id=client, features=wanted, mode="raw")
    await vault.run(
        lambda work: share(work, vault.parts, owner_id=actor.id, wish=wish), actor=actor
    )


async def allow(vault: Vault, client: str, mode: Mode = "raw") -> None:
    await vault.run(lambda work: set_release_policy(work, vault.parts, client_id=client, mode=mode))


async def shared(vault: Vault, *features: str) -> tuple[Actor, str, str]:
    """Somebody whose calendar a client may read."""
    ada, client = await vault.person(), await vault.client()
    connection_id = await vault.connect(ada, account=ADA, features=features or ("calendar_read",))
    await allow(vault, client)
    await agree(vault, ada, connection_id, client)
    return ada, connection_id, client


async def given(vault: Vault, actor: Actor, id_: str, client: str, **wanted: Any) -> Released:
    return await vault.token(actor, id_, client_id=client, **wanted)


async def test_a_client_is_given_the_token_its_owner_shares(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    assert (await given(vault, ada, connection_id, client)).raw_access
    own = await vault.token(ada, connection_id)
    assert (await given(vault, ada, connection_id, client)).raw_access == own.raw_access


async def test_nothing_without_a_policy(vault: Vault) -> None:
    ada, client = await vault.person(), await vault.client()
    connection_id = await vault.connect(ada, account=ADA, features=("calendar_read",))
    await agree(vault, ada, connection_id, client)
    assert await vault.run(lambda work: get_release_policy(work, client_id=client)) == "none"
    for mode in ("", "none"):
        if mode:
            await allow(vault, client, "none")
        with pytest.raises(NotPermitted, match="release_not_allowed"):
            await given(vault, ada, connection_id, client)
        with pytest.raises(NotPermitted, match="release_not_allowed"):
            await given(vault, ada, connection_id, client, use="proxy")


async def test_a_client_that_may_use_the_proxy_is_given_no_token(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    await allow(vault, client, "proxy")
    with pytest.raises(NotPermitted, match="release_by_proxy_only"):
        await given(vault, ada, connection_id, client)
    assert (await given(vault, ada, connection_id, client, use="proxy")).raw_access


async def test_nothing_without_the_owners_consent(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    other = await vault.client()
    await allow(vault, other)
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, ada, connection_id, other)
    second = await vault.connect(ada, account=GRACE, features=("calendar_read",))
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, ada, second, client)


async def test_a_consent_is_for_the_features_it_names(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault, "calendar_read", "drive_read")
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, ada, connection_id, client, use="proxy", feature="drive_read")
    assert (
        await given(vault, ada, connection_id, client, use="proxy", feature="calendar_read")
    ).raw_access


async def test_a_token_that_allows_more_than_was_agreed_does_not_leave(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    assert (await given(vault, ada, connection_id, client)).raw_access
    # Another app has the person give more: what this client holds must not grow with it.
    await vault.connect(ada, account=ADA, connection_id=connection_id, features=("drive_read",))
    with pytest.raises(NotPermitted, match="release_too_broad"):
        await given(vault, ada, connection_id, client)
    await agree(vault, ada, connection_id, client, "calendar_read", "drive_read")
    assert (await given(vault, ada, connection_id, client)).raw_access


async def test_what_is_taken_back_is_given_no_more(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    mallory = await vault.person()

    async def take_back(actor: Actor) -> None:
        await vault.run(
            lambda work: unshare(
                work, owner_id=actor.id, connection_id=connection_id, client_id=client
            ),
            actor=actor,
        )

    with pytest.raises(NotFound, match="connection_consent_not_found"):
        await take_back(mallory)
    assert (await given(vault, ada, connection_id, client)).raw_access
    await take_back(ada)
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, ada, connection_id, client)
    with pytest.raises(NotFound, match="connection_consent_not_found"):
        await take_back(ada)


async def test_a_feature_that_is_switched_off_serves_no_client(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault, "calendar_read", "drive_read")
    await agree(vault, ada, connection_id, client, "calendar_read", "drive_read")
    assert (await given(vault, ada, connection_id, client)).raw_access

    async def stop(feature: str) -> None:
        await vault.run(
            lambda work: switch_off(
                work, vault.parts, owner_id=ada.id, connection_id=connection_id, feature=feature
            ),
            actor=ada,
        )

    # The token still carries the scopes: it leaves no more, also to who names no feature.
    await stop("drive_read")
    with pytest.raises(NotPermitted, match="release_too_broad"):
        await given(vault, ada, connection_id, client)
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, ada, connection_id, client, use="proxy", feature="drive_read")
    await stop("calendar_read")
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, ada, connection_id, client, use="proxy")


async def test_an_administrators_override_agrees_to_nothing(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault, "calendar_read", "drive_read")
    await allow(vault, client, "proxy")
    own = {"identity_scopes": ["openid", "email", DRIVE]}

    async def override(work: Any) -> None:
        described = Described(id="google", document=own)
        providers = vault.parts.federation.registry.providers
        await put_override(work, providers=providers, described=described)

    await vault.run(override)
    wanted = ConnectionCaller(owner_id=ada.id, client_id=client, reader="").wanted(connection_id)
    call = ProxiedCall(
        reader="", method="GET", host="www.googleapis.com", path="/drive/v3/files", query=""
    )
    with pytest.raises(NotPermitted, match="release_too_broad"):
        await vault.run(lambda work: prepare(work, vault.parts, wanted=wanted, call=call))


async def test_nobody_agrees_for_somebody_else(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    mallory = await vault.person()
    with pytest.raises(NotFound, match="connection_not_found"):
        await agree(vault, mallory, connection_id, client)
    app = dataclasses.replace(ada, client_id=client, scope=frozenset({"connections:share"}))
    with pytest.raises(NotPermitted, match="first_party_only"):
        await agree(vault, app, connection_id, client)
    with pytest.raises(NotFound, match="client_not_found"):
        await agree(vault, ada, connection_id, "no-such-client")
    with pytest.raises(InvalidInput, match="feature_inactive"):
        await agree(vault, ada, connection_id, client, "drive_read")
    listed = await vault.run(lambda work: list_shared(work, owner_id=mallory.id))
    assert listed == []


@pytest.mark.parametrize(
    ("scope", "client_id", "is_owner"),
    [
        (None, "", True),
        (frozenset({"limen:full"}), "limen", True),
        (frozenset({"connections:token"}), "limen-api-keys", True),
        (frozenset({"connections:token"}), "app", False),
        (frozenset(), "app", False),
    ],
    ids=["browser", "first-party", "own-key", "app", "app-without-scope"],
)
async def test_who_is_the_owner_and_who_needs_consent(
    vault: Vault, scope: frozenset[str] | None, client_id: str, *, is_owner: bool
) -> None:
    ada = await vault.person()
    actor = dataclasses.replace(ada, scope=scope, client_id=client_id)
    caller = await vault.run(lambda work: caller_of(work, "me"), actor=actor)
    assert caller.owner_id == ada.id
    assert (caller.client_id == "") is is_owner


async def test_a_machine_uses_what_the_tenant_shares_with_it(vault: Vault) -> None:
    admin, client = await vault.administrator(), await vault.client()
    connection_id = await vault.connect(
        admin, account=ADA, features=("calendar_read",), for_tenant=True
    )
    machine = Actor("client", id=client, client_id=client, scope=frozenset({"connections:token"}))
    caller = await vault.run(lambda work: caller_of(work, "me"), actor=machine)
    assert caller == ConnectionCaller(
        owner_id=TENANT_OWNER, client_id=client, reader=f"client:{client}"
    )
    tenant = dataclasses.replace(admin, id=TENANT_OWNER)
    await allow(vault, client)
    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(vault, tenant, connection_id, client)
    wish = Wish(
        connection_id=connection_id, client_id=client, features=("calendar_read",), mode="raw"
    )
    await vault.run(
        lambda work: share(work, vault.parts, owner_id=TENANT_OWNER, wish=wish), actor=admin
    )
    assert (await given(vault, tenant, connection_id, client)).raw_access


# -- token exchange -----------------------------------------------------------------------------


async def exchange(
    vault: Vault, actor: Actor, client_id: str, audience: str, **changes: Any
) -> Handed:
    request = TokenExchangeRequest(
        subject=PresentedToken(raw=Secret("x"), type=ACCESS_TOKEN),
        actor=None,
        requested_type=ACCESS_TOKEN,
        resource=changes.get("resource"),
        audience=audience,
        scope=changes.get("scope"),
        extensions=changes.get("extensions", {}),
    )
    target = ConnectionTarget(vault.parts)

    async def body(work: Any) -> Handed:
        client = await vault.parts.clients.fresh(work, client_id)
        assert client is not None
        case = Case(
            caller=Caller(client=client, bound_to=""),
            policy=ExchangePolicy(audiences=changes.get("audiences", ("urn:limen:connection:*",))),
            subject=Subject(
                user_id=actor.id,
                client_id=client_id,
                subject=actor.id,
                issuer=changes.get("issuer", ""),
                scope=changes.get("subject_scope", ("connections:token",)),
                expires_at=work.now + dt.timedelta(hours=1),
            ),
            request=request,
        )
        assert target.is_for(request, issuer=work.site.issuer)
        return await target.exchange(work, case=case)

    return await vault.run(body)


async def test_a_token_is_exchanged_for_a_third_partys(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    own = await vault.token(ada, connection_id)
    handed = await exchange(vault, ada, client, f"urn:limen:connection:{connection_id}")
    assert handed.raw == own.raw_access
    assert CALENDAR in handed.scope
    assert handed.issued_type == ACCESS_TOKEN
    assert handed.expires_in is not None
    by_url = f"{vault.house.site.issuer}/api/v1/oauth/connections/{connection_id}"
    assert (await exchange(vault, ada, client, by_url)).raw == own.raw_access
    narrow = await exchange(vault, ada, client, by_url, scope=(CALENDAR,))
    assert set(narrow.scope) == set(own.scopes)  # the answer says what it carries
    readers = {event.reader for event in vault.named("connection:token:released")}
    assert f"client:{client}" in readers


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        ((), False),
        (("openid", "email"), False),
        (("connections:read", "connections:proxy"), False),
        (("openid", "connections:token"), True),
        (("limen:full",), True),
    ],
    ids=["none", "sign-in", "others", "covers", "first-party"],
)
async def test_a_subject_token_covers_connections_or_opens_none(
    vault: Vault, scope: tuple[str, ...], *, covers: bool
) -> None:
    ada, connection_id, client = await shared(vault)
    urn = f"urn:limen:connection:{connection_id}"
    if covers:
        assert (await exchange(vault, ada, client, urn, subject_scope=scope)).raw
        return
    audiences = ("urn:limen:connection:*", "urn:limen:provider:*")
    for audience in (urn, "urn:limen:provider:google"):
        with pytest.raises(OAuthRefusal, match="invalid_request") as refused:
            await exchange(vault, ada, client, audience, subject_scope=scope, audiences=audiences)
        assert refused.value.closer == "insufficient_scope"


@pytest.mark.parametrize("bad", ["-1", "x", "", "1.5", "99999999999", "٣"], ids=ascii)
async def test_a_number_of_ours_is_one(vault: Vault, bad: str) -> None:
    ada, connection_id, client = await shared(vault)
    for name in ("limen_min_ttl", "limen_seen_generation"):
        with pytest.raises(OAuthRefusal, match="invalid_request"):
            await exchange(
                vault,
                ada,
                client,
                f"urn:limen:connection:{connection_id}",
                extensions={name: bad},
            )


async def test_f12_an_exchange_names_the_generation_that_was_refused(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    urn = f"urn:limen:connection:{connection_id}"
    first = await exchange(vault, ada, client, urn)
    assert first.more == {"limen_connection": connection_id, "limen_generation": 1}
    vault.house.clock.advance(dt.timedelta(minutes=2))
    newer = await exchange(vault, ada, client, urn, extensions={"limen_seen_generation": "1"})
    assert newer.more["limen_generation"] == 2
    assert newer.raw != first.raw
    with pytest.raises(OAuthRefusal) as refused:
        await exchange(vault, ada, client, urn, extensions={"limen_feature": "drive_read"})
    assert refused.value.closer == "connection_consent_required"


async def test_an_exchange_is_within_policy_and_consent(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    mallory = await vault.person()
    urn = f"urn:limen:connection:{connection_id}"
    for actor, audience, changes, code in (
        (ada, urn, {"audiences": ()}, "invalid_target"),
        (ada, urn, {"issuer": "https://idp.example"}, "invalid_target"),
        (ada, urn, {"audiences": ("urn:limen:connection:other",)}, "invalid_target"),
        (mallory, urn, {}, "invalid_target"),
        (ada, "urn:limen:connection:other", {}, "invalid_target"),
        (ada, urn, {"scope": ("https://www.googleapis.com/auth/drive",)}, "invalid_scope"),
    ):
        with pytest.raises(OAuthRefusal, match=code):
            await exchange(vault, actor, client, audience, **changes)


async def test_a_provider_is_named_where_one_connection_is_shared(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    second = await vault.connect(ada, account=GRACE, features=("calendar_read",))
    audiences = {"audiences": ("urn:limen:provider:google",)}
    own = await vault.token(ada, connection_id)
    handed = await exchange(vault, ada, client, "urn:limen:provider:google", **audiences)
    assert handed.raw == own.raw_access
    await agree(vault, ada, second, client)
    with pytest.raises(OAuthRefusal, match="invalid_target"):
        await exchange(vault, ada, client, "urn:limen:provider:google", **audiences)


@pytest.mark.parametrize(
    "audience",
    [
        "https://api.example",
        "urn:limen:connection:",
        "urn:limen:connection:a/b",
        "https://evil.example/api/v1/oauth/connections/x",
        "urn:limen:other:x",
    ],
    ids=["api", "empty", "path", "elsewhere", "other"],
)
async def test_other_targets_are_left_to_others(vault: Vault, audience: str) -> None:
    request = TokenExchangeRequest(
        subject=PresentedToken(raw=Secret("x"), type=ACCESS_TOKEN),
        actor=None,
        requested_type=ACCESS_TOKEN,
        resource=None,
        audience=audience,
        scope=None,
    )
    assert not ConnectionTarget(vault.parts).is_for(request, issuer=vault.house.site.issuer)


# -- hooks --------------------------------------------------------------------------------------


def with_hook(vault: Vault, hook: InProcess) -> Vault:
    """The same vault, whose releases a hook of the host application is asked about."""
    hooks = Hooks(
        net=vault.parts.net, envelope=vault.house.envelope, in_process={"before_token": (hook,)}
    )
    federation = dataclasses.replace(vault.parts.federation, hooks=hooks)
    return dataclasses.replace(vault, parts=dataclasses.replace(vault.parts, federation=federation))


async def test_hooks_are_asked_before_a_client_is_given_a_token_it_has_not(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)
    asked: list[Question] = []
    answers = [HookAnswer(allow=False, reason="Not today."), HookAnswer()]

    async def hook(question: Question) -> HookAnswer:
        asked.append(question)
        return answers[min(len(asked), len(answers)) - 1]

    asking = with_hook(vault, hook)
    urn = f"urn:limen:connection:{connection_id}"
    with pytest.raises(OAuthRefusal, match="access_denied"):
        await exchange(asking, ada, client, urn)
    assert vault.named("connection:token:released") == []
    for _ in range(2):  # what it has it has: nobody is asked again
        assert (await exchange(asking, ada, client, urn)).raw
    assert len(asked) == 2
    assert asked[1]["client_id"] == client
    assert (asked[1]["user_id"], asked[1]["grant_type"]) == (ada.id, "connection")
    assert asked[1]["resource"] == urn
    assert CALENDAR in asked[1]["scope"]
    vault.house.clock.advance(dt.timedelta(minutes=2))
    await exchange(asking, ada, client, urn, extensions={"limen_seen_generation": "1"})
    assert len(asked) == 3
    await asking.token(ada, connection_id)  # its owner needs nobody's leave
    assert len(asked) == 3


async def test_what_is_taken_back_while_a_hook_thinks_is_not_given(vault: Vault) -> None:
    ada, connection_id, client = await shared(vault)

    async def hook(_: Question) -> HookAnswer:
        await vault.run(
            lambda work: unshare(
                work, owner_id=ada.id, connection_id=connection_id, client_id=client
            ),
            actor=ada,
        )
        return HookAnswer()

    with pytest.raises(NotPermitted, match="connection_consent_required"):
        await given(with_hook(vault, hook), ada, connection_id, client)
