"""Write ``docs/providers.md`` from the catalogue's entries (``make docs``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from limen.federation.catalogue.credential_rule import KINDS
from limen.federation.catalogue.entry import Entry
from limen.federation.catalogue.load import load_entries
from limen.federation.facts import Lifetime

TARGET = Path(__file__).resolve().parent / "providers.md"

HEAD = """\
# Providers

Made by `make docs` from the entries in `src/limen/federation/catalogue/entries`; don't edit by
hand. What a provider answers always beats what stands here. How to set one up, to describe one of
your own, or to write one in Python: [guides/providers](guides/providers.md).

`—` is *nothing*, `?` is *not known*. **Refresh token**: what a refresh does to it, and how long an
unused or any one lives. **Revocation**: what else ends with a token. **Proof of e-mail**: what
makes an address proved; where it is *never*, it links nothing. **Evidence** was read there, at
first or second hand, on the day named; what could not be confirmed says so. Nothing on this page
was tried against the live providers.

"""
HEADINGS: Final = (
    *("Provider", "Sign in", "Connect", "Client proves itself", "PKCE", "Access token"),
    *("Refresh token", "Revocation", "Account key", "Proof of e-mail", "Push"),
)

ROTATION: Final = {
    "static": "stays",
    "replace_keep_old": "replaced, the old one works on",
    "single_use": "single use",
    "optional": "as the account's administrator chose",
    "may_omit": "stays unless a new one comes",
}
BLAST: Final = {
    "token": "that token",
    "grant": "the account's grant to this client",
    "project": "the grants of all clients of the project",
}
INCREMENTAL: Final = {
    "union_by_flag": "joined to earlier grants, by a parameter that is sent",
    "implicit_union": "joined to earlier grants by the provider",
    "replace": "replaces earlier ones: the union is asked for",
    "none": "not asked for in the request",
}
WORDS: Final = {
    "api_key": "API keys",
    "basic": "user names and passwords",
    "client_credentials": "clients of their own",
    "service_account": "service accounts",
}
DAY: Final = 86_400


def render() -> str:
    """Return the document."""
    entries = sorted(load_entries().values(), key=lambda entry: entry.title.lower())
    rows = [_row(entry) for entry in entries]
    parts = ["\n".join(_section(entry)) for entry in entries]
    head = [f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    return HEAD + "\n".join([*head, *rows]) + "\n" + "\n".join(parts).rstrip() + "\n"


def _row(entry: Entry) -> str:
    operations = entry.operations
    auth = operations.exchange.client_auth
    takes = ", ".join(
        {
            "secret": f"secret ({auth})",
            "assertion": "`private_key_jwt`",
            "signed_secret": "signed secret",
        }[each]
        for each in entry.client_keys
    )
    body = ", JSON" if operations.exchange.body == "json" else ""
    cells = [
        f"[{entry.title}](#{_anchor(entry)})",
        "yes" if entry.sign_in_scopes is not None else "—",
        _count(len(entry.features)),
        takes + body,
        "S256" if operations.authorize.pkce else "—",
        _access(entry.lifetime),
        _refresh(entry.lifetime),
        BLAST[operations.revoke.blast_radius] if operations.revoke else "no endpoint",
        " + ".join(f"`{place}`" for place in entry.identity.subject),
        _proof(entry),
        entry.push.replace("_", " ") or "—",
    ]
    return f"| {' | '.join(cells)} |"


def _section(entry: Entry) -> Iterator[str]:
    yield f"\n## {entry.title}\n"
    yield f"`{entry.id}`. Scopes: {INCREMENTAL[entry.incremental]}."
    for name, value in entry.values.items():
        default = f", `{value.default}` unless said" if value.default else ""
        default += ", or nothing" if value.is_optional else ""
        yield f"Wants `{name}`: {value.title}{default}."
    if entry.manage_url:
        yield f"People remove access at <{entry.manage_url}>."
    if entry.lifetime.token_cap is not None:
        cap = entry.lifetime.token_cap
        yield f"At most {cap.most} {cap.of.replace('_', ' ')} live at once; the oldest dies first."
    yield from _credentials(entry)
    if entry.quota is not None:
        apart = "".join(f", {most:,} of {name}" for name, most in entry.quota.buckets.items())
        yield f"Counts {entry.quota.daily_units:,} units a day{apart} ({entry.quota.resets_in})."
    yield from _resources(entry)
    if entry.features:
        yield "\n| Feature | What it is | Scopes |\n|---|---|---|"
        for name, feature in entry.features.items():
            scopes = "<br>".join(_scope(entry, scope) for scope in feature.scopes) or "—"
            yield f"| `{name}` | {feature.title} | {scopes} |"
    yield "\n| Evidence | Seen | What it shows | Not verified |\n|---|---|---|---|"
    for row in entry.evidence:
        yield f"| <{row.url}> | {row.verified_at} | {row.about} | {row.unverified or '—'} |"


def _resources(entry: Entry) -> Iterator[str]:
    if entry.resources:
        yield "\n| Resource | Access tokens are for | Asked for with | Sent to |\n|---|---|---|---|"
    for name, resource in entry.resources.items():
        asked = " ".join(resource.scopes).replace("{identifier}", resource.identifier)
        hosts = entry.api.hosts if resource.is_default else resource.hosts or (resource.host,)
        how = "a refresh, without a name" if resource.is_default else f"`{asked}`"
        sent = ", ".join(f"`{host}`" for host in hosts)
        yield f"| `{name}` | {resource.title}: `{resource.identifier}` | {how} | {sent} |"


def _credentials(entry: Entry) -> Iterator[str]:
    taken = [
        f"{WORDS[kind]} (`{kind}`: {rule.title})"
        for kind in KINDS
        if (rule := getattr(entry.credentials, kind, None)) is not None
    ]
    if taken:
        yield f"Takes credentials of people's own: {', '.join(taken)}."


def _scope(entry: Entry, scope: str) -> str:
    kind = entry.scopes[scope].kind
    return f"`{scope}`" + ("" if kind == "normal" else f" ({kind.replace('_', ' ')})")


def _access(lifetime: Lifetime) -> str:
    seconds = lifetime.access_default_seconds
    return "as answered" if seconds is None else f"{_long(seconds)} unless answered"


def _refresh(lifetime: Lifetime) -> str:
    words = [ROTATION[lifetime.rotation]]
    if lifetime.grace_seconds:
        words.append(f"again within {_long(lifetime.grace_seconds)}")
    if lifetime.kills_access_token:
        words.append("ends the access token")
    ttl = lifetime.refresh_ttl
    match ttl.kind:
        case "idle":
            words.append(f"{_long(ttl.seconds or 0)} unused")
        case "absolute_from_grant":
            words.append(f"{_long(ttl.seconds or 0)} from consent")
        case "policy":
            words.append("as a policy says")
        case "unknown":
            words.append("?")
        case "none":
            words.append("no end")
    return "; ".join(words)


def _proof(entry: Entry) -> str:
    if entry.id == "microsoft":
        return "`xms_edov`, or listed as verified"
    rule = entry.identity
    if rule.email_verified == "listed":
        return "primary and verified in a list"
    if rule.email_verified == "never":
        return "never"
    domains = [
        *rule.email_domains,
        *([f"`{rule.email_domain_at}`"] if rule.email_domain_at else []),
    ]
    return f"`{rule.email_verified_at}`" + (f", of {' or '.join(domains)}" if domains else "")


def _long(seconds: int) -> str:
    if seconds % DAY == 0:
        return f"{seconds // DAY} d"
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"


def _count(features: int) -> str:
    return {0: "—", 1: "1 feature"}.get(features, f"{features} features")


def _anchor(entry: Entry) -> str:
    kept = (each if each.isalnum() else "-" for each in entry.title.lower() if each not in "()")
    return "".join(kept)


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"docs/{TARGET.name}")
