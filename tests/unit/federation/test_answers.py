"""What each provider's answers mean, as its users met them; how tokens are read."""

from __future__ import annotations

from typing import Any

import pytest

from limen.federation.catalogue.load import load_entries
from limen.federation.catalogue.override import Override
from limen.federation.facts import Quota, RefreshTtl
from limen.federation.provider import Ask, Exchange, Provider, ProviderAnswer
from limen.federation.registry import Providers
from limen.kernel.secret import Secret


def provider(name: str, **config: Any) -> Provider:
    found = Providers().find(name, config)
    assert found is not None
    return found


def answer(status: int, /, **members: Any) -> ProviderAnswer:
    return ProviderAnswer(status=status, members=members, is_object=True)


@pytest.mark.parametrize(
    ("name", "status", "members", "meaning"),
    [
        # F23, F24: errors with status 200.
        ("github", 200, {"error": "bad_refresh_token"}, "grant_dead"),
        ("github", 200, {"error": "bad_verification_code"}, "grant_dead"),
        ("github", 200, {"error": "incorrect_client_credentials"}, "client_broken"),
        ("github", 200, {"error": "redirect_uri_mismatch"}, "client_broken"),
        ("github", 200, {"error": "something_new"}, "transient"),
        ("github-app", 200, {"error": "bad_refresh_token"}, "grant_dead"),
        ("slack", 200, {"ok": False, "error": "invalid_refresh_token"}, "grant_dead"),
        ("slack", 200, {"ok": False, "error": "bad_client_secret"}, "client_broken"),
        ("slack", 200, {"ok": False, "error": "ratelimited"}, "throttled"),
        ("slack", 200, {"ok": False, "error": "internal_error"}, "transient"),
        ("slack", 200, {"ok": True, "authed_user": {"access_token": "x"}}, "ok"),
        ("slack", 200, {"ok": True, "access_token": "x"}, "ok"),
        ("slack", 200, {"ok": True, "authed_user": {}}, "malformed"),
        ("slack-bot", 200, {"ok": False, "error": "token_revoked"}, "grant_dead"),
        # F20: our secret's end is nobody's connection.
        ("microsoft", 401, {"error": "invalid_client", "error_codes": [7000222]}, "client_broken"),
        ("microsoft", 400, {"error": "invalid_grant", "error_codes": [7000222]}, "client_broken"),
        ("microsoft", 400, {"error": "invalid_grant", "error_codes": [700082]}, "grant_dead"),
        ("microsoft", 400, {"error": "invalid_grant", "error_codes": [50173]}, "grant_dead"),
        (
            "microsoft",
            400,
            {"error": "invalid_grant", "error_codes": [70043]},
            "interaction_required",
        ),
        (
            "microsoft",
            400,
            {"error": "invalid_grant", "error_codes": [65001]},
            "interaction_required",
        ),
        (
            "microsoft",
            400,
            {"error": "invalid_grant", "error_codes": [50076]},
            "interaction_required",
        ),
        (
            "microsoft",
            400,
            {"error": "interaction_required", "suberror": "x"},
            "interaction_required",
        ),
        ("microsoft", 400, {"error": "invalid_grant", "error_codes": [90033]}, "transient"),
        ("microsoft", 400, {"error": "invalid_grant", "error_codes": []}, "grant_dead"),
        ("microsoft", 400, {"error": "invalid_grant", "error_codes": "50076"}, "grant_dead"),
        ("microsoft", 429, {"error": "invalid_grant", "error_codes": [700082]}, "throttled"),
        ("google", 400, {"error": "invalid_grant"}, "grant_dead"),
        (
            "google",
            400,
            {"error": "invalid_grant", "error_subtype": "invalid_rapt"},
            "interaction_required",
        ),
        ("google", 400, {"error": "admin_policy_enforced"}, "interaction_required"),
        (
            "youtube",
            400,
            {"error": "invalid_grant", "error_subtype": "invalid_rapt"},
            "interaction_required",
        ),
        ("atlassian", 403, {"error": "invalid_grant"}, "grant_dead"),
        ("atlassian", 403, {"error": "forbidden"}, "transient"),
        ("atlassian", 403, {}, "transient"),
        ("hubspot", 400, {"status": "BAD_REFRESH_TOKEN"}, "grant_dead"),
        ("hubspot", 400, {"status": "BAD_CLIENT_SECRET"}, "client_broken"),
        ("hubspot", 400, {"status": "error", "message": "x"}, "transient"),
        (
            "salesforce",
            400,
            {"error": "invalid_grant", "error_description": "ip restricted"},
            "interaction_required",
        ),
        ("salesforce", 400, {"error": "inactive_user"}, "grant_dead"),
        ("salesforce", 400, {"error": "invalid_client_id"}, "client_broken"),
        ("zoom", 401, {"reason": "Invalid client_id or client_secret"}, "client_broken"),
        ("zoom", 400, {"reason": "Invalid Token!", "error": "invalid_request"}, "grant_dead"),
        ("spotify", 400, {"error": "invalid_grant"}, "grant_dead"),
        ("notion", 400, {"error": "invalid_grant"}, "grant_dead"),
        ("notion", 400, {"code": "validation_error"}, "transient"),
        ("gitlab", 400, {"error": "invalid_grant"}, "grant_dead"),
        ("gitlab", 401, {"error": "invalid_client"}, "client_broken"),
        ("linkedin", 400, {"error": "invalid_grant"}, "grant_dead"),
    ],
    ids=range(47),
)
def test_an_answer_means_what_the_provider_means(
    name: str, status: int, members: dict[str, Any], meaning: str
) -> None:
    assert provider(name).classify(answer(status, **members)) == meaning


def test_slacks_tokens_are_the_persons_and_the_bots_apart() -> None:
    told = answer(
        200,
        ok=True,
        access_token="xoxb-bot",
        refresh_token="xoxe-bot",
        scope="chat:write",
        token_type="bot",
        bot_user_id="B1",
        team={"id": "T1"},
        authed_user={
            "id": "U1",
            "access_token": "xoxp-user",
            "refresh_token": "xoxe-user",
            "expires_in": 43200,
            "scope": "channels:read,channels:history",
        },
    )
    user, bot = provider("slack").read_tokens(told), provider("slack-bot").read_tokens(told)
    assert (user.raw_access.reveal(), bot.raw_access.reveal()) == ("xoxp-user", "xoxb-bot")
    assert user.raw_refresh == Secret("xoxe-user")
    assert bot.raw_refresh == Secret("xoxe-bot")
    assert user.scope == ("channels:read", "channels:history")
    assert (user.expires_in, bot.expires_in) == (43200, None)
    assert user.lifted == {"team_id": "T1"}
    assert bot.lifted == {"team_id": "T1", "bot_user_id": "B1"}


@pytest.mark.parametrize(
    ("name", "raw", "scopes"),
    [
        ("github", "repo,read:user", ("repo", "read:user")),
        ("google", "email openid", ("https://www.googleapis.com/auth/userinfo.email", "openid")),
        (
            "microsoft",
            "https://graph.microsoft.com/Mail.Read User.Read",
            ("Mail.Read", "User.Read"),
        ),
        ("linkedin", "openid,profile", ("openid", "profile")),
        ("github-app", "", None),
        ("notion", "anything", None),
    ],
)
def test_granted_scopes_are_read_as_the_provider_writes_them(
    name: str, raw: str, scopes: tuple[str, ...] | None
) -> None:
    assert provider(name).read_scope(raw) == scopes


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        (
            "google",
            {"access_type": "offline", "prompt": "consent", "login_hint": "7", "scope": "a b"},
        ),
        ("microsoft", {"login_hint": "7", "scope": "a b offline_access"}),
        ("notion", {}),
        ("slack", {"user_scope": "a,b"}),
        ("slack-bot", {"scope": "a,b"}),
        ("atlassian", {"scope": "a b offline_access"}),
        (
            "dropbox",
            {"token_access_type": "offline", "include_granted_scopes": "user", "scope": "a b"},
        ),
        ("github", {"prompt": "select_account", "login": "7", "scope": "a b"}),
        ("github-app", {"prompt": "select_account", "login": "7"}),
        ("linear", {"prompt": "consent", "scope": "a,b"}),
        ("x", {"scope": "a b offline.access"}),
        ("figma", {"scope": "a,b"}),
    ],
)
def test_what_connecting_asks_of_each(name: str, sent: dict[str, str]) -> None:
    ask = Ask(purpose="connect", scopes=("a", "b"), needs_refresh_token=True, account_hint="7")
    assert provider(name).authorize_params(ask) == sent


def test_signing_in_asks_for_no_offline_access_and_apple_for_a_form() -> None:
    def asked(name: str) -> dict[str, str]:
        found = provider(name)
        return found.authorize_params(Ask(purpose="sign_in", scopes=found.sign_in_scopes))

    assert asked("microsoft") == {"scope": "openid profile email"}
    assert asked("github") == {"scope": "read:user user:email"}
    assert asked("apple") == {"scope": "openid name email", "response_mode": "form_post"}
    assert provider("apple").posts_callback


def test_microsoft_wants_the_scopes_again_at_a_refresh_and_others_do_not() -> None:
    def sent(name: str) -> dict[str, str]:
        return provider(name).refresh_params(Secret("r"), scopes=("Mail.Read",))

    assert sent("microsoft")["scope"] == "Mail.Read offline_access"
    assert "scope" not in sent("google")
    assert "scope" not in sent("notion")


def test_pkce_is_used_where_it_is_taken() -> None:
    exchange = Exchange(raw_code=Secret("c"), raw_verifier=Secret("v"), redirect_uri="https://us")
    with_pkce = {
        name
        for name in Providers().ids
        if "code_verifier" in provider(name).exchange_params(exchange)
    }
    assert set(Providers().ids) - with_pkce == {
        "notion",
        "slack",
        "slack-bot",
        "atlassian",
        "linkedin",
    }


def test_where_each_refresh_token_ends() -> None:
    def ttl(name: str) -> RefreshTtl:
        return provider(name).facts.lifetime.refresh_ttl

    assert ttl("spotify").kind == ttl("linkedin").kind == "absolute_from_grant"
    assert ttl("linkedin").seconds == 365 * 86400
    assert ttl("google").kind == "idle"
    assert ttl("salesforce").kind == "policy"
    assert provider("google").facts.lifetime.refresh_idle_seconds == 180 * 86400
    assert provider("spotify").facts.lifetime.refresh_idle_seconds is None


def test_only_a_consumed_refresh_token_is_not_tried_again() -> None:
    single = {name for name in Providers().ids if provider(name).facts.is_single_use}
    assert single == {
        *("atlassian", "discord", "github", "github-app", "gitlab", "linear", "notion"),
        *("salesforce", "slack", "slack-bot", "x", "zoom"),
    }


def test_youtube_counts_units_by_what_is_asked() -> None:
    quota = provider("youtube").facts.quota
    assert isinstance(quota, Quota)
    told = {
        ("GET", "/youtube/v3/channels"): ("", 1),
        ("HEAD", "/youtube/v3/channels"): ("", 1),
        ("GET", "/youtube/v3/search"): ("search", 1),
        ("GET", "/youtube/v3/%73earch"): ("search", 1),
        ("POST", "/youtube/v3/playlists"): ("", 50),
        ("POST", "/upload/youtube/v3/videos"): ("uploads", 1),
        ("POST", "/upload/youtube/v3/thumbnails/set"): ("", 50),
        ("POST", "/youtube/v3/videos/rate"): ("", 50),
        ("GET", "/youtube/v3/captions/abc"): ("", 200),
    }
    assert {key: quota.cost_of(*key) for key in told} == told
    figures = {each: quota.units_a_day(each) for each in ("", "search", "uploads", "none")}
    assert figures == {"": 10_000, "search": 100, "uploads": 100, "none": None}


def test_an_override_changes_single_figures_of_a_quota() -> None:
    shipped = load_entries()["youtube"]
    told = {"quota": {"buckets": {"search": 500}, "enforced": True}}
    changed = Override.model_validate(told).on(shipped).quota
    assert changed is not None
    assert shipped.quota is not None
    assert (changed.enforced, shipped.quota.enforced) == (True, False)
    assert changed.buckets == {"search": 500, "uploads": 100}
    assert (changed.daily_units, changed.rules) == (10_000, shipped.quota.rules)


def test_a_tenants_own_server_is_where_its_api_is() -> None:
    assert provider("gitlab").facts.api.hosts == ("gitlab.com",)
    own = provider("gitlab", values={"host": "git.corp.example"})
    assert own.facts.api.hosts == ("git.corp.example",)
    assert own.issuer_of_identities == "https://git.corp.example"


@pytest.mark.parametrize(
    ("name", "status", "members", "receipt"),
    [
        ("google", 200, {}, "revoked"),
        ("google", 400, {"error": "invalid_token"}, "already_gone"),
        ("google", 400, {"error": "invalid_request"}, "failed"),
        ("slack", 200, {"ok": True, "revoked": True}, "revoked"),
        ("slack", 200, {"ok": False, "error": "token_revoked"}, "already_gone"),
        ("slack", 200, {"ok": False, "error": "internal_error"}, "failed"),
        ("slack", 200, {"ok": False}, "failed"),
        ("github", 204, {}, "revoked"),
        ("github", 422, {"message": "x"}, "already_gone"),
        ("github", 401, {"message": "Bad credentials"}, "failed"),
        ("linear", 401, {}, "already_gone"),
        ("dropbox", 401, {"error": {".tag": "invalid_access_token"}}, "already_gone"),
        ("notion", 401, {}, "failed"),
        ("x", 500, {}, "failed"),
        ("x", 302, {}, "failed"),
    ],
    ids=range(15),
)
def test_a_receipt_is_what_the_provider_confirmed(
    name: str, status: int, members: dict[str, Any], receipt: str
) -> None:
    assert provider(name).read_receipt(answer(status, **members)) == receipt


def test_what_is_revoked_of_each() -> None:
    each = {name for name in Providers().ids if provider(name).facts.sends_each}
    assert each == {"discord", "gitlab", "x"}
    assert provider("slack").facts.sends_first == "access"
    assert provider("google").facts.sends_first == "refresh"


@pytest.mark.parametrize(
    "members",
    [
        {"access_token": "a\r\nset-cookie: x=1"},
        {"access_token": "\u00e4"},
        {"access_token": ["a"]},
        {"access_token": "a", "refresh_token": 7},
        {"access_token": "a", "refresh_token": "r\x7f"},
        {"access_token": "a", "refresh_token": {"token": "r"}},
        {"access_token": "a", "token_type": "DPoP"},
        {"access_token": "a", "token_type": 7},
    ],
    ids=range(8),
)
@pytest.mark.parametrize("name", ["google", "notion", "salesforce"])
def test_what_can_not_be_sent_is_no_token(name: str, members: dict[str, Any]) -> None:
    assert provider(name).classify(answer(200, **members)) == "malformed"


def test_no_refresh_token_is_no_fault() -> None:
    for said in ({}, {"refresh_token": None}, {"refresh_token": ""}):
        assert provider("google").classify(answer(200, access_token="a", **said)) == "ok"
