"""``limen provider secret``: several at a time, so that none has to stop while another begins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limen.cli.inside import run_in_tenant
from limen.cli.say import AsJson, InTenant, read_secret, tell
from limen.kernel.clock import UTC
from limen.kernel.secret import Secret

if TYPE_CHECKING:
    from limen.app.runtime import Runtime
    from limen.db.work import Work
    from limen.federation.clients.sealed import NewCredential

group = typer.Typer(help="Secrets and keys of our clients.", no_args_is_help=True)

SecretStdin = Annotated[
    bool, typer.Option("--client-secret-stdin", help="Read the secret from standard input.")
]
KeyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A private key instead: Apple's .p8.")
]
CertificateFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The key's certificate, for Microsoft.")
]
KeyId = Annotated[str, typer.Option(help="The key's id at Apple.")]
TeamId = Annotated[str, typer.Option(help="Our team at Apple.")]
MakeKey = Annotated[
    bool, typer.Option("--make-key", help="Make a key; upload the certificate shown.")
]
Ends = Annotated[
    dt.datetime | None,
    typer.Option(metavar="DATE", help="When the provider stops taking it, in UTC."),
]
_Id = Annotated[str, typer.Argument(metavar="ID", help="google, notion …")]
Made = Callable[[str, dt.datetime], "NewCredential"]
"""Gives the secret or key for a name of ours, at a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How an operator says what proves who we are; files hold PEM."""

    from_stdin: bool = False
    key_file: Path | None = None
    certificate_file: Path | None = None
    key_id: str = ""
    team_id: str = ""
    make_key: bool = False
    expires_at: dt.datetime | None = None


def read_proof(proof: Proof) -> Made:
    """Read the files, or ask for the secret, before anything is opened."""
    from limen.federation.clients.credentials import (  # noqa: PLC0415 -- loaded when it runs
        ClientKey,
        SharedSecret,
    )
    from limen.federation.clients.make_key import (  # noqa: PLC0415 -- as above
        GivenKey,
        make_key,
        take_key,
    )
    from limen.federation.clients.sealed import NewCredential  # noqa: PLC0415 -- as above

    if proof.make_key:
        return lambda name, now: make_key(name=name, now=now)
    ends = None if proof.expires_at is None else proof.expires_at.replace(tzinfo=UTC)
    if proof.key_file is None:
        raw = Secret(read_secret("Client secret", from_stdin=proof.from_stdin))
        secret = NewCredential(credential=SharedSecret(raw=raw), expires_at=ends)
        return lambda _name, _now: secret
    raw_pem = Secret(_read(proof.key_file))
    if proof.certificate_file is not None:
        given = GivenKey(raw_pem=raw_pem, certificate=_read(proof.certificate_file))
        return lambda _name, _now: take_key(given)
    key = ClientKey(
        kind="signed_secret",
        raw_pem=raw_pem,
        alg="ES256",
        kid=proof.key_id,
        team_id=proof.team_id,
    )
    return lambda _name, _now: NewCredential(credential=key, expires_at=ends)


@group.command()
def add(  # noqa: PLR0913 -- each argument is an option
    provider: _Id,
    *,
    client_secret_stdin: SecretStdin = False,
    key_file: KeyFile = None,
    certificate_file: CertificateFile = None,
    key_id: KeyId = "",
    team_id: TeamId = "",
    make_key: MakeKey = False,
    expires_at: Ends = None,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Add a secret or key; it is tried first, the others when it is refused."""
    made = read_proof(
        Proof(
            from_stdin=client_secret_stdin,
            key_file=key_file,
            certificate_file=certificate_file,
            key_id=key_id,
            team_id=team_id,
            make_key=make_key,
            expires_at=expires_at,
        )
    )

    async def body(runtime: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.describe_provider import add_secret  # noqa: PLC0415 -- as above

        new = made(work.site.issuer, work.now)
        known = runtime.vault.federation.registry.providers
        secret_id = await add_secret(
            work, runtime.envelope, providers=known, provider=provider, new=new
        )
        told = {"provider": provider, "id": secret_id}
        return {**told, "certificate": new.certificate} if new.certificate else told

    tell(run_in_tenant(tenant, body), as_json=as_json)


@group.command("list")
def show(provider: _Id, *, tenant: InTenant = "default", as_json: AsJson = False) -> None:
    """List a client's secrets and keys, by name."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.upstream_clients import list_credentials  # noqa: PLC0415 -- as above

        found = await list_credentials(work, provider=provider)
        return {
            "secrets": [
                {
                    "id": each.id,
                    "kind": each.kind,
                    "created_at": each.created_at,
                    "expires_at": each.expires_at,
                }
                for each in found
            ]
        }

    listed = run_in_tenant(tenant, body)
    lines = [
        f"{each['id']}  {each['kind']}  until {each['expires_at'] or 'further notice'}"
        for each in listed["secrets"]
    ]
    tell(listed, as_json=as_json, words="\n".join(lines))


@group.command()
def retire(
    provider: _Id,
    secret_id: Annotated[str, typer.Argument(metavar="SECRET_ID")],
    *,
    tenant: InTenant = "default",
    as_json: AsJson = False,
) -> None:
    """Forget a secret or key; never the last one."""

    async def body(_: Runtime, work: Work) -> dict[str, Any]:
        from limen.federation.clients.sealed import retire_credential  # noqa: PLC0415 -- as above

        await retire_credential(work, provider=provider, credential_id=secret_id)
        return {"provider": provider, "retired": secret_id}

    tell(run_in_tenant(tenant, body), as_json=as_json)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise typer.BadParameter(f"{file} can't be read") from None
