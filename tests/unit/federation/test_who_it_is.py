"""Whose account it is, provider by provider, and what of its e-mail address is believed."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from limen.federation.catalogue.load import load_entries
from limen.federation.finish import in_plain
from limen.federation.provider import ExternalIdentity, Provider, ProviderAnswer, Told
from limen.federation.providers.microsoft import CONSUMERS
from limen.federation.registry import Providers
from limen.kernel.errors import MalformedRequest, NotPermitted, ProviderUnavailable

TENANT = "11111111-2222-3333-4444-555555555555"
OTHER = "66666666-7777-8888-9999-000000000000"
OID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"


def provider(name: str, **config: Any) -> Provider:
    found = Providers().find(name, config)
    assert found is not None
    return found


def told(name: str = "github", *, answer: dict[str, Any] | None = None, **said: Any) -> Told:
    members = {"access_token": "a", **(answer or {})}
    read = provider(name).read_tokens(ProviderAnswer(status=200, members=members, is_object=True))
    return Told(answer=read, **said)


def microsoft(tid: str, **claims: Any) -> dict[str, Any]:
    return {
        "iss": f"https://login.microsoftonline.com/{tid}/v2.0",
        "tid": tid,
        "oid": OID,
        "sub": "pairwise",
        **claims,
    }


def of_microsoft(claims: dict[str, Any]) -> ExternalIdentity:
    return provider("microsoft").identify(told("microsoft", claims=claims))


def test_microsofts_key_is_tenant_and_object_and_never_the_address() -> None:
    found = of_microsoft(microsoft(TENANT, email="ada@contoso.example", name="Ada"))
    assert found.issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert found.subject == OID
    assert found.profile["tid"] == TENANT
    same_oid_elsewhere = of_microsoft(microsoft(OTHER))
    assert same_oid_elsewhere.issuer != found.issuer


@pytest.mark.parametrize(
    ("claims", "proves"),
    [
        ({}, False),
        ({"email_verified": True}, False),
        ({"email_verified": "true"}, False),
        ({"xms_edov": True}, True),
        ({"xms_edov": "1"}, True),
        ({"xms_edov": 1}, True),
        ({"xms_edov": False}, False),
        ({"xms_edov": "0"}, False),
        ({"xms_edov": "yes"}, False),
        ({"verified_primary_email": ["ADA@contoso.example"]}, True),
        ({"verified_secondary_email": "ada@contoso.example"}, True),
        ({"verified_primary_email": ["eve@contoso.example"]}, False),
        ({"verified_primary_email": [None, {"x": 1}]}, False),
    ],
    ids=range(13),
)
def test_noauth_an_address_is_proof_only_where_entra_says_so(
    claims: dict[str, Any], proves: bool
) -> None:
    found = of_microsoft(microsoft(TENANT, email="ada@contoso.example", **claims))
    assert found.email == "ada@contoso.example"
    assert found.email_verified is proves


def test_noauth_no_address_is_no_proof() -> None:
    assert not of_microsoft(microsoft(TENANT, xms_edov=True)).email_verified


@pytest.mark.parametrize(
    "issuer",
    [
        f"https://login.microsoftonline.com/{TENANT}/v2.0/",
        f"https://login.microsoftonline.com/{TENANT}",
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/contoso.com/v2.0",
        f"https://login.microsoftonline.com.evil.example/{TENANT}/v2.0",
        f"https://evil.example/https://login.microsoftonline.com/{TENANT}/v2.0",
        f"https://login.microsoftonline.com/x/{TENANT}/v2.0",
        f"https://sts.windows.net/{TENANT}/",
        "",
    ],
    ids=range(9),
)
async def test_an_issuer_that_is_no_tenants_is_not_microsofts(issuer: str) -> None:
    found = provider("microsoft")
    assert not found.accepts_issuer(issuer, found._endpoints)  # type: ignore[attr-defined]  # an entry's
    assert found.accepts_issuer(
        f"https://login.microsoftonline.com/{TENANT}/v2.0",
        found._endpoints,  # type: ignore[attr-defined]  # as above
    )


def test_the_issuer_is_of_the_tokens_own_tenant() -> None:
    found = provider("microsoft")
    found.check_claims(microsoft(TENANT))
    for wrong in (
        {**microsoft(TENANT), "tid": OTHER},
        {**microsoft(TENANT), "tid": None},
        {name: value for name, value in microsoft(TENANT).items() if name != "tid"},
    ):
        with pytest.raises(MalformedRequest, match="provider_id_token"):
            found.check_claims(wrong)


@pytest.mark.parametrize(
    ("config", "let_in"),
    [
        ({}, {TENANT, OTHER, CONSUMERS}),
        ({"values": {"tenant": "common"}}, {TENANT, OTHER, CONSUMERS}),
        ({"values": {"tenant": "organizations"}}, {TENANT, OTHER}),
        ({"values": {"tenant": "consumers"}}, {CONSUMERS}),
        ({"values": {"tenant": TENANT}}, {TENANT}),
        ({"allowed_tenants": [OTHER]}, {OTHER}),
        ({"values": {"tenant": "organizations"}, "allowed_tenants": [CONSUMERS]}, set()),
        ({"values": {"tenant": TENANT}, "allowed_tenants": [OTHER]}, set()),
    ],
    ids=range(8),
)
def test_who_of_microsofts_is_let_in(config: dict[str, Any], let_in: set[str]) -> None:
    found = provider("microsoft", **config)
    entered = set()
    for tid in (TENANT, OTHER, CONSUMERS):
        with contextlib.suppress(NotPermitted):
            found.check_claims(microsoft(tid))
            entered.add(tid)
    assert entered == let_in


@pytest.mark.parametrize(
    ("changes", "is_other"),
    [
        ({}, False),
        ({"sub": "another application's"}, False),
        ({"oid": "somebody else"}, True),
        ({"oid": None}, True),
        ({"tid": OTHER}, True),
        ({"iss": "https://evil.example"}, True),
        (microsoft(OTHER), True),
    ],
    ids=range(7),
)
def test_a_refreshed_id_token_is_compared_by_tenant_and_object(
    changes: dict[str, Any], is_other: bool
) -> None:
    claims = microsoft(TENANT) | changes
    issuer = f"https://login.microsoftonline.com/{TENANT}/v2.0"
    found = provider("microsoft").names_other_account(claims, issuer=issuer, subject=OID)
    assert found is is_other


@pytest.mark.parametrize("missing", ["tid", "oid"])
def test_without_tenant_or_object_microsoft_named_nobody(missing: str) -> None:
    claims = {name: value for name, value in microsoft(TENANT).items() if name != missing}
    with pytest.raises(ProviderUnavailable, match="provider_identity"):
        of_microsoft(claims)


USER = {"id": 7, "login": "ada", "name": None, "email": "public@profile.example"}


@pytest.mark.parametrize(
    ("emails", "email", "verified"),
    [
        (
            [{"email": "ada@corp.example", "primary": True, "verified": True}],
            "ada@corp.example",
            True,
        ),
        (
            [{"email": "ada@corp.example", "primary": True, "verified": False}],
            "ada@corp.example",
            False,
        ),
        ([{"email": "ada@corp.example", "primary": False, "verified": True}], None, False),
        ([{"email": "ada@corp.example", "primary": "yes", "verified": True}], None, False),
        (
            [{"email": "ada@corp.example", "primary": True, "verified": "true"}],
            "ada@corp.example",
            False,
        ),
        ([], None, False),
        (["text", None, 7], None, False),
        ({"email": "ada@corp.example"}, None, False),
    ],
    ids=range(8),
)
def test_n128_github_proves_the_primary_verified_address_and_no_profile(
    emails: Any, email: str | None, verified: bool
) -> None:
    found = provider("github").identify(told(documents={"user": USER, "emails": emails}))
    assert (found.email, found.email_verified) == (email, verified)
    assert (found.subject, found.name, found.label) == ("7", "ada", "ada")


@pytest.mark.parametrize("bad", [True, None, "", [], {"x": 1}], ids=range(5))
def test_github_without_an_id_named_nobody(bad: Any) -> None:
    with pytest.raises(ProviderUnavailable, match="provider_identity"):
        provider("github").identify(told(documents={"user": {**USER, "id": bad}, "emails": []}))


@pytest.mark.parametrize(
    ("said", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), (1, False), (None, False)],
    ids=range(6),
)
def test_apple_says_verified_as_a_boolean_or_as_text(said: Any, verified: bool) -> None:
    claims = {
        "iss": "https://appleid.apple.com",
        "sub": "001.a",
        "email": "x@privaterelay.appleid.com",
    }
    found = provider("apple").identify(told("apple", claims=claims | {"email_verified": said}))
    assert found.email_verified is verified


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ('{"name":{"firstName":"Ada","lastName":"Lovelace"}}', "Ada Lovelace"),
        ('{"name":{"firstName":"Ada"}}', "Ada"),
        ('{"name":{"firstName":" ","lastName":7}}', None),
        ('{"name":"Ada"}', None),
        ('{"name":{"firstName":"A\\u0000da"}}', None),
        ("[1]", None),
        ("{", None),
        ("[" * 1500, None),
        ('{"name":{"firstName":"' + "x" * 3000 + '"}}', None),
        ("", None),
    ],
    ids=range(10),
)
def test_apples_name_comes_beside_the_code_and_its_address_never(
    user: str, name: str | None
) -> None:
    claims = {"iss": "https://appleid.apple.com", "sub": "001.a"}
    forged = told("apple", claims=claims, callback={"user": user})
    found = provider("apple").identify(forged)
    assert found.name == name
    assert found.email is None
    assert not found.email_verified


def test_apples_forged_address_is_nobodys() -> None:
    claims = {"iss": "https://appleid.apple.com", "sub": "001.a"}
    user = '{"email":"victim@gmail.com","email_verified":true,"name":{"firstName":"V"}}'
    found = provider("apple").identify(told("apple", claims=claims, callback={"user": user}))
    assert (found.email, found.email_verified, found.name) == (None, False, "V")


SLACK = {"ok": True, "team": {"id": "T1"}, "authed_user": {"id": "U1", "access_token": "xoxp"}}


@pytest.mark.parametrize(
    ("name", "said", "subject"),
    [
        ("slack", {"answer": SLACK}, "T1:U1"),
        ("slack-bot", {"answer": SLACK | {"bot_user_id": "B1"}}, "T1:B1"),
        ("notion", {"answer": {"bot_id": "b", "workspace_id": "w"}}, "b"),
        (
            "linear",
            {
                "documents": {
                    "viewer": {"data": {"viewer": {"id": "u", "organization": {"id": "o"}}}}
                }
            },
            "o:u",
        ),
        (
            "salesforce",
            {"documents": {"identity": {"organization_id": "o", "user_id": "u"}}},
            "o:u",
        ),
        ("hubspot", {"documents": {"introspection": {"hub_id": 1, "user_id": 2}}}, "1:2"),
        ("x", {"documents": {"me": {"data": {"id": "9"}}}}, "9"),
        (
            "discord",
            {"documents": {"me": {"id": "9", "email": "a@b.example", "verified": True}}},
            "9",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_stable_key_of_each(name: str, said: dict[str, Any], subject: str) -> None:
    assert provider(name).identify(told(name, **said)).subject == subject


def test_parts_of_a_key_do_not_run_together() -> None:
    said = {"ok": True, "team": {"id": "T1:U1"}, "authed_user": {"id": "x", "access_token": "a"}}
    with pytest.raises(ProviderUnavailable, match="provider_identity"):
        provider("slack").identify(told("slack", answer=said))


def test_a_youtube_connection_is_of_a_channel() -> None:
    claims = {"iss": "https://accounts.google.com", "sub": "1", "email": "a@gmail.com"}
    channel = {"items": [{"id": "UC1", "snippet": {"title": "Engines"}}]}
    youtube = provider("youtube")
    one = youtube.identify(told("youtube", claims=claims, documents={"channel": channel}))
    none = youtube.identify(told("youtube", claims=claims, documents={"channel": {"items": []}}))
    assert (one.subject, one.label) == ("1:UC1", "Engines")
    assert (none.subject, none.label) == ("1:-", "a@gmail.com")
    # A refresh brings an ID token, which knows the account and no channel.
    same = {"issuer": one.issuer, "subject": one.subject}
    assert not youtube.names_other_account(claims, **same)
    assert youtube.names_other_account({**claims, "sub": "2"}, **same)


@pytest.mark.parametrize(
    ("url", "is_asked"),
    [
        ("https://login.salesforce.com/id/00D/005", True),
        ("https://acme.my.salesforce.com/id/00D/005", True),
        ("https://evil.example/id", False),
        ("https://login.salesforce.com.evil.example/id", False),
        ("http://login.salesforce.com/id", False),
        (None, False),
    ],
    ids=range(6),
)
def test_a_token_goes_to_no_address_outside_the_provider(url: Any, is_asked: bool) -> None:
    found = provider("salesforce")
    answer = told("salesforce", answer={"id": url}).answer
    asked = {"purpose": "connect", "has_claims": False, "answer": answer}
    if is_asked:
        assert found.documents_for(found._endpoints, **asked)["identity"].url == url  # type: ignore[arg-type,attr-defined]  # an entry's
    else:
        with pytest.raises(ProviderUnavailable):
            found.documents_for(found._endpoints, **asked)  # type: ignore[arg-type,attr-defined]  # as above


@pytest.mark.parametrize(
    ("url", "kept"),
    [("https://acme.my.salesforce.com", True), ("https://evil.example", False)],
    ids=["own", "foreign"],
)
def test_an_api_base_url_is_believed_among_the_providers_hosts(url: str, kept: bool) -> None:
    lifted = told("salesforce", answer={"instance_url": url}).answer.lifted
    assert ("instance_url" in lifted) is kept


@pytest.mark.parametrize(
    ("kept", "hosts"),
    [
        ({"instance_url": "https://acme.my.salesforce.com"}, ("acme.my.salesforce.com",)),
        ({"instance_url": "https://acme.my.salesforce.com/"}, ("acme.my.salesforce.com",)),
        ({"instance_url": "http://acme.my.salesforce.com"}, ()),
        ({"instance_url": "https://acme.my.salesforce.com:8443"}, ()),
        ({"instance_url": "https://x@acme.my.salesforce.com"}, ()),
        ({"instance_url": "https://evil.example"}, ()),
        ({"identity_url": "https://acme.my.salesforce.com"}, ()),
        ({}, ()),
    ],
    ids=range(8),
)
def test_f45_a_token_goes_to_its_accounts_own_api_and_to_no_other_customers(
    kept: dict[str, str], hosts: tuple[str, ...]
) -> None:
    assert provider("salesforce").api_of(kept).hosts == hosts
    google = provider("google")
    assert google.api_of(kept) == google.facts.api


@pytest.mark.parametrize(
    ("domains", "email", "verified"),
    [
        ([], "ada@corp.example", False),
        (["corp.example"], "ada@corp.example", True),
        (["corp.example"], "ada@CORP.example", True),
        (["corp.example"], "victim@gmail.com", False),
        (["corp.example"], "ada@sub.corp.example", False),
        (["corp.example"], "ada@corp.example.evil.example", False),
    ],
    ids=range(6),
)
def test_a_tenants_own_provider_speaks_for_the_domains_it_names(
    domains: list[str], email: str, verified: bool
) -> None:
    entry = load_entries()["discord"].model_dump(by_alias=True, mode="json") | {"id": "forge"}
    entry["identity"] |= {"email_domains": domains, "email_domain_at": "/hd"}
    me = {"id": "9", "email": email, "verified": True, "hd": email.rpartition("@")[2]}
    found = provider("forge", entry=entry).identify(told("discord", documents={"me": me}))
    assert (found.email, found.email_verified) == (email, verified)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("ada@example.test", "ada@example.test"),
        ("\u202etset.elpmaxe@ada", "tset.elpmaxe@ada"),
        ("Ada\nYour account is at risk", "AdaYour account is at risk"),
        ("\u2066\u200b", "7"),
        ("", "7"),
        ("a" * 5000, "a" * 200),
    ],
    ids=range(6),
)
def test_a_label_reads_as_it_is_written(label: str, shown: str) -> None:
    identity = ExternalIdentity(issuer="https://op.example", subject="7", label=label)
    assert in_plain(identity, provider="op").label == shown


@pytest.mark.parametrize("subject", ["7" * 513, "7\u202e", "7\n"], ids=range(3))
def test_a_subject_that_can_not_be_kept_is_nobodys(subject: str) -> None:
    identity = ExternalIdentity(issuer="https://op.example", subject=subject)
    with pytest.raises(ProviderUnavailable, match="provider_identity"):
        in_plain(identity, provider="op")
